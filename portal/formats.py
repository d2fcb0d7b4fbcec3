"""How numbers, times and units are written, on pages and in exports alike.

Exact integer arithmetic from value and scaler, never a float; what does not fit is
cut, never rounded (decisions D46). One function per kind of thing.
"""

from dataclasses import dataclass
from datetime import date, datetime

from django.utils import dateformat
from django.utils.translation import get_language, pgettext

from hardware.readings import RegisterValue
from hardware.units import COUNTED_UNITS, UNIT_NAMES
from portal import local_time

READING_PLACES = 6


@dataclass(frozen=True, slots=True)
class NumberStyle:
    """The three marks of a number: between thousands, before decimals, minus."""

    group: str
    decimal: str
    minus: str


GERMAN_PAGE = NumberStyle(".", ",", "\u2212")
ENGLISH_PAGE = NumberStyle(",", ".", "\u2212")
GERMAN_FILE = NumberStyle(".", ",", "-")
PLAIN = NumberStyle("", ".", "-")

_KILO = {30: "kWh", 31: "kVAh", 32: "kvarh"}
_POWER = {27, 28, 29}


def page_style() -> NumberStyle:
    """The marks of the active language."""
    return ENGLISH_PAGE if get_language() == "en" else GERMAN_PAGE


def decimal_text(value: int, exponent: int, places: int, style: NumberStyle) -> str:
    """`value` x 10^`exponent` with `places` decimals, cut towards zero.

    `decimal_text(231636270, -4, 6, GERMAN_PAGE)` is '23.163,627000'.
    """
    shift = exponent + places
    size = abs(value)
    scaled = size * 10**shift if shift >= 0 else size // 10**-shift
    whole, fraction = divmod(scaled, 10**places)
    text = f"{whole:,}".replace(",", style.group)
    if places:
        text = f"{text}{style.decimal}{fraction:0{places}d}"
    return style.minus + text if value < 0 and scaled else text


def reading_unit(unit: int) -> str:
    """The unit readings are shown in: Wh as kWh, '' for a code without a symbol."""
    return _KILO.get(unit) or UNIT_NAMES.get(unit, "")


def register_exponent(register: RegisterValue) -> int:
    """The power of ten of the register's integer, counted in `reading_unit`."""
    return register.scaler - 3 if register.unit in _KILO else register.scaler


def register_places(register: RegisterValue) -> int:
    """Decimals: six for what counts, one for powers, else those the meter gives."""
    if register.unit in COUNTED_UNITS:
        return READING_PLACES
    return 1 if register.unit in _POWER else max(0, -register.scaler)


def register_number(register: RegisterValue, style: NumberStyle) -> str:
    """The amount in `reading_unit`: '23.163,627000' kWh (R32), '−4.484,0' W."""
    return decimal_text(
        register.value, register_exponent(register), register_places(register), style
    )


def whole_number(value: int, style: NumberStyle) -> str:
    """A count with its thousands marked: '2.976'."""
    return decimal_text(value, 0, 0, style)


def record_time(instant: datetime) -> str:
    """The manual's form of the time of a record, local: '2026-06-22 15:07:52'."""
    return local_time.page_time(instant)


def log_time(instant: datetime) -> str:
    """The form of the logs, ISO 8601 with offset: '2026-06-22T14:52:10+02:00'."""
    return local_time.iso(instant)


def record_stamp(instant: datetime) -> str:
    """As `record_time`, with ' A' or ' B' in the hour that the clock shows twice."""
    return local_time.page_stamp(instant)


def clock_time(instant: datetime) -> str:
    """The local time of day in running text: '15:07:52'."""
    return record_time(instant)[11:]


def minute_time(instant: datetime) -> str:
    """The local time of day to the minute: '15:07'."""
    return record_time(instant)[11:16]


def long_date(day: date) -> str:
    """A date written out: 'Montag, 22. Juni 2026', 'Monday, 22 June 2026'."""
    return dateformat.format(day, pgettext("date with weekday", "l, j. F Y"))


def plain_date(day: date) -> str:
    """A date written out without the weekday: '22. Juni 2026', '22 June 2026'."""
    return dateformat.format(day, pgettext("date", "j. F Y"))
