"""Every event of manual ch. 9.3 whose cause exists: provoked, and its entry exact.

One row for each event. A cause is the product's own path: a service, a page, a check.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.db.models import Max
from django.test import Client

from hardware.gateway import Gateway
from hardware.last_run import Traces
from hardware.ntp import TimeSample
from logbooks import (
    cyclic_check,
    device_state,
    retention,
    self_test,
    start_and_end,
    storage,
    time_rules,
    time_service,
)
from logbooks.catalogue import Event, event_row, shown_to_gwa
from logbooks.models import (
    CalibrationLogEntry,
    ConsumerLogEntry,
    SystemLogEntry,
)
from logbooks.selectors import consumer_log
from logbooks.self_test import Actor, SelfTestRefused
from logbooks.services import log_event, log_fault, open_consumer_log
from logbooks.storage import Storage
from meters.collector import Collector
from meters.meter_status import METER_FATAL, TAMPERED
from meters.models import Meter
from meters.services import close_boundary, report_storage_fault, update_live
from tests.flows.access_causes import ACCESS_CAUSES, LONG_AGO
from tests.flows.profile_causes import EMT, PROFILE_CAUSES
from tests.meters.builders import with_clock
from tests.portal.conftest import NOW
from tests.portal.installation import PASSWORDS, install, reading

Cause = Callable[[Gateway], list[str]]
METER = "1emh0000000001"
AT = "2026-06-22T13:07:52Z"

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(gateway: Gateway) -> Gateway:
    """The installation of the portal's tests, and an entry of long ago."""
    open_consumer_log("hks2")
    stages = Event.TARIFF_STAGE_SWITCHED
    log_event(gateway, stages, "0", "9", now=LONG_AGO, consumers=["hks2"])
    install(gateway, NOW)
    return gateway


def meter_says(bits: int) -> Cause:
    def cause(gateway: Gateway) -> list[str]:
        said = replace(reading(METER, NOW), status=0x4 | bits)
        update_live(gateway, {METER: said}, now=NOW)
        entry = ConsumerLogEntry.objects.filter(event_id=1011).latest("number")
        assert entry.arguments[0] == METER
        return entry.arguments

    return cause


def login(password: str, *arguments: str) -> Cause:
    def cause(gateway: Gateway) -> list[str]:
        browser = Client(**{"casa.gateway": gateway})
        browser.post("/anmelden/", {"username": "hks2", "password": password})
        return ["hks2", *arguments]

    return cause


def too_many_failures(gateway: Gateway) -> list[str]:
    for _ in range(5):
        login("wrong")(gateway)
    entry = ConsumerLogEntry.objects.filter(event_id=4294948293).latest("number")
    assert entry.arguments[0] == "5"
    return entry.arguments


def started(traces: Traces, *arguments: str) -> Cause:
    def cause(gateway: Gateway) -> list[str]:
        start_and_end.log_start(gateway, traces, now=NOW)
        return list(arguments)

    return cause


def ended(gateway: Gateway) -> list[str]:
    start_and_end.log_end(gateway, now=NOW)
    return []


def with_time_server(gateway: Gateway) -> None:
    time_service.configure_time_service(
        gateway, host="127.0.0.1", port=123, certificate=b"der", now=NOW
    )


def hears(seconds: float) -> Callable[[Gateway], None]:
    def hear(gateway: Gateway) -> None:
        sample = TimeSample(timedelta(seconds=seconds), timedelta(milliseconds=20))
        limits = time_rules.limits([])
        time_service.take_sample(gateway, sample, to=limits, now=NOW, chance=0.5)

    return hear


def synchronised(gateway: Gateway) -> list[str]:
    with_time_server(gateway)
    hears(2)(gateway)
    return ["2026-06-22T13:07:54Z", AT, "2000 ms"]


def set_clock(gateway: Gateway) -> list[str]:
    with_time_server(gateway)
    hears(40)(gateway)
    entry = ConsumerLogEntry.objects.filter(event_id=13002).latest("number")
    assert entry.arguments == ["2026-06-22T13:08:32Z", AT, "40000"]
    return entry.arguments


def too_far_off(gateway: Gateway) -> list[str]:
    set_clock(gateway)
    return ["40.0"]


def set_from_rtc(gateway: Gateway) -> list[str]:
    with_time_server(gateway)
    alive = NOW - timedelta(hours=47)
    time_service.begin_time(gateway, shown=NOW, last_alive=alive, now=NOW)
    return [AT]


def time_invalid(gateway: Gateway) -> list[str]:
    with_time_server(gateway)
    alive = NOW - timedelta(hours=49)
    time_service.begin_time(gateway, shown=NOW, last_alive=alive, now=NOW)
    return []


