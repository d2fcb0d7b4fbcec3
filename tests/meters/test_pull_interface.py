"""A meter on demand from its boundary to record and live value."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from hardware.device_id import server_id_of
from hardware.errors import PortNotOpen, PortVanished
from hardware.gateway import Gateway
from hardware.record import registers_of
from hardware.simulator.d0 import D0PullMeter
from hardware.simulator.d0_line import D0MemoryLink
from hardware.simulator.meter import SimulatedMeter
from hardware.status_word import is_placeholder
from logbooks.alarms import open_alarms
from logbooks.models import SystemLogEntry
from meters import selectors
from meters.interface import interface_specs
from meters.models import LiveReading, OriginalRecord
from meters.pull_interface import PullInterface
from meters.record_queue import RecordQueue
from tests.meters.builders import METER, NOON, SetClock, a_meter, with_clock

pytestmark = pytest.mark.django_db
QUARTER = timedelta(minutes=15)


@dataclass
class Plug:
    """Whether the head is there, and whether the meter answers."""

    is_in: bool = True
    is_silent: bool = False


class HeadLink(D0MemoryLink):
    """The line of the meter, which may be pulled out."""

    plug: Plug

    def read(self, timeout_s: float) -> bytes:
        if not self.plug.is_in:
            raise PortVanished("pulled")
        return super().read(timeout_s)


class Bench:
    """A gateway with one meter on demand; waiting for it moves the clock."""

    def __init__(self, gateway: Gateway, speed: str = "5") -> None:
        self.gateway = with_clock(gateway, NOON - timedelta(seconds=130))
        a_meter(self.gateway, source="d0_pull", port="/dev/head")
        self.meter = SimulatedMeter(
            server_id_of(METER),
            "household",
            installed_at=NOON.replace(hour=0) - timedelta(days=1),
        )
        self.plug = Plug()
        self.opened = self.asked = 0
        self._speed = speed
        self.start()

    @property
    def clock(self) -> SetClock:
        assert isinstance(self.gateway.clock, SetClock)
        return self.gateway.clock

    def start(self) -> None:
        (spec,) = interface_specs(selectors.active_meters())
        self.interface = PullInterface(
            self.gateway,
            spec,
            RecordQueue(self.gateway, lambda: None, self.seconds),
            open_link=self.open,
            monotonic=self.seconds,
        )

    def seconds(self) -> float:
        return self.clock.now().timestamp()

    def open(self, port: str, baudrate: int) -> HeadLink:
        assert (port, baudrate) == ("/dev/head", 300)
        if not self.plug.is_in:
            raise PortNotOpen("not there")
        self.opened += 1
        link = HeadLink(
            D0PullMeter(self.meter, self.clock.now, self._speed),
            monotonic=self.seconds,
            wait=lambda seconds: self.clock.advance(seconds=seconds),
            spoil=self._answer,
        )
        link.plug = self.plug
        return link

    def _answer(self, data: bytes) -> bytes:
        self.asked += 1
        return b"" if self.plug.is_silent else data

    def run(self, until: datetime) -> None:
        while self.clock.now() < until:
            delay = self.interface.step()
            left = (until - self.clock.now()).total_seconds()
            self.clock.advance(seconds=min(max(delay, 0.01), 5.0, max(left, 0.0)))

    def rows(self) -> list[OriginalRecord]:
        return list(OriginalRecord.objects.order_by("target_time"))

    def faults(self) -> list[int]:
        entries = SystemLogEntry.objects.filter(event_id__range=(100_000, 10**7))
        return [entry.event_id for entry in entries.order_by("number")]


@pytest.fixture
def bench(gateway: Gateway) -> Bench:
    return Bench(gateway)


def test_the_meter_is_asked_at_the_boundary_and_once_a_minute(bench: Bench) -> None:
    bench.run(NOON + timedelta(seconds=5))
    (row,) = bench.rows()
    assert row.target_time == NOON
    assert row.capture_time - NOON <= timedelta(seconds=1)
    assert registers_of(row.registers) == bench.meter.counters_at(row.capture_time)
    assert row.status >> 32 == 0x7  # a plain source: not for billing
    assert LiveReading.objects.get().captured_at >= NOON
    bench.asked = 0
    bench.run(NOON + timedelta(minutes=10, seconds=30))
    # each readout is two exchanges
    assert 2 * 9 <= bench.asked <= 2 * 11


def test_a_slow_meter_is_not_begun_just_before_a_boundary(gateway: Gateway) -> None:
    """At 300 baud a readout takes ten seconds here, at real meters up to 50."""
    bench = Bench(gateway, speed="0")
    bench.run(NOON + timedelta(seconds=20))
    (row,) = bench.rows()
    assert row.capture_time - NOON <= timedelta(seconds=1)


def test_the_live_period_may_be_longer_than_a_minute(gateway: Gateway) -> None:
    bench = Bench(gateway)
    bench.gateway = replace(bench.gateway, live_period=timedelta(minutes=5))
    bench.start()
    bench.run(NOON + timedelta(seconds=30))
    bench.asked = 0
    bench.run(NOON + timedelta(minutes=14))
    assert bench.asked == 2 * 2


def test_a_silent_meter_is_asked_again_until_the_boundary_is_closed(
    bench: Bench,
) -> None:
    bench.run(NOON + timedelta(seconds=5))
    bench.plug.is_silent = True
    bench.run(NOON + QUARTER + timedelta(seconds=12))
    bench.plug.is_silent = False
    bench.run(NOON + QUARTER + timedelta(seconds=26))
    assert [is_placeholder(row.status) for row in bench.rows()] == [False, False]
    assert bench.faults() == [103191]
    bench.plug.is_silent = True
    bench.run(NOON + 2 * QUARTER + timedelta(seconds=40))
    assert [is_placeholder(r.status) for r in bench.rows()] == [False, False, True]


@pytest.mark.req("R26")
def test_a_pulled_head_is_an_alarm_until_it_is_back(bench: Bench) -> None:
    """Proves of R26: the port comes back by itself when it is plugged in again."""
    bench.run(NOON + timedelta(seconds=5))
    bench.plug.is_in = False
    bench.run(NOON + timedelta(minutes=3))
    assert bench.faults() == [100703, 100702]
    assert [alarm.kind for alarm in open_alarms()] == ["interface_missing"]
    bench.plug.is_in = True
    bench.run(NOON + QUARTER + timedelta(seconds=5))
    assert not open_alarms().exists()
    assert [is_placeholder(row.status) for row in bench.rows()] == [False, False]
    assert bench.opened == 2


def test_missed_boundaries_are_closed_at_the_start(bench: Bench) -> None:
    bench.run(NOON + timedelta(seconds=5))
    bench.interface.close()
    bench.clock.set(NOON + timedelta(hours=1, minutes=1))
    bench.start()
    bench.interface.step()
    marks = [is_placeholder(row.status) for row in bench.rows()]
    assert marks == [False] + [True] * 4
