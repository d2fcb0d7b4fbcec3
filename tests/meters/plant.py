"""A gateway with meters of every plain and wired kind, run in the time a test gives."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

from hardware.d0_push import D0PushReader
from hardware.device_id import server_id_of
from hardware.gateway import Gateway
from hardware.simulator.d0 import D0PullMeter, push_text
from hardware.simulator.d0_line import D0MemoryLink
from hardware.simulator.faulty import (
    FaultyBus,
    FaultyLink,
    FaultyMeter,
    FaultyStation,
    pushed,
    refuse_unplugged,
    wrong_last_byte,
    wrong_parity,
)
from hardware.simulator.radio import Air, MemoryRadio
from hardware.simulator.radio_stick import Im871aEmulator
from hardware.simulator.scenario import Scenario
from hardware.simulator.sml_answers import push_telegram
from meters import selectors
from meters.interface import Interface, InterfaceSpec, interface_specs
from meters.pull_interface import PullInterface
from meters.push_interface import PushInterface
from meters.record_queue import RecordQueue
from meters.wired_interface import WiredInterface
from meters.wireless_interface import WirelessInterface
from tests.meters.builders import SetClock, a_meter, secured, with_clock
from tests.meters.radio_plant import PORT as RADIO
from tests.meters.radio_plant import a_sender, configured

BUS, SML, D0, PULL = "/dev/bus", "/dev/sml", "/dev/d0", "/dev/pull"
WIRED = ("1emh0000000001", "1emh0000000002")
STRANGER = "1emh0000000099"
PUSHING, D0_PUSHING, PULLED = "1emh0000000011", "1emh0000000021", "1emh0000000031"
SENDERS = {
    sender.address.meter_id: sender
    for sender in (a_sender("gas", 41), a_sender("water", 42))
}
GAS, WATER = SENDERS
SENDS_EVERY = timedelta(seconds=5)


class Line:
    """A line on which telegrams arrive."""

    def __init__(self) -> None:
        self.arrived: deque[bytes] = deque()

    def read(self, _timeout_s: float) -> bytes:
        return self.arrived.popleft() if self.arrived else b""

    def write(self, _data: bytes) -> None:
        raise AssertionError("nothing is ever said to a pushing meter")

    def close(self) -> None:
        pass


class Plant:
    """Seven meters on five lines, their faults by a scenario; no thread, no sleep."""

    def __init__(self, gateway: Gateway, scenario: Scenario, begin: datetime) -> None:
        self.gateway = replace(
            with_clock(gateway, begin), live_period=timedelta(seconds=10)
        )
        self.scenario = scenario
        self._begin = begin
        self._meters: dict[str, FaultyMeter] = {}
        self._ticks = count()
        self._waited_s = 0.0
        self._configure()
        self._build_lines(begin)
        self.start()

    @property
    def clock(self) -> SetClock:
        assert isinstance(self.gateway.clock, SetClock)
        return self.gateway.clock

    def meter(self, device_id: str) -> FaultyMeter:
        """The meter itself, which can be asked for the truth."""
        if device_id not in self._meters:
            self._meters[device_id] = self._new_meter(device_id)
        return self._meters[device_id]

    def _new_meter(self, device_id: str) -> FaultyMeter:
        installed = self._begin.replace(hour=0, minute=0) - timedelta(days=1)
        server_id = server_id_of(device_id)
        return FaultyMeter(
            server_id, self.scenario, "household", installed_at=installed
        )

    def start(self) -> None:
        """A fresh process."""
        made = [self._interface(s) for s in interface_specs(selectors.active_meters())]
        self._due: list[tuple[datetime, Interface]] = [
            (self.clock.now(), one) for one in made
        ]
        self._sends_at = self.clock.now()

    def run(self, until: datetime) -> None:
        """Let time pass; each interface is stepped when it wants to be."""
        while self.clock.now() < until:
            instant = min([self._sends_at, *(due for due, _ in self._due)])
            self.clock.set(max(instant, self.clock.now()))
            if self._sends_at <= self.clock.now():
                self._send()
            self._due = [self._stepped(due, one) for due, one in self._due]

    def _configure(self) -> None:
        gateway = self.gateway
        for number, device_id in enumerate(WIRED, 1):
            a_meter(gateway, device_id, port=BUS, consumer=f"wired{number}")
        a_meter(gateway, PUSHING, source="sml_push", port=SML, consumer="sml")
        a_meter(gateway, D0_PUSHING, source="d0_push", port=D0, consumer="d0")
        a_meter(gateway, PULLED, source="d0_pull", port=PULL, consumer="pull")
        for consumer, sender in zip(("gas", "water"), SENDERS.values(), strict=True):
            configured(gateway, sender, consumer=consumer)

    def _build_lines(self, begin: datetime) -> None:
        stations = [
            FaultyStation(secured(self.meter(id_)), self.scenario)
            for id_ in (*WIRED, STRANGER)
        ]
        self._bus = FaultyBus(stations, self.clock.now, self.scenario)
        self._sml_meter, self._d0_meter = self.meter(PUSHING), self.meter(D0_PUSHING)
        self._lines = {SML: Line(), D0: Line()}
        air = Air(SENDERS.values(), begin, self.scenario)
        self._radio = MemoryRadio(Im871aEmulator(), air, self.clock.now)
        pulled = self.meter(PULLED)
        self._pull_link = D0MemoryLink(
            D0PullMeter(pulled, self.clock.now),
            monotonic=self.pull_seconds,
            wait=self._wait,
            spoil=lambda data: pushed(
                data,
                self.scenario,
                pulled.server_id,
                self.clock.now(),
                wrong_last_byte,
            ),
        )

    def seconds(self) -> float:
        """Goes on with the clock, and a little each time somebody looks."""
        passed = (self.clock.now() - self._begin).total_seconds()
        return passed + next(self._ticks) / 1_000_000

    def pull_seconds(self) -> float:
        """The time of the pulled line: waiting there holds up nobody else."""
        return self.seconds() + self._waited_s

    def _wait(self, seconds: float) -> None:
        self._waited_s += seconds

    def _interface(self, spec: InterfaceSpec) -> Interface:
        queue = RecordQueue(self.gateway, lambda: None, self.seconds)
        more = {"open_link": self._open, "monotonic": self.seconds}
        if spec.port == BUS:
            return WiredInterface(self.gateway, spec, queue, **more)
        if spec.port == RADIO:
            more["open_link"] = self._radio.open
            return WirelessInterface(self.gateway, spec, queue, **more)
        if spec.port == SML:
            return PushInterface(self.gateway, spec, queue, **more)
        if spec.port == D0:
            more["new_reader"] = D0PushReader
            return PushInterface(self.gateway, spec, queue, **more)
        more["monotonic"] = self.pull_seconds
        return PullInterface(self.gateway, spec, queue, **more)

    def _open(self, port: str, _baudrate: int):
        if port == BUS:
            refuse_unplugged(self.scenario, self.clock.now())
            return FaultyLink(self._bus, self.clock.now, self.scenario)
        return self._pull_link if port == PULL else self._lines[port]

    def _send(self) -> None:
        """The pushing meters send; what arrives wakes the thread of the line."""
        now = self.clock.now()
        self._sends_at = now + SENDS_EVERY
        number = int(now.timestamp())
        telegrams: list[tuple[str, FaultyMeter, bytes, Callable[[bytes], bytes]]] = [
            (
                SML,
                self._sml_meter,
                push_telegram(self._sml_meter, now, number),
                wrong_last_byte,
            ),
            (D0, self._d0_meter, push_text(self._d0_meter, now), wrong_parity),
        ]
        for port, meter, data, spoil in telegrams:
            arrived = pushed(data, self.scenario, meter.server_id, now, spoil)
            if arrived:
                self._lines[port].arrived.append(arrived)

    def _stepped(self, due: datetime, one: Interface) -> tuple[datetime, Interface]:
        now = self.clock.now()
        if due > now:
            return due, one
        delay_s = max(one.step(), 0.5)
        return now + timedelta(seconds=min(delay_s, 5.0)), one
