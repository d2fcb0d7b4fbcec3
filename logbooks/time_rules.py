"""What follows from a time that was received: pure rules (wan.md 6.2, D35, R156)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

DEFAULT_REGISTRATION_PERIOD = timedelta(minutes=15)
STEP_FROM = timedelta(seconds=1)
"""From here on the clock is set at once; below it runs a little faster or slower."""
AGREEING_ANSWERS = 3
POLL_EVERY = timedelta(minutes=15)
POLL_AGAIN = timedelta(minutes=1)
"""Never more often (wan.md 6.1): after a failure, and for a second opinion."""
LONGEST_PAUSE_AFTER_FAILURE = timedelta(minutes=8)
JITTER = timedelta(seconds=30)
RTC_RESERVE = timedelta(hours=48)
MAX_AGE = timedelta(hours=24)
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
"""No clock that was set once shows a time before this program was made."""


class Action(Enum):
    """What to do about a difference to legal time."""

    SLEW = auto()
    STEP = auto()
    SET = auto()
    """Above the tolerance: set the clock and say so (13005, 13002)."""
    SET_FIRST = auto()
    """The own time was not valid: an authentic time sets it (13002)."""
    ASK_AGAIN = auto()
    """Too far off to be believed at once."""
    REFUSE = auto()
    """Three answers agree that it is too far off: 1500056."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for a difference, from the active evaluation profiles."""

    tolerance: timedelta
    too_far: timedelta


def limits(periods: Sequence[timedelta]) -> Limits:
    """3 % of the smallest registration period, and the largest (R156, D35).

    Without a period the default of 15 minutes holds: 27 s and 900 s.
    """
    known = periods or [DEFAULT_REGISTRATION_PERIOD]
    return Limits(min(known) * 3 / 100, max(known))


def action(
    difference: timedelta, far_before: Sequence[timedelta], *, valid: bool, to: Limits
) -> Action:
    """What to do when legal time minus own time is `difference`.

    `far_before` are the differences of the answers right before that were too far off.
    """
    if not valid:
        return Action.SET_FIRST
    distance = abs(difference)
    if distance > to.too_far:
        answers = [*far_before, difference][-AGREEING_ANSWERS:]
        agree = max(answers) - min(answers) <= to.tolerance
        enough = len(answers) == AGREEING_ANSWERS
        return Action.REFUSE if agree and enough else Action.ASK_AGAIN
    if distance > to.tolerance:
        return Action.SET
    return Action.STEP if distance >= STEP_FROM else Action.SLEW


def pause_after_failures(failures: int) -> timedelta:
    """1, 2, 4, then 8 minutes."""
    doubled = POLL_AGAIN * (1 << min(max(failures, 1) - 1, 8))
    return min(doubled, LONGEST_PAUSE_AFTER_FAILURE)


def pause_after_success(chance: float) -> timedelta:
    """15 minutes, up to half a minute more or less; `chance` is 0.0 to 1.0.

    So that not all gateways of an administrator ask at the same moment.
    """
    return POLL_EVERY + JITTER * (2 * chance - 1)


def has_run_out(since: datetime, now: datetime, max_age: timedelta = MAX_AGE) -> bool:
    """Whether no success since `since` means that the time is not valid any more."""
    return now - since >= max_age


def is_bridged(last_alive: datetime | None, shown: datetime) -> bool:
    """Whether a clock that runs on without supply may be believed (48 h reserve).

    `last_alive` is the last gateway time before the end, `shown` what it shows now.
    """
    if last_alive is None or shown < EARLIEST:
        return False
    return timedelta(seconds=-1) <= shown - last_alive <= RTC_RESERVE
