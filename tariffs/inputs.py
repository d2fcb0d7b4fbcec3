"""The inputs of a profile as the rules want them, and the rows of their meters."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from tariffs import originals
from tariffs.calendar import GRID
from tariffs.list_row import ListRow
from tariffs.models import EvaluationProfile
from tariffs.schedule import first_instant, inputs_of
from tariffs.taf1 import Input, is_settled
from tariffs.taf2 import InputRows, is_first_coming


def input_of(profile: EvaluationProfile) -> list[Input]:
    """The inputs in their order."""
    return [
        Input(
            meter=given.meter_id,
            obis=given.obis,
            sign=given.sign,
            unsecured_allowed=(
                not given.meter.is_plain_source or given.meter.allow_unsecured_billing
            ),
            rolls_over_at=given.meter.max_register_value,
        )
        for given in inputs_of(profile)
    ]


def settled(
    meter: str, rows: Iterable[ListRow], expected: datetime, now: datetime
) -> Iterator[ListRow]:
    """The rows up to the first hole that may still be filled."""
    for row in rows:
        if row.target_time != expected and not _stays(meter, row.target_time, now):
            return
        yield row
        expected = row.target_time + GRID


def is_settled_until(
    meter: str, rows: list[ListRow], expected: datetime, until: datetime, now: datetime
) -> bool:
    """Whether nothing up to `until` may come any more; `rows` end there."""
    stay = list(settled(meter, rows, expected, now))
    if len(stay) < len(rows):
        return False
    if rows and rows[-1].target_time == until:
        return True
    later = originals.first_after(meter, until)
    return later is not None and _stays(meter, later, now)


def _stays(meter: str, hole_end: datetime, now: datetime) -> bool:
    opens_list = originals.opens_at(meter, hole_end)
    return is_settled(hole_end, opens_list=opens_list, now=now)


def rows_of_inputs(
    profile: EvaluationProfile, known_to: datetime | None, until: datetime
) -> list[InputRows]:
    """What TAF2 needs of each input for an instant: see `taf2.InputRows`.

    `known_to` is the instant of the record before, None before the first one.
    """
    first = first_instant(profile)
    return [
        InputRows(source, list(originals.rows(source.meter, begin - GRID, until)))
        for source in input_of(profile)
        for begin in [_begin(source, first, known_to)]
    ]


def _begin(source: Input, first: datetime, known_to: datetime | None) -> datetime:
    until = known_to
    while until is not None and until > first:
        row = originals.last_usable(source, until)
        if row is None:
            return first
        if is_first_coming(row.target_time):
            return max(row.target_time, first)
        until = row.target_time - GRID
    return first
