"""The plain sources: explicit, marked as not for billing, each over real ports."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest
from django.db import DatabaseError

from hardware.device_id import server_id_of
from hardware.errors import PortNotOpen
from hardware.gateway import Gateway
from hardware.ports import open_port
from hardware.record import registers_of
from hardware.simulator.d0 import D0PullMeter, pull_text, push_text, readouts
from hardware.simulator.d0_line import D0PullThread
from hardware.simulator.meter import SimulatedMeter
from hardware.simulator.push import PushThread, telegrams
from hardware.simulator.sml_answers import push_telegram
from logbooks.alarms import AlarmKind, open_alarms, raise_alarm
from logbooks.models import ConsumerLogEntry, SystemLogEntry
from meters import selectors
from meters.collector import Collector, new_interface
from meters.fault_log import FaultLog
from meters.interface import InterfaceSpec, interface_specs
from meters.line_alarms import PORT
from meters.models import PLAIN_SOURCES, LiveReading, Meter
from meters.record_queue import RecordQueue
from meters.services import record_boundary
from tests.meters.builders import METER, NOON, a_meter, a_reading, with_clock

SOURCES = [("sml_push", 9600), ("d0_push", 9600), ("d0_pull", 300), ("replay", 9600)]
MOST_STEPS = 200


def test_every_source_but_the_wired_and_wireless_lmn_is_plain() -> None:
    assert {str(source) for source in PLAIN_SOURCES} == {name for name, _ in SOURCES}


@pytest.mark.django_db
@pytest.mark.parametrize(("source", "baudrate"), SOURCES)
def test_a_plain_source_is_told_and_its_values_are_not_for_billing(
    gateway: Gateway, source: str, baudrate: int
) -> None:
    """Status bit 1 for ever, a log entry for owner and GWA, a speed by default."""
    meter = a_meter(gateway, source=source)
    assert (meter.baudrate, meter.is_plain_source) == (baudrate, True)
    assert ConsumerLogEntry.objects.get().event_id == 19006
    assert SystemLogEntry.objects.get().arguments == [
        "Zähler - ohne LMN-Sicherung eingerichtet, Werte nicht geprüft"
    ]
    record_boundary(gateway, target_time=NOON, readings={METER: a_reading()}, now=NOON)
    (record,) = meter.originalrecord_set.all()
    assert record.status >> 32 & 0x2


@pytest.mark.django_db
@pytest.mark.parametrize(
    "port", ["/dev/ttyUSB0", "socket://10.0.0.2:7000", "file:///srv/capture.bin"]
)
@pytest.mark.parametrize("source", [name for name, _ in SOURCES])
def test_a_plain_source_hangs_on_a_device_a_socket_or_a_file(
    gateway: Gateway, source: str, port: str
) -> None:
    assert a_meter(gateway, source=source, port=port).port == port


def stepped(gateway: Gateway, spec: InterfaceSpec) -> LiveReading:
    """What the interface of this line shows as soon as it has read its meter."""
    queue = RecordQueue(gateway, lambda: None)
    interface = new_interface(gateway, spec, queue, open_port)
    try:
        for _ in range(MOST_STEPS):
            interface.step()
            found = LiveReading.objects.filter(meter_id=spec.meters[0].id).first()
            if found is not None:
                return found
    finally:
        interface.close()
    raise AssertionError(f"{spec.source} at {spec.port} was not read")


@pytest.mark.django_db
def test_every_plain_source_is_read_over_a_real_port(
    gateway: Gateway, tmp_path: Path
) -> None:
    """Pseudo-terminals for those that push and the one on demand, files to replay."""
    clocked = with_clock(gateway, NOON + timedelta(minutes=5))
    now = clocked.clock.now
    ids = [f"1emh{number:010d}" for number in range(1, 7)]
    meters = [
        SimulatedMeter(server_id_of(id_), installed_at=NOON.replace(hour=0))
        for id_ in ids
    ]
    sml, d0, answer = (tmp_path / name for name in ("sml.bin", "d0.txt", "pull.txt"))
    sml.write_bytes(push_telegram(meters[3], now()))
    d0.write_bytes(push_text(meters[4], now()))
    answer.write_bytes(b"/EMH5SIMULATED\r\n" + seven(pull_text(meters[5], now())))
    with (
        PushThread(telegrams(meters[0], now, 0.2)) as pushing,
        PushThread(readouts(meters[1], now, 0.2)) as d0_pushing,
        D0PullThread(D0PullMeter(meters[2], now), reaction_s=0.03) as on_demand,
    ):
        configured = [
            ("sml_push", pushing.port, 9600),
            ("d0_push", d0_pushing.port, 9600),
            ("d0_pull", on_demand.port, 300),
            ("replay", str(sml), 115_200),
            ("replay", d0.as_uri(), 115_200),
            ("d0_pull", str(answer), 9600),
        ]
        for id_, (source, port, baudrate) in zip(ids, configured, strict=True):
            a_meter(clocked, id_, source=source, port=port, baudrate=baudrate)
        specs = interface_specs(selectors.active_meters())
        shown = {spec.meters[0].id: stepped(clocked, spec) for spec in specs}
    for meter, id_ in zip(meters, ids, strict=True):
        registers = registers_of(shown[id_].registers)
        counters = tuple(one for one in registers if one.is_counter)
        assert counters == meter.counters_at(now())


def seven(text: bytes) -> bytes:
    """Without parity, as a converter stores it."""
    return bytes(character & 0x7F for character in text)


@pytest.mark.req("R26")
@pytest.mark.django_db(transaction=True)
def test_a_fault_that_could_not_be_written_is_told_with_the_next_one(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing interface: neither its alarm nor its entry is lost by one lock."""
    a_meter(gateway, source="sml_push", port="/dev/not-there")
    (spec,) = interface_specs(selectors.active_meters())
    faults = FaultLog(gateway, lambda: spec)
    refuse = Mock(side_effect=DatabaseError("refused"))
    with monkeypatch.context() as patched:
        patched.setattr("meters.fault_log.log_fault", refuse)
        faults.report(PORT, PortNotOpen.code, NOON)
    assert not open_alarms().exists()
    faults.report(PORT, PortNotOpen.code, NOON + timedelta(seconds=2))
    assert open_alarms().get().code == PortNotOpen.code
    assert SystemLogEntry.objects.filter(event_id=PortNotOpen.code).count() == 1


def pauses(seconds: float) -> Iterator[None]:
    """Short waits, `seconds` in all."""
    for _ in range(int(seconds * 10)):
        yield
        threading.Event().wait(0.1)


@pytest.mark.django_db(transaction=True)
def test_a_meter_out_of_service_has_no_alarm_any_more(gateway: Gateway) -> None:
    collector = Collector(
        with_clock(gateway), send_hint=lambda: None, announce=lambda: None
    )
    a_meter(gateway, source="sml_push", port="/dev/not-there")
    raise_alarm(AlarmKind.METER_ABSENT, code=100706, subject=METER, now=NOON)
    collector.refresh()
    (thread,) = collector.threads.values()
    assert thread.has_stepped.wait(10.0)
    # And the missing interface: told by a later step where the first one met a lock.
    assert any(open_alarms().count() == 2 for _ in pauses(10.0))
    Meter.objects.update(is_active=False)
    collector.refresh()
    assert not open_alarms().exists()
    collector.end()
