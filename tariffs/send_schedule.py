"""When a profile sends: five fields as of cron, on the local clock (rest-gwa.md 4.1).

Minute, hour, day of the month, month, day of the week (0 or sun is Sunday); all of them
must fit. `*`, lists, ranges and steps as in `*/15` or `mon-fri`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from celery.schedules import ParseException, crontab_parser

from tariffs.calendar import BERLIN

LONGEST = 64
_FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
_RANGES = ((60, 0), (24, 0), (31, 1), (12, 1), (7, 0))
_ONE_DAY = timedelta(days=1)
_LOOKED_AHEAD_DAYS = 9 * 366
"""29 February comes within eight years."""


class ScheduleInvalid(ValueError):
    """It is no schedule; the text says why."""


@dataclass(frozen=True, slots=True)
class SendSchedule:
    """The instants of a schedule; made by `parsed`."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def instants(self, after: datetime) -> Iterator[datetime]:
        """The instants later than `after`, ascending, UTC; ends where none comes soon.

        A time in the skipped hour comes an hour later, one in the repeated hour once.
        """
        day, last = after.astimezone(BERLIN).date() - _ONE_DAY, after
        passed = 0
        while passed < _LOOKED_AHEAD_DAYS:
            for instant in self._of_day(day) if self._fits(day) else ():
                if instant > last:
                    yield instant
                    last, passed = instant, 0
            day, passed = day + _ONE_DAY, passed + 1

    def first(self, not_before: datetime) -> datetime:
        """The first instant at or after this one."""
        return next(self.instants(not_before - timedelta(microseconds=1)))

    def _fits(self, day: date) -> bool:
        return (
            day.day in self.days
            and day.month in self.months
            and day.isoweekday() % 7 in self.weekdays
        )

    def _of_day(self, day: date) -> Iterator[datetime]:
        for hour in self.hours:
            for minute in self.minutes:
                wall = datetime.combine(day, time(hour, minute), BERLIN)
                yield wall.astimezone(UTC)


def parsed(text: str) -> SendSchedule:
    """The schedule that a text means; raises ScheduleInvalid."""
    fields = text.split()
    if len(text) > LONGEST or len(fields) != len(_FIELDS):
        raise ScheduleInvalid(
            "must have five fields: minute, hour, day of the month, month, "
            "day of the week, as in 15 1 * * *"
        )
    minutes, hours, days, months, weekdays = map(_field, fields, range(len(_FIELDS)))
    schedule = SendSchedule(
        tuple(sorted(minutes)),
        tuple(sorted(hours)),
        frozenset(days),
        frozenset(months),
        frozenset(weekdays),
    )
    if next(schedule.instants(datetime(2024, 1, 1, tzinfo=UTC)), None) is None:
        raise ScheduleInvalid("no day fits it")
    return schedule


def _field(text: str, position: int) -> set[int]:
    try:
        found = set(crontab_parser(*_RANGES[position]).parse(text))
    except (ParseException, ValueError):
        raise ScheduleInvalid(
            f"{text!r} is no {_FIELDS[position]} of a schedule"
        ) from None
    return found
