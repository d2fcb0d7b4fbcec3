"""The state folder: whose it is, who else can read it, whether it can be written to.

Standard library only.
"""

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

from casa_site.doctor.finding import Finding, ok, warning, wrong

_OTHERS = 0o077
_SECRETS = ("device.key", "keys/*", "tls/*.key", "casa.sqlite3*", "casa.env")


def exists(state: Path) -> bool:
    """Whether an installation has begun there."""
    return state.is_dir()


def is_foreign(state: Path) -> bool:
    """Whether it belongs to somebody else: then nothing in it is to be touched."""
    return state.stat().st_uid != os.geteuid()


def findings(state: Path) -> Iterator[Finding]:
    """Owner and rights of the folder and of the secrets in it."""
    if not exists(state):
        yield warning("state folder", f"{state} is not there", "./casa up makes it")
        return
    if is_foreign(state):
        owner = _name(state.stat().st_uid)
        remedy = f"run the doctor as that user: sudo -u {owner} ./casa doctor"
        yield wrong("state folder", f"{state} belongs to {owner}", remedy)
        return
    yield _rights(state)
    yield from _open_to_others(state)
    yield from _of_others(state)


def _rights(state: Path) -> Finding:
    if not os.access(state, os.W_OK | os.X_OK):
        remedy = f"chmod 700 {state}, or mount its disk for writing"
        return wrong("state folder", f"{state} cannot be written to", remedy)
    if state.stat().st_mode & _OTHERS:
        remedy = f"chmod 700 {state}"
        return wrong("state folder", f"{state} is open to others", remedy)
    return ok("state folder", str(state))


def _open_to_others(state: Path) -> Iterator[Finding]:
    paths = [path for pattern in _SECRETS for path in sorted(state.glob(pattern))]
    for path in paths:
        if path.stat().st_mode & _OTHERS:
            yield wrong("secrets", f"{path} is open to others", f"chmod 600 {path}")
    if paths and not any(path.stat().st_mode & _OTHERS for path in paths):
        yield ok("secrets", f"{len(paths)} files are the owner's alone")


def _of_others(state: Path) -> Iterator[Finding]:
    """What a command run as root has left: the gateway cannot write it."""
    owner = state.stat().st_uid
    foreign = [
        path
        for path in (*state.iterdir(), *state.glob("run/*"), *state.glob("keys/*"))
        if path.lstat().st_uid != owner
    ]
    if foreign:
        remedy = f"sudo chown -R {_name(owner)} {state}"
        text = f"{len(foreign)} files belong to others, e.g. {foreign[0]}"
        yield wrong("state folder", text, remedy)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
