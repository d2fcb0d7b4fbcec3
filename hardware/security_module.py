"""The security module: the only place where the gateway's private keys are used."""

from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

SIGNATURE_SLOT = "sig"


class SecurityModule(Protocol):
    """What the gateway asks of its security module (TR-03109-2, simplified)."""

    def sign(self, slot: str, message: bytes) -> bytes:
        """ECDSA with SHA-256 over `message`, DER."""
        ...

    def public_key(self, slot: str) -> EllipticCurvePublicKey:
        """The public half of the key in `slot`; raises KeySlotEmpty."""
        ...

    def agree(self, slot: str, peer: EllipticCurvePublicKey) -> bytes:
        """The shared secret of ECKA (x coordinate) with the peer's key."""
        ...

    def random(self, size: int) -> bytes:
        """Random bytes from the module's generator."""
        ...
