"""Faults of an interface: what raises which alarm, when, and when it is over."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import OperationalError

from hardware.device_id import server_id_of
from hardware.errors import (
    AnswerTimeout,
    FrameUndecodable,
    FrameUnexpected,
    LmnError,
    MeterLost,
    MeterNotReady,
    MeterSilent,
    PortNotOpen,
    PortVanished,
)
from hardware.gateway import Gateway
from logbooks import alarms
from logbooks.alarms import open_alarms
from logbooks.models import Alarm, ConsumerLogEntry, SystemLogEntry
from meters.fault_log import FaultLog
from meters.interface import InterfaceSpec, MeterEnd
from meters.kept_telegrams import kept_telegrams
from meters.line_alarms import SUPPLY_OVERLOADED, clear_alarms_of_others
from meters.transport_watch import TransportWatch
from tests.meters.builders import NOON, SetClock, a_meter, with_clock

pytestmark = pytest.mark.django_db
FIRST, SECOND = "1emh0000000001", "1emh0000000002"
PORT = "/dev/bus"


class Bench:
    """The fault log of a bus with two meters of two consumers."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = with_clock(gateway)
        for consumer, meter in (("meier", FIRST), ("schulz", SECOND)):
            a_meter(self.gateway, meter, port=PORT, consumer=consumer)
        ends = tuple(MeterEnd(id_, server_id_of(id_)) for id_ in (FIRST, SECOND))
        self.spec = InterfaceSpec("hdlc", PORT, 921_600, ends)
        self.start()

    def start(self) -> None:
        """A fresh process."""
        self.log = FaultLog(self.gateway, lambda: self.spec)

    @property
    def clock(self) -> SetClock:
        assert isinstance(self.gateway.clock, SetClock)
        return self.gateway.clock

    def at(self, minutes: float) -> datetime:
        self.clock.set(NOON + timedelta(minutes=minutes))
        return self.clock.now()

    def report(self, where: str, code: int, *, minutes: float = 0) -> None:
        self.log.report(where, code, self.at(minutes))

    def clear(self, where: str, *, minutes: float) -> None:
        self.at(minutes)
        self.log.clear(where)


@pytest.fixture
def bench(gateway: Gateway) -> Bench:
    return Bench(gateway)


def place(meter: str = FIRST) -> str:
    return server_id_of(meter).hex()


def standing() -> list[tuple[str, str, int]]:
    return [(a.kind, a.subject, a.code) for a in open_alarms()]


def told(consumer: str) -> list[tuple[int, int, list[str]]]:
    entries = ConsumerLogEntry.objects.filter(consumer_id=consumer).order_by("number")
    return [(e.event_id, e.event_sub_id, e.arguments) for e in entries]


def system() -> list[int]:
    entries = SystemLogEntry.objects.order_by("number")
    return list(entries.values_list("event_id", flat=True))


CODES: list[tuple[LmnError, str | None]] = [
    (PortNotOpen("x"), "interface_missing"),
    (PortVanished("x"), "interface_missing"),
    (MeterLost("x"), None),
    (FrameUndecodable("x"), "transport_errors"),
    (FrameUnexpected("x"), "transport_errors"),
    (MeterSilent("x"), None),
    (MeterNotReady("x"), None),
    (AnswerTimeout("x"), None),
]


@pytest.mark.req("R28")
@pytest.mark.parametrize(
    ("error", "kind"), CODES, ids=[str(error.code) for error, _ in CODES]
)
def test_every_fault_is_coded_in_the_system_log_and_some_raise_alarms(
    bench: Bench, error: LmnError, kind: str | None
) -> None:
    """Proves of R28: each fault of the wired and plain sources comes with its code.

    Silence alone raises none: it is the absence of values that does (R24).
    """
    for minutes in range(5):
        bench.log.take(place(), error, bench.at(minutes))
    assert set(system()) == {error.code}
    assert [alarm.kind for alarm in open_alarms()] == ([kind] if kind else [])


@pytest.mark.req("R26")
@pytest.mark.parametrize(
    "code",
    [
        *(100702, 100703),
        *(200504, 200505, 200506, 200507, 200509, 200701, 200702, 200710),
    ],
)
def test_a_missing_interface_is_an_alarm_at_once(bench: Bench, code: int) -> None:
    """Proves of R26: raised with its code, told to all whose meters hang there."""
    bench.report("port", code)
    assert standing() == [("interface_missing", PORT, code)]
    assert system() == [code]
    for consumer in ("meier", "schulz"):
        assert told(consumer) == [(19006, 2, [str(code)])]
    bench.clear("port", minutes=3)
    assert standing() == []


@pytest.mark.req("R26")
def test_a_loose_plug_is_one_episode(bench: Bench) -> None:
    """Proves of R26: rate-limited; the port comes back by itself, and goes again."""
    for minute in range(0, 30, 3):
        bench.report("port", 100703, minutes=minute)
        bench.report("port", 100702, minutes=minute + 0.1)
        bench.clear("port", minutes=minute + 1)
    alarm = Alarm.objects.get()
    assert (alarm.code, alarm.count) == (100703, 10)
    assert told("meier") == [(19006, 2, ["100703"])]


