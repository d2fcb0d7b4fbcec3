"""An encrypted backup file: pieces of AES-256-GCM, none of which can be moved or cut.

`CASA-BACKUP-1` and a line of JSON that says how the key is made: from a passphrase
(scrypt) or for the holder of a private key (ephemeral ECDH and HKDF). Then pieces:
length (4 bytes), ciphertext with tag. Each is bound to the first line, to its number
and to whether it is the last (docs/backup.md).
"""

import base64
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Protocol

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

MAGIC = b"CASA-BACKUP-1\n"
PIECE_BYTES = 1024**2
_TAG_BYTES = 16
_LONGEST_HEAD = 4096
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**17, 8, 1
"""128 MiB and some tenths of a second for each guess."""


class BackupUnreadable(Exception):
    """Not a whole backup, or not with this passphrase or key."""


class Opener(Protocol):
    """What can open a backup: finds the key from the head of the file."""

    def key(self, head: dict[str, Any]) -> bytes:
        """32 bytes; raises BackupUnreadable when it cannot be this way."""
        ...


@dataclass(frozen=True, slots=True)
class Passphrase:
    """Whoever knows it can open the backup."""

    text: str

    def head(self) -> tuple[dict[str, Any], bytes]:
        """What is written at the beginning, and the key."""
        salt = secrets.token_bytes(16)
        head = {"key": "scrypt", "n": _SCRYPT_N, "salt": _text(salt)}
        return head, self.key(head)

    def key(self, head: dict[str, Any]) -> bytes:
        """The key that belongs to the salt in the head."""
        if head.get("key") != "scrypt" or head.get("n") != _SCRYPT_N:
            raise BackupUnreadable("it was not made with a passphrase")
        salt = _bytes(head.get("salt"))
        scrypt = Scrypt(salt, 32, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P)
        return scrypt.derive(self.text.encode())


@dataclass(frozen=True, slots=True)
class Recipient:
    """Only the holder of the private key can open the backup; the gateway cannot."""

    public_key: ec.EllipticCurvePublicKey

    def head(self) -> tuple[dict[str, Any], bytes]:
        """What is written at the beginning, and the key."""
        mine = ec.generate_private_key(self.public_key.curve)
        form = PublicFormat.SubjectPublicKeyInfo
        point = mine.public_key().public_bytes(Encoding.DER, form)
        secret = mine.exchange(ec.ECDH(), self.public_key)
        return {"key": "ecdh", "point": _text(point)}, _derived(secret, point)


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """Opens what was made for its `Recipient`."""

    private_key: ec.EllipticCurvePrivateKey

    def key(self, head: dict[str, Any]) -> bytes:
        """The key that belongs to the point in the head."""
        if head.get("key") != "ecdh":
            raise BackupUnreadable("it was not made for a key")
        point = _bytes(head.get("point"))
        try:
            peer = load_der_public_key(point)
            if not isinstance(peer, ec.EllipticCurvePublicKey):
                raise ValueError("no point")
            secret = self.private_key.exchange(ec.ECDH(), peer)
        except (ValueError, UnsupportedAlgorithm):
            raise BackupUnreadable("it was made for another key") from None
        return _derived(secret, point)


class BackupWriter:
    """A file to write into, encrypted piece by piece; `close` makes it whole."""

    def __init__(self, file: IO[bytes], lock: Passphrase | Recipient) -> None:
        head, key = lock.head()
        self._head = json.dumps(head).encode() + b"\n"
        self._file, self._cipher = file, AESGCM(key)
        self._number, self._waiting = 0, bytearray()
        file.write(MAGIC + self._head)

    def write(self, data: bytes) -> int:
        """Take bytes over."""
        self._waiting += data
        while len(self._waiting) > PIECE_BYTES:
            self._put(bytes(self._waiting[:PIECE_BYTES]), is_last=False)
            del self._waiting[:PIECE_BYTES]
        return len(data)

    def close(self) -> None:
        """Write the last piece."""
        self._put(bytes(self._waiting), is_last=True)

    def _put(self, plain: bytes, *, is_last: bool) -> None:
        nonce, bound = _place(self._number, is_last)
        sealed = self._cipher.encrypt(nonce, plain, self._head + bound)
        self._file.write(len(sealed).to_bytes(4, "big") + sealed)
        self._number += 1


class BackupReader:
    """The bytes of a backup; raises BackupUnreadable at the first wrong piece."""

    def __init__(self, file: IO[bytes], opener: Opener) -> None:
        if file.read(len(MAGIC)) != MAGIC:
            raise BackupUnreadable("not a backup")
        self._head = file.readline(_LONGEST_HEAD)
        try:
            head = json.loads(self._head)
        except ValueError:
            raise BackupUnreadable("not a backup") from None
        if not isinstance(head, dict):
            raise BackupUnreadable("not a backup")
        self._cipher = AESGCM(opener.key(head))
        self._pieces = self._opened(file)
        self._left = b""

    def read(self, size: int = -1) -> bytes:
        """So many bytes, fewer only at the end."""
        while size < 0 or len(self._left) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._left += piece
        end = len(self._left) if size < 0 else size
        data, self._left = self._left[:end], self._left[end:]
        return data

    def _opened(self, file: IO[bytes]) -> Iterator[bytes]:
        number, is_last = 0, False
        sealed = _piece(file)
        while not is_last:
            following = _piece(file) if sealed else b""
            is_last = not following
            nonce, bound = _place(number, is_last)
            try:
                yield self._cipher.decrypt(nonce, sealed, self._head + bound)
            except InvalidTag:
                raise BackupUnreadable(
                    "wrong passphrase or key, or the file was changed or cut"
                ) from None
            number, sealed = number + 1, following


def _piece(file: IO[bytes]) -> bytes:
    length = file.read(4)
    if not length:
        return b""
    size = int.from_bytes(length, "big")
    if len(length) < 4 or not _TAG_BYTES <= size <= PIECE_BYTES + _TAG_BYTES:
        raise BackupUnreadable("the file was changed or cut")
    sealed = file.read(size)
    if len(sealed) < size:
        raise BackupUnreadable("the file was cut")
    return sealed


def _place(number: int, is_last: bool) -> tuple[bytes, bytes]:
    """Nonce and bound data of a piece; the key is used for one file only."""
    return number.to_bytes(12, "big"), b"last" if is_last else b"more"


def _derived(secret: bytes, point: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"casa-backup" + point).derive(secret)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: object) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except ValueError:
        raise BackupUnreadable("not a backup") from None
