"""Time that a scenario gives: true time, the host's clock, the gateway's clock."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from hardware.clock import KeptClock
from hardware.time_file import TimeFile

_TICK_S = 1e-6
"""Time passes a little whenever somebody looks at the monotonic one."""


@dataclass(slots=True)
class GivenTime:
    """True time, UTC, and by how much the host's clock is wrong.

    `waited_s` is what somebody waited within a moment; only `seconds` shows it.
    """

    begin: datetime
    now: datetime
    error: timedelta = timedelta()
    waited_s: float = 0.0
    _ticks: Iterator[int] = field(default_factory=count)

    def true(self) -> datetime:
        """True time, as the meters and partners have it."""
        return self.now

    def host(self) -> datetime:
        """What the host's clock shows."""
        return self.now + self.error

    def seconds(self) -> float:
        """Monotonic: goes on with true time, and a little for each look."""
        passed = (self.now - self.begin).total_seconds()
        return passed + self.waited_s + next(self._ticks) * _TICK_S

    def wait(self, seconds: float) -> None:
        """Let somebody wait; it costs no real time."""
        self.waited_s += seconds


class GivenClock(KeptClock):
    """The gateway's clock on a host whose time is given.

    As in the product, gateway time is the host's and the offset kept in the state.
    """

    __slots__ = ("_time",)

    _time: GivenTime

    def __init__(self, file: TimeFile, time: GivenTime) -> None:
        super().__init__(file)
        object.__setattr__(self, "_time", time)

    @property
    def offset(self) -> timedelta:
        """What is added to the host's time at this moment."""
        return self._offset_at(self._time.host())

    def now(self) -> datetime:
        """The gateway time, UTC."""
        host = self._time.host()
        return host + self._offset_at(host)
