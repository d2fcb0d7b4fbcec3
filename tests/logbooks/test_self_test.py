"""The self-test: who may trigger it when, what it finds, what is logged."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from hardware.gateway import Gateway
from logbooks import checks, self_test
from logbooks.catalogue import Event
from logbooks.certificates import ensure_signature_certificate
from logbooks.checks import Fault
from logbooks.models import ConsumerLogEntry, SelfTestRun, SystemLogEntry
from logbooks.self_test import Actor, SelfTestRunning, SelfTestTooEarly
from logbooks.services import log_event, open_consumer_log

NOW = datetime(2026, 6, 22, 13, 31, 17, tzinfo=UTC)
"""15:31:17 in Berlin, as in the manual's figure 17."""

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(gateway: Gateway) -> Gateway:
    """A gateway with its certificate and the logs of two consumers."""
    ensure_signature_certificate(gateway, NOW)
    for consumer in ("hks2", "nachbar"):
        open_consumer_log(consumer)
    return gateway


@pytest.fixture
def no_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the registered checks: a test adds its own."""
    monkeypatch.setattr(checks, "_CHECKS", {})


def events_of(consumer: str) -> list[tuple[int, int, list[str]]]:
    entries = ConsumerLogEntry.objects.filter(consumer_id=consumer).order_by("number")
    return list(entries.values_list("event_id", "event_sub_id", "arguments"))


@pytest.mark.req("R130", "R132")
def test_a_run_without_findings_is_logged_as_passed(home: Gateway) -> None:
    """R130: 15002/0 with who, 15001/0; R132: on request of the GWA."""
    result = self_test.run(home, now=NOW, by=Actor.GWA)
    assert result.has_passed
    assert events_of("hks2") == [
        (15002, 0, ["Gateway-Administrator"]),
        (15001, 0, []),
    ]


@pytest.mark.req("R130", "R134")
def test_findings_are_logged_with_their_number_and_codes(
    home: Gateway, no_checks: None
) -> None:
    """R130: 15001/1 with count and codes; R134: 1900010 with a critical finding."""
    checks.register_check("clock", lambda *_: [Fault(1500069), Fault(100704)])
    result = self_test.run(home, now=NOW, by=Actor.DEVICE)
    assert result.codes == (100704, 1500069, 1900010)
    assert result.critical_codes == (1500069, 1900010)
    assert events_of("nachbar")[-1] == (
        15001,
        1,
        ["3", "100704, 1500069, 1900010"],
    )
    logged = SystemLogEntry.objects.values_list("event_id", flat=True)
    assert {100704, 1500069, 1900010} <= set(logged)


@pytest.mark.req("R134")
def test_a_check_that_cannot_be_carried_out_is_a_finding(
    home: Gateway, no_checks: None
) -> None:
    """R134: 1900008 for the test that cannot start; the others go on."""
    checks.register_check("broken", lambda *_: [1 // 0])
    checks.register_check("behind it", lambda *_: [Fault(100704)])
    result = self_test.run(home, now=NOW, by=Actor.DEVICE)
    assert result.codes == (100704, 1900008, 1900010)


@pytest.mark.req("R129")
def test_a_consumer_waits_24_hours_to_the_second(home: Gateway) -> None:
    """R129: at 23:59:59 refused with the manual's sentence, at 24:00:00 accepted."""
    _pass(home, self_test.trigger_by_consumer(home, "hks2", now=NOW))
    early = NOW + timedelta(hours=23, minutes=59, seconds=59)
    sentence = (
        "Es kann nur ein Selbsttest alle 24 Stunden ausgelöst werden. Der nächste "
        "Selbsttest ist am 2026-06-23 um 15:31:17 Uhr möglich."
    )
    with pytest.raises(SelfTestTooEarly) as refused:
        self_test.trigger_by_consumer(home, "nachbar", now=early)
    assert str(refused.value) == sentence
    assert events_of("nachbar")[-1] == (15002, 1, ["Letztverbraucher", sentence])
    assert events_of("hks2")[-1] == (15001, 0, [])
    self_test.trigger_by_consumer(home, "nachbar", now=NOW + timedelta(hours=24))
    assert SelfTestRun.objects.count() == 2


@pytest.mark.req("R129")
def test_the_pause_of_consumers_does_not_hold_for_the_gwa(home: Gateway) -> None:
    """R129: the 24 hours are those of the web interface."""
    _pass(home, self_test.trigger_by_consumer(home, "hks2", now=NOW))
    assert self_test.run(home, now=NOW, by=Actor.GWA).has_passed


@pytest.mark.req("R133")
def test_a_second_start_while_one_runs_is_refused(home: Gateway) -> None:
    """R133: 1900502, not locking, logged as 15002/1."""
    self_test.begin(home, now=NOW, by=Actor.GWA)
    with pytest.raises(SelfTestRunning):
        self_test.run(home, now=NOW, by=Actor.GWA)
    text = "Der Selbsttest läuft bereits und kann nicht erneut ausgeführt werden"
    assert events_of("hks2")[-1] == (15002, 1, ["Gateway-Administrator", text])
    assert SystemLogEntry.objects.filter(event_id=1900502).exists()


@pytest.mark.req("R132", "R146")
def test_a_run_goes_on_in_steps_and_finds_a_changed_entry(home: Gateway) -> None:
    """R146: a byte of a stored entry is changed; the run in slices finds it."""
    for _ in range(70):
        log_event(home, Event.FIRMWARE_STARTED, now=NOW)
    table = "logbooks_systemlogentry"
    where = f" ON {table}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {table}_no_update{where}")
        cursor.execute(
            "UPDATE logbooks_systemlogentry SET level = 'infp' WHERE number = 33"
        )
    run = self_test.begin(home, now=NOW, by=Actor.DEVICE)
    steps = 1
    while not self_test.advance(home, run, now=NOW, budget_s=0):
        steps += 1
    assert steps > 3, "one slice per chain at least"
    assert self_test.result_of(run).codes == (1400005, 1400560, 1900010)


def test_a_run_that_its_caller_left_is_carried_on_by_the_worker(home: Gateway) -> None:
    run = self_test.begin(home, now=NOW, by=Actor.GWA, is_queued=False)
    assert self_test.due_run(NOW + timedelta(minutes=14)) is None
    assert self_test.due_run(NOW + timedelta(minutes=15)) == run


def _pass(gateway: Gateway, run: SelfTestRun) -> None:
    while not self_test.advance(gateway, run, now=NOW, budget_s=1):
        pass
