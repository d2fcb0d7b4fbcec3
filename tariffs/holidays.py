"""Public holidays of Germany, for calendars that treat them like Sundays."""

from datetime import date, timedelta
from functools import cache

NATIONWIDE = "DE"
"""The holidays of all states; those of single states are given as dates."""

_FIXED = ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26))
_AROUND_EASTER = (-2, 1, 39, 50)
"""Good Friday, Easter Monday, Ascension Day, Whit Monday: days after Easter Sunday."""


@cache
def nationwide_holidays(year: int) -> frozenset[date]:
    """The nine holidays that all states have."""
    easter = easter_sunday(year)
    moving = {easter + timedelta(days=days) for days in _AROUND_EASTER}
    return frozenset({date(year, month, day) for month, day in _FIXED} | moving)


def easter_sunday(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (the anonymous algorithm, Meeus)."""
    golden = year % 19
    century, rest = divmod(year, 100)
    corrected = (19 * golden + century - century // 4 - _moon(century) + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - corrected - rest % 4) % 7
    shift = (golden + 11 * corrected + 22 * weekday) // 451
    month, day = divmod(corrected + weekday - 7 * shift + 114, 31)
    return date(year, month, day + 1)


def _moon(century: int) -> int:
    return (century - (century + 8) // 25 + 1) // 3
