"""The security module: the only place where the gateway's private keys are used."""

import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from hardware.device_key import DeviceKey
from hardware.private_files import make_once

SIGNATURE_SLOT = "sig"
CURVES: dict[str, type[ec.EllipticCurve]] = {
    "brainpoolP256r1": ec.BrainpoolP256R1,
    "secp256r1": ec.SECP256R1,
}
"""The curves that a key can be made on, by their names in settings."""

_SLOT = re.compile(r"[a-z][a-z0-9-]{0,15}")
_ECDSA = ec.ECDSA(SHA256())


class KeySlotEmpty(LookupError):
    """There is no key in this slot."""


class KeySlotTaken(Exception):
    """There is a key in this slot already; a key is never overwritten."""


class KeyUnreadable(Exception):
    """The key file was changed, or it belongs to another device key or slot."""


class SignatureInvalid(Exception):
    """The signature does not belong to this message and key."""


class SecurityModule(Protocol):
    """What the gateway asks of its security module (TR-03109-2, simplified)."""

    def sign(self, slot: str, message: bytes) -> bytes:
        """ECDSA with SHA-256 over `message`, DER."""
        ...

    def public_key(self, slot: str) -> EllipticCurvePublicKey:
        """The public half of the key in `slot`; raises KeySlotEmpty."""
        ...

    def key_identifier(self, slot: str) -> str:
        """The SKI of the key (RFC 5280, method 1), 40 hex digits."""
        ...

    def agree(self, slot: str, peer: EllipticCurvePublicKey) -> bytes:
        """The shared secret of ECKA (x coordinate) with the peer's key."""
        ...

    def self_signed(
        self, slot: str, builder: x509.CertificateBuilder
    ) -> x509.Certificate:
        """The certificate that `builder` describes, for and by the key in `slot`."""
        ...

    def random(self, size: int) -> bytes:
        """Random bytes from the module's generator."""
        ...


@dataclass(slots=True)
class SoftSecurityModule:
    """A security module in software: one encrypted file per key slot.

    Each file is the PKCS#8 form of a key under a sub-key of the device key, bound to
    its slot, so that a file moved to another slot does not open. A key is decrypted
    once and then kept in memory; it never leaves this object.
    """

    folder: Path
    device_key: DeviceKey = field(repr=False)
    _keys: dict[str, EllipticCurvePrivateKey] = field(
        default_factory=dict, repr=False, init=False
    )
    _identifiers: dict[str, str] = field(default_factory=dict, repr=False, init=False)

    def generate(self, slot: str, curve: str) -> EllipticCurvePublicKey:
        """Make a key on one of `CURVES` in an empty slot; raises KeySlotTaken."""
        path = self._path(slot)
        if path.exists():
            raise KeySlotTaken(slot)
        key = ec.generate_private_key(CURVES[curve]())
        sealed = self._sealed(slot, key)
        if make_once(path, sealed) != sealed:
            raise KeySlotTaken(slot)
        return key.public_key()

    def has_key(self, slot: str) -> bool:
        """Whether there is a key in `slot`."""
        return self._path(slot).exists()

    def sign(self, slot: str, message: bytes) -> bytes:
        """ECDSA with SHA-256 over `message`, DER; raises KeySlotEmpty."""
        return self._key(slot).sign(message, _ECDSA)

    def public_key(self, slot: str) -> EllipticCurvePublicKey:
        """The public half of the key in `slot`; raises KeySlotEmpty."""
        return self._key(slot).public_key()

    def key_identifier(self, slot: str) -> str:
        """The SKI of the key (RFC 5280, method 1), 40 hex digits."""
        if slot not in self._identifiers:
            self._identifiers[slot] = key_identifier(self.public_key(slot))
        return self._identifiers[slot]

    def agree(self, slot: str, peer: EllipticCurvePublicKey) -> bytes:
        """The x coordinate of the shared point; ValueError for another curve."""
        return self._key(slot).exchange(ec.ECDH(), peer)

    def self_signed(
        self, slot: str, builder: x509.CertificateBuilder
    ) -> x509.Certificate:
        """Put the slot's public key into `builder` and sign with its private key."""
        key = self._key(slot)
        return builder.public_key(key.public_key()).sign(key, SHA256())

    def random(self, size: int) -> bytes:
        """Random bytes from the operating system."""
        return secrets.token_bytes(size)

    def _path(self, slot: str) -> Path:
        if not _SLOT.fullmatch(slot):
            raise ValueError(f"not the name of a key slot: {slot!r}")
        return self.folder / slot

    def _sealed(self, slot: str, key: EllipticCurvePrivateKey) -> bytes:
        plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return self.device_key.encrypt(plain, label="keys", bound_to=slot)

    def _key(self, slot: str) -> EllipticCurvePrivateKey:
        key = self._keys.get(slot)
        if key is None:
            key = self._keys[slot] = self._load(slot)
        return key

    def _load(self, slot: str) -> EllipticCurvePrivateKey:
        try:
            sealed = self._path(slot).read_bytes()
        except FileNotFoundError:
            raise KeySlotEmpty(slot) from None
        try:
            plain = self.device_key.decrypt(sealed, label="keys", bound_to=slot)
        except (InvalidTag, ValueError):
            raise KeyUnreadable(
                f"the key in slot {slot!r} does not open with this device key"
            ) from None
        key = load_der_private_key(plain, password=None)
        if not isinstance(key, EllipticCurvePrivateKey):
            raise KeyUnreadable(f"the key in slot {slot!r} is not an EC key")
        return key


def key_identifier(key: EllipticCurvePublicKey) -> str:
    """The subject key identifier of a public key (RFC 5280, method 1), in hex."""
    return x509.SubjectKeyIdentifier.from_public_key(key).digest.hex()


def verify(key: EllipticCurvePublicKey, signature: bytes, message: bytes) -> None:
    """Check ECDSA with SHA-256, DER; raises SignatureInvalid."""
    try:
        key.verify(signature, message, _ECDSA)
    except InvalidSignature:
        raise SignatureInvalid("the signature does not fit") from None
