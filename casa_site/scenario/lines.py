"""The wires and the air of a simulated installation, in memory, with their faults.

All bytes pass the gateway's own codecs; what a meter says is an exact function of time.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby

from casa_site.scenario.schema import Scenario, Simulated
from casa_site.scenario.timeline import GivenTime
from hardware.device_id import canonical_meter_id, device_id_of, server_id_of
from hardware.errors import PortNotOpen, PortVanished
from hardware.readings import RegisterValue
from hardware.simulator import faulty, scenario
from hardware.simulator.bus_station import BusStation
from hardware.simulator.d0 import D0PullMeter, push_text
from hardware.simulator.d0_line import D0MemoryLink
from hardware.simulator.faulty import (
    FaultyBus,
    FaultyLink,
    FaultyMeter,
    FaultyStation,
    refuse_unplugged,
)
from hardware.simulator.meter_security import MeterSecurity
from hardware.simulator.radio import Air, MemoryRadio
from hardware.simulator.radio_stick import EMULATORS, ModuleFaults
from hardware.simulator.scenario import FaultKind
from hardware.simulator.secured_station import SecuredStation
from hardware.simulator.sml_answers import push_telegram
from hardware.simulator.station import SimulatedStation
from hardware.simulator.wireless_meter import SimulatedWirelessMeter
from hardware.wmbus_address import address_of_meter_id
from meters.interface import ClosableLink

SENT_EVERY = timedelta(seconds=10)
RADIO_EVERY = timedelta(seconds=60)
_MODES = {"mode5": 5, "mode7": 7}
_COUNTS_SINCE = timedelta(days=1)

Meter = FaultyMeter | SimulatedWirelessMeter


@dataclass(slots=True)
class PushLine:
    """A line on which one meter sends unasked."""

    meter: FaultyMeter
    telegram: Callable[[datetime], bytes]
    faults: scenario.Scenario
    wrong_check: faulty.Spoil
    every: timedelta
    next_at: datetime
    clock: Callable[[], datetime]
    arrived: deque[bytes] = field(default_factory=deque)

    def send(self, now: datetime) -> None:
        """Send what is due; what arrives waits to be read."""
        self.next_at = now + self.every
        data = faulty.pushed(
            self.telegram(now),
            self.faults,
            self.meter.server_id,
            now,
            self.wrong_check,
        )
        if data:
            self.arrived.append(data)

    def read(self, _timeout_s: float) -> bytes:
        """What came next."""
        if self.faults.has(FaultKind.UNPLUGGED, self.clock()):
            self.arrived.clear()
            raise PortVanished("unplugged")
        return self.arrived.popleft() if self.arrived else b""

    def write(self, _data: bytes) -> None:
        """Nobody hears it."""

    def close(self) -> None:
        """There is nothing to give back."""


class Lines:
    """All lines of a scenario; the gateway opens them by their port."""

    def __init__(self, told: Scenario, time: GivenTime) -> None:
        self._time = time
        self._faults = scenario.Scenario(told.faults)
        day = timedelta(days=1)
        since = told.begin.astimezone(UTC) - _COUNTS_SINCE
        self._installed = since - (since - datetime(2000, 1, 1, tzinfo=UTC)) % day
        self.meters: dict[str, Meter] = {}
        self.modules: dict[str, ModuleFaults] = {}
        self._opens: dict[str, Callable[[], ClosableLink]] = {}
        self._pushing: list[PushLine] = []
        self._radios: list[MemoryRadio] = []
        ordered = sorted(told.meters, key=lambda one: str(one.entry["port"]))
        for port, on_port in groupby(ordered, key=lambda one: str(one.entry["port"])):
            self._build(port, list(on_port))

    @property
    def next_at(self) -> datetime | None:
        """When somebody sends next, unasked; later than now."""
        times = [line.next_at for line in self._pushing]
        times += [one.air.next_at for one in self._radios if one.air.next_at]
        return min((at for at in times if at > self._time.now), default=None)

    def send_due(self, now: datetime) -> bool:
        """Let the meters on lines send what is due; whether anybody sent."""
        due = [line for line in self._pushing if line.next_at <= now]
        for line in due:
            line.send(now)
        for one in self._radios:
            if one.air.is_unplugged(now):
                deque(one.air.due(now), maxlen=0)  # nobody hears it
        # What is sent by radio waits in the air until the stick is read.
        on_air = [one.air.next_at for one in self._radios if one.air.next_at]
        return bool(due) or any(at <= now for at in on_air)

    def open(self, port: str, _baudrate: int) -> ClosableLink:
        """As the gateway opens a port; raises PortNotOpen."""
        if port not in self._opens:
            raise PortNotOpen(port)
        refuse_unplugged(self._faults, self._time.true())
        return self._opens[port]()

    def is_overloaded(self) -> bool:
        """Whether the supply of the wired bus is."""
        return self._faults.has(FaultKind.OVERLOAD, self._time.true())

    def truth(self, meter_id: str, at: datetime) -> tuple[RegisterValue, ...]:
        """What the counters of a meter hold at an instant."""
        meter = self.meters[meter_id]
        if isinstance(meter, SimulatedWirelessMeter):
            return meter.registers_at(at)
        return meter.counters_at(at)

    def _build(self, port: str, on_port: list[Simulated]) -> None:
        source = str(on_port[0].entry["source"])
        if source == "hdlc":
            self._build_bus(port, on_port)
        elif source == "wmbus":
            self._build_radio(port, on_port)
        elif source == "d0_pull":
            self._build_pull(port, on_port[0])
        else:
            self._build_push(port, source, on_port[0])

    def _meter(self, one: Simulated) -> FaultyMeter:
        meter_id = canonical_meter_id(str(one.entry["id"]))
        meter = self._new_meter(server_id_of(meter_id), one)
        self.meters[meter_id] = meter
        return meter

    def _new_meter(self, server_id: bytes, like: Simulated) -> FaultyMeter:
        return FaultyMeter(
            server_id,
            self._faults,
            like.profile,  # type: ignore[arg-type]
            like.seed,
            installed_at=self._installed,
        )

    def _build_bus(self, port: str, on_port: list[Simulated]) -> None:
        stations: list[BusStation] = []
        for one in on_port:
            meter = self._meter(one)
            stations.append(_station(meter, one))
            for other in self._successors(meter.server_id):
                successor = self._new_meter(other, one)
                self.meters[device_id_of(other) or other.hex()] = successor
                stations.append(_station(successor, one))
        clock = self._time.true
        with_faults = [FaultyStation(one, self._faults) for one in stations]
        bus = FaultyBus(with_faults, clock, self._faults)
        self._opens[port] = lambda: FaultyLink(bus, clock, self._faults)

    def _successors(self, server_id: bytes) -> Iterator[bytes]:
        """The meters that are put in the place of one."""
        for fault in self._faults.faults:
            if fault.kind is FaultKind.EXCHANGE and fault.meter == server_id:
                yield fault.by

    def _build_push(self, port: str, source: str, one: Simulated) -> None:
        meter, clock = self._meter(one), self._time.true
        is_sml = source == "sml_push"

        def telegram(now: datetime) -> bytes:
            if is_sml:
                return push_telegram(meter, now, int(now.timestamp()))
            return push_text(meter, now)

        line = PushLine(
            meter=meter,
            telegram=telegram,
            faults=self._faults,
            wrong_check=faulty.wrong_last_byte if is_sml else faulty.wrong_parity,
            every=one.every or SENT_EVERY,
            next_at=self._time.begin,
            clock=clock,
        )
        self._pushing.append(line)
        self._opens[port] = lambda: line

    def _build_pull(self, port: str, one: Simulated) -> None:
        meter, clock = self._meter(one), self._time.true

        def spoil(data: bytes) -> bytes:
            check = faulty.wrong_last_byte
            return faulty.pushed(data, self._faults, meter.server_id, clock(), check)

        self._opens[port] = lambda: D0MemoryLink(
            D0PullMeter(meter, clock),
            monotonic=self._time.seconds,
            wait=self._time.wait,
            spoil=spoil,
        )

    def _build_radio(self, port: str, on_port: list[Simulated]) -> None:
        senders = [self._sender(one) for one in on_port]
        air = Air(senders, self._time.begin, self._faults)
        faults = self.modules[port] = ModuleFaults()
        stick = EMULATORS[str(on_port[0].entry.get("stick", "im871a"))](faults)
        radio = MemoryRadio(stick, air, self._time.true)
        self._radios.append(radio)
        self._opens[port] = lambda: radio.open(port, 0)

    def _sender(self, one: Simulated) -> SimulatedWirelessMeter:
        address = address_of_meter_id(str(one.entry["id"]).lower())
        every = one.every or RADIO_EVERY
        sender = SimulatedWirelessMeter(
            address,
            _key(one),
            mode=_MODES.get(str(one.entry.get("security", "mode7")), 7),
            every_s=int(every.total_seconds()),
            seed=one.seed,
            installed_at=self._installed,
        )
        self.meters[address.meter_id] = sender
        return sender


def _station(meter: FaultyMeter, one: Simulated) -> BusStation:
    if one.entry.get("security") == "plain":
        return SimulatedStation(meter)
    return SecuredStation(meter, MeterSecurity(_key(one)))


def _key(one: Simulated) -> bytes:
    return bytes.fromhex(str(one.entry["master_key"]))
