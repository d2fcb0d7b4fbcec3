"""A result in parts, as TRuDI lists it: a list (TAF1) or a day of a list (TAF2)."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import NamedTuple

from tariffs.stages import ERROR_STAGE, Booking
from tariffs.trudi.calculation import Result
from tariffs.trudi.model import ReadingList


class Section(NamedTuple):
    """A part of a result; `on` is its first day, `ranges` are ascending."""

    values: ReadingList
    on: date
    ranges: Sequence[Booking]


def sections(result: Result) -> list[Section]:
    """The parts of a result, by day and then in the order of the lists."""
    found = [
        Section(values, day, list(_joined(of_day)))
        for values, booked in result.bookings
        for day, of_day in groupby(booked, _day_of if result.taf == 2 else _first_day)
    ]
    return sorted(found, key=lambda section: section.on)


def _first_day(booking: Booking) -> date:
    return booking.begin.date()


def _day_of(booking: Booking) -> date:
    """The day a booking is listed under: that of its last moment."""
    return (booking.end - datetime.resolution).date()


def _joined(booked: Iterable[Booking]) -> Iterator[Booking]:
    """Neighbours of one stage as one range; what went to the error register stays."""
    current: Booking | None = None
    for booking in booked:
        if current is None:
            current = booking
        elif booking.stage == current.stage != ERROR_STAGE:
            amount = current.amount + booking.amount
            current = Booking(current.begin, booking.end, current.stage, amount)
        else:
            yield current
            current = booking
    if current is not None:
        yield current
