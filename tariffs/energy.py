"""The energy of a contract between its values: the basis of charts and costs."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from hardware.obis import Obis
from hardware.units import WATT_HOUR
from tariffs import originals
from tariffs.calendar import GRID, Period
from tariffs.costs import EVERY_STAGE, Energy
from tariffs.inputs import input_of
from tariffs.list_row import ListRow
from tariffs.models import EvaluationProfile
from tariffs.quarter_hours import Span, spans
from tariffs.roll_over import bound_in, unrolled
from tariffs.schedule import first_instant, inputs_of, last_instant
from tariffs.stages import Booking
from tariffs.taf1 import Input, usable_register
from tariffs.taf2 import InputRows, energy_of
from tariffs.tariff_spec import tariff_of

_ELECTRICITY, _IMPORT, _COUNTED = 1, 1, 8
_KILO = 3
WITH_ENERGY = (1, 2, 7)
"""The use cases whose registers are counters that are billed."""


def is_priced(profile: EvaluationProfile) -> bool:
    """Whether what the contract counts has a price per kWh: electricity drawn."""
    return profile.taf in WITH_ENERGY and any(
        _is_import(given.obis) for given in inputs_of(profile)
    )


def covered(profile: EvaluationProfile, period: Period, now: datetime) -> Period:
    """The part of a period that is past and within the validity."""
    last = last_instant(profile)
    end = min(period.end, now, last or now)
    begin = max(period.begin, first_instant(profile))
    return Period(begin, max(begin, end))


def energies(profile: EvaluationProfile, period: Period) -> list[Energy]:
    """The energy drawn between neighbouring usable values, each with its stage.

    From begin to end of the period, both included, ascending; several inputs are added
    up where they have the same span and stage. One that is longer than
    a quarter hour stands where values are missing. A counter that went back is left
    out, and one that rolled over goes on, as the registers leave it out.
    """
    found: dict[tuple[datetime, datetime, int], Decimal] = {}
    for source in input_of(profile):
        if _is_import(source.obis):
            for begin, end, stage, amount in _of_input(profile, source, period):
                key = (begin, end, stage)
                found[key] = found.get(key, Decimal(0)) + amount
    return [Energy(*key, found[key]) for key in sorted(found)]


def _is_import(name: str) -> bool:
    a, _b, c, d, _e, _f = Obis(bytes.fromhex(name)).groups
    return (a, c, d) == (_ELECTRICITY, _IMPORT, _COUNTED)


def _of_input(
    profile: EvaluationProfile, source: Input, period: Period
) -> Iterator[Energy]:
    rows = list(originals.rows(source.meter, period.begin - GRID, period.end))
    values, scaler = _values(source, rows)
    if profile.taf == 2 and profile.tariff:
        tariff = tariff_of(profile.tariff).tariff
        counted = energy_of(InputRows(source, rows), period.end, tariff)
        booked: tuple[Booking, ...] = counted.bookings if counted else ()
        found = spans(values, booked)
    else:
        found = _unstaged(values)
    for span in found:
        amount = Decimal(source.sign * span.amount).scaleb(scaler - _KILO)
        yield Energy(span.begin, span.end, span.stage, amount)


def _values(source: Input, rows: list[ListRow]) -> tuple[dict[datetime, int], int]:
    """The usable values in Wh by their time, in the finest scaler."""
    usable = [
        (row.target_time, register)
        for row in rows
        if (register := usable_register(source, row)) and register.unit == WATT_HOUR
    ]
    scaler = min((register.scaler for _at, register in usable), default=0)
    values = {
        at: register.value * int(10 ** (register.scaler - scaler))
        for at, register in usable
    }
    return unrolled(values, bound_in(source.rolls_over_at, scaler))[0], scaler


def _unstaged(values: dict[datetime, int]) -> Iterator[Span]:
    for (begin, first), (end, last) in pairwise(sorted(values.items())):
        if last >= first:
            yield Span(begin, end, EVERY_STAGE, last - first)
