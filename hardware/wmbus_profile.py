"""Load profiles inside one record (EN 13757-3, annex F; basis of OMS TR 07).

    LVAR | spacing control | spacing value | element | element | ...

The record shares its storage number with a base time and a base value; its elements get
the storage numbers that follow.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hardware.wmbus_header import SIZES, VARIABLE
from hardware.wmbus_records import Record
from hardware.wmbus_time import (
    MeterTime,
    months_later,
    read_date,
    read_date_time,
    read_date_time_seconds,
)
from hardware.wmbus_values import Value, bcd_number, real_number
from hardware.wmbus_vif_tables import Coding

MODES = ("absolute", "increments", "decrements", "signed_difference")
_INVERSE = "inverse_compact_profile"
_REAL = 5
_BCD = frozenset({9, 10, 11, 12, 14})
_UNITS = (
    timedelta(seconds=1),
    timedelta(minutes=1),
    timedelta(hours=1),
    timedelta(days=1),
)
_MONTHS = {(254, 1): 6, (254, 2): 3, (254, 3): 1}
"""(spacing value, spacing unit) -> months between elements."""
_HALF_MONTH = 253, 3
_MOST_UNITS = 250
_HALF_MONTH_DAYS = 15


@dataclass(frozen=True, slots=True)
class CompactProfile:
    """A profile as sent; `element_field` is the data field code of its elements."""

    control: int
    spacing_value: int
    elements: tuple[bytes, ...]

    @property
    def element_field(self) -> int:
        """Data field of one element, as in a DIF."""
        return self.control & 15

    @property
    def spacing_unit(self) -> int:
        """0 seconds, 1 minutes, 2 hours, 3 days."""
        return self.control >> 4 & 3

    @property
    def mode(self) -> str:
        """How an element becomes a value, see MODES."""
        return MODES[self.control >> 6]

    @property
    def is_signed(self) -> bool:
        """Whether integer elements have a sign."""
        return self.mode in ("absolute", "signed_difference")


def read_profile(record: Record) -> CompactProfile | None:
    """The profile that a record holds; None when it holds none."""
    raw = record.raw
    if record.header.profile is None or record.header.size != VARIABLE or len(raw) < 2:
        return None
    if raw[0] & 15 == 15:
        return None
    size = SIZES[raw[0] & 15]
    if size < 1:
        return None
    starts = range(2, len(raw) - size + 1, size)
    elements = tuple(raw[start : start + size] for start in starts)
    return CompactProfile(raw[0], raw[1], elements)


@dataclass(frozen=True, slots=True)
class ProfileValue:
    """One value out of a profile, with the storage number that it stands for.

    `at` is None when the profile has no times.
    """

    source: Record
    storage: int
    at: MeterTime | None
    value: Value


def expanded(records: Sequence[Record]) -> Iterator[ProfileValue]:
    """The values of all profiles among the records of one telegram, in order.

    Values that are not there ("no value") are left out; in profiles of differences they
    end the profile, and without a base value there is none.
    """
    profiles = [(record, read_profile(record)) for record in records]
    if not any(profile for _, profile in profiles):
        return
    times, numbers = _base_times(records), _base_numbers(records)
    for record, profile in profiles:
        if profile is not None:
            at = times.get(record.header.storage)
            yield from _values_of(record, profile, at, numbers.get(_place(record)))


def _values_of(
    record: Record,
    profile: CompactProfile,
    base_time: MeterTime | None,
    base_number: "_Number | None",
) -> Iterator[ProfileValue]:
    times = _times(base_time, record, profile)
    numbers = _numbers(record, profile, base_number)
    storage = record.header.storage
    for step, (at, number) in enumerate(zip(times, numbers, strict=False), start=1):
        if number is not None:
            kind = "real" if profile.element_field == _REAL else "number"
            value = Value(kind, number[0] * record.header.factor, number[1])
            yield ProfileValue(record, storage + step, at, value)


# --- times --------------------------------------------------------------------------


def _base_times(records: Iterable[Record]) -> dict[int, MeterTime]:
    """By storage number, the first date or time that stands for itself."""
    found: dict[int, MeterTime] = {}
    for record in records:
        at = None if record.header.vife else moment_of(record)
        if at is not None:
            found.setdefault(record.header.storage, at)
    return found


def moment_of(record: Record) -> MeterTime | None:
    """The date or time that a record gives; None when it gives none."""
    readers = {2: read_date, 4: read_date_time, 6: read_date_time_seconds}
    if record.header.coding is not Coding.DATE or record.value.text is None:
        return None
    reader = readers.get(len(record.raw))
    return None if reader is None else reader(record.raw)


def _times(
    base: MeterTime | None, record: Record, profile: CompactProfile
) -> Iterator[MeterTime | None]:
    """The time of each element; None for each when times are not known."""
    direction = -1 if record.header.profile == _INVERSE else 1
    for step in range(1, len(profile.elements) + 1):
        at = None if base is None else _shifted(base, profile, direction * step)
        yield at


def _shifted(base: MeterTime, profile: CompactProfile, steps: int) -> MeterTime | None:
    spacing = profile.spacing_value, profile.spacing_unit
    try:
        if spacing in _MONTHS:
            at = months_later(base.at, _MONTHS[spacing] * steps)
        elif spacing == _HALF_MONTH:
            at = _half_months_later(base.at, steps)
        elif 1 <= profile.spacing_value <= _MOST_UNITS:
            at = base.at + spacing[0] * steps * _UNITS[spacing[1]]
        else:
            return None
    except (ValueError, OverflowError):
        return None
    return replace(base, at=at, digits=_digits(base, profile))


def _digits(base: MeterTime, profile: CompactProfile) -> str:
    """A date that is moved by hours becomes a time."""
    is_fine = profile.spacing_unit < 3 and profile.spacing_value <= _MOST_UNITS
    return "minutes" if base.digits == "date" and is_fine else base.digits


def _half_months_later(at: datetime, steps: int) -> datetime:
    """The first half of a month begins on the base's day, the second 15 days later."""
    is_second = at.day > _HALF_MONTH_DAYS
    months, half = divmod(steps + is_second, 2)
    first = months_later(at.replace(day=at.day - _HALF_MONTH_DAYS * is_second), months)
    return first + timedelta(days=_HALF_MONTH_DAYS * half)


