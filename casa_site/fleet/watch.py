"""Watches a running fleet: how long it runs, what it used in that time."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from casa_site.fleet.clock import FleetClock, note_time
from casa_site.fleet.figures import Use, received, use_of


@dataclass(frozen=True, slots=True)
class Span:
    """What was seen between two moments: fleet time, seconds of the host, use."""

    begin: datetime
    end: datetime
    seconds: float
    cpu_s: float
    memory_mib: float
    others_cpu_s: float
    others_memory_mib: float
    received: int


class Watch:
    """Begins when the fleet is ready; over after some seconds, or never (None)."""

    def __init__(
        self,
        fleet: Path,
        clock: FleetClock,
        seconds: float | None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fleet, self._clock = fleet, clock
        self._seconds, self._monotonic = seconds, monotonic
        self._begun: tuple[float, datetime, Use, int] | None = None
        self.span: Span | None = None
        """What was seen, once the time is over."""

    def begin(self) -> None:
        """The fleet is ready; a second call changes nothing."""
        if self._begun is None:
            self._begun = (
                self._monotonic(),
                self._clock.now(),
                use_of(self._fleet),
                received(self._fleet),
            )

    def is_over(self) -> bool:
        """Whether the time is over; remembers how far the fleet's time has come."""
        note_time(self._fleet, self._clock.now())
        if self._begun is None or self._seconds is None:
            return False
        if self._monotonic() - self._begun[0] < self._seconds:
            return False
        if self.span is None:
            self.span = self._seen(*self._begun)
        return True

    def _seen(self, at: float, begin: datetime, before: Use, had: int) -> Span:
        after = use_of(self._fleet)
        return Span(
            begin=begin,
            end=self._clock.now(),
            seconds=self._monotonic() - at,
            cpu_s=after.cpu_s - before.cpu_s,
            memory_mib=after.memory_mib,
            others_cpu_s=after.others_cpu_s - before.others_cpu_s,
            others_memory_mib=after.others_memory_mib,
            received=received(self._fleet) - had,
        )
