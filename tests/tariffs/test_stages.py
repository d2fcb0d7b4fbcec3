"""The arithmetic of TAF2 against a slow oracle, over random calendars and gaps."""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffs.stages import (
    ERROR_STAGE,
    Booking,
    DayPlan,
    bookings,
    carried_out,
    timeline,
    totals,
)

QUARTER = timedelta(minutes=15)
LAST = time(23, 45)
TIMES = [time(hour, minute) for hour in range(24) for minute in (0, 15, 30, 45)]
FIRST_DAYS = [
    date(2026, 3, 28),
    date(2026, 10, 24),
    date(2024, 2, 28),
    date(2025, 12, 30),
]

Plans = list[DayPlan]


@st.composite
def plans(draw: st.DrawFn) -> DayPlan:
    """A day of 96 quarter hours with up to six switches between six stages."""
    switches = sorted(draw(st.sets(st.integers(1, 95), max_size=6)))
    stages = draw(
        st.lists(
            st.integers(1, 6), min_size=len(switches) + 1, max_size=len(switches) + 1
        )
    )
    plan, position = [], 0
    for index, at in enumerate(TIMES):
        if position < len(switches) and index >= switches[position]:
            position += 1
        plan.append((at, stages[position]))
    return plan


@st.composite
def situations(
    draw: st.DrawFn,
) -> tuple[Plans, datetime, datetime, dict[datetime, int]]:
    """Up to four days, a period in them, and values with gaps of any length."""
    days = draw(st.lists(plans(), min_size=1, max_size=4))
    first = draw(st.sampled_from(FIRST_DAYS))
    midnight = datetime.combine(first, time())
    slots = len(days) * 96
    begin = draw(st.integers(0, slots - 1))
    end = draw(st.integers(begin, slots))
    values, reading = {}, 0
    for gap in draw(st.lists(st.integers(1, 70), max_size=60)):
        reading += gap
        when = midnight + reading * QUARTER // 2
        values[when] = 1000 * reading + draw(st.integers(0, 9))
    return days, midnight + begin * QUARTER, midnight + end * QUARTER, values


def booked_slowly(
    days: dict[date, DayPlan],
    begin: datetime,
    end: datetime,
    values: dict[datetime, int],
    compat: bool,
) -> list[Booking]:
    """The rule as it is written down, every slot looked at again and again."""

    def stage_at(when: datetime) -> int:
        at = time(23, 30) if compat and when.time() == LAST else when.time()
        return dict(days[when.date()])[at]

    grid = [
        when
        for day in days
        for at in TIMES
        if begin <= (when := datetime.combine(day, at)) <= end
    ]
    closing = [grid[-1] + QUARTER] if grid and grid[-1].time() == LAST else []
    points = [when for when in [*grid, *closing] if when in values]
    found = []
    for before, after in pairwise(points):
        inside = {stage_at(when) for when in grid if before <= when < after}
        stage = inside.pop() if len(inside) == 1 else ERROR_STAGE
        midnight = datetime.combine(after.date(), time())
        if compat and before < midnight < after and after in grid:
            stage = stage if stage_at(after) == stage else ERROR_STAGE
        found.append(Booking(before, after, stage, values[after] - values[before]))
    return found


@pytest.mark.req("R42")
@given(situations(), st.booleans())
def test_a_slow_reading_of_the_rule_agrees(
    situation: tuple[Plans, datetime, datetime, dict[datetime, int]], compat: bool
) -> None:
    """R42: stages plus error register are the difference of the total, always."""
    plans, begin, end, values = situation
    first = next(day for day in FIRST_DAYS if 0 <= (begin.date() - day).days <= 4)
    days = {first + timedelta(days=index): plan for index, plan in enumerate(plans)}
    carried = {day: carried_out(plan) if compat else plan for day, plan in days.items()}
    slots = timeline(carried.items(), begin, end)
    booked = bookings(slots, values, trudi_compat=compat)
    assert booked == booked_slowly(days, begin, end, values, compat)
    if booked:
        difference = values[booked[-1].end] - values[booked[0].begin]
        assert sum(totals(booked).values()) == difference


