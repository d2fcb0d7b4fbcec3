"""The wake-up message: the one thing that comes in from the wide-area network.

It asks the gateway to open the management channel to its administrator, and nothing
else (TR-03109-1 DS 2.1). 34 bytes, the OID, and a plain signature R|S of the GWA.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256

from hardware.device_id import server_id_of

WINDOW = timedelta(seconds=30)
"""How far the time of a message may be from the gateway's own."""

_HEADER = b"WU"
_OPEN_MANAGEMENT = 1
_PADDING = b"\x0b" * 12
_PLAIN = 1
_ECDSA_PLAIN_SHA256 = bytes.fromhex("04007f00070101040103")
_SIGNED_SIZE = 32
_HEAD_SIZE = 34
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = 0, 253_402_300_799  # what a datetime can hold


class WakeUpMalformed(ValueError):
    """These bytes are no wake-up message of the known form."""


class WakeUpRefused(Exception):
    """A well-formed message that must not be followed; the text says why."""


@dataclass(frozen=True, slots=True)
class WakeUp:
    """A wake-up message; `recipient` are the ten bytes of the gateway's server id."""

    recipient: bytes
    sent_at: datetime
    signature: bytes
    signed: bytes

    def is_for(self, huid: str) -> bool:
        """Whether it is for this gateway."""
        return self.recipient == _recipient(huid)


def read(data: bytes) -> WakeUp:
    """The message in a datagram; raises WakeUpMalformed. Costs no signature check."""
    if len(data) < _HEAD_SIZE or data[:3] != _HEADER + bytes((_OPEN_MANAGEMENT,)):
        raise WakeUpMalformed("no wake-up message")
    if data[20:_SIGNED_SIZE] != _PADDING or data[_SIGNED_SIZE] != _PLAIN:
        raise WakeUpMalformed("padding or format of the signature")
    begin = _HEAD_SIZE + data[_HEAD_SIZE - 1]
    if data[_HEAD_SIZE:begin] != _ECDSA_PLAIN_SHA256:
        raise WakeUpMalformed("algorithm of the signature")
    seconds = int.from_bytes(data[12:20], "little", signed=True)
    if not _EARLIEST <= seconds <= _LATEST:
        raise WakeUpMalformed("time")
    sent_at = _EPOCH + timedelta(seconds=seconds)
    return WakeUp(data[3:12], sent_at, data[begin:], data[:_SIGNED_SIZE])


def check(
    message: WakeUp,
    *,
    huid: str,
    now: datetime,
    last_accepted: datetime | None,
    window: timedelta = WINDOW,
) -> None:
    """What can be said without a signature check; raises WakeUpRefused.

    The time must be in the window and later than that of the last accepted message,
    which makes each message good for one use.
    """
    if not message.is_for(huid):
        raise WakeUpRefused("for another gateway")
    if abs(message.sent_at - now) > window:
        raise WakeUpRefused("outside of the time window")
    if last_accepted is not None and message.sent_at <= last_accepted:
        raise WakeUpRefused("not newer than the last one")


def check_signature(message: WakeUp, key: EllipticCurvePublicKey) -> None:
    """Check the signature with the GWA's key; raises WakeUpRefused."""
    size = (key.curve.key_size + 7) // 8
    if len(message.signature) != 2 * size:
        raise WakeUpRefused("length of the signature")
    r, s = (
        int.from_bytes(half, "big")
        for half in (message.signature[:size], message.signature[size:])
    )
    try:
        key.verify(encode_dss_signature(r, s), message.signed, ec.ECDSA(SHA256()))
    except InvalidSignature:
        raise WakeUpRefused("signature") from None


def make(
    huid: str,
    *,
    at: datetime,
    key_size: int,
    sign: Callable[[bytes], bytes],
) -> bytes:
    """The datagram for a gateway; `sign` gives ECDSA with SHA-256, DER.

    `key_size` are the bits of the signature key's curve.
    """
    seconds = int((at - _EPOCH).total_seconds())
    head = _HEADER + bytes((_OPEN_MANAGEMENT,)) + _recipient(huid)
    signed = head + seconds.to_bytes(8, "little", signed=True) + _PADDING
    size = (key_size + 7) // 8
    numbers = decode_dss_signature(sign(signed))
    algorithm = bytes((_PLAIN, len(_ECDSA_PLAIN_SHA256))) + _ECDSA_PLAIN_SHA256
    return signed + algorithm + b"".join(n.to_bytes(size, "big") for n in numbers)


def _recipient(huid: str) -> bytes:
    """The server id without its type byte: nine bytes."""
    return server_id_of(huid)[1:]
