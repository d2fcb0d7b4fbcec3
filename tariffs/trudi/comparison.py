"""The registers that the gateway computed, beside those computed from its readings."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
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

    `kind` is what its values are; `owner` the profile that it belongs to. `earlier` is
    what a running total had counted before the period, where only the file of the
    period before could say whether that is right; else 0. `offset` is by how much it
    is too high in all rows, where its value at the begin is not known; else None.
    """

    obis: Obis
    rows: int
    first_difference: Row | None
    last: Row | None = None
    kind: ReadingType | None = None
    owner: str = ""
    earlier: int = 0
    offset: int | None = None

    @property
    def matches(self) -> bool:
        """Whether all rows are right."""
        return self.first_difference is None


Computed = Callable[[datetime], Iterable[int]]
"""What a register may say at a time (wall clock), best first; nothing: unknown."""

_LATEST = timedelta(seconds=27)


def compare(
    point: UsagePoint, result: Result, before: UsagePoint | None = None
) -> list[Comparison]:
    """Each derived list of a file that has a register in the result.

    Compared is the energy since the begin of the period, with which the list must
    begin too. A running total has a value there, which is taken off; it may stand in
    the list itself or at the end of that of `before`, the file of the period before.
    A list without one started there, unless all of a direction are running totals
    that agree with each other (`earlier`). One whose value there is not usable is left
    out.
    """
    begin, end = result.begin.wall, result.end.wall
    bases = _ends(before, begin) if before else {}
    compared = []
    for values in point.derived:
        booked = _bookings_of(values, result)
        if booked is None or not values.span or values.span[0].wall != begin:
            continue
        if not _begins_unknown(values, begin):
            base = bases.get(_name(values))
            compared.append(_compared(values, _sums(booked), begin, end, base))
    found = [each for each in compared if each.rows]
    return [_as_running_total(each, found) for each in found]


def _name(values: ReadingList) -> str:
    return values.reading_type.qualified_logical_name if values.reading_type else ""


def _ends(before: UsagePoint, begin: datetime) -> dict[str, int]:
    """What the derived lists of a file say at its end, by their names."""
    return {
        _name(values): value
        for values in before.derived
        for time, value in _stated(values)
        if _is_at(time, begin)
    }


def _is_at(time: Moment, wall: datetime) -> bool:
    """A capture without a target time may be late by some seconds."""
    return wall <= time.wall <= wall + _LATEST


def _as_running_total(one: Comparison, found: list[Comparison]) -> Comparison:
    """A register that is too high only by what all stages of its direction agree on.

    The total had counted before the period what its stages had counted together.
    """
    of_direction = [each for each in found if each.obis.groups[C] == one.obis.groups[C]]
    totals = [each for each in of_direction if each.obis.groups[E] == 0]
    parts = [each for each in of_direction if each.obis.groups[E] != 0]
    if len(totals) != 1 or any(each.offset is None for each in of_direction):
        return one
    whole = totals[0].offset
    if not whole or whole != sum(each.offset or 0 for each in parts):
        return one
    return replace(one, first_difference=None, earlier=one.offset or 0)


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
    values: ReadingList,
    computed: Computed,
    begin: datetime,
    end: datetime,
    known_base: int | None = None,
) -> Comparison:
    stated = dict(_stated(values))
    own = [value for time, value in stated.items() if time.wall == begin]
    base = own[0] if own else known_base
    rows, different, last = 0, None, None
    offsets = set()
    for time, value in stated.items():
        possible = list(computed(time.wall)) if begin < time.wall <= end else []
        if not possible:
            continue
        rows += 1
        since = value - (base or 0)
        is_right = since in possible
        last = Row(time, since, since if is_right else possible[0])
        offsets.add(since - possible[0])
        if different is None and not is_right:
            different = last
    obis = values.obis
    assert obis is not None  # lists without one are not compared
    is_open = base is None and len(offsets) == 1 and min(offsets) >= 0
    return Comparison(
        *(obis, rows, different, last, values.reading_type, values.owner),
        offset=offsets.pop() if is_open else None,
    )


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
