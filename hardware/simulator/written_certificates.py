"""The objects of a meter that take new certificates (lmn-wired.md 5.1).

01005E310004 is the meter's certificate with its private key behind it, 01005E310008
the gateway's certificate.
"""

from hardware.lmn_certificates import LmnIdentity
from hardware.simulator.meter_security import MeterSecurity, fitting_identity

_OWN = bytes.fromhex("01005e310004")
_GATEWAY = bytes.fromhex("01005e310008")
_LONG_FORM = 0x80


class WrittenCertificates:
    """Takes what is written to these objects; valid from the next handshake on."""

    def __init__(self, security: MeterSecurity) -> None:
        self._security = security

    def __call__(self, name: bytes, value: bytes) -> bool:
        """Whether the meter has such an object and takes the value."""
        own, gateway = self._security.own, self._security.gateway_certificate
        if name == _OWN:
            own = _split(value)
        elif name == _GATEWAY:
            gateway = value if _is_whole(value) else None
        else:
            return False
        if own is None or gateway is None:
            return False
        self._security.take(own, gateway)
        return True


def _split(value: bytes) -> LmnIdentity | None:
    end = _der_length(value)
    return fitting_identity(value[:end], value[end:])


def _is_whole(value: bytes) -> bool:
    return bool(value) and _der_length(value) == len(value)


def _der_length(data: bytes) -> int:
    """How long the first DER element is, its head included."""
    if len(data) < 2 or data[1] < _LONG_FORM:
        return 2 + (data[1] if len(data) > 1 else 0)
    count = data[1] - _LONG_FORM
    return 2 + count + int.from_bytes(data[2 : 2 + count], "big")
