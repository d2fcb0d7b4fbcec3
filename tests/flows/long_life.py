"""One state folder over many starts, each of them shortly before a quarter hour."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.flows.moved_clock import QUARTER, MovedClock, boundary_in, write_settings
from tests.flows.running import RunningGateway
from tests.flows.stored import Stored, stored

_QUIET_S = 3.0
"""Between the end of the start and the quarter hour."""


@dataclass(frozen=True, slots=True)
class Passing:
    """A running gateway, the quarter hour to come, and what was stored before it."""

    gateway: RunningGateway
    clock: MovedClock
    boundary: datetime
    before: Stored


class LongLife:
    """A demo installation; its time never goes back from one start to the next.

    `settings` are lines of its `casa.env`.
    """

    def __init__(self, state: Path, *, history_days: int, **settings: str) -> None:
        self.state = state
        self._options = ("--history-days", str(history_days))
        self._settings = settings
        self._last: datetime | None = None
        self._start_s = 8.0

    @contextmanager
    def start(self, *, skipping: int = 0) -> Iterator[Passing]:
        """Start so that the next quarter hour comes soon after all is ready.

        Quarter hours follow each other without a gap, but for `skipping` of them that
        pass while nothing runs. A start that takes too long is tried with more time.
        """
        for _ in range(3):
            after = self._last and self._last + skipping * QUARTER
            clock, boundary = boundary_in(self._start_s + _QUIET_S, after=after)
            self._last, skipping = boundary, 0
            write_settings(self.state, clock, **self._settings)
            begun_at = time.monotonic()
            with RunningGateway(self.state, *self._options) as gateway:
                gateway.wait_for("CASA ready")
                before = stored(self.state)
                self._start_s = 1.2 * (time.monotonic() - begun_at)
                if clock.seconds_to(boundary) > 1:
                    yield Passing(gateway, clock, boundary, before)
                    return
        raise AssertionError("the gateway never started in time for a quarter hour")
