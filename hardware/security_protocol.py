"""What the rest of the gateway asks of its security module."""

import ssl
from collections.abc import Callable, Sequence
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from hardware.module_state import LifeCycle, ModuleState


class SecurityModule(Protocol):
    """What the gateway asks of its security module (TR-03109-2, simplified).

    Every refusal is a `SecurityModuleFault` with the fault code of ch. 9.4.
    """

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

    def issued(self, slot: str, builder: x509.CertificateBuilder) -> x509.Certificate:
        """The certificate that `builder` describes, signed by the key in `slot`."""
        ...

    def certificate_request(
        self, slot: str, subject: x509.Name
    ) -> x509.CertificateSigningRequest:
        """A PKCS#10 request for the key in `slot`, signed by it."""
        ...

    def use_for_tls(
        self, slot: str, context: ssl.SSLContext, chain: Sequence[x509.Certificate]
    ) -> None:
        """Let connections of `context` prove to be the holder of `chain[0]`."""
        ...

    def random(self, size: int) -> bytes:
        """Random bytes from the module's generator."""
        ...

    def has_key(self, slot: str) -> bool:
        """Whether there is a key in `slot`."""
        ...

    def generate(self, slot: str, curve: str) -> EllipticCurvePublicKey:
        """Make a key in an empty slot."""
        ...

    def delete(self, slot: str) -> None:
        """Destroy the key in `slot`; none of the bank in force."""
        ...

    def active_slot(self, purpose: str) -> str:
        """The slot that a purpose stands for now, e.g. "sig-1".

        For whoever signs and notes the signer: the bank may be switched in between.
        """
        ...

    def next_slot(self, purpose: str) -> str:
        """The slot of the purpose in the bank that is not in force."""
        ...

    def generate_next_bank(self, curves: dict[str, str]) -> None:
        """Make new keys in the free bank, a curve for each purpose."""
        ...

    def switch_bank(self) -> None:
        """Put the other bank in force."""
        ...

    def delete_next_bank(self) -> None:
        """Destroy the keys of the bank that is not in force."""
        ...

    def state(self) -> ModuleState:
        """Life cycle, bank in force, root certificates."""
        ...

    def change(self, changed: Callable[[ModuleState], ModuleState]) -> ModuleState:
        """Replace the state by what `changed` makes of it, one process at a time."""
        ...

    def advance(self, life_cycle: LifeCycle) -> None:
        """Go to a later stage of the life cycle; nothing when it is there already."""
        ...
