"""An update package that comes in pieces: what has come stays, so that it can go on."""

import base64
import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hardware.firmware_store import PARTIAL
from hardware.gateway import Gateway
from logbooks import firmware, storage
from logbooks.models import FirmwarePackage

_NAME = re.compile(r"([0-9a-f]{16})-([0-9]{1,10})\.casa\.partial")
_RANGE = re.compile(r"bytes ([0-9]{1,10})-([0-9]{1,10})/([0-9]{1,10})")
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/=]{44}):")


class UploadRefused(Exception):
    """What was sent does not go on from what is there; the text says why."""


class NoRoom(Exception):
    """The package would not fit."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A package under way; `size` is what it will have."""

    id: str
    path: Path
    size: int

    @property
    def received(self) -> int:
        """How many bytes have come."""
        return self.path.stat().st_size


def begin(gateway: Gateway, size: int) -> Upload:
    """Make room for a package; raises NoRoom."""
    if size > storage.measured(gateway).free // 2:
        raise NoRoom
    id_ = secrets.token_hex(8)
    path = firmware.package_folder(gateway) / f"{id_}-{size}.casa{PARTIAL}"
    path.touch(mode=0o600)
    return Upload(id_, path, size)


def found(gateway: Gateway, id_: str) -> Upload | None:
    """The upload of this id; None when there is none under way."""
    for path in firmware.package_folder(gateway).glob(f"{id_}-*.casa{PARTIAL}"):
        match = _NAME.fullmatch(path.name)
        if match and match[1] == id_:
            return Upload(id_, path, int(match[2]))
    return None


def append(upload: Upload, content: bytes, content_range: str) -> None:
    """Add a piece; without a range it is the whole. Raises UploadRefused.

    A piece that has come already changes nothing.
    """
    begin_, size = _span(upload, content, content_range)
    if size != upload.size:
        raise UploadRefused(f"the package was announced with {upload.size} bytes")
    if begin_ + len(content) <= upload.received:
        return
    if begin_ != upload.received:
        raise UploadRefused(f"{upload.received} bytes have come so far")
    with upload.path.open("ab") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def complete(
    gateway: Gateway, upload: Upload, digest: str, *, now: datetime
) -> FirmwarePackage:
    """Compare with the digest (RFC 9530), take the package in, verify it.

    Raises UploadRefused; then the upload begins anew.
    """
    match = _DIGEST.search(digest)
    if match is None:
        raise UploadRefused("the last piece needs Repr-Digest: sha-256=:...:")
    with upload.path.open("rb") as file:
        is_same = hashlib.file_digest(file, "sha256").digest()
    if is_same != base64.b64decode(match[1]):
        upload.path.write_bytes(b"")
        raise UploadRefused("the digest is another; send the package again")
    name = f"{upload.id}.casa"
    upload.path.rename(upload.path.with_name(name))
    row = firmware.receive(gateway, name, now=now)
    firmware.verify(gateway, row, now=now)
    return row


def _span(upload: Upload, content: bytes, content_range: str) -> tuple[int, int]:
    if not content_range:
        return 0, len(content)
    match = _RANGE.fullmatch(content_range.strip())
    if match is None:
        raise UploadRefused("Content-Range: bytes first-last/size")
    first, last, size = (int(part) for part in match.groups())
    if last - first + 1 != len(content):
        raise UploadRefused("the range does not have the length of the content")
    return first, size
