"""Local times as text, fast: for lists with ten thousands of them.

The same forms as `formats` (pages) and `hardware.record` (signed text). What depends
on the hour is looked up, so that an instant costs no time-zone arithmetic.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from tariffs.calendar import BERLIN, day_start, local_day

__all__ = [
    "BERLIN",
    "day",
    "iso",
    "iso_and_zulu",
    "just_after",
    "just_before",
    "month",
    "page_stamp",
    "page_time",
    "zulu",
]

_ONE_SECOND = timedelta(seconds=1)
_MONTHS_OF_TWO_YEARS = 24
_MINUTE_AND_SECOND = [f"{n // 60:02d}:{n % 60:02d}" for n in range(3600)]


class _Hour(NamedTuple):
    """An hour of UTC: how the texts of its instants begin and end."""

    local: str
    offset: str
    page: str
    repeated: str
    utc: str


@lru_cache(maxsize=32_768)
def _hour(year: int, month: int, day: int, hour: int) -> _Hour:
    instant = datetime(year, month, day, hour, tzinfo=UTC)
    clock = instant.astimezone(BERLIN)
    local = clock.isoformat()
    is_repeated = clock.replace(fold=0).utcoffset() != clock.replace(fold=1).utcoffset()
    letter = " B" if clock.fold else " A"
    return _Hour(
        local=local[:14],
        offset=local[19:],
        page=f"{local[:10]} {local[11:14]}",
        repeated=letter if is_repeated else "",
        utc=instant.isoformat()[:14],
    )


def iso(instant: datetime) -> str:
    """Local ISO 8601 with offset, whole seconds: '2026-04-03T18:14:43+02:00'.

    `instant` is in UTC, as everything is that comes out of the database.
    """
    hour = _hour(instant.year, instant.month, instant.day, instant.hour)
    rest = _MINUTE_AND_SECOND[instant.minute * 60 + instant.second]
    return f"{hour.local}{rest}{hour.offset}"


def page_time(instant: datetime) -> str:
    """The form of the pages, local: '2026-04-03 18:14:43'; `instant` is in UTC."""
    hour = _hour(instant.year, instant.month, instant.day, instant.hour)
    return hour.page + _MINUTE_AND_SECOND[instant.minute * 60 + instant.second]


def page_stamp(instant: datetime) -> str:
    """As `page_time`, with ' A' or ' B' in the hour that the clock shows twice."""
    hour = _hour(instant.year, instant.month, instant.day, instant.hour)
    rest = _MINUTE_AND_SECOND[instant.minute * 60 + instant.second]
    return f"{hour.page}{rest}{hour.repeated}"


def zulu(instant: datetime) -> str:
    """The form of the signed text: '2026-04-03T16:14:43Z'; `instant` is in UTC."""
    hour = _hour(instant.year, instant.month, instant.day, instant.hour)
    return f"{hour.utc}{_MINUTE_AND_SECOND[instant.minute * 60 + instant.second]}Z"


def iso_and_zulu(instant: datetime) -> tuple[str, str]:
    """`iso` and `zulu` of an instant, looked up once."""
    hour = _hour(instant.year, instant.month, instant.day, instant.hour)
    rest = _MINUTE_AND_SECOND[instant.minute * 60 + instant.second]
    return f"{hour.local}{rest}{hour.offset}", f"{hour.utc}{rest}Z"


def day(instant: datetime) -> date:
    """The local day that an instant lies in."""
    return local_day(instant, 0)


def month(now: datetime, months_back: int) -> tuple[datetime, datetime] | None:
    """First instants of a local month and of the next, UTC; None before year 2.

    `months_back` 0 is the month of `now`. The month is `[first, next first)`: a
    reading at 00:00 of the first stands in the month that begins with it, because
    TRuDI asks for the months from that of its begin to that of its end.
    """
    local = now.astimezone(BERLIN)
    index = local.year * 12 + local.month - 1 - months_back
    if index < _MONTHS_OF_TWO_YEARS:
        return None
    return day_start(_first_of(index), 0), day_start(_first_of(index + 1), 0)


def _first_of(index: int) -> date:
    return date(index // 12, index % 12 + 1, 1)


def just_before(instant: datetime) -> datetime:
    """One second earlier: `[begin, end)` of whole seconds becomes `(begin, end]`."""
    return instant - _ONE_SECOND


def just_after(instant: datetime) -> datetime:
    """One second later: how the begin of a period is printed (decisions D13)."""
    return instant + _ONE_SECOND
