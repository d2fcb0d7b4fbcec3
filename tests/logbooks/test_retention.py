"""How long entries are kept, full logs, and the anchors of what went."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from hardware.gateway import Gateway
from logbooks import device_state, integrity, list_check, retention
from logbooks.catalogue import Event
from logbooks.certificates import ensure_signature_certificate
from logbooks.device_state import Mode
from logbooks.models import (
    CalibrationLogEntry,
    ChainHead,
    ConsumerLog,
    ConsumerLogEntry,
    SystemLogEntry,
)
from logbooks.retention import RetentionTooShort, keep_logs, set_retention
from logbooks.services import log_event, open_consumer_log

NOW = datetime.now(UTC).replace(microsecond=0)
pytestmark = pytest.mark.django_db


@pytest.fixture
def home(gateway: Gateway) -> Gateway:
    """A gateway with the log of one consumer, entries from three years ago to now."""
    ensure_signature_certificate(gateway, NOW - timedelta(days=700))
    open_consumer_log("hks2")
    for months in (36, 25, 20, 16, 2, 0):
        at = NOW - timedelta(days=31 * months)
        log_event(gateway, Event.PROFILE_UPDATED, "p", now=at, consumers=["hks2"])
    return gateway


def kept() -> list[int]:
    entries = ConsumerLogEntry.objects.filter(consumer_id="hks2").order_by("number")
    return list(entries.values_list("number", flat=True))


@pytest.mark.req("R76")
def test_entries_are_kept_24_months_and_less_than_15_is_refused(home: Gateway) -> None:
    """R76: configurable, never below 15 months; the chain keeps an anchor."""
    keep_logs(home, now=NOW)
    assert kept() == [3, 4, 5, 6]
    assert ChainHead.objects.get(name="log:consumer:hks2").anchor_length == 2
    assert integrity.verify_consumer_log(home, "hks2") == []
    assert list_check.check_all(home) == []
    with pytest.raises(RetentionTooShort):
        set_retention("hks2", 14)
    set_retention("hks2", 15)
    assert ConsumerLog.objects.get().retention_months == 15


@pytest.mark.req("R83")
def test_a_full_consumer_log_lets_go_what_is_older_than_15_months(
    home: Gateway,
) -> None:
    """R83: 4294948294/1 with the consumer, and nothing younger goes."""
    keep_logs(home, now=NOW, consumer_capacity=4)
    assert kept() == [5, 6, 7]
    last = ConsumerLogEntry.objects.get(consumer_id="hks2", number=7)
    found = (last.event_id, last.event_sub_id, last.level, last.arguments)
    assert found == (4294948294, 1, "warning", ["hks2"])
    assert list_check.check_all(home) == []


@pytest.mark.req("R83", "R137")
def test_a_full_consumer_log_without_old_entries_locks_the_device(
    home: Gateway,
) -> None:
    """R83: 1400523, soft lock-down; once, however often it is looked at."""
    keep_logs(home, now=NOW, consumer_capacity=4)
    for _ in range(3):
        keep_logs(home, now=NOW, consumer_capacity=3)
    assert SystemLogEntry.objects.filter(event_id=1400523).count() == 1
    assert device_state.current().mode == Mode.SOFT
    assert kept()[:3] == [5, 6, 7]


@pytest.mark.req("R84")
def test_a_full_calibration_log_overwrites_nothing(home: Gateway) -> None:
    """R84: 19008/2, fatal, all entries still there."""
    before = CalibrationLogEntry.objects.count()
    keep_logs(home, now=NOW, calibration_capacity=before)
    keep_logs(home, now=NOW, calibration_capacity=before)
    assert CalibrationLogEntry.objects.count() >= before
    entries = ConsumerLogEntry.objects.filter(event_id=19008)
    assert [(e.event_sub_id, e.level) for e in entries] == [(2, "fatal")]


def _let_the_database_keep_fewer() -> None:
    """Until the end of the test: its trigger keeps 100,000 entries."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = replica")
        else:
            cursor.execute("DROP TRIGGER logbooks_systemlogentry_no_delete")


def test_the_system_log_is_a_ring(home: Gateway) -> None:
    _let_the_database_keep_fewer()
    keep_logs(home, now=NOW, system_capacity=3)
    numbers = list(SystemLogEntry.objects.order_by("number").values_list("number"))
    assert numbers == [(4,), (5,), (6,)]
    assert integrity.verify_system_log(home) == []


@pytest.mark.req("R82")
def test_nobody_cuts_the_system_log_by_hand(home: Gateway) -> None:
    """The database keeps the newest 100,000 entries, whoever asks."""
    for entries in (
        SystemLogEntry.objects.all(),
        SystemLogEntry.objects.order_by("-number")[:1],
    ):
        numbers = [entry.number for entry in entries]
        with pytest.raises(IntegrityError), transaction.atomic():
            SystemLogEntry.objects.filter(number__in=numbers).delete()


@pytest.mark.req("R75")
def test_nobody_cuts_the_consumer_log_by_hand(home: Gateway) -> None:
    """R75: the database refuses to delete an entry of the last 15 months."""
    young = ConsumerLogEntry.objects.filter(recorded_at__gt=NOW - timedelta(days=400))
    with pytest.raises(IntegrityError), transaction.atomic():
        young.delete()
    assert kept() == [1, 2, 3, 4, 5, 6]
    assert retention.LEAST_MONTHS == 15


@pytest.mark.req("R76")
def test_the_command_sets_no_less_than_15_months(home: Gateway) -> None:
    """R76: what the GWA orders."""

    def run(*words: str) -> str:
        out = StringIO()
        call_command("retention", *words, stdout=out)
        return out.getvalue()

    assert run() == "hks2: 24 months\n"
    assert run("hks2", "36") == "hks2: 36 months\n"
    for words in (("hks2", "14"), ("nobody", "36")):
        with pytest.raises(CommandError):
            run(*words)
    assert run("hks2") == "hks2: 36 months\n"
