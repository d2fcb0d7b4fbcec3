"""Extended link layer I to IV with AES-CTR (EN 13757-4).

    8C  CC ACC
    8D  CC ACC SN4 CRC2
    8E  CC ACC M2 A6
    8F  CC ACC M2 A6 SN4 CRC2

The CRC counts everything behind it and is itself encrypted, so it is the only sign of a
right key: a wrong one passes once in 65,536 times, and who sees many telegrams can
change them. Type V (CI 86) has no fixed length and is not read.
"""

from dataclasses import dataclass

from hardware.wmbus_address import MeterAddress
from hardware.wmbus_crc import crc16
from hardware.wmbus_crypto import crypted_ctr
from hardware.wmbus_errors import (
    CrcWrong,
    KeyMissing,
    KeyWrong,
    LengthWrong,
    NotEncrypted,
    Unsupported,
)

_RECEIVER, _SESSION, _CRC = 8, 4, 2
_PARTS = {0x8C: (0, 0), 0x8D: (0, 1), 0x8E: (1, 0), 0x8F: (1, 1)}
"""CI -> is there a receiver's address, is there a session number with CRC."""
ELL_CIS = frozenset(_PARTS)

_NONE, _AES_CTR = 0, 1
_HOP_AND_REPEATED = 0x12
"""Bits of CC that a repeater may change, left out of the counter block."""


@dataclass(frozen=True, slots=True)
class ExtendedLink:
    """One extended link layer; `session` is the session number's four bytes or None."""

    ci: int
    control: int
    access_number: int
    receiver: MeterAddress | None
    session: bytes | None

    @property
    def encryption(self) -> int:
        """0 none, 1 AES-CTR, others reserved."""
        return self.session[3] >> 5 if self.session else _NONE

    @property
    def is_encrypted(self) -> bool:
        """Whether the layer says that what follows is encrypted."""
        return self.encryption != _NONE

    @property
    def counter(self) -> int:
        """Time and period number of the session, which only ever grow."""
        return int.from_bytes(self.session or b"", "little") & 0x1FFFFFFF


def read_ell(data: bytes) -> tuple[ExtendedLink, bytes]:
    """The layer at the start of `data` and what stands behind its session number.

    `data` begins with the CI; with a session number, the CRC comes next in the rest.
    """
    has_receiver, has_session = _PARTS[data[0]]
    session_at = 3 + has_receiver * _RECEIVER
    end = session_at + has_session * _SESSION
    if len(data) < end + has_session * _CRC:
        raise LengthWrong("the extended link layer ends early")
    layer = ExtendedLink(
        data[0],
        data[1],
        data[2],
        MeterAddress(data[3:session_at]) if has_receiver else None,
        data[session_at:end] if has_session else None,
    )
    return layer, data[end:]


def opened(
    layer: ExtendedLink, rest: bytes, sender: MeterAddress, key: bytes | None
) -> tuple[bytes, bool]:
    """What the layer carries, and whether the key opened it.

    Without a key, data that are plain although announced as encrypted are taken (some
    sources are like that); with one they are refused. Raises CrcWrong, KeyMissing,
    KeyWrong, NotEncrypted, Unsupported.
    """
    if layer.session is None:
        return rest, False
    if layer.encryption not in (_NONE, _AES_CTR):
        raise Unsupported(f"encryption {layer.encryption} of the extended link layer")
    if not layer.is_encrypted:
        if not _crc_fits(rest):
            raise CrcWrong("CRC of the extended link layer is wrong")
        return rest[_CRC:], False
    if key is None:
        return _taken_plain(rest), False
    return _decrypted(layer, rest, sender, key), True


def _decrypted(
    layer: ExtendedLink, rest: bytes, sender: MeterAddress, key: bytes
) -> bytes:
    plain = crypted_ctr(key, counter_block(layer, sender), rest)
    if _crc_fits(plain):
        return plain[_CRC:]
    if _crc_fits(rest):
        raise NotEncrypted("the extended link layer announces encryption, has none")
    raise KeyWrong("CRC of the decrypted extended link layer is wrong")


def _taken_plain(rest: bytes) -> bytes:
    if _crc_fits(rest):
        return rest[_CRC:]
    raise KeyMissing("the extended link layer is encrypted, no key is known")


def _crc_fits(rest: bytes) -> bool:
    return crc16(rest[_CRC:]) == int.from_bytes(rest[:_CRC], "little")


def counter_block(layer: ExtendedLink, sender: MeterAddress) -> bytes:
    """The first counter block of AES-CTR; M2 A6 CC SN4 00 00 00."""
    control = layer.control & ~_HOP_AND_REPEATED
    return sender.raw + bytes([control]) + (layer.session or bytes(4)) + bytes(3)
