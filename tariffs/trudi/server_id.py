"""Ids of meters in the notations that occur in files (trudi-xml.md 3.3).

The stored form of our own meters is the business of `hardware.device_id`; here every
notation of any maker is taken apart to be shown.
"""

import re
from dataclasses import dataclass

DIN_2012, DIN_2010_07, DIN_2010_02 = 0x0A, 0x09, 0x06
WIRELESS_MBUS, WIRED_MBUS = 0x01, 0x02

_TEXT = re.compile(r"([0-9E])\s*([A-Z]{3})\s*([0-9]{2})\s*([0-9]{8})")
_HEX_2012 = re.compile(r"0A0[0-9E][0-9A-F]{16}")
_HEX_2010 = re.compile(r"0[69][0-9A-F]{18}")
_WIRELESS = re.compile(r"(?:01)?[0-9A-F]{4}[0-9]{8}[0-9A-F]{4}")
_WIRED = re.compile(r"02[0-9]{8}[0-9A-F]{8}")

_MEDIA_OF_MBUS = {
    **{0x02: 1, 0x03: 7, 0x04: 6, 0x06: 9, 0x07: 8, 0x08: 4},
    **{0x0A: 5, 0x0B: 5, 0x0C: 6, 0x0D: 6, 0x16: 8, 0x17: 8},
}
"""Medium of M-Bus -> value group A of OBIS; others are 0."""


@dataclass(frozen=True, slots=True)
class ServerId:
    """An id taken apart; `kind` is the notation, 0 when it is none that is known.

    `medium` is the OBIS value group A, `flag` the maker's three letters. `text` is
    the form for people, `compact` the same without spaces, `hex` the octets.
    """

    kind: int
    medium: int
    flag: str
    block: int
    number: int
    text: str
    compact: str
    hex: str

    @property
    def valid(self) -> bool:
        """Whether the notation is known."""
        return self.kind != 0


def server_id(text: str) -> ServerId:
    """Take an id apart; one that is not known is shown as it is."""
    upper = text.strip().upper()
    if match := _TEXT.fullmatch(upper):
        medium, flag, block, number = match.groups()
        return _din_2012(int(medium, 16), flag, int(block), int(number))
    if _HEX_2012.fullmatch(upper):
        octets = bytes.fromhex(upper)
        return _din_2012(octets[1], _letters(octets[2:5]), octets[5], _number(octets))
    if _WIRELESS.fullmatch(upper):
        octets = bytes.fromhex(upper)[-8:]
        return _mbus(WIRELESS_MBUS, upper, octets[:2], octets[2:6], octets[7])
    if _WIRED.fullmatch(upper):
        octets = bytes.fromhex(upper)
        return _mbus(WIRED_MBUS, upper, octets[5:7], octets[1:5], octets[8])
    if _HEX_2010.fullmatch(upper):
        octets = bytes.fromhex(upper)
        return (
            _din_2010_07(octets) if octets[0] == DIN_2010_07 else _din_2010_02(octets)
        )
    return ServerId(0, 0, "", 0, 0, text, text, text)


def _number(octets: bytes) -> int:
    return int.from_bytes(octets[6:], "big")


def _letters(octets: bytes) -> str:
    return octets.decode("latin-1")


def _din_2012(medium: int, flag: str, block: int, number: int) -> ServerId:
    parts = (f"{medium:X}", flag, f"{block:02d}", f"{number:08d}")
    octets = (
        f"0A{medium:02X}{flag.encode('latin-1').hex().upper()}{block:02X}{number:08X}"
    )
    return ServerId(
        DIN_2012, medium, flag, block, number, " ".join(parts), "".join(parts), octets
    )


def _din_2010_07(octets: bytes) -> ServerId:
    medium, flag, number = octets[1] & 0x0F, _letters(octets[2:5]), _number(octets)
    parts = (f"{medium:X}", flag, f"{octets[5]:02X}", f"{number:08d}")
    return ServerId(
        *(DIN_2010_07, medium, flag, octets[5], number),
        *(" ".join(parts), "".join(parts), octets.hex().upper()),
    )


def _din_2010_02(octets: bytes) -> ServerId:
    """Six octets hold 13 decimal digits: medium, year, block, number."""
    digits = f"{int.from_bytes(octets[4:], 'big'):013d}"
    if len(digits) > 13:
        raw = octets.hex().upper()
        return ServerId(0, 0, "", 0, 0, raw, raw, raw)
    medium, year, block, number = digits[0], digits[1:3], digits[3:5], digits[5:]
    parts = (medium, _letters(octets[1:4]), year, block, number)
    return ServerId(
        *(DIN_2010_02, int(medium), parts[1], int(block), int(number)),
        *(" ".join(parts), "".join(parts), octets.hex().upper()),
    )


def _mbus(kind: int, raw: str, maker: bytes, number: bytes, medium: int) -> ServerId:
    """Maker and number are little-endian, the number in decimal digits."""
    bits = int.from_bytes(maker, "little")
    flag = "".join(chr((bits >> shift & 0x1F) + 64) for shift in (10, 5, 0))
    digits = number[::-1].hex()
    obis_medium = _MEDIA_OF_MBUS.get(medium, 0)
    return ServerId(
        kind, obis_medium, flag, 0, int(digits), f"{flag} {digits}", raw, raw
    )
