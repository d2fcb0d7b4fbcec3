"""What a running gateway has stored is final for every statement of its own user."""

import re
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction

from hardware.gateway import Gateway
from logbooks.immutability import FINAL_TABLES
from tests.portal.conftest import NOW
from tests.portal.installation import install

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]
UPDATE, DELETE = "UPDATE {0} SET {1} = {1}", "DELETE FROM {0}"
AT_ONCE = {
    "sqlite": "REPLACE INTO {0} SELECT * FROM {0}",
    "postgresql": "TRUNCATE {0}",
}


@pytest.mark.req("R23", "R75")
@pytest.mark.parametrize("table", sorted(FINAL_TABLES))
def test_no_statement_changes_or_removes_a_stored_row(
    gateway: Gateway, table: str
) -> None:
    """R23, R75: UPDATE of each column, DELETE, REPLACE or TRUNCATE; all rows stay."""
    install(gateway, NOW)
    with connection.cursor() as cursor:
        description = connection.introspection.get_table_description(cursor, table)
        cursor.execute(f"SELECT count(*) FROM {table}")
        (before,) = cursor.fetchone()
        if connection.vendor == "postgresql":  # what waits would stop a TRUNCATE
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert before > 0
    statements = [UPDATE.format(table, f'"{one.name}"') for one in description]
    statements.append(AT_ONCE[connection.vendor].format(table))
    statements.append(DELETE.format(table))
    for statement in statements:
        with (
            pytest.raises(IntegrityError, match="rows are"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        assert cursor.fetchone() == (before,)


def test_every_table_with_final_rows_is_named() -> None:
    found = set()
    for path in ROOT.glob("*/migrations/*.py"):
        found |= set(re.findall(r"final_rows\(\s*[\"'](\w+)", path.read_text()))
    assert found == FINAL_TABLES
