"""Somebody changes a stored row in the database itself, past the gateway."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

_TABLES = {
    "original": ("meters_originalrecord", "target_time", "status = status + 1"),
    "consumer_log": ("logbooks_consumerlogentry", "number", "level = 'debug'"),
    "system_log": ("logbooks_systemlogentry", "number", "level = 'debug'"),
}
"""List -> its table, what orders it, how a row of it is changed."""


def tamper(list_name: str, change: str) -> str:
    """Change or remove the newest row of a list; says what was done."""
    table, order, assignment = _TABLES[list_name]
    newest = f"{order} = (SELECT max({order}) FROM {table})"
    statement = f"UPDATE {table} SET {assignment} WHERE {newest}"
    if change == "removed":
        statement = f"DELETE FROM {table} WHERE {newest}"
    with transaction.atomic(), _without_guards(table), connection.cursor() as cursor:
        cursor.execute(statement)
        return f"{cursor.rowcount} row(s) of {table}: {change}"


@contextmanager
def _without_guards(table: str) -> Iterator[None]:
    """The triggers of a table lifted, as by somebody who has the file."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = replica")
            yield
            cursor.execute("SET LOCAL session_replication_role = origin")
            return
        cursor.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' "
            "AND tbl_name = %s",
            [table],
        )
        found = cursor.fetchall()
        for name, _sql in found:
            cursor.execute(f"DROP TRIGGER {name}")
        yield
        for _name, sql in found:
            cursor.execute(sql)
