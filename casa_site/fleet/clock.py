"""The time of a fleet: all its gateways, meters and partners go by one clock.

It may run faster than the host's; after a pause it goes on where it stood, so that no
quarter hour is missed that nobody lived through.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hardware.clock import GatewayClock
from hardware.private_files import replace

_FILE, _LAST = "clock.json", "clock.last"


def _host_time() -> datetime:
    return datetime.now(UTC)


class FleetClock(GatewayClock):
    """Shows `begin` at `host_begin`, and from there goes `speed` times as fast."""

    __slots__ = ("_begin", "_host", "_host_begin", "_speed")

    _begin: datetime
    _host: Callable[[], datetime]
    _host_begin: datetime
    _speed: float

    def __init__(
        self,
        begin: datetime,
        host_begin: datetime,
        speed: float,
        host: Callable[[], datetime] = _host_time,
    ) -> None:
        super().__init__()
        object.__setattr__(self, "_begin", begin)
        object.__setattr__(self, "_host_begin", host_begin)
        object.__setattr__(self, "_speed", speed)
        object.__setattr__(self, "_host", host)

    @property
    def speed(self) -> float:
        """How many seconds pass in one second of the host."""
        return self._speed

    def now(self) -> datetime:
        """The time of the fleet, UTC."""
        return self._begin + (self._host() - self._host_begin) * self._speed


def start_clock(fleet: Path, *, speed: float, now: datetime) -> FleetClock:
    """Let the time go on from where it stood, at the earliest from the host's `now`."""
    begin = max(now, _last(fleet) or now)
    text = {"begin": begin.isoformat(), "host": now.isoformat(), "speed": speed}
    replace(fleet / _FILE, json.dumps(text).encode())
    return clock_of(fleet)


def clock_of(fleet: Path) -> FleetClock:
    """The clock as it was started."""
    text = json.loads((fleet / _FILE).read_text())
    begin, host = (datetime.fromisoformat(text[name]) for name in ("begin", "host"))
    return FleetClock(begin, host, float(text["speed"]))


def note_time(fleet: Path, now: datetime) -> None:
    """Remember how far the fleet's time has come."""
    replace(fleet / _LAST, now.isoformat().encode())


def _last(fleet: Path) -> datetime | None:
    try:
        kept = datetime.fromisoformat((fleet / _LAST).read_text())
    except FileNotFoundError:
        return None
    return kept + timedelta(seconds=1)