@pytest.mark.req("R25")
def test_repeated_transport_errors_are_an_alarm_of_the_meter(bench: Bench) -> None:
    """Proves of R25: the fifth minute with errors within fifteen, and only then."""
    for minute in range(4):
        for _ in range(20):
            bench.report(place(), 103106, minutes=minute)
    assert standing() == []
    bench.report(place(), 103117, minutes=4)
    assert standing() == [("transport_errors", FIRST, 103117)]
    assert told("meier") == [(19006, 2, ["103117"])]
    assert told("schulz") == []


@pytest.mark.req("R25")
def test_transport_errors_end_after_a_quarter_hour_without(bench: Bench) -> None:
    """Proves of R25: cleared when over, not with the first good frame."""
    for minute in range(5):
        bench.report(place(), 103106, minutes=minute)
        bench.clear(place(), minutes=minute + 0.5)
    bench.clear(place(), minutes=19)
    assert standing() == [("transport_errors", FIRST, 103106)]
    bench.clear(place(SECOND), minutes=20)
    assert len(standing()) == 1
    bench.clear(place(), minutes=20)
    assert standing() == []


def test_noise_that_belongs_to_no_meter_is_an_alarm_of_the_port(bench: Bench) -> None:
    for minute in range(5):
        bench.report("bus", 103106, minutes=minute)
    assert standing() == [("transport_errors", PORT, 103106)]
    assert told("meier") == told("schulz") == [(19006, 2, ["103106"])]
    bench.clear("port", minutes=5)
    assert len(standing()) == 1
    bench.clear("bus", minutes=30)
    assert standing() == []


def test_errors_far_apart_are_chance() -> None:
    watch = TransportWatch()
    for hour in range(20):
        assert not watch.note("x", NOON + timedelta(minutes=5 * hour))
    assert watch.is_calm("x", NOON + timedelta(minutes=111))
    assert watch.is_calm("y", NOON)
    assert not watch.is_calm("x", NOON + timedelta(minutes=109))


def test_an_alarm_of_an_earlier_run_is_cleared_by_the_next(bench: Bench) -> None:
    bench.report("port", 100702)
    bench.start()
    bench.clear("port", minutes=1)
    assert standing() == []


def test_a_standing_fault_costs_no_queries(
    bench: Bench, django_assert_num_queries
) -> None:
    bench.report("port", 100702)
    bench.clear(place(), minutes=0)
    with django_assert_num_queries(0):
        for _ in range(20):
            bench.report("port", 100702, minutes=0.5)
            bench.clear(place(), minutes=0.5)
            bench.log.note_supply(False, bench.at(0.5))


@pytest.mark.django_db(transaction=True)
def test_a_database_that_fails_stops_nothing_and_loses_no_alarm(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr("meters.line_alarms.raise_alarm", fail)
        bench.report("port", 100702)
    assert standing() == []
    bench.report("port", 100702)
    assert standing() == [("interface_missing", PORT, 100702)]


@pytest.mark.req("R6")
def test_an_overloaded_supply_is_logged_and_an_alarm_until_it_is_over(
    bench: Bench,
) -> None:
    """Proves of R6: the input of the link driver, the system log, the alarm."""
    for seconds in range(30):
        bench.log.note_supply(True, bench.at(seconds / 60))
    assert standing() == [("supply_overload", PORT, 19006)]
    (entry,) = SystemLogEntry.objects.all()
    assert (entry.event_id, entry.event_sub_id) == (19006, 1)
    assert entry.arguments == [SUPPLY_OVERLOADED]
    assert told("meier") == []
    bench.log.note_supply(False, bench.at(1))
    assert standing() == []
    bench.log.note_supply(True, bench.at(2))
    assert Alarm.objects.get().count == 2  # the same episode
    assert SystemLogEntry.objects.count() == 1


def test_what_is_not_configured_any_more_has_no_alarm(bench: Bench) -> None:
    bench.report("port", 100702)
    alarms.raise_alarm(
        alarms.AlarmKind.METER_ABSENT, code=100706, subject=SECOND, now=NOON
    )
    assert clear_alarms_of_others([PORT, FIRST], now=NOON) == 1
    assert standing() == [("interface_missing", PORT, 100702)]


def test_undecodable_telegrams_are_kept_with_port_and_reason(bench: Bench) -> None:
    error = FrameUndecodable("frame check sequence wrong", header=b"\x7e", length=20)
    bench.log.take(place(), error, NOON)
    (kept,) = kept_telegrams()
    assert (kept.port, kept.length, kept.reason) == (PORT, 20, str(error))


def test_a_spec_that_changes_is_followed(bench: Bench) -> None:
    meters = bench.spec.meters
    bench.spec = replace(bench.spec, meters=meters[:1])
    bench.report("port", 100702)
    assert told("schulz") == []
    assert len(told("meier")) == 1
