"""The device key and its sub-keys: what protects everything at rest."""

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hardware.private_files import make_once

DEVICE_KEY_FILE = "device.key"
KEY_BYTES = 32
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """32 secret bytes outside the database; losing them means losing the data.

    Nothing is encrypted with them directly: each purpose has a sub-key by HKDF
    (RFC 5869) with its own label (decisions D36), derived once and then kept here:
    chains ask for theirs with every record.
    """

    secret: bytes = field(repr=False)
    _sub_keys: dict[str, bytes] = field(
        default_factory=dict, repr=False, init=False, compare=False
    )

    def sub_key(self, label: str) -> bytes:
        """The 32-byte key for one purpose, e.g. "database", "fields", "nonce"."""
        key = self._sub_keys.get(label)
        if key is None:
            key = self._sub_keys[label] = self._derived(label)
        return key

    def _derived(self, label: str) -> bytes:
        derive = HKDF(SHA256(), KEY_BYTES, salt=None, info=label.encode()).derive
        return derive(self.secret)

    def encrypt(self, plain: bytes, *, label: str, bound_to: str) -> bytes:
        """AES-256-GCM under the sub-key; nonce first.

        `bound_to` names the row and column, so that a value cannot be moved.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(self.sub_key(label)).encrypt(nonce, plain, bound_to.encode())
        return nonce + sealed

    def decrypt(self, sealed: bytes, *, label: str, bound_to: str) -> bytes:
        """The inverse; raises cryptography's InvalidTag when anything was changed."""
        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        return AESGCM(self.sub_key(label)).decrypt(nonce, rest, bound_to.encode())


def device_key_file(state: Path) -> Path:
    """Where the device key is: CASA_DEVICE_KEY_FILE, a systemd credential
    (`LoadCredential=device.key:...`), else `device.key` in the state folder."""
    if given := os.environ.get("CASA_DEVICE_KEY_FILE", "").strip():
        return Path(given)
    if credentials := os.environ.get("CREDENTIALS_DIRECTORY"):
        credential = Path(credentials) / DEVICE_KEY_FILE
        if credential.exists():
            return credential
    return state / DEVICE_KEY_FILE


def load_or_make(path: Path) -> DeviceKey:
    """Read the device key from `path`, or make it there with mode 0600.

    Raises ValueError when the file does not hold exactly 32 bytes.
    """
    if path.exists():
        secret = path.read_bytes()
    else:
        secret = make_once(path, secrets.token_bytes(KEY_BYTES))
    if len(secret) != KEY_BYTES:
        raise ValueError(f"{path} does not hold a device key")
    return DeviceKey(secret)
