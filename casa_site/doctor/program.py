"""The program itself: Python, its packages, OpenSSL's settings. Standard library only.

These come first and work where no package is installed.
"""

import importlib.metadata
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from casa_site.doctor.finding import Finding, ok, warning, wrong

OLDEST = (3, 11)
_PIN = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s#;]+)")
_INSTALL = "run `./casa status` once: the launcher installs what is missing"


def python(base: Path, *, executable: Path | None = None) -> Finding:
    """Whether this Python is new enough and the one of the installation."""
    used = executable or Path(sys.executable)
    shown = f"{sys.version.split()[0]} {used}"
    if sys.version_info < OLDEST:
        return wrong("python", shown, "install Python 3.11 or newer")
    if not used.is_relative_to(base / ".venv") and sys.prefix == sys.base_prefix:
        return wrong("python", f"{shown}, there is no environment .venv", _INSTALL)
    return ok("python", shown)


def packages(requirements: Path) -> Finding:
    """Whether exactly the pinned packages are installed."""
    try:
        pins = _PIN.findall(requirements.read_text())
    except OSError as error:
        return wrong("packages", str(error), "install the program anew")
    found = [(name, pin, _version(name)) for name, pin in pins]
    if missing := [name for name, _, version in found if version is None]:
        return wrong("packages", f"missing: {', '.join(missing)}", _INSTALL)
    others = [
        f"{name} {version} instead of {pin}"
        for name, pin, version in found
        if version != pin
    ]
    if others:
        return wrong("packages", "; ".join(others), _INSTALL)
    return ok("packages", f"{len(pins)} as pinned")


def openssl(base: Path) -> Iterator[Finding]:
    """Whether OPENSSL_CONF names a file, and whether it is the program's."""
    named = os.environ.get("OPENSSL_CONF", "")
    remedy = "start everything with ./casa, which sets it before Python starts"
    if not named:
        yield wrong("OPENSSL_CONF", "is not set", remedy)
    elif not os.access(named, os.R_OK):
        again = "install the program anew, or correct the rights"
        yield wrong("OPENSSL_CONF", f"{named} cannot be read", again)
    elif Path(named).resolve() != (base / "deploy" / "openssl.cnf").resolve():
        yield warning("OPENSSL_CONF", f"{named} is not the program's own", remedy)
    else:
        yield ok("OPENSSL_CONF", named)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
