"""Triggers that note which rows of the configuration the product has written.

They are put on after each migration, not by one: SQLite drops the triggers of a table
that a migration makes anew. Columns that change all the time (marks of progress) are
left out, so that a boundary costs nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import connection, models, transaction

from logbooks.models import ConfigurationChange, ConfigurationTrigger


@dataclass(frozen=True, slots=True)
class ConfigurationTable:
    """A table whose rows are sealed: its columns in the order of the model."""

    table: str
    keys: tuple[str, ...]
    columns: tuple[str, ...]

    def key_text(self, row: str = "") -> str:
        """SQL: the primary key as one text; `row` is a prefix like "NEW."."""
        quote = connection.ops.quote_name
        parts = [f"CAST({row}{quote(name)} AS TEXT)" for name in self.keys]
        return " || ' ' || ".join(parts)


_TABLES: dict[str, ConfigurationTable] = {}


def register_configuration(
    model: type[models.Model], *, without: Collection[str] = ()
) -> None:
    """Let rows of `model` be sealed; `without` names columns that change all day."""
    keys = [field.column for field in model._meta.pk_fields if field.column]
    columns = [
        field.column
        for field in model._meta.concrete_fields
        if field.column and field.attname not in without
    ]
    table = model._meta.db_table
    _TABLES[table] = ConfigurationTable(table, tuple(keys), tuple(columns))


def configuration_tables() -> list[ConfigurationTable]:
    """All of them, by name."""
    return [_TABLES[name] for name in sorted(_TABLES)]


def install(**_signal: Any) -> None:
    """Put the triggers on every registered table that exists and lacks them.

    All rows of such a table are then due for a seal: it is new, or a migration has
    changed it.
    """
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
    if not {model._meta.db_table for model in _OWN} <= there:
        return
    for table in configuration_tables():
        if table.table in there and not _stands(table):
            _put_on(table)


_OWN = (ConfigurationChange, ConfigurationTrigger)


def _stands(table: ConfigurationTable) -> bool:
    kept = ConfigurationTrigger.objects.filter(table=table.table).first()
    if kept is None or kept.statements != "\n".join(_statements(table)):
        return False
    name = f"{table.table}_sealed_update"
    found = (
        "SELECT 1 FROM pg_trigger WHERE tgname = %s"
        if connection.vendor == "postgresql"
        else "SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(found, [name])
        return cursor.fetchone() is not None


def _put_on(table: ConfigurationTable) -> None:
    statements = _statements(table)
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in (*_drops(table), *statements):
            cursor.execute(statement)
        cursor.execute(
            f'INSERT INTO {_JOURNAL} ("table", "key") '
            f"SELECT '{table.table}', {table.key_text()} FROM {table.table}"
        )
        ConfigurationTrigger.objects.update_or_create(
            table=table.table, defaults={"statements": "\n".join(statements)}
        )


_JOURNAL = ConfigurationChange._meta.db_table


def _events(table: ConfigurationTable) -> list[tuple[str, str, str]]:
    """Name of the trigger, what fires it, and which row it sees."""
    columns = ", ".join(map(connection.ops.quote_name, table.columns))
    return [
        (f"{table.table}_sealed_insert", "INSERT", "NEW"),
        (f"{table.table}_sealed_update", f"UPDATE OF {columns}", "NEW"),
        (f"{table.table}_sealed_delete", "DELETE", "OLD"),
    ]


def _statements(table: ConfigurationTable) -> list[str]:
    if connection.vendor == "postgresql":
        return _postgresql(table)
    return [
        f"CREATE TRIGGER {name} AFTER {event} ON {table.table} BEGIN "
        f"{_noting(table, row)}; END"
        for name, event, row in _events(table)
    ]


def _postgresql(table: ConfigurationTable) -> list[str]:
    statements = []
    for name, event, row in _events(table):
        statements += [
            f"CREATE FUNCTION {name}() RETURNS trigger AS $$ BEGIN "
            f"{_noting(table, row)}; RETURN NULL; END $$ LANGUAGE plpgsql",
            f"CREATE TRIGGER {name} AFTER {event} ON {table.table} "
            f"FOR EACH ROW EXECUTE FUNCTION {name}()",
        ]
    return statements


def _noting(table: ConfigurationTable, row: str) -> str:
    key = table.key_text(f"{row}.")
    return f'INSERT INTO {_JOURNAL} ("table", "key") VALUES (\'{table.table}\', {key})'


def _drops(table: ConfigurationTable) -> list[str]:
    names = [name for name, _event, _row in _events(table)]
    if connection.vendor == "postgresql":
        return [f"DROP FUNCTION IF EXISTS {name}() CASCADE" for name in names]
    return [f"DROP TRIGGER IF EXISTS {name}" for name in names]
