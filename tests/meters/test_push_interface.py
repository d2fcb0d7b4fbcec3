"""A pushing meter from its bytes to live value and record."""

from collections import deque
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from hardware.device_id import server_id_of
from hardware.errors import PortNotOpen, PortVanished
from hardware.gateway import Gateway
from hardware.record import registers_of
from hardware.simulator.meter import SimulatedMeter
from hardware.simulator.sml_answers import push_telegram
from hardware.status_word import is_placeholder
from logbooks.models import SystemLogEntry
from meters import selectors
from meters.interface import interface_specs
from meters.models import LiveReading, OriginalRecord
from meters.push_interface import PushInterface
from meters.record_queue import RecordQueue
from tests.meters.builders import METER, NOON, SetClock, a_meter, with_clock

pytestmark = pytest.mark.django_db
QUARTER = timedelta(minutes=15)
DATA = Path(__file__).parents[1] / "data" / "sml"
STRANGER = "1emh0000000007"


class Line:
    """A line on which the test lets arrive what it wants; may be pulled."""

    def __init__(self) -> None:
        self.arrived: deque[bytes] = deque()
        self.is_in = True
        self.opened = 0

    def open(self, _port: str, _baudrate: int) -> "Line":
        if not self.is_in:
            raise PortNotOpen("not there")
        self.opened += 1
        return self

    def read(self, timeout_s: float) -> bytes:
        if not self.is_in:
            raise PortVanished("pulled")
        return self.arrived.popleft() if self.arrived else b""

    def write(self, data: bytes) -> None:
        raise AssertionError("nothing is ever said to a pushing meter")

    def close(self) -> None:
        pass


class Bench:
    """A gateway with one pushing meter, its line, and time as the test says."""

    def __init__(self, gateway: Gateway, meter_id: str = METER, **more: str) -> None:
        self.gateway = with_clock(gateway, NOON - timedelta(seconds=60))
        a_meter(self.gateway, meter_id, source="sml_push", port="/dev/head", **more)
        self.meter = SimulatedMeter(
            server_id_of(meter_id),
            installed_at=NOON.replace(hour=0) - timedelta(days=1),
        )
        self.line = Line()
        self.hints = 0
        self._passed_s = 0.0
        self.start()

    @property
    def clock(self) -> SetClock:
        assert isinstance(self.gateway.clock, SetClock)
        return self.gateway.clock

    def start(self) -> None:
        (spec,) = interface_specs(selectors.active_meters())
        queue = RecordQueue(self.gateway, self._hint, self.seconds)
        self.interface = PushInterface(
            self.gateway,
            spec,
            queue,
            open_link=self.line.open,
            monotonic=self.seconds,
        )

    def _hint(self) -> None:
        self.hints += 1

    def seconds(self) -> float:
        return self._passed_s

    def at(self, instant: datetime, data: bytes = b"") -> None:
        """Let time pass until `instant`, where `data` arrives."""
        self._passed_s += max(0.0, (instant - self.clock.now()).total_seconds())
        self.clock.set(instant)
        if data:
            self.line.arrived.append(data)
        self.interface.step()

    def telegram(self, instant: datetime) -> None:
        self.at(instant, push_telegram(self.meter, instant, 1))

    def rows(self) -> list[OriginalRecord]:
        return list(OriginalRecord.objects.order_by("target_time"))

    def faults(self) -> list[int]:
        entries = SystemLogEntry.objects.filter(event_id__range=(100_000, 10**7))
        return [entry.event_id for entry in entries.order_by("number")]


@pytest.fixture
def bench(gateway: Gateway) -> Bench:
    return Bench(gateway)


def test_the_first_telegram_is_shown_at_once(bench: Bench) -> None:
    bench.telegram(NOON - timedelta(seconds=50))
    live = LiveReading.objects.get()
    assert live.captured_at == NOON - timedelta(seconds=50)
    assert OriginalRecord.objects.count() == 0


def test_later_telegrams_are_shown_once_per_live_period(bench: Bench) -> None:
    for seconds in range(-50, -20):
        bench.telegram(NOON + timedelta(seconds=seconds))
    shown = LiveReading.objects.get().captured_at - NOON
    assert shown == timedelta(seconds=-30)


