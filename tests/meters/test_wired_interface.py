"""A wired bus from boundary to record, with simulated meters behind real frames."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Literal

import pytest

from hardware.device_id import server_id_of
from hardware.errors import PortNotOpen, PortVanished
from hardware.gateway import Gateway
from hardware.lmn_certificates import P256, new_identity
from hardware.lmn_credentials import Credentials
from hardware.record import registers_of
from hardware.simulator.bus import MemoryLink, WiredBusSimulator
from hardware.simulator.meter import SimulatedMeter
from hardware.simulator.secondary_link import Manners
from hardware.simulator.secured_station import SecuredStation
from hardware.simulator.station import SimulatedStation
from hardware.status_word import NOT_FOR_BILLING, gateway_word, is_placeholder
from logbooks.models import SystemLogEntry
from meters import selectors
from meters.credential_store import StoredCredentials
from meters.interface import ClosableLink, interface_specs
from meters.models import LiveReading, LmnCredentials, OriginalRecord
from meters.record_queue import RecordQueue
from meters.wired_interface import WiredInterface
from tests.meters.builders import NOON, SetClock, a_meter, secured, with_clock

pytestmark = pytest.mark.django_db
QUARTER = timedelta(minutes=15)
IDS = ("1emh0000000001", "1emh0000000002", "1emh0000000003")
PORT = "/dev/ttyRS485"


def a_station(meter_id: str) -> SecuredStation:
    """A meter that began to count the day before: cheap to compute."""
    installed = NOON.replace(hour=0) - timedelta(days=1)
    meter = SimulatedMeter(server_id_of(meter_id), installed_at=installed)
    return secured(meter)


class PluggedLink(MemoryLink):
    """A memory link whose plug can be pulled."""

    def __init__(self, bus: WiredBusSimulator, plug: "Plug") -> None:
        super().__init__(bus)
        self._plug = plug

    def write(self, data: bytes) -> None:
        self._plug.check()
        super().write(data)

    def read(self, timeout_s: float) -> bytes:
        self._plug.check()
        return super().read(timeout_s)

    def close(self) -> None:
        self._plug.closed += 1


@dataclass
class Plug:
    """Whether the port is there."""

    is_in: bool = True
    opened: int = 0
    closed: int = 0

    def check(self) -> None:
        if not self.is_in:
            raise PortVanished("pulled")


@dataclass
class Bench:
    """A gateway, its bus, and time that passes only as the test says."""

    gateway: Gateway
    stations: Sequence[Any]
    plug: Plug = field(default_factory=Plug)
    hints: list[datetime] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ticks = count()
        self._passed_s = 0.0
        self.simulator = WiredBusSimulator(self.stations, self.clock.now)
        self.start()

    @property
    def clock(self) -> SetClock:
        assert isinstance(self.gateway.clock, SetClock)
        return self.gateway.clock

    def seconds(self) -> float:
        """Goes on with the clock, and a little each time somebody looks."""
        return self._passed_s + next(self._ticks) / 1000

    def start(self) -> None:
        """A fresh process: nothing but the database is left of the one before."""
        (spec,) = interface_specs(selectors.active_meters())
        queue = RecordQueue(
            self.gateway, lambda: self.hints.append(self.clock.now()), self.seconds
        )
        self.interface = WiredInterface(
            self.gateway, spec, queue, open_link=self.open, monotonic=self.seconds
        )

    def open(self, port: str, baudrate: int) -> ClosableLink:
        assert (port, baudrate) == (PORT, 921_600)
        if not self.plug.is_in:
            raise PortNotOpen("not there")
        self.plug.opened += 1
        return PluggedLink(self.simulator, self.plug)

    def run(self, until: datetime, watch: Callable[[], None] = lambda: None) -> None:
        """Step by step; between the steps the clock goes on as the thread would wait.

        A step itself takes no time of the clock.
        """
        while self.clock.now() < until:
            delay = self.interface.step()
            watch()
            left = (until - self.clock.now()).total_seconds()
            pause = min(max(delay, 0.001), left)
            self.clock.advance(seconds=pause)
            self._passed_s += pause

    def rows(self, meter_id: str) -> list[OriginalRecord]:
        return list(
            OriginalRecord.objects.filter(meter=meter_id).order_by("target_time")
        )

    def faults(self) -> list[int]:
        entries = SystemLogEntry.objects.filter(event_id__gt=100_000)
        return list(
            entries.exclude(event_id__gt=4_000_000_000)
            .order_by("number")
            .values_list("event_id", flat=True)
        )


@pytest.fixture
def bench(gateway: Gateway) -> Bench:
    clocked = with_clock(
        gateway, NOON - timedelta(seconds=60), live_period=timedelta(minutes=2)
    )
    for meter_id in IDS:
        a_meter(clocked, meter_id, port=PORT)
    return Bench(
        clocked,
        [a_station(id_) for id_ in IDS],
    )


def test_each_meter_is_read_at_the_boundary_to_the_last_digit(bench: Bench) -> None:
    bench.run(NOON + 2 * QUARTER + timedelta(seconds=1))
    for station, meter_id in zip(bench.stations, IDS, strict=True):
        rows = bench.rows(meter_id)
        assert [row.target_time for row in rows] == [
            NOON,
            NOON + QUARTER,
            NOON + 2 * QUARTER,
        ]
        for row in rows:
            assert row.capture_time - row.target_time <= timedelta(seconds=2)
            truth = station.meter.counters_at(row.capture_time)
            assert registers_of(row.registers) == truth
    assert len(bench.hints) == 3  # one per boundary


def test_what_is_read_in_plain_on_the_bus_is_marked(gateway: Gateway) -> None:
    """Status bit 1, not for billing, whatever a meter says itself (D38)."""
    clocked = with_clock(gateway, NOON - timedelta(seconds=60))
    a_meter(clocked, IDS[0], port=PORT, security="plain")
    a_meter(clocked, IDS[1], port=PORT)
    bench = Bench(clocked, [a_station(id_) for id_ in IDS[:2]])
    bench.run(NOON + timedelta(seconds=5))
    plain, secured = (bench.rows(id_)[0] for id_ in IDS[:2])
    assert gateway_word(plain.status) & NOT_FOR_BILLING
    assert not gateway_word(secured.status) & NOT_FOR_BILLING
    assert [s.plain.files_answered > 0 for s in bench.stations] == [True, False]


@pytest.mark.req("R28")
def test_certificates_that_end_soon_are_warned_of_daily_and_renewed(
    gateway: Gateway,
) -> None:
    """R28: 100704 and 100705, until the renewal in the channel has succeeded."""
    begin = NOON.replace(hour=23, minute=55)
    clocked = with_clock(gateway, begin, live_period=timedelta(minutes=2))
    a_meter(clocked, IDS[0], port=PORT)
    bench = Bench(clocked, [a_station(IDS[0])])
    pair_long_ago(bench, begin - timedelta(days=365 * 7 - 30))
    bench.stations[0].is_silent = True
    bench.run(begin + timedelta(seconds=2))
    assert bench.faults() == [100704, 100705]
    bench.stations[0].is_silent = False
    bench.run(begin + timedelta(minutes=10))
    renewed = LmnCredentials.objects.get(state="active")
    assert (renewed.number, renewed.gateway_certificate.number) == (1, 1)
    assert bench.faults() == [100704, 100705]
    assert LiveReading.objects.get().captured_at > begin + timedelta(minutes=5)


def pair_long_ago(bench: Bench, instant: datetime) -> None:
    """As if the first meter had been paired then."""
    (station, *_) = bench.stations
    store = StoredCredentials(bench.gateway)
    own = new_identity(IDS[0], P256, now=instant)
    gateway = store.gateway_identity(P256, instant)
    store.confirm(station.server_id, Credentials(gateway, own.certificate))
    station.security.take(own, gateway.certificate)


def test_live_values_come_every_period_with_powers(bench: Bench) -> None:
    bench.gateway = replace(bench.gateway, live_period=timedelta(seconds=10))
    bench.start()
    bench.run(NOON - timedelta(seconds=58))
    assert LiveReading.objects.count() == 3
    seen: set[datetime] = set()
    bench.run(
        NOON - timedelta(seconds=20),
        lambda: seen.update(LiveReading.objects.values_list("captured_at", flat=True)),
    )
    assert len(seen) >= 4
    assert "0100100700ff" in LiveReading.objects.all()[0].registers
    assert OriginalRecord.objects.count() == 0


def test_a_meter_that_answers_late_still_counts(bench: Bench) -> None:
    bench.run(NOON - timedelta(seconds=1))
    bench.stations[1].is_silent = True
    bench.run(NOON + timedelta(seconds=10))
    assert [len(bench.rows(id_)) for id_ in IDS] == [1, 0, 1]
    bench.stations[1].is_silent = False
    bench.run(NOON + timedelta(seconds=26))
    (late,) = bench.rows(IDS[1])
    assert late.target_time == NOON
    assert timedelta(seconds=10) <= late.capture_time - NOON <= timedelta(seconds=26)
    assert not is_placeholder(late.status)


def test_a_meter_that_stays_silent_gets_a_placeholder(bench: Bench) -> None:
    bench.run(NOON + timedelta(seconds=1))
    bench.stations[0].is_silent = True
    boundary = NOON + QUARTER
    bench.run(boundary + timedelta(seconds=26))
    assert [len(bench.rows(id_)) for id_ in IDS] == [1, 2, 2]
    bench.run(boundary + timedelta(seconds=28))
    placeholder = bench.rows(IDS[0])[1]
    assert is_placeholder(placeholder.status)
    assert placeholder.registers == bench.rows(IDS[0])[0].registers
    assert 103118 in bench.faults() and 100706 in bench.faults()


@pytest.mark.req("R28")
@pytest.mark.parametrize(("says", "code"), [("RR", 103191), ("RNR", 103190)])
def test_an_answer_that_never_comes_is_in_the_system_log(
    gateway: Gateway, says: Literal["RR", "RNR"], code: int
) -> None:
    """R28: 103191 where the meter only acknowledged, 103190 where it was not ready."""
    clocked = with_clock(gateway, NOON - timedelta(seconds=60))
    a_meter(clocked, IDS[0], port=PORT, security="plain")
    meter = a_station(IDS[0]).meter
    never = Manners(timedelta(days=1).total_seconds(), says)
    bench = Bench(clocked, [SimulatedStation(meter, manners=never)])
    bench.run(NOON - timedelta(seconds=59))
    assert bench.faults() == [code, 100706]


def test_a_silent_meter_does_not_hold_up_the_others(bench: Bench) -> None:
    bench.run(NOON + timedelta(seconds=1))
    bench.stations[0].is_silent = True
    bench.run(NOON + QUARTER + timedelta(seconds=1))
    for meter_id in IDS[1:]:
        row = bench.rows(meter_id)[1]
        assert row.capture_time - row.target_time <= timedelta(seconds=1)


def test_a_pulled_port_is_told_once_and_opened_again(bench: Bench) -> None:
    bench.run(NOON + timedelta(seconds=1))
    bench.plug.is_in = False
    bench.run(NOON + QUARTER + timedelta(minutes=2))
    assert bench.faults() == [100703, 100702]
    assert [is_placeholder(bench.rows(id_)[1].status) for id_ in IDS] == [True] * 3
    bench.plug.is_in = True
    bench.run(NOON + 2 * QUARTER + timedelta(seconds=1))
    assert [is_placeholder(bench.rows(id_)[2].status) for id_ in IDS] == [False] * 3
    assert bench.plug.opened == 2
    assert bench.plug.closed == 1


def test_a_port_that_comes_back_in_the_late_wait_still_counts(bench: Bench) -> None:
    bench.run(NOON - timedelta(seconds=10))
    bench.plug.is_in = False
    bench.run(NOON + timedelta(seconds=12))
    bench.plug.is_in = True
    bench.run(NOON + timedelta(seconds=28))
    assert [len(bench.rows(id_)) for id_ in IDS] == [1, 1, 1]


def test_a_start_in_the_late_wait_reads_the_boundary(bench: Bench) -> None:
    bench.run(NOON + timedelta(seconds=1))
    bench.clock.set(NOON + QUARTER + timedelta(seconds=8))  # killed, started again
    bench.stations[0].restart()
    bench.start()
    bench.run(NOON + QUARTER + timedelta(seconds=26))
    assert [len(bench.rows(id_)) for id_ in IDS] == [2, 2, 2]
    assert not any(is_placeholder(bench.rows(id_)[1].status) for id_ in IDS)


def test_boundaries_missed_while_off_become_placeholders(bench: Bench) -> None:
    bench.run(NOON + timedelta(seconds=1))
    bench.clock.set(NOON + timedelta(hours=3, minutes=5))
    bench.start()
    bench.interface.step()
    for meter_id in IDS:
        rows = bench.rows(meter_id)
        assert len(rows) == 13
        assert all(is_placeholder(row.status) for row in rows[1:])


def test_a_new_meter_is_read_without_a_restart(bench: Bench) -> None:
    bench.run(NOON + timedelta(seconds=1))
    new = "1emh0000000004"
    a_meter(bench.gateway, new, port=PORT)
    bench.simulator.meters.append(a_station(new))
    (bench.interface.spec,) = interface_specs(selectors.active_meters())
    bench.run(NOON + QUARTER + timedelta(seconds=1))
    assert len(bench.rows(new)) == 1
    assert [len(bench.rows(id_)) for id_ in IDS] == [2, 2, 2]


def test_no_boundary_is_written_twice_when_the_clock_goes_back(bench: Bench) -> None:
    bench.run(NOON + QUARTER + timedelta(seconds=1))
    bench.clock.set(NOON - timedelta(seconds=30))
    bench.run(NOON + QUARTER + timedelta(seconds=30))
    assert [len(bench.rows(id_)) for id_ in IDS] == [2, 2, 2]
    bench.run(NOON + 2 * QUARTER + timedelta(seconds=1))
    assert [len(bench.rows(id_)) for id_ in IDS] == [3, 3, 3]


def test_a_forward_step_of_the_clock_is_an_outage(bench: Bench) -> None:
    bench.run(NOON + timedelta(seconds=1))
    bench.clock.set(NOON + 2 * QUARTER + timedelta(minutes=3))
    bench.run(NOON + 3 * QUARTER + timedelta(seconds=1))
    for meter_id in IDS:
        marks = [is_placeholder(row.status) for row in bench.rows(meter_id)]
        assert marks == [False, True, True, False]


def test_closing_gives_the_port_back(bench: Bench) -> None:
    bench.run(NOON + timedelta(seconds=1))
    bench.interface.close()
    assert bench.plug.closed == 1
