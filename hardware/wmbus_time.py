"""Dates and times of M-Bus records: types F, G, I and J (EN 13757-3, annex A).

They carry no zone: meters send legal time, or standard time all year; a set summer time
bit says that the clock is an hour ahead of standard time.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_INVALID = 0x80
_SUMMER = 0x80
_SUMMER_I = 0x40


@dataclass(frozen=True, slots=True)
class MeterTime:
    """What a meter's clock or calendar showed.

    `at` has no zone; `digits` says how much the meter sent: "date", "minutes" or
    "seconds".
    """

    at: datetime
    digits: str
    summer: bool = False

    def __str__(self) -> str:
        if self.digits == "date":
            return self.at.date().isoformat()
        return self.at.isoformat(timespec=self.digits) + (" DST" if self.summer else "")

    def as_utc(self, standard_offset: timedelta = timedelta(hours=1)) -> datetime:
        """The instant; `standard_offset` is how far standard time is before UTC."""
        ahead = standard_offset + timedelta(hours=1 if self.summer else 0)
        return (self.at - ahead).replace(tzinfo=UTC)


def read_date(raw: bytes) -> MeterTime | None:
    """Type G, two bytes; None for an unset, impossible or repeating date."""
    return _instant(_date(raw), 0, 0, 0, "date")


def read_date_time(raw: bytes) -> MeterTime | None:
    """Type F, four bytes, to the minute; None where there is no such time."""
    minute, hour = raw[0], raw[1]
    if minute & _INVALID or raw == b"\xff" * 4:
        return None
    date = _date(raw[2:4], century=hour >> 5 & 3)
    summer = bool(hour & _SUMMER)
    return _instant(date, hour & 31, minute & 63, 0, "minutes", summer)


def read_date_time_seconds(raw: bytes) -> MeterTime | None:
    """Type I, six bytes, to the second; None where there is no such time."""
    second, minute, hour = raw[0], raw[1], raw[2]
    if minute & _INVALID or raw == b"\xff" * 6:
        return None
    summer = bool(second & _SUMMER_I)
    parts = hour & 31, minute & 63, second & 63
    return _instant(_date(raw[3:5]), *parts, "seconds", summer)


def read_time(raw: bytes) -> str | None:
    """Type J, three bytes: 'HH:MM:SS'; None where there is no such time."""
    second, minute, hour = raw[0] & 63, raw[1] & 63, raw[2] & 31
    if second > 59 or minute > 59 or hour > 23:
        return None
    return f"{hour:02d}:{minute:02d}:{second:02d}"


def _date(raw: bytes, century: int = 0) -> tuple[int, int, int]:
    """Year, month and day as sent; the year is 0 when it stands for every year."""
    year = raw[0] >> 5 | raw[1] >> 4 << 3
    return _full_year(year, century), raw[1] & 15, raw[0] & 31


def _full_year(year: int, century: int) -> int:
    """0..80 are 2000 and later; a hundred-year field that leads past 2099 is wrong."""
    if year > 99:
        return 0
    full = 1900 + 100 * century + year
    if not century:
        return full + 100 if year <= 80 else full
    return full if full < 2100 else 2000 + year


def _instant(
    date: tuple[int, int, int],
    hour: int,
    minute: int,
    second: int,
    digits: str,
    summer: bool = False,
) -> MeterTime | None:
    try:
        at = datetime(*date, hour, minute, second)  # noqa: DTZ001 (a meter has no zone)
    except ValueError:
        return None
    return MeterTime(at, digits, summer)


def months_later(at: datetime, months: int) -> datetime:
    """The same day some months on (or back), the last day where there is none."""
    month = at.year * 12 + at.month - 1 + months
    year, month = month // 12, month % 12 + 1
    return at.replace(
        year=year, month=month, day=min(at.day, monthrange(year, month)[1])
    )
