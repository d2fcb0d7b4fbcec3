"""The meter side of many gateways in one process: whose line is due is served next.

The lines are those of a single gateway (`meters.wired_interface`), with their frames,
TLS and decoders; only the thread is shared, and the simulated bus lies in memory.
"""

import heapq
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count

from django.db import Error, connection

from casa_site.demo.meter_keys import security_of
from casa_site.fleet.clock import FleetClock
from casa_site.fleet.gateways import entered
from casa_site.fleet.plan import Member
from hardware.device_id import server_id_of
from hardware.gateway import Gateway
from hardware.simulator.bus import MemoryLink, WiredBusSimulator
from hardware.simulator.meter import SimulatedMeter
from hardware.simulator.secured_station import SecuredStation
from meters import selectors
from meters.interface import interface_specs
from meters.record_queue import RecordQueue
from meters.wired_interface import WiredInterface

_TICK_S = 0.01
_AGAIN_AFTER_FAILURE_S = 5.0
_LONGEST_WAIT_S = 1.0
_LOOKS_EVERY_S = 60.0
"""How soon a meter that was configured is read, in seconds of the host."""

logger = logging.getLogger(__name__)


class BusInMemory(MemoryLink):
    """The wired bus of one gateway: its simulated meters, as real ones would answer."""

    def __init__(self, member: Member, clock: FleetClock) -> None:
        stations = [
            SecuredStation(
                SimulatedMeter(
                    server_id_of(one.id), one.curve, installed_at=member.since
                ),
                security_of(member.state, one.id),
            )
            for one in member.meters
        ]
        super().__init__(WiredBusSimulator(stations, clock.now))

    def close(self) -> None:
        """Nothing has to be given back."""


@dataclass(slots=True)
class Line:
    """The bus of one gateway and what reads it."""

    member: Member
    gateway: Gateway
    clock: FleetClock
    send_hint: Callable[[Gateway], None]
    _interface: WiredInterface | None = None
    _looks_at: float = 0.0
    _ticks: Iterator[int] = field(default_factory=count)

    def step(self) -> float:
        """Do what is due; how many seconds of the host nothing will be."""
        with entered(self.member):
            self._look()
            if self._interface is None:
                return _LOOKS_EVERY_S
            return self._interface.step() / self.clock.speed

    def close(self) -> None:
        """Take leave of the meters."""
        with entered(self.member):
            if self._interface is not None:
                self._interface.close()

    def _look(self) -> None:
        """At the configured meters, now and then."""
        if time.monotonic() < self._looks_at:
            return
        self._looks_at = time.monotonic() + _LOOKS_EVERY_S
        specs = interface_specs(selectors.active_meters())
        if not specs:
            return
        if self._interface is None:
            self._interface = WiredInterface(
                self.gateway,
                specs[0],
                RecordQueue(self.gateway, lambda: self.send_hint(self.gateway)),
                open_link=lambda _port, _baudrate: BusInMemory(self.member, self.clock),
                monotonic=self._monotonic,
            )
        self._interface.spec = specs[0]

    def _monotonic(self) -> float:
        """Passes at the fleet's speed, and a little whenever somebody looks: on a bus
        in memory nobody waits for an answer that does not come."""
        return time.monotonic() * self.clock.speed + next(self._ticks) * _TICK_S


class FleetLines:
    """Serves lines one after the other, each when it is due."""

    def __init__(
        self, lines: Iterable[Line], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._monotonic = monotonic
        self._due = [(0.0, number, line) for number, line in enumerate(lines)]

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set; then all take leave of their meters."""
        while not stop.is_set():
            stop.wait(self.serve_due())
        for _due, _number, line in self._due:
            line.close()

    def serve_due(self) -> float:
        """Serve all that is due; how many seconds nothing will be."""
        while self._due and self._due[0][0] <= self._monotonic():
            _due, number, line = self._due[0]
            wait_s = _stepped(line)
            heapq.heapreplace(self._due, (self._monotonic() + wait_s, number, line))
        if not self._due:
            return _LONGEST_WAIT_S
        left = self._due[0][0] - self._monotonic()
        return min(max(left, 0.0), _LONGEST_WAIT_S)


def _stepped(line: Line) -> float:
    """One step; an error of one gateway ends no other."""
    try:
        return line.step()
    except Exception as error:
        known = isinstance(error, Error)
        logger.error("%s: %s", line.member.huid, error, exc_info=not known)
        connection.close_if_unusable_or_obsolete()
        return _AGAIN_AFTER_FAILURE_S
