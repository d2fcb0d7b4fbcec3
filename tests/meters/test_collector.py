"""Threads for interfaces: started, changed and ended as meters are configured."""

import threading
from datetime import timedelta

import pytest
from celery import Celery
from celery.utils.objects import Bunch

from hardware.device_id import server_id_of
from hardware.gateway import Gateway
from hardware.simulator.bus import BusThread, WiredBusSimulator
from hardware.simulator.meter import SimulatedMeter
from logbooks.models import ConsumerLogEntry, SystemLogEntry
from meters import acquisition
from meters.acquisition import LmnAcquisition, send_hint
from meters.collector import Collector
from meters.interface import Interface, InterfaceSpec, InterfaceThread, interface_specs
from meters.models import LiveReading, Meter, OriginalRecord
from tests.meters.builders import METER, NOON, a_meter, secured, with_clock

WAIT_S = 10.0


class Switch:
    """Something that can be waited for."""

    def __init__(self) -> None:
        self.event = threading.Event()

    def __call__(self) -> None:
        self.event.set()

    def wait(self) -> None:
        assert self.event.wait(WAIT_S)


def stop(collector: Collector) -> None:
    """End it, and wait for its threads however busy the machine is.

    One that lived on would meet the next test in the database.
    """
    threads = [collector._thread, *collector.threads.values()]
    collector.stop()
    for thread in threads:
        thread.join(WAIT_S)
        assert not thread.is_alive()


@pytest.mark.django_db
def test_meters_of_one_port_share_an_interface(gateway: Gateway) -> None:
    for id_ in ("1emh0000000001", "1emh0000000002"):
        a_meter(gateway, id_, port="/dev/bus", registers=["1.8.0"])
    a_meter(gateway, "1emh0000000003", port="/dev/head", source="sml_push")
    wired, push = interface_specs(Meter.objects.order_by("-pk"))
    assert wired.line == ("hdlc", "/dev/bus", 921_600)
    assert sorted(wired.meter_ids) == ["1emh0000000001", "1emh0000000002"]
    assert [str(o) for o in wired.meters[0].registers] == ["1-0:1.8.0*255"]
    assert push.line == ("sml_push", "/dev/head", 9600)
    assert push.meters[0].server_id == server_id_of("1emh0000000003")


class Failing:
    """An interface whose first step fails."""

    def __init__(self, second: Switch) -> None:
        self.spec = InterfaceSpec("hdlc", "/dev/x", 9600, ())
        self.steps = 0
        self.is_closed = False
        self._second = second

    def step(self) -> float:
        self.steps += 1
        if self.steps == 1:
            raise ValueError("something nobody thought of")
        self._second()
        return 60.0

    def close(self) -> None:
        self.is_closed = True


def test_a_thread_survives_an_error_and_closes_at_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("meters.interface.PAUSE_AFTER_FAILURE_S", 0.0)
    second = Switch()
    interface: Interface = Failing(second)
    thread = InterfaceThread(interface, "test")
    thread.start()
    second.wait()
    thread.tell_to_end()
    thread.join(WAIT_S)
    assert not thread.is_alive()
    assert isinstance(interface, Failing) and interface.is_closed


@pytest.mark.req("R30")
@pytest.mark.django_db(transaction=True)
def test_metering_runs_in_threads_over_a_real_port(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """19006/0 and 19005/1 for all consumers; a record of a real port meanwhile."""
    monkeypatch.setattr("meters.interface.LONGEST_WAIT_S", 0.02)
    clocked = with_clock(gateway, NOON + timedelta(seconds=2))
    meter = SimulatedMeter(server_id_of(METER), installed_at=NOON.replace(hour=0))
    bus = WiredBusSimulator([secured(meter)], clocked.clock.now)
    hint, ready = Switch(), Switch()
    with BusThread(bus) as simulated:
        a_meter(clocked, port=simulated.port)
        collector = Collector(clocked, send_hint=hint, announce=ready)
        collector.start()
        ready.wait()
        clocked.clock.set(NOON + timedelta(seconds=6))  # the next retry
        hint.wait()
        stop(collector)
    assert OriginalRecord.objects.get().target_time == NOON
    entries = ConsumerLogEntry.objects.filter(consumer_id="meier")
    ids = list(entries.order_by("number").values_list("event_id", "event_sub_id"))
    assert ids == [(19006, 0), (19005, 1)]
    assert SystemLogEntry.objects.filter(event_id=19005).exists()


@pytest.mark.django_db(transaction=True)
def test_a_collector_that_cannot_go_on_does_not_look_alive(gateway: Gateway) -> None:
    """The node ends by it, and the supervisor starts it anew."""

    def broken() -> None:
        raise RuntimeError("no announcement")

    failed = Switch()
    collector = Collector(gateway, send_hint=Switch(), announce=broken, fail=failed)
    collector.start()
    failed.wait()
    stop(collector)


@pytest.mark.django_db(transaction=True)
def test_configured_meters_are_taken_up_while_running(gateway: Gateway) -> None:
    """Without meters there is nothing to read and nothing to log."""
    clocked = with_clock(gateway, NOON + timedelta(minutes=1))
    meter = SimulatedMeter(server_id_of(METER), installed_at=NOON.replace(hour=0))
    bus = WiredBusSimulator([secured(meter)], clocked.clock.now)
    collector = Collector(clocked, send_hint=Switch(), announce=Switch())
    with BusThread(bus) as simulated:
        collector.refresh()
        assert ConsumerLogEntry.objects.count() == 0
        a_meter(clocked, port=simulated.port)
        collector.refresh()
        (thread,) = collector.threads.values()
        assert thread.has_stepped.wait(WAIT_S)
        a_meter(clocked, "1emh0000000009", port=simulated.port)
        collector.refresh()
        assert list(collector.threads.values()) == [thread]
        assert len(thread.interface.spec.meters) == 2
        Meter.objects.update(is_active=False)
        collector.refresh()
        assert not thread.is_alive() and not collector.threads
        collector.end()
    assert LiveReading.objects.get().meter_id == METER


def test_only_the_node_of_queue_lmn_reads_meters(gateway: Gateway) -> None:
    app = Celery(set_as_current=False)
    step = LmnAcquisition.__new__(LmnAcquisition)
    for queues, expected in ((["lmn"], True), (["tariff", "maintenance"], False)):
        app.amqp.queues.select(queues)
        assert step.include_if(Bunch(app=app)) is expected


def test_the_step_makes_a_collector_for_each_gateway(gateway: Gateway) -> None:
    app = Celery(set_as_current=False)
    app.gateways = {gateway.huid: gateway}
    step = LmnAcquisition.__new__(LmnAcquisition)
    made = step.create(Bunch(app=app))
    made.stop()  # nothing was started
    assert acquisition.QUEUE == "lmn"


def test_the_hint_names_the_gateway_and_may_be_lost(gateway: Gateway) -> None:
    sent = []
    send_hint(lambda *given, **more: sent.append((given, more)), gateway)
    assert sent == [
        (
            ("tariffs.tasks.evaluate_due",),
            {"args": [gateway.huid], "queue": "tariff"},
        )
    ]

    def broken(*_: object, **__: object) -> None:
        raise OSError("no broker")

    send_hint(broken, gateway)
