"""The data of a record as a value (EN 13757-3, annex A); never through a float.

Integers and BCD numbers stay integers with a power of ten. A 32-bit float is taken for
exactly the number that its bits say.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite

from hardware.wmbus_errors import Unsupported
from hardware.wmbus_header import VARIABLE, RecordHeader
from hardware.wmbus_time import (
    read_date,
    read_date_time,
    read_date_time_seconds,
    read_time,
)
from hardware.wmbus_vif_tables import Coding

_REAL = 5
_INTEGERS = frozenset({1, 2, 3, 4, 6, 7})
_BCD = frozenset({9, 10, 11, 12, 14})
_LVAR_TEXT = range(0x00, 0xC0)
_LVAR_POSITIVE, _LVAR_NEGATIVE = range(0xC0, 0xCA), range(0xD0, 0xDA)
_LVAR_BINARY, _LVAR_LARGE = range(0xE0, 0xF0), range(0xF0, 0xF5)
_LVAR_SIZES = {0xF5: 48, 0xF6: 64}


@dataclass(frozen=True, slots=True)
class Value:
    """`kind` as in the README of `decode wmbus`; a number is `number` x 10^`scaler`.

    `text` is the value of kinds that are no numbers; both are None when there is none.
    """

    kind: str
    number: int | None = None
    scaler: int = 0
    text: str | None = None

    def __str__(self) -> str:
        if self.number is not None:
            return decimal_text(self.number, self.scaler)
        return self.text or ""


NO_DATA = Value("none")
RAW = Value("raw")
INVALID = Value("invalid")
PROFILE = Value("compact_profile")


def variable_size(lvar: int) -> int:
    """Bytes of data behind an LVAR byte; raises Unsupported for reserved ones."""
    if lvar in _LVAR_TEXT:
        return lvar
    if lvar in _LVAR_LARGE:
        return 4 * (lvar - 0xEC)
    if lvar in _LVAR_SIZES:
        return _LVAR_SIZES[lvar]
    for kind in (_LVAR_POSITIVE, _LVAR_NEGATIVE, _LVAR_BINARY):
        if lvar in kind:
            return lvar - kind.start
    raise Unsupported(f"LVAR {lvar:02X} is reserved")


def read_value(header: RecordHeader, raw: bytes, lvar: int | None = None) -> Value:
    """What the data of a record say; never raises."""
    if header.size == 0:
        return NO_DATA
    if header.profile is not None and header.size == VARIABLE:
        return PROFILE
    if header.is_error or header.coding is Coding.OPAQUE:
        return RAW
    if header.coding is Coding.DATE:
        return _moment(raw) if header.field in _INTEGERS else RAW
    if lvar is not None:
        return _variable(header, raw, lvar)
    return _fixed(header, header.field, raw)


def _fixed(header: RecordHeader, field: int, raw: bytes) -> Value:
    if header.coding is Coding.BITS and field != _REAL:
        return Value("bits", text="0x" + raw[::-1].hex().upper())
    if field in _INTEGERS:
        return _integer(header, raw)
    if field in _BCD:
        return _decimal(header, raw)
    return _real(header, raw)


def _integer(header: RecordHeader, raw: bytes) -> Value:
    if header.coding is Coding.SIGNED:
        if raw[-1] == 0x80 and not any(raw[:-1]):
            return INVALID
        number = int.from_bytes(raw, "little", signed=True)
        return Value("number", number * header.factor, header.exponent)
    number = int.from_bytes(raw, "little")
    kind = "unsigned" if header.coding is Coding.IDENTITY else "number"
    return Value(kind, number * header.factor, header.exponent)


def _decimal(header: RecordHeader, raw: bytes) -> Value:
    if header.coding is Coding.IDENTITY:
        digits = raw[::-1].hex()
        return Value("digits", text=digits) if digits.isdecimal() else RAW
    number = bcd_number(raw)
    if number is None:
        return INVALID
    return Value("number", number * header.factor, header.exponent)


def bcd_number(raw: bytes) -> int | None:
    """Type A: two digits per byte, lowest first; a top digit F means negative."""
    digits = raw[::-1].hex()
    negative = digits[:1] == "f"
    body = digits[1:] if negative else digits
    if not body.isdecimal():
        return None
    return -int(body) if negative else int(body)


def _real(header: RecordHeader, raw: bytes) -> Value:
    found = real_number(raw)
    if found is None:
        return INVALID
    number, scaler = found
    return Value("real", number * header.factor, scaler + header.exponent)


def real_number(raw: bytes) -> tuple[int, int] | None:
    """A 32-bit float as an integer and a power of ten; None for what is no number."""
    (number,) = struct.unpack("<f", raw)
    if not isfinite(number):
        return None
    sign, digits, exponent = Decimal(number).as_tuple()
    value = int("".join(map(str, digits)))
    return (-value if sign else value), int(exponent)


def _moment(raw: bytes) -> Value:
    """A date or a time, by its length; without text when it is unset.

    What is none (the patterns for "every year", "every month") stays raw.
    """
    if len(raw) not in _MOMENTS:
        return RAW
    kind, read = _MOMENTS[len(raw)]
    moment = read(raw)
    if moment is not None:
        return Value(kind, text=str(moment))
    is_unset = not raw.strip(b"\xff") or not any(raw)
    return Value(kind) if is_unset or len(raw) > 2 else RAW


_MOMENTS: dict[int, tuple[str, Callable[[bytes], object]]] = {
    2: ("date", read_date),
    3: ("time", read_time),
    4: ("datetime", read_date_time),
    6: ("datetime", read_date_time_seconds),
}


def _variable(header: RecordHeader, raw: bytes, lvar: int) -> Value:
    if lvar in _LVAR_TEXT:
        return _text(raw)
    if not raw:
        return NO_DATA
    if lvar in _LVAR_POSITIVE:
        return _fixed(header, 9, raw)
    if lvar in _LVAR_NEGATIVE:
        return _negated(_fixed(header, 9, raw))
    if lvar in _LVAR_BINARY:
        return _fixed(header, 1, raw)
    return RAW


def _negated(value: Value) -> Value:
    if value.number is None:
        return INVALID
    return Value(value.kind, -value.number, value.scaler)


def _text(raw: bytes) -> Value:
    """ISO 8859-1, last character first; bytes that are no characters stay raw."""
    text = raw[::-1].decode("latin-1").strip("\0")
    return Value("text", text=text) if text.isprintable() else RAW


def decimal_text(number: int, scaler: int) -> str:
    """The exact number, without exponent and without zeros at its end."""
    if scaler >= 0 or not number:
        return str(number * 10**scaler if number else 0)
    digits = str(abs(number)).rjust(1 - scaler, "0")
    whole, fraction = digits[:scaler], digits[scaler:].rstrip("0")
    sign = "-" if number < 0 else ""
    return f"{sign}{whole}.{fraction}" if fraction else sign + whole
