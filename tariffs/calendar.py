"""Civil time of the tariffs: grids, days and billing periods in Europe/Berlin.

Everything that goes in and comes out is UTC; days, weeks and months are those of the
civil calendar and start at the hour of the medium (electricity 00:00, gas 06:00).
No rule adds 86,400 seconds: a local day has 23, 24 or 25 hours (tafs.md 2, R1, R10).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count as numbers
from typing import NamedTuple
from zoneinfo import ZoneInfo

from meters.boundaries import REGISTRATION_PERIOD

BERLIN = ZoneInfo("Europe/Berlin")
GRID = REGISTRATION_PERIOD
"""The grid of the original lists (decisions D41)."""

WEEK = timedelta(days=7)
GAS = 7
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE_DAY = timedelta(days=1)
_HOUR_S = 3600


class Period(NamedTuple):
    """The interval `(begin, end]` in UTC, open at its begin (decisions D13)."""

    begin: datetime
    end: datetime

    def holds(self, instant: datetime) -> bool:
        """Whether `instant` lies in it."""
        return self.begin < instant <= self.end


def day_hour(medium: int) -> int:
    """The local hour at which the billing calendar day of a medium starts."""
    return 6 if medium == GAS else 0


def day_start(day: date, hour: int) -> datetime:
    """The instant at which the local day starts, UTC."""
    return datetime.combine(day, time(hour), BERLIN).astimezone(UTC)


def local_day(instant: datetime, hour: int) -> date:
    """The billing calendar day that holds `instant`; a day's start belongs to it."""
    local = instant.astimezone(BERLIN)
    return local.date() if local.hour >= hour else local.date() - _ONE_DAY


def day_starts(begin: datetime, end: datetime, hour: int) -> Iterator[datetime]:
    """The day starts in `(begin, end]`, ascending."""
    day = local_day(begin, hour)
    while (day := day + _ONE_DAY) and (start := day_start(day, hour)) <= end:
        yield start


def first_on_grid(instant: datetime, step: timedelta = GRID) -> datetime:
    """The first instant of the UTC grid that is not before `instant`."""
    return _EPOCH + -((_EPOCH - instant) // step) * step


def last_on_grid(instant: datetime, step: timedelta = GRID) -> datetime:
    """The last instant of the UTC grid that is not after `instant`."""
    return _EPOCH + (instant - _EPOCH) // step * step


def grid_instants(
    begin: datetime, end: datetime, step_s: int, hour: int = 0
) -> Iterator[datetime]:
    """The instants of a registration period of `step_s` in `(begin, end]`, ascending.

    Up to an hour the grid lies on UTC; longer periods are counted on the local clock
    from the start of each billing calendar day, so that every day boundary has a
    value. `step_s` divides the day.
    """
    if step_s > _HOUR_S:
        yield from _wall_clock_grid(begin, end, step_s, hour)
        return
    step = timedelta(seconds=step_s)
    instant = last_on_grid(begin, step) + step
    while instant <= end:
        yield instant
        instant += step


def _wall_clock_grid(
    begin: datetime, end: datetime, step_s: int, hour: int
) -> Iterator[datetime]:
    """Local times of day; one in the skipped hour comes at its end, one in the
    repeated hour at its first occurrence."""
    day, last = local_day(begin, hour), begin
    while day_start(day, hour) <= end:
        midnight = datetime.combine(day, time(hour))
        for passed_s in range(0, 24 * _HOUR_S, step_s):
            wall = midnight + timedelta(seconds=passed_s)
            instant = wall.replace(tzinfo=BERLIN).astimezone(UTC)
            if last < instant <= end:
                yield instant
                last = instant
        day += _ONE_DAY


@dataclass(frozen=True, slots=True)
class BillingCycle:
    """How often a profile is billed: every `count` days, weeks or months.

    `day` is the day of the month (1..28) or of the week (1 = Monday). Counts are
    taken on the civil calendar, not from the begin of a contract: three months are
    its quarters, twelve its years.
    """

    unit: str
    count: int = 1
    day: int = 1
    hour: int = 0

    def starts_on(self, day: date) -> bool:
        """Whether a period starts on this local day."""
        if self.unit == "day":
            return day.toordinal() % self.count == 0
        if self.unit == "week":
            # 0001-01-01, ordinal 1, was a Monday.
            week = (day.toordinal() - 1) // 7
            return day.isoweekday() == self.day and week % self.count == 0
        return day.day == self.day and (day.year * 12 + day.month - 1) % self.count == 0

    def boundaries(self, after: datetime) -> Iterator[datetime]:
        """The period starts after an instant, ascending, without end."""
        day = local_day(after, self.hour)
        for passed in numbers(1):
            candidate = day + timedelta(days=passed)
            if self.starts_on(candidate):
                yield day_start(candidate, self.hour)

    @property
    def is_merged(self) -> bool:
        """Whether its periods are shorter than a week and shown in groups (D13)."""
        return self.unit == "day" and self.count < 7


def billing_periods(
    cycle: BillingCycle,
    valid_from: datetime,
    valid_to: datetime | None,
    *,
    until: datetime,
) -> Iterator[Period]:
    """The billing periods of a validity that began before `until`, ascending.

    They leave no hole and do not overlap; the first and the last are cut by the
    validity. The newest may end after `until`: that is its planned end.
    """
    begin = valid_from
    last = min(until, valid_to) if valid_to else until
    for boundary in cycle.boundaries(valid_from):
        if begin >= last:
            return
        end = min(boundary, valid_to) if valid_to else boundary
        yield Period(begin, end)
        begin = end


def merged(periods: Iterator[Period]) -> Iterator[Period]:
    """Neighbours joined, oldest first, until a group spans a week on the local clock.

    Only the newest group, which still grows, may be shorter (decisions D13).
    """
    group: Period | None = None
    for period in periods:
        group = Period(group.begin, period.end) if group else period
        if _local_span(group) >= WEEK:
            yield group
            group = None
    if group:
        yield group


def _local_span(period: Period) -> timedelta:
    """The length on the local clock: seven days with a 23-hour one are a week."""
    begin, end = (instant.astimezone(BERLIN).replace(tzinfo=None) for instant in period)
    return end - begin
