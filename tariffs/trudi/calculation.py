"""The calculation of a bill from original lists and a supplier's tariff.

What TRuDI calls its TAF adapters. Amounts are raw integers of the lists: no scaling,
no rounding.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext as _

from hardware.obis import Obis
from tariffs.stages import Booking
from tariffs.trudi.model import AnalysisProfile, IntervalBlock, Reading, ReadingList
from tariffs.trudi.moments import Moment, aligned
from tariffs.trudi.registers import Register

GRID_S = 900


class CalculationFailed(Exception):
    """There is no result; `code` says why in one word, the message in a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class Result:
    """What came out; `bookings` are per original list, in time order.

    `begin` and `end` are those of the calculated period: the data may end before the
    billing period does.
    """

    taf: int
    begin: Moment
    end: Moment
    registers: list[Register]
    bookings: list[tuple[ReadingList, list[Booking]]] = field(default_factory=list)

    def intervals(self, obis: Obis) -> Iterator[Booking]:
        """The bookings of the lists of one register."""
        for values, booked in self.bookings:
            if values.obis == obis:
                yield from booked


def billing_period(profile: AnalysisProfile) -> tuple[Moment, Moment]:
    """Begin and end of the billing period; raises CalculationFailed."""
    period = profile.billing_period
    if period is None or period.start is None or period.end is None:
        text = _("Der Tarif nennt keinen Abrechnungszeitraum.")
        raise CalculationFailed("no_billing_period", text)
    return period.start, period.end


def stages_of_profiles(profile: AnalysisProfile) -> dict[int, list[int]]:
    """Per day id the stage numbers that its slots name."""
    return {
        day.day_id: [slot.stage for slot in day.slots]
        for day in profile.day_profiles
        if day.day_id is not None
    }


def first_readings(values: ReadingList) -> dict[datetime, Reading]:
    """The reading that stands for each target time (wall clock): the first one.

    Only a reading in a block that covers its target time counts, and of several such
    blocks the first; the start of a block may also be taken on the quarter hour.
    """
    first: dict[datetime, Reading] = {}
    reach: datetime | None = None
    for block in values.blocks:
        span = _covered(block)
        if span is None:
            continue
        begin, end = span
        for reading in block.readings:
            if reading.target is None:
                continue
            target = reading.target.wall
            if begin <= target <= end and (reach is None or target > reach):
                first.setdefault(target, reading)
        reach = end if reach is None else max(reach, end)
    return first


def _covered(block: IntervalBlock) -> tuple[datetime, datetime] | None:
    interval = block.interval
    if interval is None or interval.start is None or interval.end is None:
        return None
    start, end = interval.start.wall, interval.end.wall
    shift = aligned(start, GRID_S) - start
    return min(start, start + shift), max(end, end + shift)


def usable_values(first: dict[datetime, Reading]) -> dict[datetime, int]:
    """The values of the readings that may stand for a boundary."""
    return {
        target: reading.value
        for target, reading in first.items()
        if reading.value is not None and reading.is_usable
    }
