"""The rows that a view of the consumption is made from: a few cheap queries."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from meters import selectors
from tariffs import originals
from tariffs.calendar import GRID, Period, last_on_grid
from tariffs.consumption import (
    IMPORT,
    Consumption,
    Point,
    StagePlan,
    counted,
)
from tariffs.models import EvaluationProfile
from tariffs.schedule import first_instant, last_instant
from tariffs.tariff_spec import tariff_of

_POINT = ("target_time", "status", "registers")
_TIME_VARIABLE = 2
_ONE_SECOND = GRID / 900
_BEGIN_OF_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def points(meter_id: str, begin: datetime, end: datetime) -> tuple[Point, ...]:
    """The records of `[begin, end]`, ascending."""
    rows = selectors.records_between(meter_id, begin - _ONE_SECOND, end)
    return tuple(map(Point._make, rows.values_list(*_POINT)))


def points_at(meter_id: str, instants: Iterable[datetime]) -> tuple[Point, ...]:
    """The records at these instants, ascending."""
    wanted = list(instants)
    rows = selectors.records_between(
        meter_id, min(wanted) - _ONE_SECOND, max(wanted)
    ).filter(target_time__in=wanted)
    return tuple(map(Point._make, rows.values_list(*_POINT)))


def contracts(consumer: str, meter_id: str) -> list[EvaluationProfile]:
    """His TAF2 contracts over this meter, the newest first; one query."""
    profiles = EvaluationProfile.objects.filter(
        consumer_id=consumer, taf=_TIME_VARIABLE, inputs__meter_id=meter_id
    ).exclude(state=EvaluationProfile.State.DELETED, evaluated_to=None)
    return list(profiles.distinct().order_by("-valid_from", "id"))


def stage_plans(contracts: Sequence[EvaluationProfile]) -> tuple[StagePlan, ...]:
    """The stages of the energy drawn; the newest contract wins and comes last."""
    return tuple(
        StagePlan(
            IMPORT,
            first_instant(one),
            last_instant(one),
            json.dumps(one.tariff, sort_keys=True),
        )
        for one in reversed(contracts)
        if one.tariff
    )


def stage_words(contracts: Sequence[EvaluationProfile]) -> dict[int, str]:
    """The names of the stages, those of the newest contract first."""
    words: dict[int, str] = {}
    for one in reversed(contracts):
        if one.tariff:
            words |= tariff_of(one.tariff).stage_names
    return words


def known_to(rows: Sequence[Point], now: datetime) -> datetime:
    """Up to where values are expected: a boundary is open for its first seconds."""
    last = last_on_grid(now)
    if rows and rows[-1].at >= last - GRID:
        return max(rows[-1].at, last - GRID)
    return last


def consumption_of(
    meter_id: str,
    plans: Sequence[StagePlan],
    slots: Sequence[Period],
    *,
    now: datetime,
    rolls_over_at: int | None = None,
) -> Consumption:
    """What a meter counted in these slots up to now; see `consumption.counted`."""
    rows = points(meter_id, slots[0].begin, min(slots[-1].end, now))
    return counted(
        rows,
        plans,
        slots,
        first_at=first_record_at(meter_id),
        known_to=known_to(rows, now),
        rolls_over_at=rolls_over_at,
    )


def first_record_at(meter_id: str) -> datetime | None:
    """When the list of a meter begins; None for an empty one."""
    return originals.first_after(meter_id, _BEGIN_OF_TIME)
