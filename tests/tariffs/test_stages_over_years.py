"""TAF2 over years: stages cut the time without a rest, and registers add up."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tariffs.calendar import day_start
from tariffs.stages import ERROR_STAGE
from tariffs.switch_calendar import (
    RuleCalendar,
    Season,
    StageRule,
    stage_at,
    switches,
)
from tariffs.taf1 import Input
from tariffs.taf2 import InputRows, Tariff, is_first_coming, record_of_instant
from tests.tariffs.builders import IMPORT, QUARTER, a_row

FIRST, LAST = date(2026, 1, 1), date(2029, 1, 1)
"""Three years, a leap day and six clock changes in them."""
SOURCE = Input("1emh0000000001", IMPORT, 1, False)
_TIMES = st.integers(0, 95).map(lambda n: time(n // 4, n % 4 * 15))


@st.composite
def calendars(draw: st.DrawFn) -> RuleCalendar:
    """Weekdays, weekends and holidays, each with a stage for a part of the day.

    With a season, and hours that are skipped or come twice.
    """
    seasons = st.none() | st.sampled_from([Season((3, 29), (10, 25))])
    parts = [frozenset(range(1, 6)), frozenset({6, 7}), frozenset({8})]
    rules = []
    for stage, weekdays in enumerate(parts, start=1):
        begin, end = draw(_TIMES), draw(_TIMES)
        rules.append(StageRule(stage, weekdays, begin, end, draw(seasons)))
    return RuleCalendar(tuple(rules), default=4, nationwide=True)


@pytest.mark.req("R41")
@settings(max_examples=15, deadline=None)
@given(calendars(), st.data())
def test_at_every_instant_of_three_years_exactly_one_stage_is_active(
    calendar: RuleCalendar, data: st.DataObject
) -> None:
    """R41: each stretch ends where the next begins and has one stage throughout."""
    begin, end = day_start(FIRST, 0), day_start(LAST, 0)
    found = list(switches(calendar, begin, end))
    edges = [begin, *[one.at for one in found]]
    assert edges == sorted(set(edges))
    stage = stage_at(calendar, begin)
    for one in found:
        assert one.old == stage != one.new
        assert stage_at(calendar, one.at - QUARTER) == one.old
        assert stage_at(calendar, one.at) == one.new
        stage = one.new
    for number in data.draw(st.lists(st.integers(0, len(edges) - 1), max_size=40)):
        until = edges[number + 1] if number + 1 < len(edges) else end
        inside = edges[number] + (until - edges[number]) // 2 // QUARTER * QUARTER
        assert stage_at(calendar, inside) == stage_at(calendar, edges[number])


@st.composite
def lists(draw: st.DrawFn) -> list[tuple[datetime, int]]:
    """Values of some days around each clock change of three years, with long gaps."""
    value, found = draw(st.integers(0, 10**12)), []
    for year in range(FIRST.year, LAST.year):
        for month in (3, 10):
            sunday = max(
                date(year, month, day)
                for day in range(25, 32)
                if date(year, month, day).weekday() == 6
            )
            begin = day_start(sunday - timedelta(days=1), 0)
            end = day_start(sunday + timedelta(days=2), 0)
            missing = draw(st.sets(st.integers(0, 287), max_size=120))
            for number in range((end - begin) // QUARTER + 1):
                value += draw(st.integers(0, 3)) if number % 16 == 0 else number % 5
                if number not in missing:
                    found.append((begin + number * QUARTER, value))
    return found


@pytest.mark.req("R42")
@settings(max_examples=10, deadline=None)
@given(lists(), calendars(), st.booleans())
def test_stages_and_error_register_add_up_to_the_difference_over_years(
    values: list[tuple[datetime, int]], calendar: RuleCalendar, compat: bool
) -> None:
    """R42: the sum is that of the meter, and a second computation is the same."""
    tariff = Tariff((1, 2, 3, 4), calendar, compat)
    rows = [a_row(at, value) for at, value in values]
    usable = [(at, value) for at, value in values if is_first_coming(at)]
    end = usable[-1][0]
    given_rows = [InputRows(SOURCE, [row for row in rows if row.target_time <= end])]
    record = record_of_instant("profile", end, (), given_rows, tariff).record
    found = {r.obis.groups[4]: r.value for r in record.registers}
    total = found.pop(0)
    assert total == sum(found.values()) == usable[-1][1] - usable[0][1]
    assert set(found) <= {1, 2, 3, 4, ERROR_STAGE}
    again = record_of_instant("profile", end, (), given_rows, tariff).record
    assert again == record
