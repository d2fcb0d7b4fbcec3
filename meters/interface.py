"""A physical interface to meters: what it is, and the thread that serves it."""

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Protocol

from django.db import connections

from hardware.link import Link
from hardware.obis import Obis
from hardware.sign_of_life import SignOfLife
from hardware.wmbus_obis import ObisRule, rule_of
from meters.models import Meter, ReadDemand
from meters.read_demand import Demand

LONGEST_WAIT_S = 5.0
"""A clock that was set while a thread sleeps is noticed within this time."""

PAUSE_AFTER_FAILURE_S = 2.0

logger = logging.getLogger(__name__)


class ClosableLink(Link, Protocol):
    """A link that gives its port back."""

    def close(self) -> None:
        """Give the port back; never raises."""


OpenLink = Callable[[str, int], ClosableLink]
"""Opens a port at a baud rate; raises PortNotOpen. SerialLink.open in the product."""


@dataclass(frozen=True, slots=True)
class MeterEnd:
    """A meter at an interface: its ids, the registers its profile lists, its security.

    `is_secured`: on the wired LMN it is read over TLS. `security` is what a wireless
    meter's telegrams must have (`hardware.lmn_wireless`), `obis_rules` what it does in
    another way than the OMS table, `stick` the kind of radio module. No value from
    before `valid_from` is taken: the meter was somebody else's then. `demands` is when
    it is read beside the quarter hours. `version` counts the changes of its profile,
    its key among them.
    """

    id: str
    server_id: bytes
    registers: tuple[Obis, ...] = ()
    is_secured: bool = False
    security: str = ""
    stick: str = ""
    obis_rules: tuple[ObisRule, ...] = ()
    valid_from: datetime | None = None
    demands: tuple[Demand, ...] = ()
    version: int = 1


@dataclass(frozen=True, slots=True)
class InterfaceSpec:
    """A port and the meters behind it."""

    source: str
    port: str
    baudrate: int
    meters: tuple[MeterEnd, ...]

    @property
    def line(self) -> tuple[str, str, int]:
        """What makes it the same physical interface, whatever meters it has."""
        return (self.source, self.port, self.baudrate)

    @property
    def server_ids(self) -> list[bytes]:
        """What its meters call themselves on the wire."""
        return [meter.server_id for meter in self.meters]

    @property
    def plain(self) -> list[bytes]:
        """The server ids of its meters that are read without security."""
        return [meter.server_id for meter in self.meters if not meter.is_secured]

    @property
    def meter_ids(self) -> list[str]:
        """The ids of its meters."""
        return [meter.id for meter in self.meters]


def interface_specs(meters: Iterable[Meter]) -> list[InterfaceSpec]:
    """The interfaces that these meters need: those of one port share one."""
    ordered = sorted(meters, key=_line_of)
    return [
        InterfaceSpec(*line, meters=tuple(_meter_end(meter) for meter in on_line))
        for line, on_line in groupby(ordered, key=_line_of)
    ]


def _line_of(meter: Meter) -> tuple[str, str, int]:
    return (meter.source, meter.port, meter.baudrate)


def _meter_end(meter: Meter) -> MeterEnd:
    return MeterEnd(
        id=meter.id,
        server_id=bytes.fromhex(meter.server_id),
        registers=tuple(Obis.parse(name) for name in meter.registers),
        is_secured=meter.security == Meter.Security.TLS,
        security=meter.security,
        stick=meter.stick,
        obis_rules=tuple(rule_of(document) for document in meter.obis_rules),
        valid_from=meter.valid_from,
        demands=tuple(map(_demand, meter.read_demands.all())),
        version=meter.version,
    )


def _demand(row: ReadDemand) -> Demand:
    registers = tuple(Obis.parse(name) for name in row.registers)
    return Demand(row.subject, row.period_s, registers, row.begin, row.end)


class Interface(Protocol):
    """What a thread serves, step by step."""

    spec: InterfaceSpec
    """Set anew when meters come or go; taken over at the next step."""

    def step(self) -> float:
        """Do what is due and return for how many seconds nothing will be."""
        ...

    def close(self) -> None:
        """Give the port back."""


def thread_name(port: str) -> str:
    """What the thread of a port is called, in the log and for its sign of life."""
    return f"lmn {port}"


class InterfaceThread(threading.Thread):
    """Serves one interface until it is told to stop.

    It catches everything, logs it and goes on: an error in one interface must end
    neither it nor the others. `has_stepped` is set after the first step, when the
    port was opened or is known to be absent. `life` hears of each step.
    """

    def __init__(self, interface: Interface, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.interface = interface
        self.life = SignOfLife(None)
        self.has_stepped = threading.Event()
        self._ending = threading.Event()

    def run(self) -> None:
        """The loop; waits by absolute deadlines, never for a period."""
        try:
            while not self._ending.is_set():
                self.life.show(self.name)
                delay = self._step()
                self.has_stepped.set()
                self._ending.wait(min(delay, LONGEST_WAIT_S))
        finally:
            self.interface.close()
            connections.close_all()
            self.life.forget(self.name)

    def tell_to_end(self) -> None:
        """Let the step at work finish; then the thread ends."""
        self._ending.set()

    def _step(self) -> float:
        try:
            return self.interface.step()
        except Exception:
            logger.exception("%s failed and goes on", self.name)
            return PAUSE_AFTER_FAILURE_S
