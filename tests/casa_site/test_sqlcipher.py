"""The encrypted database file (decisions D36, D59)."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, IntegrityError

from casa_site import databases

pytestmark = pytest.mark.django_db
sqlcipher = pytest.importorskip("casa_site.db.sqlcipher.base")
KEY = "a1" * 32


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Callable[[str], Any]]:
    opened = []

    def connection(key: str) -> Any:
        entry = databases.database("", state=tmp_path, key=key, encrypted=True)
        defaults = {"TIME_ZONE": None, "AUTOCOMMIT": True, "ATOMIC_REQUESTS": False}
        settings = {**defaults, "CONN_HEALTH_CHECKS": False, **entry}
        opened.append(sqlcipher.DatabaseWrapper(settings, alias="other"))
        return opened[-1]

    yield connection
    for each in opened:
        each.close()


@pytest.mark.req("R68")
def test_the_file_holds_nothing_readable(connect: Any, tmp_path: Path) -> None:
    """R68: what is written to the disk is encrypted, the names of tables too."""
    with connect(KEY).cursor() as cursor:
        cursor.execute("CREATE TABLE reading (value text UNIQUE)")
        cursor.execute("INSERT INTO reading VALUES (%s)", ["a plain value"])
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not re.search(rb"SQLite format|reading|a plain value", files)


def test_another_key_opens_nothing(connect: Any) -> None:
    first = connect(KEY)
    with first.cursor() as cursor:
        cursor.execute("CREATE TABLE reading (value text)")
    first.close()
    with pytest.raises(DatabaseError), connect("b2" * 32).cursor() as cursor:
        cursor.execute("SELECT * FROM reading")


def test_commits_are_durable_and_writers_wait(connect: Any) -> None:
    with connect(KEY).cursor() as cursor:
        found = {
            name: cursor.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_both_parameter_styles_and_errors_are_djangos(connect: Any) -> None:
    with connect(KEY).cursor() as cursor:
        cursor.execute("CREATE TABLE reading (value text UNIQUE)")
        cursor.executemany("INSERT INTO reading VALUES (%s)", [["50 %"], ["b"]])
        cursor.executemany("INSERT INTO reading VALUES (%(v)s)", [{"v": "c"}])
        cursor.executemany("INSERT INTO reading VALUES (%s)", [])
        cursor.execute("SELECT count(*) FROM reading WHERE value != %(v)s", {"v": "b"})
        assert cursor.fetchone() == (2,)
        with pytest.raises(IntegrityError):
            cursor.execute("INSERT INTO reading VALUES (%s)", ["b"])


def test_without_a_device_key_no_file_is_made(connect: Any, tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="no device key"):
        connect("").cursor()
    assert list(tmp_path.iterdir()) == []
