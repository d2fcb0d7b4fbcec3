"""The time of a fleet: faster than the host's, and never back."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from casa_site.fleet.clock import FleetClock, clock_of, note_time, start_clock

HOST = datetime(2026, 6, 22, 12, tzinfo=UTC)
BEGIN = datetime(2026, 7, 1, tzinfo=UTC)


@given(st.floats(1, 60), st.integers(0, 86_400))
def test_time_passes_as_many_times_as_fast(speed: float, seconds: int) -> None:
    host = HOST + timedelta(seconds=seconds)
    clock = FleetClock(BEGIN, HOST, speed, lambda: host)
    passed = (clock.now() - BEGIN).total_seconds()
    assert abs(passed - speed * seconds) < 0.001


def test_every_process_has_the_same_time(tmp_path: Path) -> None:
    started = start_clock(tmp_path, speed=20, now=HOST)
    other = clock_of(tmp_path)
    assert other.speed == started.speed == 20
    before = started.now()
    assert before <= other.now() <= started.now()


def test_after_a_pause_the_time_goes_on_where_it_stood(tmp_path: Path) -> None:
    """A fast run is ahead of the host; the next one must not live it again."""
    far = HOST + timedelta(days=30)
    note_time(tmp_path, far)
    assert start_clock(tmp_path, speed=1, now=HOST).now() > far


def test_after_a_long_pause_it_is_the_hosts_time(tmp_path: Path) -> None:
    note_time(tmp_path, HOST - timedelta(days=30))
    now = datetime.now(UTC)
    clock = start_clock(tmp_path, speed=1, now=now)
    assert now <= clock.now() <= datetime.now(UTC)
