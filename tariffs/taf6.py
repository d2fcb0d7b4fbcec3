"""TAF6, reading on demand: the reading at the start of each billing calendar day.

A selection of original records, as TAF7 is; values older than 42 days are not offered
any more (tafs.md 5, R43 to R45, decisions D16 and D23).
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from tariffs.calendar import day_start, day_starts, local_day

KEPT_DAYS = 42


def kept_from(newest: datetime, hour: int) -> datetime:
    """The start of the oldest day that is offered, when `newest` is known.

    Counted in billing calendar days: the day 42 days back is kept, the one before not.
    """
    return day_start(local_day(newest, hour) - timedelta(days=KEPT_DAYS), hour)


def instants(begin: datetime, end: datetime, hour: int) -> Iterator[datetime]:
    """The day starts in `(begin, end]` that are offered when `end` is known."""
    oldest = kept_from(end, hour)
    return (one for one in day_starts(begin, end, hour) if one >= oldest)


def instant_of(day: date, hour: int) -> datetime:
    """When the value of a day was taken: at its start."""
    return day_start(day, hour)


def is_offered(day: date, *, now: datetime, hour: int) -> bool:
    """Whether the day has begun and lies within the 42 days."""
    start = instant_of(day, hour)
    return kept_from(now, hour) <= start <= now
