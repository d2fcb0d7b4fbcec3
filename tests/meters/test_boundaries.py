"""The registration grid, the schedule of a wired bus, the window of a pushing meter."""

from datetime import UTC, datetime, timedelta

import pytest

from meters.boundaries import (
    BoundarySchedule,
    Duty,
    LivePace,
    PushWindow,
    SettledBoundary,
    boundary_after,
    boundary_before,
    first_open_boundary,
    is_on_grid,
    missed_boundaries,
)
from tests.meters.builders import NOON, a_reading

QUARTER = timedelta(minutes=15)
LIVE = timedelta(seconds=10)


def after(**duration: float) -> datetime:
    return NOON + timedelta(**duration)


def a_schedule(now: datetime, last: datetime | None = None) -> BoundarySchedule:
    return BoundarySchedule(now=now, live_period=LIVE, last=last)


def test_the_grid_is_quarter_hours_in_utc() -> None:
    assert boundary_before(after(minutes=14, seconds=59)) == NOON
    assert boundary_before(NOON) == NOON
    assert boundary_after(NOON) == NOON + QUARTER
    assert is_on_grid(NOON) and not is_on_grid(after(seconds=1))


@pytest.mark.parametrize(
    ("day", "quarters"),
    [
        (datetime(2026, 3, 29, tzinfo=UTC), 92),
        (datetime(2026, 10, 25, tzinfo=UTC), 100),
        (datetime(2028, 2, 29, tzinfo=UTC), 96),
    ],
)
def test_a_local_day_has_92_96_or_100_boundaries(day: datetime, quarters: int) -> None:
    from zoneinfo import ZoneInfo

    berlin = ZoneInfo("Europe/Berlin")
    begin = datetime(day.year, day.month, day.day, tzinfo=berlin).astimezone(UTC)
    end = datetime(day.year, day.month, day.day, tzinfo=berlin) + timedelta(days=1)
    closing = end.astimezone(UTC) + timedelta(seconds=27)
    assert len(list(missed_boundaries(begin, closing))) == quarters


def test_a_boundary_is_missed_when_its_late_wait_is_over() -> None:
    last = NOON - 2 * QUARTER
    assert list(missed_boundaries(last, after(seconds=26))) == [NOON - QUARTER]
    assert list(missed_boundaries(last, after(seconds=27))) == [NOON - QUARTER, NOON]


def test_a_start_within_the_late_wait_still_reads_that_boundary() -> None:
    assert first_open_boundary(after(seconds=26)) == NOON
    assert first_open_boundary(after(seconds=27)) == NOON + QUARTER
    schedule = a_schedule(after(seconds=5))
    assert schedule.due(after(seconds=5)) is Duty.READ_BOUNDARY
    assert schedule.begin_boundary() == NOON


def test_a_boundary_in_the_list_is_not_read_again_after_a_restart() -> None:
    schedule = a_schedule(after(seconds=5), last=NOON)
    assert schedule.target == NOON + QUARTER


@pytest.mark.req("R31")
def test_the_way_of_a_boundary_with_a_late_meter() -> None:
    """Read at the boundary, tried again every 3 s, closed after 27 s."""
    schedule = a_schedule(after(seconds=-4))
    assert schedule.due(after(seconds=-4)) is Duty.WAIT
    assert schedule.wait(after(seconds=-4)) == timedelta(seconds=4)
    assert schedule.due(NOON) is Duty.READ_BOUNDARY
    assert schedule.begin_boundary() == NOON
    schedule.pass_ended(after(seconds=1))
    assert schedule.due(after(seconds=2)) is Duty.WAIT
    assert schedule.wait(after(seconds=2)) == timedelta(seconds=2)
    assert schedule.due(after(seconds=4)) is Duty.RETRY
    schedule.pass_ended(after(seconds=26))
    assert schedule.wait(after(seconds=26)) == timedelta(seconds=1)
    assert schedule.due(after(seconds=27)) is Duty.CLOSE
    schedule.closed(after(seconds=27))
    assert schedule.open_boundary is None
    assert schedule.target == NOON + QUARTER


