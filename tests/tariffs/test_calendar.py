"""Civil time: days of 23 and 25 hours, months, weeks, grids."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffs.calendar import (
    BERLIN,
    BillingCycle,
    Period,
    billing_periods,
    day_hour,
    day_start,
    day_starts,
    first_on_grid,
    grid_instants,
    last_on_grid,
    local_day,
    merged,
)
from tests.tariffs.builders import utc

SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


def periods(
    cycle: BillingCycle, begin: datetime, end: datetime | None, until: datetime
) -> list[Period]:
    return list(billing_periods(cycle, begin, end, until=until))


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.req("R46")
@pytest.mark.parametrize(
    ("day", "hour", "quarters"),
    [
        (date(2026, 2, 28), 0, 96),
        (SPRING, 0, 92),
        (AUTUMN, 0, 100),
        (date(2026, 3, 28), 6, 92),
        (AUTUMN, 6, 96),
        (date(2026, 10, 24), 6, 100),
        (date(2028, 2, 29), 0, 96),
    ],
)
def test_a_local_day_has_as_many_quarter_hours_as_it_is_long(
    day: date, hour: int, quarters: int
) -> None:
    """R46: 96, 92 on the spring day and 100 on the autumn day; gas from 06:00."""
    begin, end = day_start(day, hour), day_start(day + timedelta(days=1), hour)
    assert len(list(grid_instants(begin, end, 900))) == quarters


@pytest.mark.parametrize(
    ("day", "hour", "start"),
    [
        (date(2026, 1, 1), 0, "2025-12-31 23:00"),
        (SPRING, 0, "2026-03-28 23:00"),
        (date(2026, 3, 30), 0, "2026-03-29 22:00"),
        (SPRING, 6, "2026-03-29 04:00"),
        (AUTUMN, 0, "2026-10-24 22:00"),
        (date(2026, 10, 26), 0, "2026-10-25 23:00"),
        (AUTUMN, 6, "2026-10-25 05:00"),
    ],
)
def test_a_day_starts_at_the_hour_of_the_medium(
    day: date, hour: int, start: str
) -> None:
    assert day_start(day, hour) == utc(start)
    assert local_day(utc(start), hour) == day
    assert local_day(utc(start) - timedelta(seconds=1), hour) == day - timedelta(days=1)


def test_gas_days_start_at_six() -> None:
    assert [day_hour(medium) for medium in (1, 6, 7, 8, 9)] == [0, 0, 6, 0, 0]


def test_day_starts_are_open_at_the_begin_and_closed_at_the_end() -> None:
    begin, end = day_start(SPRING, 0), day_start(date(2026, 3, 31), 0)
    assert list(day_starts(begin, end, 0)) == [day_start(date(2026, 3, 30), 0), end]
    assert list(day_starts(begin, begin, 0)) == []


def test_the_grid_lies_on_utc_quarter_hours() -> None:
    assert first_on_grid(utc("2026-01-01 10:05:01")) == utc("2026-01-01 10:15")
    assert first_on_grid(utc("2026-01-01 10:15")) == utc("2026-01-01 10:15")
    assert last_on_grid(utc("2026-01-01 10:29:59")) == utc("2026-01-01 10:15")
    assert last_on_grid(utc("2026-01-01 10:15")) == utc("2026-01-01 10:15")


@pytest.mark.parametrize(
    ("day", "step_s", "local_hours"),
    [
        (date(2026, 2, 28), 21_600, [6, 12, 18, 0]),
        (SPRING, 21_600, [6, 12, 18, 0]),
        (AUTUMN, 21_600, [6, 12, 18, 0]),
        (SPRING, 7_200, [3, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 0]),
        (AUTUMN, 43_200, [12, 0]),
        (SPRING, 86_400, [0]),
    ],
)
def test_a_long_registration_period_counts_from_the_local_day_start(
    day: date, step_s: int, local_hours: list[int]
) -> None:
    """What falls into the skipped hour comes at its end (tafs.md R10)."""
    begin, end = day_start(day, 0), day_start(day + timedelta(days=1), 0)
    instants = list(grid_instants(begin, end, step_s))
    assert [instant.astimezone(BERLIN).hour for instant in instants] == local_hours
    assert instants == sorted(set(instants))


def test_an_hourly_grid_has_25_values_on_the_autumn_day() -> None:
    begin, end = day_start(AUTUMN, 0), day_start(date(2026, 10, 26), 0)
    assert len(list(grid_instants(begin, end, 3600))) == 25


@pytest.mark.parametrize(
    ("cycle", "valid_from", "until", "begins"),
    [
        (
            BillingCycle("month"),
            "2026-01-01",
            "2026-04-02",
            ["2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01"],
        ),
        (
            BillingCycle("month", day=15),
            "2026-01-20",
            "2026-03-16",
            ["2026-01-20", "2026-02-15", "2026-03-15"],
        ),
        (
            BillingCycle("month", 3),
            "2026-02-10",
            "2026-08-01",
            ["2026-02-10", "2026-04-01", "2026-07-01"],
        ),
        (
            BillingCycle("month", 12),
            "2026-05-01",
            "2027-02-01",
            ["2026-05-01", "2027-01-01"],
        ),
        (
            BillingCycle("week"),
            "2026-03-25",
            "2026-04-07",
            ["2026-03-25", "2026-03-30", "2026-04-06"],
        ),
        (
            BillingCycle("week", day=7),
            "2026-03-25",
            "2026-04-07",
            ["2026-03-25", "2026-03-29", "2026-04-05"],
        ),
        (
            BillingCycle("day"),
            "2028-02-28",
            "2028-03-02",
            ["2028-02-28", "2028-02-29", "2028-03-01"],
        ),
    ],
)
def test_billing_periods_follow_the_civil_calendar(
    cycle: BillingCycle, valid_from: str, until: str, begins: list[str]
) -> None:
    found = periods(cycle, local(valid_from), None, local(until))
    assert [period.begin for period in found] == [local(begin) for begin in begins]


@pytest.mark.parametrize(
    ("month", "hours"), [(1, 744), (2, 672), (3, 743), (4, 720), (10, 745), (12, 744)]
)
def test_a_month_has_the_hours_of_its_days(month: int, hours: int) -> None:
    begin = local(f"2026-{month:02d}-01")
    (period,) = periods(BillingCycle("month"), begin, None, begin + timedelta(days=1))
    assert period.end - period.begin == timedelta(hours=hours)


def test_the_validity_cuts_the_first_and_the_last_period() -> None:
    begin, end = utc("2026-01-10 09:07"), utc("2026-02-03 10:00")
    found = periods(BillingCycle("month"), begin, end, utc("2026-09-01 00:00"))
    assert found == [(begin, local("2026-02-01")), (local("2026-02-01"), end)]


def test_an_open_period_ends_as_planned_and_none_begins_in_the_future() -> None:
    begin = local("2026-01-01")
    boundary = local("2026-02-01")
    assert periods(BillingCycle("month"), begin, None, boundary) == [(begin, boundary)]
    assert periods(BillingCycle("month"), begin, None, begin) == []


@pytest.mark.req("R122")
@pytest.mark.parametrize("first", ["2026-01-01", "2026-03-20", "2026-10-20"])
def test_daily_periods_over_30_days_show_as_four_weeks_and_a_rest(first: str) -> None:
    """R122: groups of a week, the growing one shorter; also over 23 and 25 h days."""
    begin = local(first)
    end = day_start(local_day(begin, 0) + timedelta(days=30), 0)
    groups = list(merged(iter(periods(BillingCycle("day"), begin, None, end))))
    days = [
        (g.end.astimezone(BERLIN).date() - g.begin.astimezone(BERLIN).date()).days
        for g in groups
    ]
    assert days == [7, 7, 7, 7, 2]


@pytest.mark.req("R122")
def test_only_periods_shorter_than_a_week_are_merged() -> None:
    """R122: a month or a week cut by the validity stays a period of its own."""
    assert BillingCycle("day", 6).is_merged
    assert not BillingCycle("day", 7).is_merged
    assert not BillingCycle("week").is_merged
    assert not BillingCycle("month").is_merged


instants = st.datetimes(
    datetime.fromisoformat("2025-01-01"), datetime.fromisoformat("2029-01-01")
).map(lambda moment: moment.replace(tzinfo=UTC, microsecond=0))
cycles = st.one_of(
    st.builds(BillingCycle, st.just("day"), st.integers(1, 40), st.just(1)),
    st.builds(BillingCycle, st.just("week"), st.integers(1, 8), st.integers(1, 7)),
    st.builds(
        BillingCycle,
        st.just("month"),
        st.sampled_from([1, 2, 3, 6, 12]),
        st.integers(1, 28),
        st.sampled_from([0, 6]),
    ),
)
spans = st.timedeltas(timedelta(seconds=1), timedelta(days=700))


@given(cycle=cycles, begin=instants, span=spans, until=instants)
def test_periods_partition_the_validity(
    cycle: BillingCycle, begin: datetime, span: timedelta, until: datetime
) -> None:
    end = begin + span
    found = periods(cycle, begin, end, until)
    assert (found == []) == (until <= begin)
    for one, following in pairwise(found):
        assert one.begin < one.end == following.begin
    if found:
        assert found[0].begin == begin
        assert found[-1].begin < min(until, end) <= max(found[-1].end, end)
        assert found[-1].end <= end


@given(begin=instants, span=spans, count=st.integers(1, 6))
def test_merging_keeps_the_partition_and_makes_weeks(
    begin: datetime, span: timedelta, count: int
) -> None:
    single = periods(BillingCycle("day", count), begin, begin + span, begin + span)
    groups = list(merged(iter(single)))
    assert groups[0].begin == begin
    assert groups[-1].end == begin + span
    for one, following in pairwise(groups):
        assert one.end == following.begin
        assert one.end - one.begin >= timedelta(days=7, hours=-1)


@given(
    begin=instants,
    span=st.timedeltas(timedelta(), timedelta(days=3)),
    step=st.sampled_from([900, 1800, 3600, 7200, 14_400, 86_400]),
    hour=st.sampled_from([0, 6]),
)
def test_a_grid_can_be_walked_in_pieces(
    begin: datetime, span: timedelta, step: int, hour: int
) -> None:
    end, middle = begin + span, begin + span / 2
    whole = list(grid_instants(begin, end, step, hour))
    halves = [
        *grid_instants(begin, middle, step, hour),
        *grid_instants(middle, end, step, hour),
    ]
    assert whole == halves
