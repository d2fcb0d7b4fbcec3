"""Security modules for benchmarks: one per curve, and one that does not sign."""

from dataclasses import replace

from hardware.gateway import KEYS_FOLDER, Gateway
from hardware.security_module import SIGNATURE_SLOT, SoftSecurityModule


class NotSigning(SoftSecurityModule):
    """The gateway's security module, but its signatures are empty."""

    def sign(self, slot: str, message: bytes) -> bytes:
        """No signature."""
        return b""


def unsigned(gateway: Gateway) -> Gateway:
    """The gateway without signatures."""
    module = NotSigning(gateway.state / KEYS_FOLDER, gateway.device_key)
    return replace(gateway, security_module=module)


def signing_with(gateway: Gateway, curve: str) -> Gateway:
    """The gateway with a signature key of its own on this curve."""
    folder = gateway.state / f"bench-{curve}"
    folder.mkdir(mode=0o700, exist_ok=True)
    module = SoftSecurityModule(folder, gateway.device_key)
    if not module.has_key(SIGNATURE_SLOT):
        module.generate(SIGNATURE_SLOT, curve)
    return replace(gateway, security_module=module)
