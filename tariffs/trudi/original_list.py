"""An original value list as TRuDI shows it: gaps, filled list, state of each day."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from tariffs.calendar import grid_instants
from tariffs.trudi.model import Reading, ReadingList
from tariffs.trudi.moments import DAY_S, Moment, target_of
from tariffs.trudi.periods import measurement_period

_HOUR_S = 3600


class Item(NamedTuple):
    """An entry of the filled list; `reading` is None for a grid time without one."""

    time: Moment
    reading: Reading | None


@dataclass(slots=True)
class DayState:
    """What a local day holds; `values` counts the missing ones too.

    `levels`: how many values have each PTB status.
    """

    on: date
    values: int = 0
    gaps: int = 0
    levels: Counter[int] = field(default_factory=Counter)

    @property
    def has_errors(self) -> bool:
        """Whether anything but good values is in it."""
        return self.gaps > 0 or self.levels[0] != self.values


def gap_count(values: ReadingList) -> int:
    """How many holes there are between neighbours of a block, whatever their length.

    With an unknown period every change of time is one.
    """
    period = measurement_period(values)
    return sum(
        _distance(before, after, period) > timedelta(seconds=period)
        for block in values.blocks
        for before, after in pairwise(_on_grid(block.readings, period))
    )


def _on_grid(readings: list[Reading], period: int) -> Iterator[Moment]:
    for reading in readings:
        if reading.time is not None:
            yield target_of(reading.time, period)


def _distance(before: Moment, after: Moment, period: int) -> timedelta:
    """Up to an hour elapsed time; longer periods follow the clock on the wall."""
    if period > _HOUR_S:
        return after.wall - before.wall
    return after.utc - before.utc


def bounds(values: ReadingList) -> tuple[Moment, Moment] | None:
    """The times of the first and the last reading; None for an empty list."""
    times = [reading.time for reading in values.readings if reading.time]
    return (times[0], times[-1]) if times else None


def items(
    values: ReadingList, begin: datetime | None = None, end: datetime | None = None
) -> list[Item]:
    """The list from `begin` to `end`, both inclusive, with its holes filled.

    A missing grid time between the first and the last reading is an item without a
    reading. Lists without a known period, or one above a day, have none.
    """
    found = [Item(each.time, each) for each in values.readings if each.time]
    filled = sorted([*found, *_missing(values, found)], key=lambda item: item.time.utc)
    return [
        item
        for item in filled
        if (begin is None or item.time.utc >= begin)
        and (end is None or item.time.utc <= end)
    ]


def _missing(values: ReadingList, found: list[Item]) -> Iterator[Item]:
    period = measurement_period(values)
    if not found or not 0 < period <= DAY_S or DAY_S % period:
        return
    taken = {target_of(item.time, period).utc for item in found}
    first, last = found[0].time.utc, found[-1].time.utc
    for instant in grid_instants(first, last, period):
        if instant not in taken:
            yield Item(Moment.at(instant), None)


def day_states(values: ReadingList) -> list[DayState]:
    """One entry per local day that has an item, ascending."""
    states: dict[date, DayState] = {}
    for item in items(values):
        day = item.time.wall.date()
        state = states.setdefault(day, DayState(day))
        state.values += 1
        if item.reading is None:
            state.gaps += 1
        else:
            state.levels[item.reading.shown_status] += 1
    return list(states.values())
