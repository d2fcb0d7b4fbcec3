"""Triggers that make rows final, on SQLite and on PostgreSQL."""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import ConnectionHandler
from pytest_django import DjangoDbBlocker

from hardware.gateway import Gateway
from logbooks.catalogue import Event
from logbooks.models import CalibrationLogEntry, ConsumerLogEntry, SystemLogEntry
from logbooks.services import log_event
from tests import postgresql

NOW = datetime.now(UTC).replace(microsecond=0)
CONSUMER, SYSTEM, CALIBRATION = (
    "logbooks_consumerlogentry",
    "logbooks_systemlogentry",
    "logbooks_calibrationlogentry",
)


@pytest.fixture(scope="module")
def postgresql_connection(
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[BaseDatabaseWrapper]:
    """A connection to an empty PostgreSQL database with the tables of the logbooks."""
    programs = postgresql.programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    # Not tmp_path: the path of a socket is at most 107 characters long.
    with (
        tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder,
        postgresql.server(Path(folder), programs) as socket,
        django_db_blocker.unblock(),
    ):
        connection = _connect(socket)
        MigrationExecutor(connection).migrate([("logbooks", "0009_system_log_ring")])
        yield connection
        connection.close()


def _connect(socket: Path) -> BaseDatabaseWrapper:
    default = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "casa",
        "HOST": str(socket),
    }
    return ConnectionHandler({"default": default})["default"]


@pytest.fixture(
    params=["suite", pytest.param("postgresql", marks=pytest.mark.services)]
)
def connection(
    request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker
) -> Iterator[BaseDatabaseWrapper]:
    """The connection of the suite, then a PostgreSQL one; undone after the test."""
    if request.param == "suite":
        request.getfixturevalue("db")
        yield connections["default"]
        return
    chosen = request.getfixturevalue("postgresql_connection")
    with django_db_blocker.unblock(), chosen.cursor() as cursor:
        cursor.execute("BEGIN")
        yield chosen
        cursor.execute("ROLLBACK")


def insert(connection: BaseDatabaseWrapper, table: str, **changed: Any) -> None:
    """Put one row in by plain SQL."""
    row: dict[str, Any] = {
        "number": 1,
        "recorded_at": NOW.replace(tzinfo=None),
        "event_id": 6001,
        "event_sub_id": 0,
        "level": "info",
        "arguments": "[]",
        "recipient": "",
        "profile": "",
        "chain_hash": bytes(32),
    }
    if table == CONSUMER:
        row["consumer_id"] = "hks2"
    if table == CALIBRATION:
        row |= {"signature": b"", "signer_ski": ""}
    row |= changed
    marks = ", ".join(["%s"] * len(row))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", [*row.values()]
        )


def run(connection: BaseDatabaseWrapper, sql: str) -> int:
    """Run one statement inside a savepoint; gives the number of rows."""
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT one")
        try:
            cursor.execute(sql)
            rows: int = cursor.rowcount
        except BaseException:
            cursor.execute("ROLLBACK TO SAVEPOINT one")
            raise
        return rows


@pytest.mark.req("R75")
@pytest.mark.parametrize("table", [CONSUMER, SYSTEM, CALIBRATION])
def test_plain_sql_cannot_change_an_entry(
    connection: BaseDatabaseWrapper, table: str
) -> None:
    """R75: the database itself refuses UPDATE, for rows of any age."""
    insert(connection, table)
    insert(connection, table, number=2, recorded_at=NOW - timedelta(days=2000))
    for number in (1, 2):
        with pytest.raises(IntegrityError, match="rows are final"):
            run(connection, f"UPDATE {table} SET level = 'x' WHERE number = {number}")


@pytest.mark.req("R75")
@pytest.mark.parametrize("table", [CONSUMER, CALIBRATION])
def test_plain_sql_cannot_delete_an_entry_within_its_retention(
    connection: BaseDatabaseWrapper, table: str
) -> None:
    """R75: the database itself refuses DELETE, also of many rows or by REPLACE."""
    insert(connection, table)
    with pytest.raises(IntegrityError, match="rows are"):
        run(connection, f"DELETE FROM {table} WHERE number = 1")
    with pytest.raises(IntegrityError, match="rows are"):
        run(connection, f"DELETE FROM {table}")
    empty_at_once = {
        "sqlite": f"REPLACE INTO {table} SELECT * FROM {table}",
        "postgresql": f"TRUNCATE {table}",
    }
    with pytest.raises(IntegrityError, match="rows are"):
        run(connection, empty_at_once[connection.vendor])


@pytest.mark.req("R76")
def test_consumer_log_entries_may_go_after_15_months(
    connection: BaseDatabaseWrapper,
) -> None:
    """R76: never below 15 months; what is older may be pruned."""
    insert(connection, CONSUMER, recorded_at=NOW - timedelta(days=456 + 5))
    insert(connection, CONSUMER, number=2, recorded_at=NOW - timedelta(days=454))
    assert run(connection, f"DELETE FROM {CONSUMER} WHERE number = 1") == 1
    with pytest.raises(IntegrityError, match="rows are"):
        run(connection, f"DELETE FROM {CONSUMER} WHERE number = 2")


@pytest.mark.req("R84")
def test_calibration_log_entries_never_go(connection: BaseDatabaseWrapper) -> None:
    """R84: nothing is overwritten or removed, however old."""
    insert(connection, CALIBRATION, recorded_at=NOW - timedelta(days=5000))
    with pytest.raises(IntegrityError, match="rows are"):
        run(connection, f"DELETE FROM {CALIBRATION}")


def test_system_log_entries_make_room(connection: BaseDatabaseWrapper) -> None:
    """The newest 100,000 stay; what is older may go."""
    for number in (1, 2, 100_001):
        insert(connection, SYSTEM, number=number)
    with pytest.raises(IntegrityError), transaction.atomic(using=connection.alias):
        run(connection, f"DELETE FROM {SYSTEM}")
    assert run(connection, f"DELETE FROM {SYSTEM} WHERE number <= 1") == 1


@pytest.mark.req("R75")
@pytest.mark.django_db
def test_the_orm_cannot_change_or_delete_entries(gateway: Gateway) -> None:
    """R75: nor can the application by way of its own models."""
    log_event(gateway, Event.METERING_STARTED, now=NOW, consumers=["hks2"])
    for model in (ConsumerLogEntry, SystemLogEntry, CalibrationLogEntry):
        with pytest.raises(IntegrityError), transaction.atomic():
            model.objects.update(level="x")
    for model in (ConsumerLogEntry, SystemLogEntry, CalibrationLogEntry):
        with pytest.raises(IntegrityError), transaction.atomic():
            model.objects.all().delete()
    entry = ConsumerLogEntry.objects.get()
    entry.level = "x"
    with pytest.raises(IntegrityError), transaction.atomic():
        entry.save()


@pytest.mark.django_db(transaction=True)
def test_tables_with_final_rows_are_empty_for_the_next_test(gateway: Gateway) -> None:
    assert not SystemLogEntry.objects.exists()
    log_event(gateway, Event.METERING_STARTED, now=NOW, consumers=["hks2"])


@pytest.mark.django_db(transaction=True)
def test_and_the_rows_of_the_next_test_are_final_again(gateway: Gateway) -> None:
    assert not CalibrationLogEntry.objects.exists()
    log_event(gateway, Event.METERING_STARTED, now=NOW, consumers=["hks2"])
    with pytest.raises(IntegrityError):
        CalibrationLogEntry.objects.all().delete()
