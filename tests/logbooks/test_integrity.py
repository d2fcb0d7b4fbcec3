"""The checks of the three logbooks see what somebody did to the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.db import connection

from hardware.gateway import Gateway
from logbooks.catalogue import Event
from logbooks.certificates import ensure_signature_certificate
from logbooks.chains import Finding
from logbooks.integrity import (
    verify_calibration_log,
    verify_consumer_log,
    verify_system_log,
)
from logbooks.services import log_event

NOW = datetime(2026, 3, 1, tzinfo=UTC)

pytestmark = [pytest.mark.django_db, pytest.mark.req("R74")]


@pytest.fixture(autouse=True)
def entries(gateway: Gateway) -> None:
    ensure_signature_certificate(gateway, NOW)
    for n in range(3):
        log_event(gateway, Event.PROFILE_CREATED, f"p{n}", now=NOW, consumers=["hks2"])


@contextmanager
def somebody_at_the_database() -> Iterator[None]:
    """Without the triggers, as with the file of the database in hand."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = replica")
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for (name,) in cursor.fetchall():
                cursor.execute(f"DROP TRIGGER {name}")
    yield


def run(sql: str) -> None:
    with somebody_at_the_database(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_untouched_logs_are_clean(gateway: Gateway) -> None:
    assert verify_consumer_log(gateway, "hks2") == []
    assert verify_consumer_log(gateway, "nobody") == []
    assert verify_system_log(gateway) == []
    assert verify_calibration_log(gateway) == []


@pytest.mark.parametrize(
    "change",
    [
        "recorded_at = '2026-03-02 00:00:00'",
        "event_id = 20012",
        "event_sub_id = 1",
        "level = 'error'",
        "arguments = '[\"p9\"]'",
        "recipient = 'emt'",
        "profile = 'p9'",
    ],
)
def test_each_changed_column_is_found(gateway: Gateway, change: str) -> None:
    for log in ("consumer", "system", "calibration"):
        run(f"UPDATE logbooks_{log}logentry SET {change} WHERE number = 2")
    changed = [(Finding.CHANGED, 2)]
    assert seen(verify_consumer_log(gateway, "hks2")) == changed
    assert seen(verify_system_log(gateway)) == changed
    assert seen(verify_calibration_log(gateway)) == [
        *changed,
        (Finding.SIGNATURE, 2),
    ]


def seen(faults: list) -> list[tuple[Finding, int]]:  # type: ignore[type-arg]
    return [(fault.finding, fault.number) for fault in faults]


def test_a_deleted_entry_is_found(gateway: Gateway) -> None:
    run("DELETE FROM logbooks_consumerlogentry WHERE number = 2")
    run("DELETE FROM logbooks_systemlogentry WHERE number = 3")
    assert seen(verify_consumer_log(gateway, "hks2")) == [(Finding.MISSING, 2)]
    assert seen(verify_system_log(gateway)) == [(Finding.CUT, 3)]


def test_a_changed_signature_is_found(gateway: Gateway) -> None:
    signature = "(SELECT signature FROM logbooks_calibrationlogentry WHERE number = 1)"
    run(f"UPDATE logbooks_calibrationlogentry SET signature = {signature}")
    assert seen(verify_calibration_log(gateway)) == [
        (Finding.SIGNATURE, 2),
        (Finding.SIGNATURE, 3),
    ]


def test_an_unknown_signer_is_found(gateway: Gateway) -> None:
    run("UPDATE logbooks_calibrationlogentry SET signer_ski = '00' WHERE number = 1")
    assert seen(verify_calibration_log(gateway)) == [(Finding.SIGNATURE, 1)]
