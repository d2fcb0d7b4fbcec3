"""Switch calendars: one stage at every instant, both clock changes, holidays."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tariffs.calendar import BERLIN
from tariffs.holidays import easter_sunday, nationwide_holidays
from tariffs.switch_calendar import (
    HOLIDAY,
    ListCalendar,
    RuleCalendar,
    Season,
    StageRule,
    Switch,
    Unclear,
    is_on_grid,
    problems,
    stage_at,
    switches,
    warnings,
)

WORKDAYS = frozenset(range(1, 6))
QUARTER = timedelta(minutes=15)
HT_NT = RuleCalendar(
    rules=(StageRule(1, WORKDAYS, time(6), time(22)),), default=2, nationwide=True
)


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


def local(found: list[Switch]) -> list[tuple[str, int, int]]:
    return [
        (each.at.astimezone(BERLIN).isoformat(), each.old, each.new) for each in found
    ]


@pytest.mark.parametrize(
    ("year", "easter"),
    [(2024, date(2024, 3, 31)), (2025, date(2025, 4, 20)), (2026, date(2026, 4, 5)),
     (2038, date(2038, 4, 25)), (2285, date(2285, 3, 22))],
)  # fmt: skip
def test_easter_is_where_it_is(year: int, easter: date) -> None:
    assert easter_sunday(year) == easter


def test_nine_holidays_are_those_of_all_states() -> None:
    assert sorted(f"{day:%d.%m.}" for day in nationwide_holidays(2026)) == [
        *("01.01.", "01.05.", "03.04.", "03.10.", "06.04."),
        *("14.05.", "25.05.", "25.12.", "26.12."),
    ]


@pytest.mark.parametrize(
    ("at", "stage"),
    [
        ("2026-01-02T05:59", 2),
        ("2026-01-02T06:00", 1),
        ("2026-01-02T21:59", 1),
        ("2026-01-02T22:00", 2),
        ("2026-01-03T12:00", 2),
        ("2026-01-01T12:00", 2),
        ("2026-04-06T12:00", 2),
        ("2026-04-07T12:00", 1),
    ],
)
def test_a_stage_holds_by_weekday_holiday_and_time(at: str, stage: int) -> None:
    assert stage_at(HT_NT, berlin(at)) == stage


def test_a_season_goes_over_new_year() -> None:
    winter = Season((10, 1), (3, 31))
    calendar = RuleCalendar((StageRule(3, season=winter),), default=4)
    for day, stage in {"2025-12-31": 3, "2026-03-31": 3, "2026-04-01": 4}.items():
        assert stage_at(calendar, berlin(f"{day}T12:00")) == stage
    assert stage_at(calendar, berlin("2026-10-01T00:00")) == 3
    assert stage_at(calendar, berlin("2026-09-30T23:59")) == 4


def test_holidays_are_days_of_their_own_when_a_rule_names_them() -> None:
    rules = (
        StageRule(1, WORKDAYS),
        StageRule(2, frozenset({6, 7})),
        StageRule(3, frozenset({HOLIDAY})),
    )
    calendar = RuleCalendar(rules, holidays=frozenset({date(2026, 1, 6)}))
    stages = {
        day: stage_at(calendar, berlin(f"2026-01-0{day}T12:00")) for day in (4, 5, 6)
    }
    assert stages == {4: 2, 5: 1, 6: 3}


@pytest.mark.req("R41")
@pytest.mark.parametrize(
    ("calendar", "expected"),
    [
        (RuleCalendar((StageRule(1, WORKDAYS),)), "no stage"),
        (
            RuleCalendar((StageRule(1), StageRule(2, WORKDAYS, time(6), time(7)))),
            "at the same time",
        ),
    ],
)
def test_a_hole_and_an_overlap_are_found(calendar: RuleCalendar, expected: str) -> None:
    """R41: exactly one stage at every instant, or the calendar is refused."""
    found = list(problems(calendar, date(2026, 1, 1), date(2026, 12, 31)))
    assert found
    assert expected in found[0]
    assert list(problems(HT_NT, date(2026, 1, 1), date(2026, 12, 31))) == []


def test_switches_of_a_weekend_and_a_workday() -> None:
    found = list(
        switches(HT_NT, berlin("2026-01-09T06:00"), berlin("2026-01-12T22:00"))
    )
    assert local(found) == [
        ("2026-01-09T22:00:00+01:00", 1, 2),
        ("2026-01-12T06:00:00+01:00", 2, 1),
        ("2026-01-12T22:00:00+01:00", 1, 2),
    ]


def test_a_switch_in_the_skipped_hour_happens_at_its_end() -> None:
    """decisions.md D20: 21002 is logged at 03:00."""
    calendar = RuleCalendar((StageRule(1, begin=time(2, 30), end=time(5)),), default=2)
    found = list(
        switches(calendar, berlin("2026-03-29T00:00"), berlin("2026-03-29T04:00"))
    )
    assert local(found) == [("2026-03-29T03:00:00+02:00", 2, 1)]
    assert list(warnings(calendar, date(2026, 3, 1), date(2026, 3, 1))) == [
        "2026-03-01 02:30: a switch in the hour of the clock change"
    ]


def test_switches_there_and_back_in_the_skipped_hour_are_none() -> None:
    calendar = RuleCalendar(
        (StageRule(1, begin=time(2, 15), end=time(2, 45)),), default=2
    )
    begin, end = berlin("2026-03-29T00:00"), berlin("2026-03-30T00:00")
    assert list(switches(calendar, begin, end)) == []


def test_a_switch_in_the_repeated_hour_happens_at_its_first_coming() -> None:
    calendar = RuleCalendar((StageRule(1, begin=time(2, 30), end=time(5)),), default=2)
    found = list(
        switches(calendar, berlin("2026-10-25T00:00"), berlin("2026-10-25T04:00"))
    )
    assert local(found) == [("2026-10-25T02:30:00+02:00", 2, 1)]
    first_coming = datetime(2026, 10, 25, 0, 15, tzinfo=UTC)
    assert stage_at(calendar, first_coming) == 2
    assert stage_at(calendar, first_coming + timedelta(hours=1)) == 1


def test_a_change_of_the_last_quarter_hour_waits_for_midnight() -> None:
    calendar = RuleCalendar((StageRule(1, begin=time(23, 45), end=time(6)),), default=2)
    begin, end = berlin("2026-01-09T12:00"), berlin("2026-01-10T12:00")
    assert local(list(switches(calendar, begin, end)))[0] == (
        *("2026-01-10T00:00:00+01:00", 2, 1),
    )
    plain = list(switches(calendar, begin, end, trudi_compat=False))
    assert local(plain)[0] == ("2026-01-09T23:45:00+01:00", 2, 1)


def test_an_unrolled_list_says_what_holds_from_each_instant_on() -> None:
    calendar = ListCalendar.of_instants(
        {berlin("2026-01-01T00:00"): 1, berlin("2026-01-02T18:00"): 2}
    )
    assert stage_at(calendar, berlin("2026-01-02T17:59")) == 1
    assert stage_at(calendar, berlin("2026-02-01T00:00")) == 2
    assert list(problems(calendar, date(2025, 12, 31), date(2026, 1, 1))) == [
        "2025-12-31 00:00:00: no stage"
    ]
    with pytest.raises(Unclear):
        ListCalendar.of_instants({datetime(2026, 10, 25, 1, 15, tzinfo=UTC): 1})


def test_switch_times_lie_on_the_registration_grid() -> None:
    assert is_on_grid(time(6, 45))
    assert not is_on_grid(time(6, 50))
    assert not is_on_grid(time(6, 45, 1))


@st.composite
def calendars(draw: st.DrawFn) -> RuleCalendar:
    """Any partition of the week with a default, in two seasons."""
    rules = []
    for weekdays in ({1, 2, 3, 4, 5}, {6}, {7}, {HOLIDAY}):
        for season in (Season((4, 1), (9, 30)), Season((10, 1), (3, 31))):
            times = sorted(draw(st.sets(st.integers(0, 95), min_size=2, max_size=4)))
            for first, last in zip(times[::2], times[1::2], strict=False):
                rules.append(
                    StageRule(
                        draw(st.integers(1, 5)),
                        frozenset(weekdays),
                        time(first // 4, first % 4 * 15),
                        time(last // 4, last % 4 * 15),
                        season,
                    )
                )
    return RuleCalendar(tuple(rules), default=6, nationwide=True)


@pytest.mark.req("R41")
@settings(max_examples=25)
@given(calendars(), st.sampled_from([date(2026, 3, 27), date(2026, 10, 23)]))
def test_the_switches_cut_time_into_stages_without_a_rest(
    calendar: RuleCalendar, first: date
) -> None:
    """R41: walking from switch to switch gives the stage of every quarter hour."""
    begin = berlin(f"{first}T00:00")
    end = begin + timedelta(days=4)
    changes = {each.at: each for each in switches(calendar, begin, end)}
    stage = stage_at(calendar, begin)
    instant = begin
    while instant <= end:
        if instant in changes:
            assert changes[instant].old == stage
            stage = changes[instant].new
        assert stage_at(calendar, instant) == stage
        instant += QUARTER