@pytest.mark.req("R31")
def test_the_telegram_nearest_to_the_boundary_becomes_the_record(bench: Bench) -> None:
    """Zeitstempel is the boundary, Registrierzeitpunkt the capture."""
    for seconds in (-7, -3, 1, 5):
        bench.telegram(NOON + timedelta(seconds=seconds))
    (row,) = bench.rows()
    assert (row.target_time, row.capture_time) == (NOON, NOON + timedelta(seconds=1))
    assert registers_of(row.registers) == bench.meter.counters_at(row.capture_time)
    assert row.status >> 32 == 0x7  # a plain source: not for billing
    assert bench.hints == 1


def test_a_silent_boundary_becomes_a_placeholder(bench: Bench) -> None:
    bench.telegram(NOON)
    bench.at(NOON + QUARTER + timedelta(seconds=27))
    assert len(bench.rows()) == 1
    bench.at(NOON + QUARTER + timedelta(seconds=28))
    assert [is_placeholder(row.status) for row in bench.rows()] == [False, True]


def test_telegrams_of_another_meter_are_not_taken(bench: Bench) -> None:
    other = SimulatedMeter(server_id_of(STRANGER), installed_at=NOON.replace(hour=0))
    bench.at(NOON, push_telegram(other, NOON, 1))
    assert LiveReading.objects.count() == OriginalRecord.objects.count() == 0


def test_garbage_and_silence_are_told_once(bench: Bench) -> None:
    bench.telegram(NOON - timedelta(seconds=50))
    broken = bytearray(push_telegram(bench.meter, NOON, 1))
    broken[60] ^= 1
    for seconds in (1, 2, 3, 4):
        bench.at(NOON + timedelta(seconds=seconds), bytes(broken))
    assert bench.faults() == [103106]
    for seconds in range(5, 200):
        bench.at(NOON + timedelta(seconds=seconds))
    assert bench.faults() == [103106, 103191]


def test_a_pulled_head_is_told_once_and_opened_again(bench: Bench) -> None:
    bench.telegram(NOON)
    bench.line.is_in = False
    for seconds in range(1, 60):
        bench.at(NOON + timedelta(seconds=seconds))
    assert bench.faults() == [100703, 100702]
    bench.line.is_in = True
    bench.telegram(NOON + QUARTER + timedelta(seconds=2))
    assert [is_placeholder(row.status) for row in bench.rows()] == [False, False]
    assert bench.line.opened == 2


def test_missed_boundaries_are_closed_at_the_start(bench: Bench) -> None:
    bench.telegram(NOON)
    bench.clock.set(NOON + timedelta(hours=1, minutes=1))
    bench.start()
    bench.at(NOON + timedelta(hours=1, minutes=1))
    assert [is_placeholder(row.status) for row in bench.rows()] == [False] + [True] * 4


CAPTURES = [
    ("HOLLEY_DTZ541_kermit_tariff_list.bin", "1hly0200088507", "", "0100010800ff"),
    ("DZG_DVS-7412.2_jmberg.bin", "1dzg0042082910", "", "0100010800ff"),
    ("EMH_eHZ361L5R.bin", "1emh0000000361", "31303031313835", "0100020801ff"),
    (
        "EMH_eHZ-IW8E2A5L0EK2P_with_error.bin",
        "1emh0000000008",
        "06454d480107197c2456",
        "0100010800ff",
    ),
]


@pytest.mark.parametrize(("capture", "meter_id", "server_id", "first"), CAPTURES)
def test_a_real_capture_byte_by_byte_becomes_live_value_and_record(
    gateway: Gateway, capture: str, meter_id: str, server_id: str, first: str
) -> None:
    """Ids that convert and ids that do not; captures of real meters."""
    data = (DATA / capture).read_bytes()
    bench = Bench(gateway, meter_id, server_id=server_id)
    bench.at(NOON - timedelta(milliseconds=500))
    for at in range(len(data)):
        bench.at(NOON + timedelta(milliseconds=at), data[at : at + 1])
    assert first in LiveReading.objects.get().registers
    (row,) = bench.rows()
    assert row.registers.startswith(first)
    assert row.target_time == NOON
