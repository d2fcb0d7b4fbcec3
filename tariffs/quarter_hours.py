"""Energy between neighbouring values, each with the tariff stage it was booked to.

`tariffs.stages` books on the wall clock, where the hour that comes twice is one; here
every quarter hour that really passed has a span of its own. Both add up to the same.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from tariffs.calendar import BERLIN
from tariffs.stages import Booking

_LAST_OF_HOUR = 45


class Span(NamedTuple):
    """The energy counted between two instants (UTC), and its stage.

    Longer than a quarter hour where values are missing.
    """

    begin: datetime
    end: datetime
    stage: int
    amount: int


def spans(values: Mapping[datetime, int], booked: Sequence[Booking]) -> Iterator[Span]:
    """The spans between neighbouring usable values, ascending.

    `values` are by their time in UTC. What no booking covers, before the first and
    behind the last value on the calendar's grid, is left out.
    """
    begins = [booking.begin for booking in booked]
    for (begin, first), (end, last) in pairwise(sorted(values.items())):
        wall = booked_time(begin)
        index = bisect_right(begins, wall) - 1
        if index >= 0 and wall < booked[index].end:
            yield Span(begin, end, booked[index].stage, last - first)


def booked_time(instant: datetime) -> datetime:
    """The wall clock time at whose booking the energy behind an instant is found.

    The second coming of an hour is booked behind the first one, up to its end.
    """
    local = instant.astimezone(BERLIN)
    if local.fold:
        local = local.replace(minute=_LAST_OF_HOUR)
    return local.replace(tzinfo=None, fold=0)
