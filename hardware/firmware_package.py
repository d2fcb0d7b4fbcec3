"""An update package: a zip file of manifest, signature and the files of a release.

`manifest.json` and `manifest.sig` come first, then `files/<path>` for each file of the
manifest, nothing else. Stored or deflated; no encryption, no links (docs/firmware.md).
"""

import errno
import hashlib
import os
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)

from hardware import firmware_manifest
from hardware.firmware_manifest import (
    LONGEST_MANIFEST,
    Manifest,
    PackageNotGenuine,
    ReleaseFile,
)

MANIFEST, SIGNATURE, FILES = "manifest.json", "manifest.sig", "files/"
RELEASE_FOLDER = "release"
"""Where an installed release keeps its manifest and signature."""

_ZLIB_ERRORS = (zlib.error, zipfile.BadZipFile, EOFError, RuntimeError)
_LONGEST_SIGNATURE = 256
_CHUNK = 1024**2
_EPOCH = (1980, 1, 1, 0, 0, 0)


class PackageNotFitting(Exception):
    """A genuine package for another device, or one that may not be installed now
    (1300804)."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package whose signature is good; the files are checked as they are unpacked."""

    path: Path
    manifest: Manifest
    manifest_bytes: bytes
    signature: bytes

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the manifest, hex."""
        return firmware_manifest.fingerprint(self.manifest_bytes)


def write(
    path: Path,
    sources: Mapping[str, Path],
    manifest: Manifest,
    key: EllipticCurvePrivateKey,
) -> Package:
    """Write a package; `sources` says where each file of the manifest is.

    Whole or not at all. The same files give the same bytes, but for the signature.
    """
    content = manifest.to_bytes()
    signature = firmware_manifest.signed(content, key)
    draft = path.with_name(f"{path.name}.partial")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_info(MANIFEST), content)
        archive.writestr(_info(SIGNATURE), signature)
        for entry in manifest.files:
            name = _info(FILES + entry.path)
            archive.writestr(name, sources[entry.path].read_bytes())
    draft.replace(path)
    return Package(path, manifest, content, signature)


def read(path: Path, trusted: Iterable[EllipticCurvePublicKey]) -> Package:
    """Look at a package: its form, then its signature, then its manifest.

    Raises PackageNotGenuine; not one byte of a file is used before the signature is
    good.
    """
    with _opened(path) as archive:
        content = _limited(archive, MANIFEST, LONGEST_MANIFEST)
        signature = _limited(archive, SIGNATURE, _LONGEST_SIGNATURE)
        firmware_manifest.check_signature(content, signature, trusted)
        manifest = firmware_manifest.parsed(content)
        _check_names(archive, manifest)
    return Package(path, manifest, content, signature)


def check_files(package: Package) -> None:
    """Read every file; raises PackageNotGenuine at the first that is wrong."""
    with _opened(package.path) as archive:
        for entry in package.manifest.files:
            for _chunk in _checked(archive, entry):
                pass


def unpack(package: Package, folder: Path) -> None:
    """Write the release into the new folder `folder`, all of it on the disk.

    Each file is checked while it is written. Raises PackageNotGenuine, or OSError when
    the disk is full; then the folder is not to be used.
    """
    folder.mkdir(mode=0o700)
    with _opened(package.path) as archive:
        for entry in package.manifest.files:
            _write_file(folder / entry.path, _checked(archive, entry), entry)
    release = folder / RELEASE_FOLDER
    release.mkdir(mode=0o700, exist_ok=True)
    for name, content in (
        (MANIFEST, package.manifest_bytes),
        (SIGNATURE, package.signature),
    ):
        _write_file(release / name, [content], None)


def check_fitting(
    manifest: Manifest, *, number: int, hardware: str, python: str
) -> None:
    """Raise PackageNotFitting unless the release may follow the running one.

    `number` is that of the running release (0 for a development build), `hardware` the
    first five digits of the hardware version.
    """
    if hardware not in manifest.hardware:
        raise PackageNotFitting(f"not for hardware {hardware}")
    if manifest.number <= number:
        raise PackageNotFitting(f"release {manifest.number} is not newer than {number}")
    if number < manifest.minimum_number:
        raise PackageNotFitting(f"release {manifest.minimum_number} has to come first")
    if manifest.python != python:
        raise PackageNotFitting(f"for Python {manifest.python}, here is {python}")


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError) as error:
        raise PackageNotGenuine(f"not a whole package: {error}") from None
    except (OSError, ValueError) as error:
        # A place in the file that cannot be: EINVAL, from the lying directory.
        if isinstance(error, OSError) and error.errno not in {None, errno.EINVAL}:
            raise
        raise PackageNotGenuine(f"not a whole package: {error}") from None


def _limited(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    try:
        with archive.open(name) as member:
            content = member.read(limit + 1)
    except KeyError:
        raise PackageNotGenuine(f"{name} is missing") from None
    except _ZLIB_ERRORS as error:
        raise PackageNotGenuine(f"{name}: {error}") from None
    if len(content) > limit:
        raise PackageNotGenuine(f"{name} is too long")
    return content


def _check_names(archive: zipfile.ZipFile, manifest: Manifest) -> None:
    """Exactly the files of the manifest, none twice, none a link."""
    found = sorted(info.filename for info in archive.infolist())
    files = [FILES + entry.path for entry in manifest.files]
    if found != sorted([MANIFEST, SIGNATURE, *files]):
        raise PackageNotGenuine("other files than the manifest names")
    for info in archive.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in {0, stat.S_IFREG}:
            raise PackageNotGenuine(f"{info.filename} is not a plain file")


def _checked(archive: zipfile.ZipFile, entry: ReleaseFile) -> Iterator[bytes]:
    """The content in pieces; raises PackageNotGenuine when it was not what it should
    be, at the latest at its end."""
    sha256, left = hashlib.sha256(), entry.size
    try:
        with archive.open(FILES + entry.path) as member:
            while chunk := member.read(min(_CHUNK, left + 1)):
                left -= len(chunk)
                if left < 0:
                    break
                sha256.update(chunk)
                yield chunk
    except _ZLIB_ERRORS as error:
        raise PackageNotGenuine(f"{entry.path}: {error}") from None
    if left or sha256.hexdigest() != entry.sha256:
        raise PackageNotGenuine(f"{entry.path} was changed")


def _write_file(path: Path, chunks: Iterable[bytes], entry: ReleaseFile | None) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = 0o700 if entry is not None and entry.is_executable else 0o600
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = (stat.S_IFREG | 0o600) << 16
    return info
