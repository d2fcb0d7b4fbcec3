"""The registration grid: quarter hours in UTC, and what happens at each of them.

Pure rules without clock, port or database; the threads of `meters.interfaces` ask
them what is due (tafs.md R1 to R3, decisions D18, D21).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

from hardware.readings import MeterReading

REGISTRATION_PERIOD = timedelta(seconds=900)
"""The grid of the original list (decisions D41)."""

LATE_WAIT = timedelta(seconds=27)
"""3 % of the period: how far from the boundary a value may be captured, and how
long a boundary stays open before the placeholder is final (tafs.md R2, D18)."""

RETRY_PERIOD = timedelta(seconds=3)
"""Between two attempts to read a meter that missed the boundary."""

QUIET_BEFORE_BOUNDARY = timedelta(seconds=5)
"""Nothing else starts on the bus in this time, so that the boundary is met; one
answer may take as long (T_app of lmn-wired.md 2.3)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def boundary_before(instant: datetime) -> datetime:
    """The last boundary at or before `instant`."""
    return instant - (instant - _EPOCH) % REGISTRATION_PERIOD


def boundary_after(instant: datetime) -> datetime:
    """The first boundary later than `instant`."""
    return boundary_before(instant) + REGISTRATION_PERIOD


def first_open_boundary(now: datetime) -> datetime:
    """The earliest boundary whose value may still come at `now`."""
    return boundary_after(now - LATE_WAIT)


def missed_boundaries(last: datetime, now: datetime) -> Iterator[datetime]:
    """The boundaries after `last` whose late wait has ended at `now`, ascending."""
    target = boundary_after(last)
    while target + LATE_WAIT <= now:
        yield target
        target += REGISTRATION_PERIOD


def is_on_grid(instant: datetime) -> bool:
    """Whether `instant` is a boundary."""
    return boundary_before(instant) == instant


class Duty(Enum):
    """What the thread of a wired bus has to do next."""

    CLOSE = auto()
    """The late wait of the open boundary is over: placeholders."""
    READ_BOUNDARY = auto()
    """A boundary was reached: read every meter."""
    RETRY = auto()
    """Read again the meters that missed the open boundary."""
    READ_LIVE = auto()
    """Read every meter for the latest value."""
    WAIT = auto()
    """Nothing is due."""


class BoundarySchedule:
    """Says what is due on a wired bus at a given time, by absolute deadlines.

    A boundary is never handled twice and never before one that was handled: after a
    backward step of the clock nothing happens until it passes the last one
    (tafs.md R9). Boundaries that were jumped over are closed as missed.
    """

    def __init__(
        self,
        *,
        now: datetime,
        live_period: timedelta,
        last: datetime | None = None,
        quiet: timedelta = QUIET_BEFORE_BOUNDARY,
    ) -> None:
        """`last` is the latest boundary that is already in the original list.

        `quiet` is the time before a boundary in which nothing else may begin.
        """
        self._live_period = live_period
        self._quiet = quiet
        self.target = first_open_boundary(now)
        if last is not None and last >= self.target:
            self.target = boundary_after(last)
        self._open: datetime | None = None
        self._retry_at = now
        self._live_at = now

    @property
    def open_boundary(self) -> datetime | None:
        """The boundary that still waits for meters, if any."""
        return self._open

    def due(self, now: datetime) -> Duty:
        """What to do at `now`; an overdue closing comes before all else."""
        if now >= (self._open or self.target) + LATE_WAIT:
            return Duty.CLOSE
        if now >= self.target:
            return Duty.READ_BOUNDARY
        if self.target - now <= self._quiet:
            return Duty.WAIT
        if self._open is not None and now >= self._retry_at:
            return Duty.RETRY
        return Duty.WAIT if self._live_in(now) else Duty.READ_LIVE

    def begin_boundary(self) -> datetime:
        """The boundary to read now; it stays open until it is settled or closed."""
        self._open = self.target
        self.target += REGISTRATION_PERIOD
        return self._open

    def settled(self) -> None:
        """Every meter gave its value for the open boundary."""
        self._open = None

    def closed(self, now: datetime) -> None:
        """What was overdue at `now` was closed, boundaries jumped over included."""
        self._open = None
        self.target = max(self.target, first_open_boundary(now))

    def pass_ended(self, now: datetime) -> None:
        """All meters were asked; the next retry and live pass follow from here.

        Live passes lie on multiples of their period, so that they do not drift.
        """
        self._retry_at = now + RETRY_PERIOD
        self._live_at = now - (now - _EPOCH) % self._live_period + self._live_period

    def wait(self, now: datetime) -> timedelta:
        """How long nothing will be due, seen from `now`; not negative."""
        instants = [self.target]
        if self._open is not None:
            instants += [self._retry_at, self._open + LATE_WAIT]
        if self.target - now > self._quiet:
            instants.append(now + self._live_in(now))
        return max(min(instants) - now, timedelta())

    def _live_in(self, now: datetime) -> timedelta:
        """How long until the next live pass; a clock that was set back stops none."""
        left = self._live_at - now
        return left if timedelta() < left <= self._live_period else timedelta()


