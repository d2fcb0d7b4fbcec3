"""The installed releases of a gateway: `<state>/firmware/`.

`<version>/` holds a release, `current` is a link to the one that runs. A switch is an
order, then a trial: the launcher starts the new release, and only when that has said
ready does `current` change, in one step. So whatever is killed at whatever moment,
`current` names a release that has run. The launcher `casa` knows these names too.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from hardware import firmware_package, private_files
from hardware.firmware_package import Package

FIRMWARE_FOLDER = "firmware"
CURRENT = "current"
ORDER, TRIAL, RESULT = "order.json", "trial.json", "result.json"
TRUSTED, PACKAGES = "trusted", "packages"
PARTIAL = ".partial"
"""What was not finished: removed at the next opportunity."""


class KeyNotUsable(ValueError):
    """Not the public key of a maker: PEM, elliptic curve."""


def folder(state: Path) -> Path:
    """The folder of the releases, made when missing."""
    path = state / FIRMWARE_FOLDER
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def trust(state: Path, pem: bytes) -> str:
    """Take packages signed with this key from now on; returns the file's name."""
    key = _public_key(pem)
    form = PublicFormat.SubjectPublicKeyInfo
    content = key.public_bytes(Encoding.PEM, form)
    place = folder(state) / TRUSTED
    place.mkdir(mode=0o700, exist_ok=True)
    number = 1
    for path in sorted(place.glob("*.pem")):
        if path.read_bytes() == content:
            return path.name
        number += 1
    path = place / f"maker-{number}.pem"
    private_files.replace(path, content)
    return path.name


def trusted_keys(state: Path) -> list[EllipticCurvePublicKey]:
    """The makers' keys; a file that is none is left out."""
    keys = []
    for path in sorted((state / FIRMWARE_FOLDER / TRUSTED).glob("*.pem")):
        try:
            keys.append(_public_key(path.read_bytes()))
        except KeyNotUsable:
            continue
    return keys


def current(state: Path) -> Path | None:
    """The folder of the release that runs (or will at the next start), None when the
    program itself does."""
    try:
        target = (state / FIRMWARE_FOLDER / CURRENT).readlink()
    except OSError:
        return None
    path = state / FIRMWARE_FOLDER / target.name
    return path if path.is_dir() else None


def install(state: Path, package: Package) -> Path:
    """Unpack a release into its own folder; whole or not there at all.

    Of a release that is there already, the folder is made anew unless it is the one
    that runs.
    """
    place = folder(state)
    target = place / package.manifest.version
    if current(state) == target:
        return target
    draft = place / f"{package.manifest.version}{PARTIAL}"
    for leftover in (draft, target):
        shutil.rmtree(leftover, ignore_errors=True)
    firmware_package.unpack(package, draft)
    draft.rename(target)
    _sync(place)
    return target


def switch(state: Path, version: str) -> None:
    """Make a release the one that runs at the next start, in one step."""
    place = folder(state)
    draft = place / f"{CURRENT}{PARTIAL}"
    draft.unlink(missing_ok=True)
    draft.symlink_to(version)
    draft.replace(place / CURRENT)
    _sync(place)


def give_order(state: Path, version: str, migrations: Mapping[str, str]) -> None:
    """Ask for a trial of a release; `migrations` is the newest one applied, by app."""
    document = {"version": version, "migrations": dict(migrations)}
    content = json.dumps(document).encode()
    private_files.replace(folder(state) / ORDER, content)


def is_ordered(state: Path) -> bool:
    """Whether the supervisor is to end for a trial."""
    return (state / FIRMWARE_FOLDER / ORDER).exists()


def trial_of(state: Path) -> dict[str, Any] | None:
    """The trial that goes on, or that was broken off."""
    return _document(state / FIRMWARE_FOLDER / TRIAL)


def result_of(state: Path) -> dict[str, Any] | None:
    """What became of the last trial: `version`, `ok`, `reason`."""
    return _document(state / FIRMWARE_FOLDER / RESULT)


def forget_result(state: Path) -> None:
    """The result was taken note of."""
    (state / FIRMWARE_FOLDER / RESULT).unlink(missing_ok=True)


def tidy(state: Path, keep: set[str]) -> None:
    """Remove what was not finished, and releases that are not in `keep`."""
    running = current(state)
    for path in list(_releases(state)):
        if path != running and path.name not in keep:
            shutil.rmtree(path, ignore_errors=True)


def python_of(release: Path) -> Path:
    """The interpreter of a release: its own environment, else that of this process."""
    own = release / ".venv" / "bin" / "python"
    return own if own.exists() else Path(sys.executable)


def _releases(state: Path) -> Iterator[Path]:
    place = state / FIRMWARE_FOLDER
    for path in place.glob("*"):
        is_release = path.is_dir() and not path.is_symlink()
        if is_release and path.name not in {TRUSTED, PACKAGES}:
            yield path


def _document(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _public_key(pem: bytes) -> EllipticCurvePublicKey:
    try:
        key = load_pem_public_key(pem)
    except ValueError as error:
        raise KeyNotUsable(str(error)) from None
    if not isinstance(key, EllipticCurvePublicKey):
        raise KeyNotUsable("not a key on an elliptic curve")
    return key


def _sync(place: Path) -> None:
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
