"""The head of a data record: DIB and VIB (EN 13757-3, 6.3 and 6.4).

    DIF [DIFE..] VIF [VIFE..]

A meter sends the same heads again and again, so what they mean is kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from hardware.wmbus_errors import Unsupported
from hardware.wmbus_vif_tables import (
    FB_VIFS,
    FD_VIFS,
    MANUFACTURER,
    PRIMARY_VIFS,
    RESERVED,
    RESERVED_FB,
    RESERVED_FD,
    Coding,
    Vif,
)
from hardware.wmbus_vife_tables import (
    COMBINED,
    MANUFACTURER_FOLLOWS,
    PROFILE_KINDS,
    Vife,
    combined_vife_of,
    vife_of,
)

FUNCTIONS = ("instantaneous", "maximum", "minimum", "error")
VARIABLE = -1
"""Size of data whose length stands in front of them (LVAR)."""
SIZES = (0, 1, 2, 3, 4, 4, 6, 8, 0, 1, 2, 3, 4, VARIABLE, 6)
"""Data field of the DIF -> bytes of data; field 15 begins no record."""

_MORE = 0x80
_MAX_DIB = 11
_MAX_VIB = 12
_TEXT, _TABLE_FB, _TABLE_FD, _TABLE_EF = 0x7C, 0xFB, 0xFD, 0xEF
_OWN = 0x7F


@dataclass(frozen=True, slots=True, eq=False)
class RecordHeader:
    """What a record is about; see README of the decode command for the words.

    `field` is the data field of the DIF, `size` the bytes of data or VARIABLE; the
    value is the integer x `factor` x 10^`exponent` in `unit`. `profile` is the name of
    the profile VIFE or None; `plain_vib` identifies the value without that VIFE.
    """

    dib: bytes
    vib: bytes
    function: str
    storage: int
    tariff: int
    subunit: int
    field: int
    size: int
    quantity: str
    unit: str
    vife: tuple[str, ...]
    coding: Coding
    exponent: int
    factor: int
    is_error: bool
    profile: str | None
    plain_vib: bytes


def header_end(data: bytes, start: int) -> int:
    """The index behind the head that begins at `start`; raises IndexError."""
    end = start
    while data[end] & _MORE:
        end += 1
    vif = data[end + 1]
    end += 2
    if vif & ~_MORE == _TEXT:
        end += 1 + data[end]
    while vif & _MORE:
        vif = data[end]
        end += 1
    if end > len(data):
        raise IndexError
    return end


def headers_in(data: bytes) -> Iterator["RecordHeader"]:
    """The heads of a format, one after the other; raises Unsupported."""
    start = 0
    while start < len(data):
        try:
            end = header_end(data, start)
        except IndexError:
            raise Unsupported("a format ends in the middle of a head") from None
        yield header_of(data[start:end])
        start = end


@lru_cache(maxsize=4096)
def header_of(head: bytes) -> RecordHeader:
    """What a head means; raises Unsupported when it has more parts than allowed."""
    dib_size = next(n for n, byte in enumerate(head, start=1) if not byte & _MORE)
    dib, vib = head[:dib_size], head[dib_size:]
    vif, text, codes = _split_vib(vib)
    if len(dib) > _MAX_DIB or len(codes) >= _MAX_VIB or dib[0] & 15 == 15:
        raise Unsupported("the head of a record has too many extensions")
    storage, tariff, subunit = _numbers(dib)
    meaning, key, codes = _meaning(vif, text, codes)
    extensions = list(_extensions(codes, meaning is MANUFACTURER))
    unit, exponent, factor = _scale(meaning, extensions)
    dates = any(extension.is_date for extension in extensions)
    profile = next((e.name for e in extensions if e.name in _PROFILES), None)
    return RecordHeader(
        dib,
        vib,
        FUNCTIONS[dib[0] >> 4 & 3],
        storage,
        tariff,
        subunit,
        dib[0] & 15,
        SIZES[dib[0] & 15],
        meaning.quantity,
        unit,
        tuple(extension.name for extension in extensions),
        Coding.DATE if dates else meaning.coding,
        exponent,
        factor,
        any(extension.is_error for extension in extensions),
        profile,
        key + text + bytes(code for code in codes if code not in PROFILE_KINDS),
    )


_PROFILES = frozenset(PROFILE_KINDS.values())


def _split_vib(vib: bytes) -> tuple[int, bytes, bytes]:
    """The VIF, the text of a plain text VIF, and the VIFEs without their top bits."""
    vif, start, text = vib[0], 1, b""
    if vif & ~_MORE == _TEXT:
        start = 2 + vib[1]
        text = vib[2:start]
    return vif, text, bytes(byte & ~_MORE for byte in vib[start:])


def _numbers(dib: bytes) -> tuple[int, int, int]:
    """Storage, tariff and subunit; each DIFE adds higher bits to all three."""
    storage, tariff, subunit = dib[0] >> 6 & 1, 0, 0
    for n, dife in enumerate(dib[1:]):
        storage |= (dife & 15) << 1 + 4 * n
        tariff |= (dife >> 4 & 3) << 2 * n
        subunit |= (dife >> 6 & 1) << n
    return storage, tariff, subunit


def _meaning(vif: int, text: bytes, codes: bytes) -> tuple[Vif, bytes, bytes]:
    """The VIF's meaning, the bytes that name it, and the VIFEs that remain."""
    if vif in (_TABLE_FB, _TABLE_FD, _TABLE_EF) and codes:
        tables = {_TABLE_FB: (FB_VIFS, RESERVED_FB), _TABLE_FD: (FD_VIFS, RESERVED_FD)}
        table, otherwise = tables.get(vif, ({}, RESERVED))
        return table.get(codes[0], otherwise), bytes([vif, codes[0]]), codes[1:]
    code = vif & ~_MORE
    if code == _OWN:
        meaning = MANUFACTURER if vif & _MORE else RESERVED
    elif code == _TEXT:
        meaning = Vif("text_vif", _reversed_text(text))
    else:
        meaning = PRIMARY_VIFS.get(code, RESERVED)
    return meaning, bytes([code]), codes


def _reversed_text(text: bytes) -> str:
    return text[::-1].decode("latin-1")


def _extensions(codes: bytes, are_manufacturers: bool) -> Iterator[Vife]:
    """The VIFEs in order; behind 7F they are the manufacturer's."""
    remaining = iter(codes)
    for code in remaining:
        if are_manufacturers:
            yield Vife(f"mfct:{code:02x}")
        elif code == MANUFACTURER_FOLLOWS:
            are_manufacturers = True
        elif code == COMBINED:
            yield combined_vife_of(next(remaining, 0))
        else:
            yield vife_of(code)


def _scale(meaning: Vif, extensions: list[Vife]) -> tuple[str, int, int]:
    """Unit, exponent and factor; a VIFE of duration or count brings its own."""
    unit, exponent, factor = meaning.unit, meaning.exponent, meaning.factor
    for extension in extensions:
        if extension.unit is not None:
            unit, exponent, factor = extension.unit, 0, extension.factor
    return unit, exponent + sum(e.exponent for e in extensions), factor
