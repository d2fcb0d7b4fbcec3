"""The registers that the gateway computed, beside those computed from its readings."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import NamedTuple

from hardware.obis import Obis
from tariffs.stages import Booking
from tariffs.trudi.calculation import Result, first_readings, usable_values
from tariffs.trudi.model import ReadingList, ReadingType, UsagePoint
from tariffs.trudi.moments import Moment
from tariffs.trudi.registers import C, E, Register


class Row(NamedTuple):
    """A value of a register of the gateway; `computed` is what it should be."""

    time: Moment
    stated: int
    computed: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """One register of the gateway: how many rows were looked at, the first that
    differs, and the last one, which is what is billed.

    `kind` is what its values are; `owner` the profile that it belongs to.
    """

    obis: Obis
    rows: int
    first_difference: Row | None
    last: Row | None = None
    kind: ReadingType | None = None
    owner: str = ""

    @property
    def matches(self) -> bool:
        """Whether all rows are right."""
        return self.first_difference is None


Computed = Callable[[datetime], Iterable[int]]
"""What a register may say at a time (wall clock), best first; nothing: unknown."""


def compare(point: UsagePoint, result: Result) -> list[Comparison]:
    """Each derived list of a file that has a register in the result.

    Compared is the energy since the begin of the period, with which the list must
    begin too. A list that has a value there is a running total, which is taken off;
    one without started there. One whose value there is not usable is left out.
    """
    begin, end = result.begin.wall, result.end.wall
    compared = []
    for values in point.derived:
        booked = _bookings_of(values, result)
        if booked is None or not values.span or values.span[0].wall != begin:
            continue
        if not _begins_unknown(values, begin):
            compared.append(_compared(values, _sums(booked), begin, end))
    return [each for each in compared if each.rows]


def compare_taf1(point: UsagePoint) -> list[Comparison]:
    """The registers of a TAF1 file beside the difference of its only original list.

    Needs no tariff. The register of one input may also be its counter itself. One
    over several lists is left out: a file does not say with which sign each counts.
    """
    compared = []
    for values in point.derived:
        sources = [each for each in point.originals if _is_source(each, values)]
        if len(sources) == 1 and (span := values.span):
            begin, end = span[0].wall, span[1].wall
            if _begins_unknown(values, begin):
                continue
            usable = usable_values(first_readings(sources[0]))
            compared.append(_compared(values, _differences(usable, begin), begin, end))
    return [each for each in compared if each.rows]


def _compared(
    values: ReadingList, computed: Computed, begin: datetime, end: datetime
) -> Comparison:
    stated = dict(_stated(values))
    base = next((value for time, value in stated.items() if time.wall == begin), 0)
    rows, different, last = 0, None, None
    for time, value in stated.items():
        possible = list(computed(time.wall)) if begin < time.wall <= end else []
        if not possible:
            continue
        rows += 1
        is_right = value - base in possible
        last = Row(time, value - base, value - base if is_right else possible[0])
        if different is None and not is_right:
            different = last
    obis = values.obis
    assert obis is not None  # lists without one are not compared
    return Comparison(obis, rows, different, last, values.reading_type, values.owner)


def _stated(values: ReadingList) -> Iterator[tuple[Moment, int]]:
    """The values of a list that are usable, by their time."""
    for reading in values.readings:
        if reading.time and reading.value is not None and reading.is_usable:
            yield reading.time, reading.value


def _begins_unknown(values: ReadingList, begin: datetime) -> bool:
    """Whether a list has a value at its begin that must not be used."""
    return any(
        reading.time is not None and reading.time.wall == begin
        for reading in values.readings
        if not reading.is_usable
    )


def _sums(booked: list[Booking]) -> Computed:
    """The energy booked up to a time."""
    ends = [booking.end for booking in booked]
    sums = [0, *accumulate(booking.amount for booking in booked)]
    return lambda when: [sums[bisect_right(ends, when)]]


def _differences(usable: dict[datetime, int], begin: datetime) -> Computed:
    """The counter since `begin`, or the counter itself."""

    def at(when: datetime) -> Iterator[int]:
        if when in usable and begin in usable:
            yield usable[when] - usable[begin]
            yield usable[when]

    return at


def _bookings_of(values: ReadingList, result: Result) -> list[Booking] | None:
    """What was booked to the register of a list, in time order; None without one."""
    obis = values.obis
    if obis is None:
        return None
    stages = {each.tariff_id for each in result.registers if _counts(each, obis)}
    booked = [
        booking
        for original, of_list in result.bookings
        if original.obis and original.obis.groups[C] == obis.groups[C]
        for booking in of_list
        if booking.stage in stages
    ]
    return sorted(booked, key=lambda booking: booking.end) if stages else None


def _counts(register: Register, obis: Obis) -> bool:
    """Whether a register of the result is, or is part of (E = 0), that of a list."""
    if obis.groups[E] == 0:
        return register.obis.groups[C] == obis.groups[C]
    return register.obis == obis


def _is_source(original: ReadingList, register: ReadingList) -> bool:
    """Whether both count the same quantity."""
    if original.obis is None or register.obis is None:
        return False
    return original.obis.groups[:E] == register.obis.groups[:E]
