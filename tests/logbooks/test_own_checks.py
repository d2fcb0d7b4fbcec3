"""What the self-test finds in this app: each check with the thing broken."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler
from pytest_django import DjangoDbBlocker

from casa_site.databases import database, has_sqlcipher
from hardware.gateway import Gateway
from logbooks import checks
from logbooks.certificates import ensure_signature_certificate
from logbooks.models import Certificate
from logbooks.own_checks import database_faults

NOW = datetime(2026, 6, 22, 12, tzinfo=UTC)
FLIPS = 200


def codes(gateway: Gateway, name: str, now: datetime = NOW) -> list[int]:
    return [fault.code for fault in checks.registered_checks()[name](gateway, now)]


@contextmanager
def opened(folder: Path, key: str) -> Iterator[BaseDatabaseWrapper]:
    settings = database("", state=folder, key=key, encrypted=True)
    found = ConnectionHandler({"default": settings})["default"]
    try:
        yield found
    finally:
        found.close()


@pytest.mark.req("R150")
@pytest.mark.skipif(not has_sqlcipher(), reason="SQLCipher is not installed")
def test_each_flipped_byte_of_the_database_file_is_found(
    tmp_path: Path, django_db_blocker: DjangoDbBlocker
) -> None:
    """R150: 200 single bytes anywhere in the encrypted file: 2500352 or 2500353."""
    key, random = secrets.token_hex(32), Random(2500350)
    with django_db_blocker.unblock():
        with opened(tmp_path, key) as found, found.cursor() as cursor:
            cursor.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, value TEXT)")
            for number in range(300):
                cursor.execute("INSERT INTO t VALUES (%s, %s)", [number, "x" * 200])
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            assert list(database_faults(found)) == []
        file = tmp_path / "casa.sqlite3"
        good = file.read_bytes()
        for _ in range(FLIPS):
            at, bit = random.randrange(len(good)), random.randrange(8)
            spoilt = bytearray(good)
            spoilt[at] ^= 1 << bit
            file.write_bytes(spoilt)
            with opened(tmp_path, key) as found:
                seen = {fault.code for fault in database_faults(found)}
            assert seen, f"byte {at}, bit {bit}"
            assert seen <= {2500352, 2500353}


@pytest.mark.django_db
@pytest.mark.req("R87")
def test_a_table_without_its_trigger_is_found(gateway: Gateway) -> None:
    """R87: 1400560 for a log, 2500350 for a value list."""
    assert codes(gateway, "final rows") == []
    for table, trigger in (
        ("logbooks_systemlogentry", "no_update"),
        ("meters_originalrecord", "no_delete"),
    ):
        where = f" ON {table}" if connection.vendor == "postgresql" else ""
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TRIGGER {table}_{trigger}{where}")
    assert codes(gateway, "final rows") == [1400560, 2500350]


@pytest.mark.req("R154")
def test_a_security_module_that_does_not_answer_is_found(
    gateway: Gateway, tmp_path: Path
) -> None:
    """R154: 1600255."""
    assert codes(gateway, "security module") == []

    class Gone:
        def sign(self, *_: object) -> bytes:
            raise OSError("gone")

    broken = replace(gateway, security_module=Gone())  # type: ignore[arg-type]
    assert codes(broken, "security module") == [1600255]


@pytest.mark.django_db
def test_certificates_outside_of_their_validity_are_found(gateway: Gateway) -> None:
    ensure_signature_certificate(gateway, NOW)
    assert codes(gateway, "certificates") == []
    end = Certificate.objects.get().not_after
    assert codes(gateway, "certificates", end + timedelta(seconds=1)) == [2200041]
    begin = Certificate.objects.get().not_before
    assert codes(gateway, "certificates", begin - timedelta(seconds=1)) == [2200042]


@pytest.mark.req("R157")
@pytest.mark.django_db
def test_invalid_time_is_found(gateway: Gateway) -> None:
    """R157: 1500069."""

    class Lost:
        is_valid, source = False, "rtc"

    assert codes(gateway, "clock") == []
    broken = replace(gateway, clock=Lost())  # type: ignore[arg-type]
    assert codes(broken, "clock") == [1500069]