def self_test_done(gateway: Gateway) -> list[str]:
    self_test.run(gateway, now=NOW, by=Actor.GWA)
    return []


def self_test_triggered(gateway: Gateway) -> list[str]:
    self_test.begin(gateway, now=NOW, by=Actor.GWA)
    return ["Gateway-Administrator"]


def self_test_failed(gateway: Gateway) -> list[str]:
    spoil_values()
    self_test.run(gateway, now=NOW, by=Actor.DEVICE)
    codes = ConsumerLogEntry.objects.filter(event_id=15001).latest("number").arguments
    assert {"2500350", "1900010"} <= set(codes[1].split(", "))
    assert codes[0] == str(len(codes[1].split(", ")))
    return codes


def self_test_refused(gateway: Gateway) -> list[str]:
    self_test.trigger_by_consumer(gateway, "hks2", now=NOW)
    with pytest.raises(SelfTestRefused) as refused:
        self_test.trigger_by_consumer(gateway, "hks2", now=NOW)
    return ["Letztverbraucher", str(refused.value)]


def spoil_values() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = replica")
        else:
            cursor.execute("DROP TRIGGER meters_originalrecord_no_update")
        cursor.execute("UPDATE meters_originalrecord SET status = status + 1")


def integrity_broken(gateway: Gateway) -> list[str]:
    spoil_values()
    for _ in range(40):
        cyclic_check.check_next_slice(gateway, now=NOW)
    return ["2500350 Integritätscheck der Datenbank ist fehlgeschlagen"]


def log_cut(gateway: Gateway) -> list[str]:
    with connection.cursor() as cursor:
        last = "(SELECT max(number) FROM logbooks_systemlogentry)"
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = replica")
        else:
            cursor.execute("DROP TRIGGER logbooks_systemlogentry_no_delete")
        cursor.execute(f"DELETE FROM logbooks_systemlogentry WHERE number = {last}")
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = origin")
    for _ in range(40):
        cyclic_check.check_next_slice(gateway, now=NOW)
    return ["System-Log"]


def fatal_fault(gateway: Gateway) -> list[str]:
    log_fault(gateway, 1900082, now=NOW)
    assert device_state.current().mode == device_state.Mode.SOFT
    entry = ConsumerLogEntry.objects.filter(event_id=4294948286).latest("number")
    assert entry.arguments[0] == "1900082"
    assert len(entry.arguments[1]) >= 16
    return entry.arguments


def storage_gone(gateway: Gateway) -> list[str]:
    storage.react(gateway, Storage(100, 100), now=NOW)
    return []


def calibration_log_full(gateway: Gateway) -> list[str]:
    retention.keep_logs(gateway, now=NOW, calibration_capacity=1)
    return []


def no_value(gateway: Gateway) -> list[str]:
    target = NOW.replace(minute=15, second=0)
    close_boundary(gateway, target_time=target, meter_ids=[METER], now=NOW)
    entry = ConsumerLogEntry.objects.filter(event_id=19006, event_sub_id=1)
    return entry.latest("number").arguments


def value_not_stored(gateway: Gateway) -> list[str]:
    report_storage_fault(gateway, meter_ids=[METER], now=NOW)
    return ["300033"]


def _nothing() -> None:
    """Nobody waits for the hint."""


def metering_started(gateway: Gateway) -> list[str]:
    Meter.objects.update(port="/dev/not-there")
    clocked = with_clock(gateway, NOW)
    collector = Collector(clocked, send_hint=_nothing, announce=_nothing)
    collector.refresh()
    threads = list(collector.threads.values())
    collector.end()
    for thread in threads:
        thread.join(30)
    return []


CAUSES: dict[Event, Cause] = {
    Event.METER_STATUS_TEMPORARY: meter_says(TAMPERED),
    Event.METER_STATUS_FATAL: meter_says(METER_FATAL),
    Event.PASSWORD_LOGIN_DONE: login(PASSWORDS["hks2"]),
    Event.PASSWORD_LOGIN_REFUSED: login("wrong"),
    Event.TOO_MANY_LOGIN_FAILURES: too_many_failures,
    Event.POWER_RETURNED: started(Traces("b", "a")),
    Event.FIRMWARE_STARTED: started(Traces("b", "b", ended=True)),
    Event.UNEXPECTED_START: started(Traces("b", "a"), "1900602"),
    Event.RESTARTING: ended,
    Event.TIME_SYNCHRONISED: synchronised,
    Event.TIME_SET: set_clock,
    Event.TIME_TOO_FAR_OFF: too_far_off,
    Event.TIME_SET_FROM_RTC: set_from_rtc,
    Event.TIME_INVALID: time_invalid,
    Event.SELF_TEST_PASSED: self_test_done,
    Event.SELF_TEST_FAILED: self_test_failed,
    Event.SELF_TEST_TRIGGERED: self_test_triggered,
    Event.SELF_TEST_NOT_TRIGGERED: self_test_refused,
    Event.INTEGRITY_VIOLATED: integrity_broken,
    Event.LOG_ENTRY_INCOMPLETE: log_cut,
    Event.FATAL_FAULT: fatal_fault,
    Event.STORAGE_EXHAUSTED: storage_gone,
    Event.CALIBRATION_LOG_EXHAUSTED: calibration_log_full,
    Event.VALUE_WARNING: no_value,
    Event.VALUE_ERROR: value_not_stored,
    **ACCESS_CAUSES,
    **PROFILE_CAUSES,
}

