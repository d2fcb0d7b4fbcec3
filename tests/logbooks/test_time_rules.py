"""What follows from a time that was received: pure rules."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logbooks import time_rules
from logbooks.time_rules import Action, Limits

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
QUARTER, MINUTE = timedelta(minutes=15), timedelta(minutes=1)
DEFAULT = time_rules.limits([])


def s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


@pytest.mark.req("R156")
@pytest.mark.parametrize(
    ("periods", "tolerance_s", "too_far_s"),
    [
        ([], 27, 900),
        ([QUARTER], 27, 900),
        ([QUARTER, MINUTE], 1.8, 900),
        ([MINUTE], 1.8, 60),
        ([QUARTER, 4 * QUARTER], 27, 3600),
    ],
)
def test_the_tolerance_is_three_percent_of_the_smallest_registration_period(
    periods: list[timedelta], tolerance_s: float, too_far_s: float
) -> None:
    """27 s at 15 minutes, 1.8 s at a minute."""
    assert time_rules.limits(periods) == Limits(s(tolerance_s), s(too_far_s))


@pytest.mark.req("R156")
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("seconds", "periods", "wanted"),
    [
        (0, [], Action.SLEW),
        (0.999, [], Action.SLEW),
        (1, [], Action.STEP),
        (26.9, [], Action.STEP),
        (27, [], Action.STEP),
        (27.1, [], Action.SET),
        (1.7, [MINUTE], Action.STEP),
        (1.9, [MINUTE], Action.SET),
        (900, [], Action.SET),
        (900.1, [], Action.ASK_AGAIN),
    ],
)
def test_what_a_difference_asks_for(
    seconds: float, periods: list[timedelta], wanted: Action, sign: int
) -> None:
    """26.9 s is synchronised, 27.1 s is over the tolerance of 3 %."""
    to = time_rules.limits(periods)
    assert time_rules.action(sign * s(seconds), [], valid=True, to=to) is wanted


@pytest.mark.req("R157")
def test_three_answers_that_agree_are_needed_to_find_the_own_time_too_far_off() -> None:
    """D35: two are not enough, and neither are three that differ."""
    judge = time_rules.action
    assert judge(s(1000), [s(1001)], valid=True, to=DEFAULT) is Action.ASK_AGAIN
    far = [s(1000), s(1020)]
    assert judge(s(1010), far, valid=True, to=DEFAULT) is Action.REFUSE
    far = [s(1000), s(1020)]
    assert judge(s(1028), far, valid=True, to=DEFAULT) is Action.ASK_AGAIN
    assert judge(s(1028), [s(-5000), *far[1:], s(1030)], valid=True, to=DEFAULT) is (
        Action.REFUSE
    )


@pytest.mark.req("R155")
@given(st.integers(-(10**9), 10**9))
def test_a_clock_that_is_not_valid_is_set_by_the_first_authentic_time(
    seconds: int,
) -> None:
    """No human is needed (DS 14), however far it is."""
    found = time_rules.action(s(seconds), [], valid=False, to=DEFAULT)
    assert found is Action.SET_FIRST


def test_after_a_failure_the_pauses_grow() -> None:
    pauses = [time_rules.pause_after_failures(n) for n in (0, 1, 2, 3, 4, 5, 999)]
    assert [pause // MINUTE for pause in pauses] == [1, 1, 2, 4, 8, 8, 8]


@given(st.floats(0, 1))
def test_after_a_success_a_quarter_of_an_hour_passes_more_or_less(
    chance: float,
) -> None:
    pause = time_rules.pause_after_success(chance)
    assert abs(pause - QUARTER) <= s(30)


@pytest.mark.req("R157")
@pytest.mark.parametrize(
    ("hours", "has_run_out"), [(0, False), (23.99, False), (24, True), (48, True)]
)
def test_a_time_without_synchronisation_runs_out_after_a_day(
    hours: float, has_run_out: bool
) -> None:
    """1500069 (D35)."""
    assert time_rules.has_run_out(NOW, NOW + timedelta(hours=hours)) is has_run_out


@pytest.mark.req("R157")
@pytest.mark.parametrize(
    ("last_alive", "shown", "is_bridged"),
    [
        (NOW, NOW, True),
        (NOW, NOW + timedelta(hours=48), True),
        (NOW, NOW + timedelta(hours=48, seconds=1), False),
        (NOW, NOW - s(1), True),
        (NOW, NOW - s(2), False),
        (None, NOW, False),
        (datetime(2000, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC), False),
    ],
)
def test_a_clock_that_ran_on_is_believed_for_two_days(
    last_alive: datetime | None, shown: datetime, is_bridged: bool
) -> None:
    """48 h reserve (manual 2.6); a clock that went back was without supply."""
    assert time_rules.is_bridged(last_alive, shown) is is_bridged