def day_plan(*switches: tuple[int, int]) -> DayPlan:
    """96 slots; each switch is an hour and the stage from then on."""
    stages = dict(switches)
    plan, stage = [], 0
    for at in TIMES:
        if at.minute == 0:
            stage = stages.get(at.hour, stage)
        plan.append((at, stage))
    return plan


HOUSEHOLD = day_plan((0, 1), (6, 2), (21, 1))
DAY = date(2017, 11, 4)
MIDNIGHT = datetime.combine(DAY, time())


def even(
    begin: datetime, count: int, without: Collection[str] = ()
) -> dict[datetime, int]:
    """Ten units each quarter hour; `without` these times of day."""
    return {
        when: 10 * step
        for step in range(count)
        if f"{(when := begin + step * QUARTER):%d %H:%M}" not in without
    }


def missing(*spans: str) -> set[str]:
    """The times of spans like `04 05:00-06:45`."""
    found = set()
    for span in spans:
        day, times = span.split(" ")
        first, last = times.split("-")
        found |= {f"{day} {at:%H:%M}" for at in TIMES if first <= f"{at:%H:%M}" <= last}
    return found


@pytest.mark.parametrize(
    ("without", "expected"),
    [
        (missing(), {1: 360, 2: 600}),
        (missing("04 06:00-06:00"), {1: 350, 2: 590, 63: 20}),
        (missing("04 05:00-06:45"), {1: 310, 2: 560, 63: 90}),
        (missing("04 10:00-11:45"), {1: 360, 2: 600}),
    ],
)
def test_the_worked_examples_of_a_day(
    without: set[str], expected: dict[int, int]
) -> None:
    slots = timeline([(DAY, HOUSEHOLD)], MIDNIGHT, MIDNIGHT + timedelta(days=1))
    assert totals(bookings(slots, even(MIDNIGHT, 97, without))) == expected


@pytest.mark.parametrize(
    ("without", "compat", "expected"),
    [
        (missing("04 23:45-23:45", "05 00:00-00:15"), True, {1: 720, 2: 1200}),
        (missing("04 23:45-23:45", "05 00:00-05:45"), True, {1: 460, 2: 1200, 63: 260}),
        (missing("04 23:45-23:45", "05 00:00-05:45"), False, {1: 720, 2: 1200}),
        (missing("04 23:45-23:45", "05 00:00-06:15"), True, {1: 460, 2: 1180, 63: 280}),
    ],
)
def test_the_worked_examples_over_midnight(
    without: set[str], compat: bool, expected: dict[int, int]
) -> None:
    days = [(DAY, HOUSEHOLD), (date(2017, 11, 5), HOUSEHOLD)]
    slots = timeline(days, MIDNIGHT, MIDNIGHT + timedelta(days=2))
    values = even(MIDNIGHT, 193, without)
    assert totals(bookings(slots, values, trudi_compat=compat)) == expected


def test_a_change_in_the_last_quarter_hour_is_not_carried_out() -> None:
    plan = [(at, 2 if at == time(23, 45) else 1) for at in TIMES]
    assert carried_out(plan)[-1] == (time(23, 45), 1)
    values = even(MIDNIGHT, 97)
    for days, expected in ((carried_out(plan), {1: 960}), (plan, {1: 950, 2: 10})):
        slots = timeline([(DAY, days)], MIDNIGHT, MIDNIGHT + timedelta(days=1))
        assert totals(bookings(slots, values)) == expected


def test_energy_of_days_that_the_calendar_leaves_out_is_of_no_stage() -> None:
    days = [(DAY, HOUSEHOLD), (date(2017, 11, 6), HOUSEHOLD)]
    slots = timeline(days, MIDNIGHT, MIDNIGHT + timedelta(days=3))
    booked = totals(bookings(slots, even(MIDNIGHT, 289)))
    assert booked == {1: 720, 2: 1200, ERROR_STAGE: 960}


def test_values_off_the_grid_are_not_looked_at() -> None:
    values = even(MIDNIGHT, 97, missing("04 06:00-06:00"))
    values[MIDNIGHT + timedelta(hours=6, seconds=130)] = 241
    slots = timeline([(DAY, HOUSEHOLD)], MIDNIGHT, MIDNIGHT + timedelta(days=1))
    assert totals(bookings(slots, values))[ERROR_STAGE] == 20