def test_a_complete_boundary_needs_no_closing() -> None:
    schedule = a_schedule(NOON)
    schedule.begin_boundary()
    schedule.settled()
    schedule.pass_ended(after(seconds=1))
    assert schedule.due(after(seconds=27)) is Duty.READ_LIVE


def test_live_passes_lie_on_multiples_of_their_period() -> None:
    schedule = a_schedule(after(minutes=1))
    assert schedule.due(after(minutes=1)) is Duty.READ_LIVE
    schedule.pass_ended(after(minutes=1, seconds=3.2))
    assert schedule.wait(after(minutes=1, seconds=3.2)) == timedelta(seconds=6.8)
    assert schedule.due(after(minutes=1, seconds=10)) is Duty.READ_LIVE


def test_the_bus_is_quiet_before_a_boundary() -> None:
    schedule = a_schedule(after(minutes=14, seconds=50))
    assert schedule.due(after(minutes=14, seconds=54)) is Duty.READ_LIVE
    assert schedule.due(after(minutes=14, seconds=55)) is Duty.WAIT
    assert schedule.wait(after(minutes=14, seconds=55)) == timedelta(seconds=5)


def test_boundaries_that_were_slept_through_are_closed_not_read() -> None:
    schedule = a_schedule(NOON - QUARTER)
    assert schedule.due(after(minutes=1)) is Duty.CLOSE
    schedule.closed(after(minutes=1))
    assert schedule.target == NOON + QUARTER


def test_after_a_backward_step_of_the_clock_nothing_is_read_twice() -> None:
    """tafs.md R9: suspend until the clock passes the last stored instant."""
    schedule = a_schedule(NOON)
    schedule.begin_boundary()
    schedule.settled()
    schedule.pass_ended(NOON)
    back = NOON - 3 * QUARTER
    assert schedule.due(back) is not Duty.READ_BOUNDARY
    assert schedule.wait(back) <= QUARTER
    assert schedule.due(NOON + QUARTER) is Duty.READ_BOUNDARY


PUSH_TABLE = [
    ("at the boundary", [0.0], 0.0),
    ("later one is nearer", [-4.0, 1.0], 1.0),
    ("earlier one is nearer", [-1.0, 3.0], -1.0),
    ("equally near: the later", [-2.0, 2.0], 2.0),
    ("only an early one within the window", [-20.0, 40.0], -20.0),
    ("an early one out of the window", [-28.0, 40.0], None),
    ("a late one at the edge", [27.0], 27.0),
    ("a late one behind the edge", [27.5], None),
    ("the last before counts", [-20.0, -10.0, -3.0, 9.0], -3.0),
]


@pytest.mark.parametrize(
    ("captures", "taken"),
    [row[1:] for row in PUSH_TABLE],
    ids=[row[0] for row in PUSH_TABLE],
)
def test_the_reading_nearest_to_the_boundary_is_taken(
    captures: list[float], taken: float | None
) -> None:
    window = PushWindow(now=after(minutes=-5))
    settled = [s for c in captures for s in window.offer(a_reading(after(seconds=c)))]
    expected = None if taken is None else a_reading(after(seconds=taken))
    assert settled == [SettledBoundary(NOON, expected)]


def test_a_silent_boundary_expires_once() -> None:
    window = PushWindow(now=after(minutes=-5))
    assert window.expire(after(seconds=27)) == []
    assert window.expire(after(seconds=28)) == [SettledBoundary(NOON, None)]
    assert window.expire(after(seconds=29)) == []


def test_a_long_silence_settles_the_next_boundary_too() -> None:
    window = PushWindow(now=after(minutes=-5))
    late = a_reading(after(minutes=15, seconds=2))
    assert window.offer(late) == [
        SettledBoundary(NOON, None),
        SettledBoundary(NOON + QUARTER, late),
    ]


def test_live_values_come_at_once_and_then_once_per_period() -> None:
    pace = LivePace(LIVE)
    first, second, third = (a_reading(after(seconds=s)) for s in (0, 2, 4))
    pace.offer(first)
    assert pace.due(NOON) == first
    pace.offer(second)
    assert pace.due(after(seconds=2)) is None
    pace.offer(third)
    assert pace.due(after(seconds=9)) is None
    assert pace.due(after(seconds=10)) == third
    assert pace.due(after(seconds=30)) is None
