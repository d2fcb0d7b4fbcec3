"""What a meter counted in slots: gaps, stages, the days on which the clock changes."""

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.status_word import METER_BASIC, PLACEHOLDER, combined
from tariffs.calendar import GRID, Period, day_start
from tariffs.consumption import (
    EXPORT,
    IMPORT,
    NO_STAGE,
    Consumption,
    Point,
    Series,
    StagePlan,
    counted,
)
from tariffs.switch_calendar import StageRule
from tariffs.tariff_spec import DefaultRule, Stage, TariffSpec

DAY = date(2026, 6, 22)
BEGIN, END = day_start(DAY, 0), day_start(DAY + timedelta(days=1), 0)
OK = combined(0, METER_BASIC)
NO_VALUE = combined(PLACEHOLDER, METER_BASIC)
WEEKEND = TariffSpec(
    (Stage(1, "Werktag"), Stage(2, "Wochenende")),
    (StageRule(2, frozenset({6, 7})), DefaultRule(1)),
)


def point(at: datetime, wh: int, *, status: int = OK, fed: int = 0) -> Point:
    return Point(at, status, f"{IMPORT} {wh} 0 30\n{EXPORT} {fed} 0 30")


def quarters(begin: datetime, end: datetime) -> list[Period]:
    count = (end - begin) // GRID
    return [Period(begin + n * GRID, begin + (n + 1) * GRID) for n in range(count)]


def of_day(points: Iterable[Point], *, known_to: datetime = END) -> Consumption:
    given_ = list(points)
    return counted(
        given_, (), quarters(BEGIN, END), first_at=given_[0].at, known_to=known_to
    )


