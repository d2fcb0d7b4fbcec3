"""Whose tables a statement touches, on a real PostgreSQL: those of the context."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import InterfaceError, connection
from django.db.transaction import Atomic

from casa_site.db.postgresql.base import DatabaseWrapper
from casa_site.db.postgresql.schema import in_schema

pytestmark = [
    pytest.mark.skipif(
        "postgresql" not in settings.DATABASES["default"]["ENGINE"],
        reason="the tests run on SQLite",
    ),
    pytest.mark.django_db,
]
SCHEMAS = ("gateway_one", "gateway_two")


@pytest.fixture
def database() -> Iterator[DatabaseWrapper]:
    """A connection of its own, and two schemas with a table of the same name."""
    found = DatabaseWrapper({**connection.settings_dict}, alias="default")
    found.inc_thread_sharing()
    with in_schema("public"):
        for name in SCHEMAS:
            run(found, f"CREATE SCHEMA {name}")
            run(found, f"CREATE TABLE {name}.value (name text)")
    yield found
    with in_schema("public"):
        for name in SCHEMAS:
            run(found, f"DROP SCHEMA {name} CASCADE")
    found.close()


def run(database: DatabaseWrapper, statement: str) -> list[tuple[Any, ...]]:
    with database.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def put(database: DatabaseWrapper, schema: str, name: str) -> None:
    with in_schema(schema):
        run(database, f"INSERT INTO value VALUES ('{name}')")


def values(database: DatabaseWrapper, schema: str) -> list[str]:
    with in_schema(schema):
        return [name for (name,) in run(database, "SELECT name FROM value")]


class transaction(Atomic):
    """`atomic` on the given connection."""

    def __init__(self, database: DatabaseWrapper, monkeypatch: Any) -> None:
        super().__init__(None, True, False)
        monkeypatch.setattr("django.db.transaction.get_connection", lambda _: database)


def test_one_connection_serves_many_gateways(database: DatabaseWrapper) -> None:
    for n in range(20):
        put(database, SCHEMAS[n % 2], str(n))
    assert values(database, SCHEMAS[0]) == [str(n) for n in range(0, 20, 2)]
    assert values(database, SCHEMAS[1]) == [str(n) for n in range(1, 20, 2)]


def test_outside_of_any_gateway_there_are_no_tables(database: DatabaseWrapper) -> None:
    put(database, SCHEMAS[0], "one")
    with pytest.raises(InterfaceError, match="no gateway was entered"):
        run(database, "SELECT name FROM value")


def test_what_a_transaction_set_goes_with_it(
    database: DatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a rollback the search path is the one of before; it is set anew."""
    put(database, SCHEMAS[0], "one")
    with pytest.raises(ZeroDivisionError), transaction(database, monkeypatch):
        put(database, SCHEMAS[1], "lost")
        raise ZeroDivisionError
    put(database, SCHEMAS[1], "two")
    assert values(database, SCHEMAS[0]) == ["one"]
    assert values(database, SCHEMAS[1]) == ["two"]


def test_a_transaction_belongs_to_one_gateway(
    database: DatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InterfaceError), transaction(database, monkeypatch):
        put(database, SCHEMAS[0], "one")
        put(database, SCHEMAS[1], "two")
    assert values(database, SCHEMAS[0]) == values(database, SCHEMAS[1]) == []


def test_a_savepoint_that_is_rolled_back_keeps_the_gateway(
    database: DatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(database, SCHEMAS[1], "before")
    with transaction(database, monkeypatch), in_schema(SCHEMAS[0]):
        with pytest.raises(ZeroDivisionError), transaction(database, monkeypatch):
            raise ZeroDivisionError
        put(database, SCHEMAS[0], "one")
    assert values(database, SCHEMAS[0]) == ["one"]
    assert values(database, SCHEMAS[1]) == ["before"]


def test_a_new_connection_knows_no_gateway_of_before(
    database: DatabaseWrapper,
) -> None:
    put(database, SCHEMAS[0], "one")
    database.close()
    assert values(database, SCHEMAS[0]) == ["one"]
    assert values(database, SCHEMAS[1]) == []
