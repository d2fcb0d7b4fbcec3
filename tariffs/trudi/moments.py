"""Instants as TRuDI compares them: the wall clock of Europe/Berlin, to the second.

Calculations look at the wall clock only, sorting and the end of an interval at UTC;
so a moment carries both.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tariffs.calendar import BERLIN

DAY_S = 86400
_QUARTER_S = 900
_LAST_QUARTER_S = DAY_S - _QUARTER_S


class Moment(NamedTuple):
    """An instant: in UTC (aware) and on the wall clock of Berlin (naive)."""

    utc: datetime
    wall: datetime

    @classmethod
    def at(cls, instant: datetime) -> "Moment":
        """The moment of an aware instant."""
        wall = instant.astimezone(BERLIN).replace(tzinfo=None, fold=0)
        return cls(instant.astimezone(UTC), wall)

    @classmethod
    def parse(cls, text: str) -> "Moment":
        """Read an xs:dateTime; one without an offset is local time.

        A local time in the repeated or the skipped hour is standard time, as .NET
        takes it. Raises ValueError.
        """
        stamp = datetime.fromisoformat(text.strip())
        try:
            return cls.at(stamp if stamp.tzinfo else standard_time(stamp))
        except OverflowError:
            raise ValueError(f"not a time that can be used: {text!r}") from None

    def plus(self, seconds: int) -> "Moment":
        """So many elapsed seconds later; raises ValueError beyond the year 9999."""
        try:
            return Moment.at(self.utc + timedelta(seconds=seconds))
        except OverflowError:
            raise ValueError("beyond the calendar") from None

    def isoformat(self) -> str:
        """Local time with its offset: `2024-06-01T00:00:00+02:00`."""
        return self.utc.astimezone(BERLIN).isoformat()


def standard_time(wall: datetime) -> datetime:
    """A naive local time as an instant; standard time where two are possible."""
    both = (wall.replace(tzinfo=BERLIN, fold=fold) for fold in (0, 1))
    return min(both, key=lambda each: each.utcoffset() or timedelta())


def seconds_of_day(wall: datetime) -> int:
    """Whole seconds since midnight on the clock."""
    return wall.hour * 3600 + wall.minute * 60 + wall.second


def aligned(wall: datetime, period_s: int) -> datetime:
    """The grid time that a capture time stands for, or the time itself (2.1).

    Up to one hundredth of the period is forgiven on either side; for a day it is a
    quarter of an hour. Unknown periods (0) and those above a day change nothing.
    """
    if period_s == DAY_S:
        return _aligned_to_day(wall)
    if not 0 < period_s < DAY_S:
        return wall
    late = seconds_of_day(wall) % period_s
    tolerance = period_s // 100
    if late and late <= tolerance:
        return wall - timedelta(seconds=late)
    if late and period_s - late <= tolerance:
        return wall + timedelta(seconds=period_s - late)
    return wall


def _aligned_to_day(wall: datetime) -> datetime:
    passed = seconds_of_day(wall)
    midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0)
    if passed < _QUARTER_S:
        return midnight
    return midnight + timedelta(days=1) if passed >= _LAST_QUARTER_S else wall


def target_of(capture: Moment, period_s: int) -> Moment:
    """The target time of a reading that has none of its own (rule P7)."""
    target = aligned(capture.wall, period_s)
    if target == capture.wall:
        return capture
    if period_s == DAY_S:
        return Moment.at(standard_time(target))
    return Moment.at(capture.utc + (target - capture.wall))


def period_start(wall: datetime, period_s: int) -> datetime:
    """The start of the registration period that holds `wall`; itself for 0."""
    if period_s <= 0:
        return wall
    late = seconds_of_day(wall) % period_s if period_s < DAY_S else seconds_of_day(wall)
    return (wall - timedelta(seconds=late)).replace(microsecond=0)