def whole(begin: datetime, end: datetime) -> list[Point]:
    """A value each quarter hour, n Wh more in the n-th."""
    count = (end - begin) // GRID
    return [point(begin + n * GRID, n * (n + 1) // 2) for n in range(count + 1)]


def test_each_quarter_hour_has_the_difference_of_its_ends() -> None:
    found = of_day(whole(BEGIN, END))
    amounts = [slot.amounts[Series(IMPORT, NO_STAGE)] for slot in found.slots]
    assert amounts == list(range(1, 97))
    assert found.missing == 0 and not found.across
    assert found.total(IMPORT) == sum(range(1, 97)) and found.total(EXPORT) == 0


def test_a_placeholder_is_a_gap_whose_energy_belongs_to_no_slot_but_to_the_sum() -> (
    None
):
    points = whole(BEGIN, END)
    points[10] = point(points[10].at, 45, status=NO_VALUE)
    found = of_day(points)
    assert [n for n, slot in enumerate(found.slots) if slot.is_gap] == [9, 10]
    (flow,) = (one for one in found.across if one.series.obis == IMPORT)
    assert (flow.begin, flow.end, flow.amount) == (
        BEGIN + 9 * GRID,
        BEGIN + 11 * GRID,
        10 + 11,
    )
    assert found.total(IMPORT) == sum(range(1, 97))
    assert found.missing == 2


def test_what_lies_ahead_is_no_gap() -> None:
    found = of_day(whole(BEGIN, BEGIN + 4 * GRID), known_to=BEGIN + 4 * GRID)
    assert [slot.has_begun for slot in found.slots[:6]] == [True] * 4 + [False] * 2
    assert not any(slot.is_gap for slot in found.slots)


def test_before_its_first_value_a_meter_has_no_gaps() -> None:
    found = of_day(whole(BEGIN + 8 * GRID, END))
    assert [slot.has_begun for slot in found.slots[:9]] == [False] * 8 + [True]
    assert found.missing == 0


def test_a_day_holds_the_energy_over_gaps_inside_it() -> None:
    points = [point(BEGIN, 0), point(BEGIN + 5 * GRID, 50), point(END, 900)]
    found = counted(
        points, (), [Period(BEGIN, END)], first_at=BEGIN - GRID, known_to=END
    )
    (slot,) = found.slots
    assert slot.amounts[Series(IMPORT, NO_STAGE)] == 900
    assert (slot.expected, slot.missing, found.across) == (96, 96, [])


def test_a_counter_that_goes_back_is_told_and_not_counted() -> None:
    points = whole(BEGIN, END)
    exchanged = [point(p.at, n) for n, p in enumerate(points[40:])]
    found = of_day([*points[:40], *exchanged])
    assert found.went_back == [Period(BEGIN + 39 * GRID, BEGIN + 40 * GRID)]
    assert found.slots[39].amounts.get(Series(IMPORT, NO_STAGE)) is None
    assert found.total(IMPORT) == sum(range(1, 40)) + 56


def test_a_counter_that_rolls_over_goes_on_where_its_end_is_known() -> None:
    points = [point(BEGIN, 995), point(BEGIN + GRID, 3), point(END, 10)]
    slots = [Period(BEGIN, END)]
    found = counted(points, (), slots, first_at=BEGIN, known_to=END, rolls_over_at=1000)
    assert (found.total(IMPORT), found.went_back) == (8 + 7, [])
    found = counted(points, (), slots, first_at=BEGIN, known_to=END)
    assert (found.total(IMPORT), len(found.went_back)) == (7, 1)


@pytest.mark.parametrize(
    ("day", "count"), [(date(2026, 3, 29), 92), (date(2026, 10, 25), 100)]
)
def test_on_the_days_of_the_clock_change_no_quarter_hour_is_lost(
    day: date, count: int
) -> None:
    begin, end = day_start(day, 0), day_start(day + timedelta(days=1), 0)
    plan = StagePlan(IMPORT, begin, None, json.dumps(WEEKEND.document()))
    found = counted(
        whole(begin, end),
        (plan,),
        quarters(begin, end),
        first_at=begin,
        known_to=end,
    )
    assert [slot.amounts[Series(IMPORT, 2)] for slot in found.slots] == list(
        range(1, count + 1)
    )


def test_stages_hold_from_the_begin_of_the_contract_to_its_end() -> None:
    saturday, monday = (datetime(2026, 6, d, 12, tzinfo=UTC) for d in (20, 22))
    begin, end = day_start(date(2026, 6, 19), 0), day_start(date(2026, 6, 23), 0)
    plan = StagePlan(IMPORT, saturday, monday, json.dumps(WEEKEND.document()))
    slots = [
        Period(
            day_start(date(2026, 6, d), 0),
            day_start(date(2026, 6, d + 1), 0),
        )
        for d in range(19, 23)
    ]
    found = counted(
        [point(begin + n * GRID, n) for n in range((end - begin) // GRID + 1)],
        (plan,),
        slots,
        first_at=begin,
        known_to=end,
    )
    by_day = [
        {
            one.stage: amount
            for one, amount in slot.amounts.items()
            if one.obis == IMPORT
        }
        for slot in found.slots
    ]
    assert by_day == [{0: 96}, {0: 56, 2: 40}, {2: 96}, {0: 40, 1: 56}]


def test_a_gas_meter_shows_its_volume() -> None:
    gas = "0700030100ff"
    points = [
        Point(BEGIN, OK, f"{gas} 1000 -2 13"),
        Point(BEGIN + GRID, OK, f"{gas} 12 0 13"),
    ]
    found = counted(
        points,
        (),
        quarters(BEGIN, BEGIN + GRID),
        first_at=BEGIN,
        known_to=BEGIN + GRID,
    )
    assert (found.scaler, found.unit) == (-2, 13)
    assert found.slots[0].amounts == {Series(gas, NO_STAGE): 200}


@given(st.sets(st.integers(0, 96), min_size=2), st.integers(2, 48))
def test_slots_and_what_lies_across_add_up_to_the_counter(
    kept: set[int], wide: int
) -> None:
    """Whatever is missing, and however wide the slots are."""
    every = whole(BEGIN, END)
    points = [every[n] for n in sorted(kept)]
    slots = [
        Period(BEGIN + n * GRID, min(BEGIN + (n + wide) * GRID, END))
        for n in range(0, 96, wide)
    ]
    found = counted(points, (), slots, first_at=points[0].at, known_to=END)
    first, last = (int(p.registers.split(" ")[1]) for p in (points[0], points[-1]))
    assert found.total(IMPORT) == last - first