METERING: dict[Event, Cause] = {
    Event.METERING_STARTED: metering_started,
    Event.METERING_STOPPED: metering_started,
}
"""In threads of their own: they need rows that are really stored."""

SENT_TO = {
    Event.VALUES_SENT: EMT,
    Event.FIRST_READING_SENT: EMT,
    Event.FINAL_READING_SENT: EMT,
    Event.ON_DEMAND_TRIGGERED: EMT,
    Event.ON_DEMAND_VALUES_SENT: EMT,
    Event.ON_DEMAND_RECIPIENT_UNKNOWN: "other",
}
"""Events that name a recipient; the others name none."""


@pytest.mark.req("R86", "R80", "R85")
@pytest.mark.parametrize("event", CAUSES, ids=lambda event: event.name)
def test_the_cause_of_an_event_writes_exactly_its_entry(
    home: Gateway, event: Event
) -> None:
    """R86: id, sub-id, level, placeholders, log and reader; R80: in the system log;
    R85: an entry cut off at the end of a log."""
    before = last_numbers()
    check_entry(event, CAUSES[event](home), before)


@pytest.mark.req("R86", "R80")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("event", METERING, ids=lambda event: event.name)
def test_begin_and_end_of_metering_write_exactly_their_entry(
    home: Gateway, event: Event
) -> None:
    """R86, R80: by the collector, which has threads of its own."""
    before = last_numbers()
    check_entry(event, METERING[event](home), before)


def last_numbers() -> dict[str, int]:
    """How many entries each consumer's log has had."""
    last = ConsumerLogEntry.objects.values("consumer_id").annotate(n=Max("number"))
    return {row["consumer_id"]: row["n"] for row in last}


def check_entry(event: Event, arguments: list[str], before: dict[str, int]) -> None:
    """Asserts that the newest entry of the event is all that the manual says."""
    row = event_row(event)
    key = {"event_id": row.event_id, "event_sub_id": row.sub_id}
    own = ConsumerLogEntry.objects.filter(consumer_id="hks2", **key).latest("number")
    assert own.number > before["hks2"]
    assert (own.level, own.arguments) == (row.level, arguments)
    assert own.recipient == SENT_TO.get(event, "")
    others = ConsumerLogEntry.objects.filter(consumer_id="nachbar", **key)
    others = others.filter(number__gt=before["nachbar"])
    if not row.concerns_all:
        assert not others.exists()
    elif event is not Event.SELF_TEST_NOT_TRIGGERED:
        assert others.latest("number").arguments == arguments
    for log, model in (
        ("system", SystemLogEntry),
        ("calibration", CalibrationLogEntry),
    ):
        found = model.objects.filter(**key)
        if event is Event.VALUE_ERROR and log == "system":  # the code itself (D53)
            found = model.objects.filter(event_id=300033, event_sub_id=1)
            assert found.exists()
        elif log in row.logs:
            shown = shown_to_gwa(row, arguments, log)
            assert found.latest("number").arguments == shown
        else:
            assert not found.exists()


@pytest.mark.req("R86")
@pytest.mark.parametrize("event", CAUSES, ids=lambda event: event.name)
def test_the_text_is_the_manuals(home: Gateway, shared: Path, event: Event) -> None:
    """R86: the words of events.json, each [n] replaced by what caused it."""
    arguments = CAUSES[event](home)
    events = json.loads((shared / "reference" / "events.json").read_text())
    manual = next(
        each
        for each in events
        if (each["event_id"], each["event_sub_id"]) == event.value
    )
    text = manual["text"]
    for number, argument in enumerate(arguments, 1):
        text = text.replace(f"[{number}]", argument)
    lines = [
        line
        for line in consumer_log("hks2")
        if (line.event_id, line.event_sub_id) == event.value
    ]
    assert lines[0].text == text
    assert lines[0].level == manual["level"].upper()


@pytest.mark.req("R86")
def test_no_event_is_left_out() -> None:
    """R86: all 51 events of ch. 9.3 have their row here."""
    assert len(CAUSES) + len(METERING) == 51
    assert {*CAUSES, *METERING} == set(Event)
