"""Counters of all ports, left in the run folder for `casa status` (R5)."""

import json
import logging
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from hardware.counted_link import CountedLink, PortCounters
from hardware.errors import PortNotOpen
from hardware.gateway import Gateway
from hardware.record import zulu
from hardware.sign_of_life import SignOfLife
from meters.interface import ClosableLink, OpenLink, thread_name

FILE = "interfaces.json"
WRITTEN_EVERY = timedelta(seconds=30)
"""A port that comes or goes is told at once."""

logger = logging.getLogger(__name__)


class LineCounters:
    """Opens links that count, and writes down what they counted."""

    def __init__(
        self,
        gateway: Gateway,
        open_link: OpenLink,
        life: SignOfLife | None = None,
    ) -> None:
        self._gateway = gateway
        self._open_link = open_link
        self._life = life or SignOfLife(None)
        self._ports: dict[str, PortCounters] = {}
        self._written_at: datetime | None = None
        self._written_states: list[tuple[str, bool]] = []

    def open(self, port: str, baudrate: int) -> ClosableLink:
        """Open a port as the one below does; raises PortNotOpen."""
        counters = self._ports.setdefault(port, PortCounters())
        try:
            link = self._open_link(port, baudrate)
        except PortNotOpen:
            counters.failed += 1
            raise
        show_life = partial(self._life.show, thread_name(port))
        return CountedLink(link, counters, self._gateway.clock.now, show_life)

    def write(self, now: datetime) -> None:
        """Bring the file up to date where that is due; never raises."""
        ports = dict(self._ports)
        states = [(port, one.is_open) for port, one in ports.items()]
        at = self._written_at
        is_fresh = at is not None and abs(now - at) < WRITTEN_EVERY
        if states == self._written_states and is_fresh:
            return
        self._written_at, self._written_states = now, states
        document = {port: _document(one) for port, one in ports.items()}
        try:
            _write(counters_file(self._gateway.state), json.dumps(document))
        except OSError as error:
            logger.error("the counters of the ports could not be written: %s", error)


def counters_file(state: Path) -> Path:
    """Where the counters of a gateway's ports are."""
    return state / "run" / FILE


def read_counters(state: Path) -> dict[str, dict[str, Any]]:
    """By port, the counters written last; empty before the first."""
    try:
        found: dict[str, dict[str, Any]] = json.loads(counters_file(state).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found


def _document(counters: PortCounters) -> dict[str, Any]:
    at = counters.received_at
    return {
        "is_open": counters.is_open,
        "opened": counters.opened,
        "failed": counters.failed,
        "sent_bytes": counters.sent_bytes,
        "received_bytes": counters.received_bytes,
        "received_at": zulu(at.astimezone(UTC)) if at else None,
    }


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    unfinished = path.with_suffix(".new")
    unfinished.write_text(text)
    unfinished.replace(path)
