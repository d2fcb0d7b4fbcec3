"""Which tariff stage gets which energy: the arithmetic of TAF2.

One rule for the gateway's own registers and for checking a bill (tariffication.md 5):
the energy between two readings that lie on the grid of the calendar belongs to the
stage that was active all the time between them; if the stage changed in between, it
cannot be split and goes to the error register. Integers in, integers out.

Times are wall clock times of Europe/Berlin, as a calendar states them: every day has
96 quarter hours; the reading for a time that comes twice is that of its first coming.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

ERROR_STAGE = 63
"""The error register: OBIS value group E = 63."""

SLOT = timedelta(minutes=15)
LAST_SLOT = time(23, 45)
_ONE_DAY = timedelta(days=1)
_MIDNIGHT = time()

DayPlan = Sequence[tuple[time, int]]
"""The stages of a day: from each time of day on a stage, ascending."""

_NO_STAGE: DayPlan = ((_MIDNIGHT, ERROR_STAGE),)


class Booking(NamedTuple):
    """Energy between two times, booked to a stage."""

    begin: datetime
    end: datetime
    stage: int
    amount: int


@dataclass(slots=True)
class Timeline:
    """The slots of a span of days, ascending: when they begin, and their stages."""

    begins: list[datetime] = field(default_factory=list)
    stages: list[int] = field(default_factory=list)

    def add(self, begin: datetime, stage: int) -> None:
        """Append a slot."""
        self.begins.append(begin)
        self.stages.append(stage)


def carried_out(plan: DayPlan) -> DayPlan:
    """The plan as TRuDI carries it out: a change at 23:45 is not (rule 5.4b)."""
    carried: list[tuple[time, int]] = []
    for begin, stage in plan:
        is_last = begin == LAST_SLOT and bool(carried)
        carried.append((begin, carried[-1][1] if is_last else stage))
    return carried


def timeline(
    days: Iterable[tuple[date, DayPlan]], begin: datetime, end: datetime
) -> Timeline:
    """The slots from `begin` to `end`, both inclusive; `days` are ascending.

    A day that is left out has no stage: the error register is active.
    """
    slots = Timeline()
    expected: date | None = None
    for day, plan in days:
        if expected is not None and day > expected:
            _add_day(slots, expected, _NO_STAGE, begin, end)
        _add_day(slots, day, plan, begin, end)
        expected = day + _ONE_DAY
    return slots


def _add_day(
    slots: Timeline, day: date, plan: DayPlan, begin: datetime, end: datetime
) -> None:
    combine = datetime.combine
    if begin.date() < day < end.date():
        slots.begins += [combine(day, at) for at, _stage in plan]
        slots.stages += [stage for _at, stage in plan]
        return
    for at, stage in plan:
        if begin <= (start := combine(day, at)) <= end:
            slots.add(start, stage)


def bookings(
    slots: Timeline, values: Mapping[datetime, int], *, trudi_compat: bool = True
) -> list[Booking]:
    """The energy between neighbouring values on the grid, each with its stage.

    `values` holds the usable readings by the time they stand for; those off the grid
    are not looked at. The last slot is closed by the value at its end when it is that
    of 23:45. The amounts add up to the last value on the grid minus the first.
    """
    booked = []
    changes = _changes(slots)
    last = None
    for index, when, value in _points(slots, values):
        if last is not None:
            first, begin, before = last
            stage = slots.stages[first]
            if changes[first] != changes[index - 1] or (
                trudi_compat
                and index - first > 1
                and _ends_on_switch_after_midnight(slots, index, begin, when)
            ):
                stage = ERROR_STAGE
            booked.append(Booking(begin, when, stage, value - before))
        last = index, when, value
    return booked


def _points(
    slots: Timeline, values: Mapping[datetime, int]
) -> Iterator[tuple[int, datetime, int]]:
    """Slot index, time and value of each grid time that has a value."""
    get = values.get
    for index, begin in enumerate(slots.begins):
        if (value := get(begin)) is not None:
            yield index, begin, value
    if slots.begins and slots.begins[-1].time() == LAST_SLOT:
        end = slots.begins[-1] + SLOT
        if (value := get(end)) is not None:
            yield len(slots.begins), end, value


def _changes(slots: Timeline) -> list[int]:
    """Of each slot, how often the stage changed up to it."""
    changes, count = [], 0
    before = slots.stages[0] if slots.stages else 0
    for stage in slots.stages:
        if stage != before:
            count += 1
            before = stage
        changes.append(count)
    return changes


def _ends_on_switch_after_midnight(
    slots: Timeline, index: int, begin: datetime, end: datetime
) -> bool:
    """TRuDI's rule 5.4a: over a missing midnight, ending exactly on a switch."""
    midnight = datetime.combine(end.date(), _MIDNIGHT)
    if not begin < midnight < end or index == len(slots.stages):
        return False
    return slots.stages[index] != slots.stages[index - 1]


def totals(booked: Iterable[Booking]) -> dict[int, int]:
    """The energy of each stage."""
    sums: dict[int, int] = {}
    for booking in booked:
        sums[booking.stage] = sums.get(booking.stage, 0) + booking.amount
    return sums
