"""The security module: the only place where the gateway's private keys are used."""

import os
import secrets
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

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
from hardware.key_slots import (
    ENCRYPTION_SLOT,
    PURPOSES,
    SIGNATURE_SLOT,
    TLS_SLOT,
    file_of,
    other_bank,
    slot_in,
)
from hardware.module_state import (
    STATE_FILE,
    LifeCycle,
    ModuleState,
    ModuleStateFile,
    module_pin,
)
from hardware.private_files import make_once
from hardware.security_faults import (
    BanksOccupied,
    ChannelRefused,
    KeyInUse,
    KeyNotMade,
    KeySlotEmpty,
    KeySlotTaken,
    KeyUnreadable,
    LifeCycleRefused,
    ModuleFailed,
    RequestNotMade,
    SecurityModuleFault,
)
from hardware.security_protocol import SecurityModule

__all__ = [
    "CURVES",
    "ENCRYPTION_SLOT",
    "SIGNATURE_SLOT",
    "TLS_SLOT",
    "KeySlotEmpty",
    "KeySlotTaken",
    "KeyUnreadable",
    "SecurityModule",
    "SecurityModuleFault",
    "SignatureInvalid",
    "SoftSecurityModule",
    "key_identifier",
    "verify",
]

CURVES: dict[str, type[ec.EllipticCurve]] = {
    "brainpoolP256r1": ec.BrainpoolP256R1,
    "secp256r1": ec.SECP256R1,
}
"""The curves that a key can be made on, by their names in settings."""

_ECDSA = ec.ECDSA(SHA256())


class SignatureInvalid(Exception):
    """The signature does not belong to this message and key."""

    code = 1600069