# --- values -------------------------------------------------------------------------

_Number = tuple[int, int]
"""Integer and power of ten."""


def _numbers(
    record: Record, profile: CompactProfile, base: _Number | None
) -> Iterator[_Number | None]:
    scaler = record.header.exponent
    elements = (_element(profile, raw, scaler) for raw in profile.elements)
    if profile.mode == "absolute":
        yield from elements
        return
    sign = -1 if profile.mode == "decrements" else 1
    if record.header.profile == _INVERSE:
        sign = -sign
    total = base
    for element in elements:
        if total is None or element is None:
            return
        total = _sum(total, (sign * element[0], element[1]))
        yield total


_Place = tuple[int, int, int, bytes]


def _place(record: Record) -> _Place:
    """What a profile and its base value share."""
    header = record.header
    return header.storage, header.tariff, header.subunit, header.plain_vib


def _base_numbers(records: Iterable[Record]) -> dict[_Place, _Number]:
    """By place, the first number that is no profile's."""
    found: dict[_Place, _Number] = {}
    for record in records:
        header, value = record.header, record.value
        if header.profile is None and value.number is not None:
            number = value.number // header.factor, value.scaler
            found.setdefault(_place(record), number)
    return found


def _element(profile: CompactProfile, raw: bytes, scaler: int) -> _Number | None:
    field = profile.element_field
    if field == _REAL:
        real = real_number(raw)
        return None if real is None else (real[0], real[1] + scaler)
    number = bcd_number(raw) if field in _BCD else _integer(raw, profile.is_signed)
    return None if number is None else (number, scaler)


def _integer(raw: bytes, signed: bool) -> int | None:
    """All bits set (unsigned) or the most negative number (signed) is "no value"."""
    number = int.from_bytes(raw, "little", signed=signed)
    nothing = -(1 << 8 * len(raw) - 1) if signed else (1 << 8 * len(raw)) - 1
    return None if number == nothing else number


def _sum(one: _Number, other: _Number) -> _Number:
    scaler = min(one[1], other[1])
    return (
        one[0] * 10 ** (one[1] - scaler) + other[0] * 10 ** (other[1] - scaler),
        scaler,
    )
