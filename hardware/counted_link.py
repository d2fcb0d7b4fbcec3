"""A link that counts what passes, for the technician's list of interfaces (R5)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from hardware.link import Link


class ClosableLink(Link, Protocol):
    """A link that gives its port back."""

    def close(self) -> None:
        """Give the port back; never raises."""


@dataclass(slots=True)
class PortCounters:
    """What passed at one port since the process started.

    `opened` and `failed` count the attempts to open it; `received_at` is when the
    last byte came, UTC.
    """

    is_open: bool = False
    opened: int = 0
    failed: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0
    received_at: datetime | None = None


def _say_nothing() -> None:
    """Nobody asks whether the link is used."""


class CountedLink:
    """Hands everything on to a link, and counts. `clock` gives UTC.

    `show_life` is called with each use: a long reading of many meters is no hanging.
    """

    def __init__(
        self,
        link: ClosableLink,
        counters: PortCounters,
        clock: Callable[[], datetime],
        show_life: Callable[[], None] = _say_nothing,
    ) -> None:
        self._link = link
        self._counters = counters
        self._clock = clock
        self._show_life = show_life
        counters.is_open = True
        counters.opened += 1

    def __getattr__(self, name: str) -> Any:
        """What only some links can do: change the speed, see the supply's overload."""
        return getattr(self._link, name)

    def write(self, data: bytes) -> None:
        """Send all of `data`; raises PortVanished."""
        self._show_life()
        self._link.write(data)
        self._counters.sent_bytes += len(data)

    def read(self, timeout_s: float) -> bytes:
        """What has arrived within the timeout; raises PortVanished."""
        self._show_life()
        data = self._link.read(timeout_s)
        if data:
            self._counters.received_bytes += len(data)
            self._counters.received_at = self._clock()
        return data

    def close(self) -> None:
        """Give the port back; never raises."""
        self._counters.is_open = False
        self._link.close()