@dataclass(slots=True)
class SoftSecurityModule:
    """A security module in software: one encrypted file per key slot.

    Each file is the PKCS#8 form of a key under a sub-key of the device key, bound to
    its slot, so that a file moved to another slot does not open. A key is decrypted
    once and then kept in memory; it never leaves this object, except into the TLS
    library of this process.

    The channel to it opens by itself with the PIN that hangs on the device key;
    `close_channel` shuts it until `open_channel`. The PIN has 256 bits, so wrong ones
    are refused and not counted.
    """

    folder: Path
    device_key: DeviceKey = field(repr=False)
    _keys: dict[str, "_OpenKey"] = field(default_factory=dict, repr=False, init=False)
    _pin: bytes | None = field(default=None, repr=False, init=False)
    _file: ModuleStateFile = field(repr=False, init=False)

    def __post_init__(self) -> None:
        self._file = ModuleStateFile(self.folder, self.device_key)
        self._pin = module_pin(self.device_key)

    def open_channel(self, pin: bytes) -> None:
        """Open the channel; raises ChannelRefused when this is not the PIN."""
        self.close_channel()
        ModuleStateFile(self.folder, self.device_key).read(pin)
        self._pin = pin

    def close_channel(self) -> None:
        """Forget the keys in memory; nothing works until the channel is open again."""
        self._pin = None
        self._keys.clear()

    def state(self) -> ModuleState:
        """Life cycle, bank in force, root certificates; raises ChannelRefused."""
        return self._file.read(self._open_pin())

    def ensure_state(self) -> None:
        """Write down the state of a module that has none yet (older versions)."""
        if not (self.folder / STATE_FILE).exists():
            self.change(lambda state: state)

    def change(self, changed: Callable[[ModuleState], ModuleState]) -> ModuleState:
        """Replace the state by what `changed` makes of it, one process at a time."""
        pin = self._open_pin()
        with self._file.locked():
            made = changed(self._file.read(pin))
            self._file.write(pin, made)
        return made

    def advance(self, life_cycle: LifeCycle) -> None:
        """Go to a later stage; raises LifeCycleRefused for an earlier one."""

        def advanced(state: ModuleState) -> ModuleState:
            if life_cycle.rank < state.life_cycle.rank:
                raise LifeCycleRefused(f"{state.life_cycle} is later than {life_cycle}")
            return replace(state, life_cycle=life_cycle)

        if self.state().life_cycle != life_cycle:
            self.change(advanced)

    def generate(self, slot: str, curve: str) -> EllipticCurvePublicKey:
        """Make a key on one of `CURVES` in an empty slot.

        Raises KeySlotTaken, or KeyNotMade for an unknown curve or a module that is
        out of service.
        """
        slot = self._resolved(slot)
        path = self._path(slot)
        if path.exists():
            raise KeySlotTaken(f"there is a key in slot {slot} already")
        if curve not in CURVES:
            raise KeyNotMade(f"no key can be made on the curve {curve!r}")
        if self.state().life_cycle is LifeCycle.TERMINATED:
            raise KeyNotMade("the security module is out of service")
        key = ec.generate_private_key(CURVES[curve]())
        sealed = self._sealed(slot, key)
        try:
            kept = make_once(path, sealed)
        except OSError as error:
            raise ModuleFailed(f"security module: {error.strerror}") from None
        if kept != sealed:
            raise KeySlotTaken(f"there is a key in slot {slot} already")
        return key.public_key()

    def has_key(self, slot: str) -> bool:
        """Whether there is a key in `slot`."""
        return self._path(self._resolved(slot)).exists()

    def sign(self, slot: str, message: bytes) -> bytes:
        """ECDSA with SHA-256 over `message`, DER; raises KeySlotEmpty."""
        return self._private(slot).sign(message, _ECDSA)

    def public_key(self, slot: str) -> EllipticCurvePublicKey:
        """The public half of the key in `slot`; raises KeySlotEmpty."""
        return self._key(self._resolved(slot)).public_key()

    def key_identifier(self, slot: str) -> str:
        """The SKI of the key (RFC 5280, method 1), 40 hex digits."""
        return self._open(self._resolved(slot)).identifier

    def agree(self, slot: str, peer: EllipticCurvePublicKey) -> bytes:
        """The x coordinate of the shared point; ValueError for another curve."""
        return self._private(slot).exchange(ec.ECDH(), peer)

    def self_signed(
        self, slot: str, builder: x509.CertificateBuilder
    ) -> x509.Certificate:
        """Put the slot's public key into `builder` and sign with its private key."""
        key = self._private(slot)
        return builder.public_key(key.public_key()).sign(key, SHA256())

    def issued(self, slot: str, builder: x509.CertificateBuilder) -> x509.Certificate:
        """Sign a certificate for another's key with the key in `slot`."""
        return builder.sign(self._private(slot), SHA256())

    def certificate_request(
        self, slot: str, subject: x509.Name
    ) -> x509.CertificateSigningRequest:
        """A PKCS#10 request (RFC 2986) for the key; raises RequestNotMade."""
        try:
            key = self._private(slot)
        except SecurityModuleFault as fault:
            raise RequestNotMade(f"{slot}: {fault}", code=2300304) from None
        builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
        return builder.sign(key, SHA256())

    def use_for_tls(
        self, slot: str, context: ssl.SSLContext, chain: Sequence[x509.Certificate]
    ) -> None:
        """Load the key of `slot` and its certificate chain into a TLS context.

        The TLS library reads files only: it gets one that lives in memory and is gone
        afterwards. Raises ValueError when the key is not that of `chain[0]`.
        """
        key = self._private(slot)
        if not chain or chain[0].public_key() != key.public_key():
            raise ValueError(f"the certificate is not that of the key in slot {slot}")
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        pem += b"".join(each.public_bytes(Encoding.PEM) for each in chain)
        with os.fdopen(os.memfd_create("casa-tls"), "wb") as file:
            file.write(pem)
            file.flush()
            context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")

    def random(self, size: int) -> bytes:
        """Random bytes from the operating system."""
        return secrets.token_bytes(size)

    def delete(self, slot: str) -> None:
        """Destroy a key; raises KeyInUse for one of the bank in force."""
        slot = self._resolved(slot)
        if slot in (self.active_slot(purpose) for purpose in PURPOSES):
            raise KeyInUse(f"the key in slot {slot} is in force")
        try:
            self._path(slot).unlink(missing_ok=True)
        except OSError as error:
            raise KeyInUse(f"slot {slot}: {error.strerror}") from None
        self._keys.pop(slot, None)

    def active_slot(self, purpose: str) -> str:
        """The slot of a purpose in the bank in force, e.g. "sig-1"."""
        return slot_in(self.state().active_bank, purpose)

    def next_slot(self, purpose: str) -> str:
        """The slot of a purpose in the other bank."""
        return slot_in(other_bank(self.state().active_bank), purpose)

    def generate_next_bank(self, curves: dict[str, str]) -> None:
        """Make a key for each purpose in the free bank; raises BanksOccupied.

        After a kill in the middle the bank counts as occupied: delete it first.
        """
        slots = {purpose: self.next_slot(purpose) for purpose in curves}
        if any(self.has_key(self.next_slot(purpose)) for purpose in PURPOSES):
            raise BanksOccupied("both key banks hold keys")
        for purpose, slot in slots.items():
            self.generate(slot, curves[purpose])

    def switch_bank(self) -> None:
        """Put the other bank in force; raises BanksOccupied when it is not complete.

        It must hold a key for each purpose that the bank in force has one for.
        """

        def switched(state: ModuleState) -> ModuleState:
            bank = other_bank(state.active_bank)
            for purpose in PURPOSES:
                needed = self.has_key(slot_in(state.active_bank, purpose))
                if needed and not self.has_key(slot_in(bank, purpose)):
                    raise BanksOccupied(f"the other bank has no key for {purpose}")
            return replace(state, active_bank=bank)

        self.change(switched)

    def delete_next_bank(self) -> None:
        """Destroy the keys of the bank that is not in force."""
        for purpose in PURPOSES:
            self.delete(self.next_slot(purpose))

    def _open_pin(self) -> bytes:
        if self._pin is None:
            raise ChannelRefused("the channel to the security module is closed")
        return self._pin

    def _resolved(self, slot: str) -> str:
        """The slot itself, where "sig" and the like stand for that of a bank."""
        return self.active_slot(slot) if slot in PURPOSES else slot

    def _path(self, slot: str) -> Path:
        return self.folder / file_of(slot)

    def _sealed(self, slot: str, key: EllipticCurvePrivateKey) -> bytes:
        plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return self.device_key.encrypt(plain, label="keys", bound_to=file_of(slot))

    def _private(self, slot: str) -> EllipticCurvePrivateKey:
        """The key of a slot, to be used; not when the module is out of service."""
        if self.state().life_cycle is LifeCycle.TERMINATED:
            raise KeySlotEmpty("the security module is out of service")
        return self._key(self._resolved(slot))

    def _key(self, slot: str) -> EllipticCurvePrivateKey:
        return self._open(slot).key

    def _open(self, slot: str) -> "_OpenKey":
        """The key of a slot, decrypted anew only when its file is another one."""
        self._open_pin()
        kept = self._keys.get(slot)
        path = self._path(slot) if kept is None else kept.path
        try:
            found = os.stat(path)  # noqa: PTH116 (with each signature)
            stamp = (found.st_mtime_ns, found.st_ino)
            if kept is None or kept.stamp != stamp:
                key = self._decrypted(slot, Path(path).read_bytes())
                ski = key_identifier(key.public_key())
                kept = _OpenKey(str(path), stamp, key, ski)
                self._keys[slot] = kept
        except FileNotFoundError:
            raise KeySlotEmpty(f"there is no key in slot {slot}") from None
        except OSError as error:
            raise ModuleFailed(f"security module: {error.strerror}") from None
        return kept

    def _decrypted(self, slot: str, sealed: bytes) -> EllipticCurvePrivateKey:
        try:
            plain = self.device_key.decrypt(
                sealed, label="keys", bound_to=file_of(slot)
            )
        except (InvalidTag, ValueError):
            raise KeyUnreadable(
                f"the key in slot {slot!r} does not open with this device key"
            ) from None
        key = load_der_private_key(plain, password=None)
        if not isinstance(key, EllipticCurvePrivateKey):
            raise KeyUnreadable(f"the key in slot {slot!r} is not an EC key")
        return key


@dataclass(frozen=True, slots=True)
class _OpenKey:
    """A key in memory, and which file it came from."""

    path: str
    stamp: tuple[int, int]
    key: EllipticCurvePrivateKey = field(repr=False)
    identifier: str


def key_identifier(key: EllipticCurvePublicKey) -> str:
    """The subject key identifier of a public key (RFC 5280, method 1), in hex."""
    return x509.SubjectKeyIdentifier.from_public_key(key).digest.hex()


def verify(key: EllipticCurvePublicKey, signature: bytes, message: bytes) -> None:
    """Check ECDSA with SHA-256, DER; raises SignatureInvalid."""
    try:
        key.verify(signature, message, _ECDSA)
    except InvalidSignature:
        raise SignatureInvalid("the signature does not fit") from None
