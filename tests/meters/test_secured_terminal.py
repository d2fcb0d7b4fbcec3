"""Secured meters of two curves behind one real pseudo-terminal, from key to record.

The way of the issue: paired by the master key, read over TLS, certificates renewed,
certificates lost (103165) and paired again; the bytes on the terminal are looked at.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from hardware.gateway import Gateway
from hardware.hdlc import FrameReader, HdlcFrame
from hardware.link import SerialLink
from hardware.lmn_addresses import SAP_ADDRESS, SAP_PLAIN, SAP_SYM, SAP_TLS
from hardware.lmn_wired import COUNTER_REGISTERS, LIVE_REGISTERS
from hardware.record import registers_of
from hardware.simulator.bus import BusThread, WiredBusSimulator
from hardware.simulator.secured_station import SecuredStation
from hardware.status_word import NOT_FOR_BILLING, gateway_word
from logbooks.models import SystemLogEntry
from meters import selectors
from meters.credential_store import renew_certificates
from meters.interface import interface_specs
from meters.models import LiveReading, LmnCredentials, OriginalRecord
from meters.record_queue import RecordQueue
from meters.unknown_meters import unknown_meters
from meters.wired_interface import WiredInterface
from tests.hardware.secured import MASTER_KEY, a_station
from tests.meters.builders import NOON, SetClock, a_meter, with_clock

pytestmark = pytest.mark.django_db
IDS = ("1emh0000000001", "1emh0000000002")
STRANGER = "1emh0000000003"
SML_BEGIN = b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01"
P256_GROUP, BRAINPOOL_GROUP = 23, 26
WITHIN_S = 30.0


class TracedLink(SerialLink):
    """The real link; notes what passes."""

    trace: bytes = b""

    def write(self, data: bytes) -> None:
        TracedLink.trace += data
        super().write(data)

    def read(self, timeout_s: float) -> bytes:
        data = super().read(timeout_s)
        TracedLink.trace += data
        return data


@dataclass
class Site:
    """A gateway at a terminal; its clock stands, its monotonic time is pushed on."""

    gateway: Gateway
    port: str
    stations: tuple[SecuredStation, ...]
    pushed_s: float = 0.0
    interface: WiredInterface = field(init=False)

    def __post_init__(self) -> None:
        TracedLink.trace = b""
        (spec,) = interface_specs(selectors.active_meters())
        self.interface = WiredInterface(
            self.gateway,
            spec,
            RecordQueue(self.gateway, lambda: None),
            open_link=TracedLink.open,
            monotonic=lambda: time.monotonic() + self.pushed_s,
        )

    @property
    def clock(self) -> SetClock:
        assert isinstance(self.gateway.clock, SetClock)
        return self.gateway.clock

    def step(self, *, clock_s: float = 0.0, monotonic_s: float = 0.0) -> None:
        """Let time pass and do what is due."""
        self.pushed_s += monotonic_s
        self.clock.advance(seconds=clock_s)
        self.interface.step()

    def until(self, is_there: Callable[[], bool], monotonic_s: float = 0.0) -> None:
        """Step until it is so; each step lets the pauses of the meters pass."""
        end = time.monotonic() + WITHIN_S
        while not is_there():
            assert time.monotonic() < end, f"not within {WITHIN_S} s"
            self.step(monotonic_s=monotonic_s)

    def boundary(self, target: datetime) -> list[OriginalRecord]:
        """Let a boundary come; its records."""
        self.clock.set(target)
        self.step()
        return list(OriginalRecord.objects.filter(target_time=target).order_by("pk"))

    def codes(self) -> list[int]:
        """The faults in the system log, oldest first."""
        entries = SystemLogEntry.objects.filter(event_id__range=(100_000, 999_999))
        return list(entries.order_by("number").values_list("event_id", flat=True))


@pytest.fixture
def site(gateway: Gateway) -> Iterator[Site]:
    """Two meters with keys, a third one that nobody has configured."""
    gateway = with_clock(
        replace(gateway, live_period=timedelta(minutes=2)),
        NOON + timedelta(seconds=60),
    )
    stations = (
        a_station(1, groups=(P256_GROUP,)),
        a_station(2, groups=(BRAINPOOL_GROUP,)),
        a_station(3),
    )
    bus = WiredBusSimulator(stations, gateway.clock.now)
    with BusThread(bus) as thread:
        for id_ in IDS:
            a_meter(gateway, id_, port=thread.port, master_key=MASTER_KEY.hex())
        site = Site(gateway, thread.port, stations)
        yield site
        site.interface.close()


def assert_recorded(site: Site, target: datetime) -> None:
    rows = site.boundary(target)
    assert [row.meter_id for row in rows] == list(IDS)
    for row, station in zip(rows, site.stations, strict=False):
        assert registers_of(row.registers) == station.meter.counters_at(target)
        assert not gateway_word(row.status) & NOT_FOR_BILLING


@pytest.mark.req("R28")
def test_two_curves_are_paired_read_renewed_lost_and_paired_again(site: Site) -> None:
    """R28: the fall-back to pairing by the key is 103165, and the meter comes back."""
    first, second, _ = site.stations
    site.until(lambda: LiveReading.objects.count() == 2)
    curves = LmnCredentials.objects.order_by("meter_id").values_list(
        "gateway_certificate__curve", flat=True
    )
    assert list(curves) == ["secp256r1", "brainpoolP256r1"]
    assert_recorded(site, NOON + timedelta(minutes=15))
    assert site.codes() == []

    renew_certificates(IDS[0])
    site.until(lambda: is_renewed(IDS[0]), monotonic_s=20)
    own = first.security.own
    assert own is not None
    active = LmnCredentials.objects.get(meter=IDS[0], state="active")
    assert (active.number, bytes(active.certificate)) == (1, own.certificate)
    assert_recorded(site, NOON + timedelta(minutes=30))
    assert site.codes() == []

    second.security.lose_certificates()
    site.step(clock_s=120)  # a live reading that fails
    site.until(lambda: 103165 in site.codes(), monotonic_s=5)
    site.until(lambda: second.security.is_paired)
    assert LmnCredentials.objects.get(meter=IDS[1], state="active").number == 1
    assert_recorded(site, NOON + timedelta(minutes=45))
    assert site.codes() == [103117, 100706, 103165]


def is_renewed(meter_id: str) -> bool:
    return LmnCredentials.objects.filter(
        meter=meter_id, state="active", number=1
    ).exists()


def test_the_terminal_carries_tls_records_and_no_register_in_clear(site: Site) -> None:
    site.until(lambda: LiveReading.objects.count() == 2)
    assert_recorded(site, NOON + timedelta(minutes=15))
    frames = [
        f for f in FrameReader().feed(TracedLink.trace) if isinstance(f, HdlcFrame)
    ]
    by_sap = {
        sap: [f.info for f in frames if f.destination[0] == sap and f.info]
        for sap in (SAP_ADDRESS, SAP_PLAIN, SAP_TLS, SAP_SYM)
    }
    assert by_sap[SAP_PLAIN] == []
    assert len(by_sap[SAP_SYM]) == 8  # two requests and two answers for each meter
    assert len(by_sap[SAP_TLS]) >= 16
    for info in by_sap[SAP_TLS]:
        while info:
            assert info[0] in (20, 21, 22, 23)
            assert info[1:3] in (b"\x03\x01", b"\x03\x03")
            length = 5 + int.from_bytes(info[3:5], "big")
            assert len(info) >= length  # whole records only
            info = info[length:]
    assert SML_BEGIN not in TracedLink.trace
    for register in (*COUNTER_REGISTERS, *LIVE_REGISTERS):
        assert register.groups not in TracedLink.trace


def test_an_unknown_meter_is_listed_and_not_read(site: Site) -> None:
    stranger = site.stations[2]
    site.until(lambda: LiveReading.objects.count() == 2)
    (listed,) = unknown_meters()
    assert (listed.server_id, listed.port) == (stranger.server_id.hex(), site.port)
    assert listed.seen_at == site.clock.now()
    assert stranger.plain.files_answered == stranger.secured.files_answered == 0
    assert not stranger.security.is_paired
    a_meter(site.gateway, STRANGER, port=site.port, master_key=MASTER_KEY.hex())
    assert not unknown_meters()
    (site.interface.spec,) = interface_specs(selectors.active_meters())
    site.step(clock_s=120)
    site.until(lambda: LiveReading.objects.count() == 3)
