"""The manifest of a release: what it is, what it fits, the hash of each file.

It is signed with the maker's key; its hash is the fingerprint that people compare.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

FORMAT = "casa-release-1"
LONGEST_MANIFEST = 4 * 1024**2
MOST_FILES = 20_000
LARGEST_FILE = 256 * 1024**2

_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_HARDWARE = re.compile(r"[0-9]{5}")
_PYTHON = re.compile(r"3\.[0-9]{1,2}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PATH = re.compile(
    r"[A-Za-z0-9_@+-][A-Za-z0-9_.@+-]*(/[A-Za-z0-9_@+-][A-Za-z0-9_.@+-]*)*"
)
_ECDSA = ec.ECDSA(SHA256())


class PackageNotGenuine(Exception):
    """Not signed by a trusted key, changed, or not whole (1300800)."""


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """One file of a release: its path from the top, its hash, its size."""

    path: str
    sha256: str
    size: int
    is_executable: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a release is and what it fits.

    `number` counts the releases: a lower one is older, whatever the version says, which
    is an opaque text (R4). `hardware` are the first five digits of the hardware
    versions that it runs on (R3), `minimum_number` is the oldest release that may be
    updated from. `python` is the interpreter's version, `requirements` the hash of
    requirements.txt.
    """

    version: str
    number: int
    minimum_number: int
    hardware: tuple[str, ...]
    python: str
    requirements: str
    files: tuple[ReleaseFile, ...]

    def to_bytes(self) -> bytes:
        """The bytes that are signed: JSON, keys sorted, no blanks."""
        document = {"format": FORMAT, **asdict(self)}
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def fingerprint(manifest: bytes) -> str:
    """SHA-256 of the manifest, 64 hex digits: what the maker publishes (R153)."""
    return hashlib.sha256(manifest).hexdigest()


def parsed(content: bytes) -> Manifest:
    """A manifest read strictly; raises PackageNotGenuine with what is wrong."""
    if len(content) > LONGEST_MANIFEST:
        raise PackageNotGenuine("the manifest is too long")
    try:
        document = json.loads(content)
        found = _manifest(document)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise PackageNotGenuine(f"the manifest cannot be read: {error}") from None
    if found.to_bytes() != content:
        raise PackageNotGenuine("the manifest is not in its one form")
    return found


def signed(manifest: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """ECDSA with SHA-256, DER."""
    return key.sign(manifest, _ECDSA)


def check_signature(
    manifest: bytes, signature: bytes, trusted: Iterable[ec.EllipticCurvePublicKey]
) -> None:
    """Raise PackageNotGenuine unless one of the trusted keys made the signature."""
    for key in trusted:
        try:
            key.verify(signature, manifest, _ECDSA)
        except InvalidSignature:
            continue
        return
    raise PackageNotGenuine("not signed by a key that this gateway trusts")


def digest(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def damaged_files(root: Path, manifest: Manifest) -> list[str]:
    """What is missing below `root`, changed, or there and not in the manifest.

    Only code counts as too much: what Python writes itself (`__pycache__`) and the
    virtual environment are not looked at.
    """
    wrong = [entry.path for entry in manifest.files if not _is_whole(root, entry)]
    known = {entry.path for entry in manifest.files}
    return sorted([*wrong, *_strangers(root, known)])


def _is_whole(root: Path, entry: ReleaseFile) -> bool:
    path = root / entry.path
    try:
        if path.is_symlink() or path.stat().st_size != entry.size:
            return False
        return digest(path) == entry.sha256
    except OSError:
        return False


def _strangers(root: Path, known: set[str]) -> list[str]:
    skipped = {"__pycache__", ".venv"}
    found = []
    for path in root.rglob("*.py"):
        relative = path.relative_to(root)
        if not skipped.intersection(relative.parts):
            found.append(relative.as_posix())
    return [path for path in found if path not in known]


def _manifest(document: Mapping[str, Any]) -> Manifest:
    wanted = {"format", *Manifest.__dataclass_fields__}
    if set(document) != wanted or document["format"] != FORMAT:
        raise ValueError("unknown format")
    files = tuple(_file(entry) for entry in document["files"])
    if not files or len(files) > MOST_FILES:
        raise ValueError("too few or too many files")
    if len({entry.path for entry in files}) != len(files):
        raise ValueError("a file is named twice")
    return Manifest(
        version=_text(document["version"], _VERSION),
        number=_count(document["number"]),
        minimum_number=_count(document["minimum_number"]),
        hardware=tuple(_text(one, _HARDWARE) for one in document["hardware"]),
        python=_text(document["python"], _PYTHON),
        requirements=_text(document["requirements"], _DIGEST),
        files=files,
    )


def _file(entry: Mapping[str, Any]) -> ReleaseFile:
    if set(entry) != set(ReleaseFile.__dataclass_fields__):
        raise ValueError("unknown field of a file")
    path = _text(entry["path"], _PATH)
    if PurePosixPath(path).as_posix() != path or len(path) > 255:
        raise ValueError(f"{path!r} is no path")
    if not isinstance(entry["is_executable"], bool):
        raise ValueError("is_executable is true or false")
    size = _count(entry["size"])
    if size > LARGEST_FILE:
        raise ValueError(f"{path} is too large")
    return ReleaseFile(
        path, _text(entry["sha256"], _DIGEST), size, entry["is_executable"]
    )


def _text(value: object, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"{value!r} is not as it should be")
    return value


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise ValueError(f"{value!r} is no count")
    return value