@dataclass(frozen=True, slots=True)
class SettledBoundary:
    """What came of a boundary of a pushing meter; None when nothing came in time."""

    target_time: datetime
    reading: MeterReading | None


class PushWindow:
    """Chooses, of what a pushing meter sends, the reading nearest to each boundary.

    A reading counts when it was captured within `LATE_WAIT` of the boundary
    (tafs.md R2); of two equally near ones the later is taken.
    """

    def __init__(self, *, now: datetime, last: datetime | None = None) -> None:
        """`last` is the latest boundary that is already in the original list."""
        self.target = first_open_boundary(now)
        if last is not None and last >= self.target:
            self.target = boundary_after(last)
        self._before: MeterReading | None = None

    def offer(self, reading: MeterReading) -> list[SettledBoundary]:
        """Take a reading; returns the boundaries that it settles, mostly none."""
        settled = self.expire(reading.captured_at)
        away = reading.captured_at - self.target
        if away >= timedelta():
            return [*settled, self._settle(self._nearest(reading))]
        if away >= -LATE_WAIT:
            self._before = reading
        return settled

    def expire(self, now: datetime) -> list[SettledBoundary]:
        """Settle the boundary whose late wait has ended at `now`, if it has."""
        if now <= self.target + LATE_WAIT:
            return []
        settled = self._settle(self._before)
        self.target = max(self.target, first_open_boundary(now))
        return [settled]

    def _nearest(self, after: MeterReading) -> MeterReading:
        before = self._before
        if before is None:
            return after
        gap_before = self.target - before.captured_at
        return before if gap_before < after.captured_at - self.target else after

    def _settle(self, reading: MeterReading | None) -> SettledBoundary:
        settled = SettledBoundary(self.target, reading)
        self.target += REGISTRATION_PERIOD
        self._before = None
        return settled


class LivePace:
    """Lets the first reading through at once, later ones not more often than a period.

    The newest reading that was held back comes out when the period is over.
    """

    def __init__(self, period: timedelta) -> None:
        self._period = period
        self._gone_at: datetime | None = None
        self._held: MeterReading | None = None

    def offer(self, reading: MeterReading) -> None:
        """Hold the newest reading until it may go."""
        self._held = reading

    def due(self, now: datetime) -> MeterReading | None:
        """The reading that may go now, once."""
        reading = self._held
        if reading is None or self._rests(now):
            return None
        self._held = None
        self._gone_at = now
        return reading

    def _rests(self, now: datetime) -> bool:
        if self._gone_at is None:
            return False
        # A clock that was set back must not hold a reading for hours.
        return timedelta() <= now - self._gone_at < self._period
