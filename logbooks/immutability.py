"""Triggers that make rows final: no UPDATE, no DELETE before the retention ends.

They hold against the ORM and against plain SQL of the application alike (R23, R75).
On SQLite, INSERT OR REPLACE fires them only with `PRAGMA recursive_triggers=ON`.
"""

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython
from django.db.migrations.state import StateApps

_SQLITE_NO_UPDATE = (
    "CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} "
    "BEGIN SELECT RAISE(ABORT, '{table}: rows are final'); END",
)
_SQLITE_NO_DELETE = (
    "CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}{when} "
    "BEGIN SELECT RAISE(ABORT, '{table}: rows are kept'); END",
)
_SQLITE_DROP = (
    "DROP TRIGGER {table}_no_update",
    "DROP TRIGGER IF EXISTS {table}_no_delete",
)

_POSTGRESQL_NO_UPDATE = (
    "CREATE FUNCTION {table}_refuse() RETURNS trigger AS $$ "
    "BEGIN RAISE EXCEPTION '{table}: rows are final' "
    "USING ERRCODE = 'integrity_constraint_violation'; END $$ LANGUAGE plpgsql",
    "CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} "
    "FOR EACH ROW EXECUTE FUNCTION {table}_refuse()",
    "CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()",
)
_POSTGRESQL_NO_DELETE = (
    "CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
    "FOR EACH ROW{when} EXECUTE FUNCTION {table}_refuse()",
)
_POSTGRESQL_DROP = ("DROP FUNCTION {table}_refuse() CASCADE",)


_SQLITE_RING = (
    "CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
    "WHEN OLD.number > (SELECT MAX(number) FROM {table}) - {kept} "
    "BEGIN SELECT RAISE(ABORT, '{table}: rows are kept'); END",
)
_SQLITE_RING_DROP = ("DROP TRIGGER {table}_no_delete",)
_POSTGRESQL_RING = (
    "CREATE FUNCTION {table}_keep_newest() RETURNS trigger AS $$ BEGIN "
    "IF OLD.number > (SELECT MAX(number) FROM {table}) - {kept} THEN "
    "RAISE EXCEPTION '{table}: rows are kept' "
    "USING ERRCODE = 'integrity_constraint_violation'; END IF; "
    "RETURN OLD; END $$ LANGUAGE plpgsql",
    "CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
    "FOR EACH ROW EXECUTE FUNCTION {table}_keep_newest()",
)
_POSTGRESQL_RING_DROP = ("DROP FUNCTION {table}_keep_newest() CASCADE",)


def ring_rows(table: str, *, kept: int) -> RunPython:
    """A migration operation: the newest `kept` rows by `number` cannot be deleted.

    For a ring buffer that `final_rows` guards against changes already.
    """

    def install(_apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
        sqlite = editor.connection.vendor == "sqlite"
        _run(editor, _SQLITE_RING if sqlite else _POSTGRESQL_RING, table, kept=kept)

    def remove(_apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
        sqlite = editor.connection.vendor == "sqlite"
        _run(editor, _SQLITE_RING_DROP if sqlite else _POSTGRESQL_RING_DROP, table)

    return RunPython(install, remove, elidable=False)


def final_rows(
    table: str,
    *,
    time_column: str | None = None,
    kept_months: int | None = None,
    ring_buffer: bool = False,
) -> RunPython:
    """A migration operation that puts the triggers on `table`.

    No row changes. Rows whose `time_column` is older than `kept_months` may be
    deleted; without both, none ever; of a `ring_buffer` those that `ring_rows` lets
    go. An attempt raises django.db.IntegrityError. Works on SQLite and PostgreSQL.
    """

    def install(_apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
        sqlite = editor.connection.vendor == "sqlite"
        when = _still_kept(editor.connection.vendor, time_column, kept_months)
        _run(editor, _SQLITE_NO_UPDATE if sqlite else _POSTGRESQL_NO_UPDATE, table)
        if not ring_buffer:
            no_delete = _SQLITE_NO_DELETE if sqlite else _POSTGRESQL_NO_DELETE
            _run(editor, no_delete, table, when)

    def remove(_apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
        sqlite = editor.connection.vendor == "sqlite"
        _run(editor, _SQLITE_DROP if sqlite else _POSTGRESQL_DROP, table)

    return RunPython(install, remove, elidable=False)


def _still_kept(vendor: str, time_column: str | None, kept_months: int | None) -> str:
    """The WHEN clause of the delete trigger; "" refuses every row."""
    if time_column is None or kept_months is None:
        return ""
    if vendor == "postgresql":
        return f" WHEN (OLD.{time_column} >= now() - interval '{kept_months} months')"
    # SQLite reads 31 May less 3 months as 31 February = 3 March: three days on top,
    # so that no row goes before its time.
    oldest = f"strftime('%Y-%m-%d %H:%M:%S', 'now', '-{kept_months} months', '-3 days')"
    return f" WHEN OLD.{time_column} >= {oldest}"


def _run(
    editor: BaseDatabaseSchemaEditor,
    script: tuple[str, ...],
    table: str,
    when: str = "",
    kept: int = 0,
) -> None:
    for statement in script:
        sql = statement.format(table=table, when=when, kept=kept)
        editor.execute(sql, params=None)


def missing_triggers(connection: BaseDatabaseWrapper) -> list[str]:
    """Tables of final rows that a trigger guards no more, ascending."""
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        cursor.execute(_TRIGGERS[connection.vendor])
        there = {str(name) for (name,) in cursor}
    return sorted(
        table
        for table in FINAL_TABLES & tables
        if not _guards(table, connection.vendor) <= there
    )


def _guards(table: str, vendor: str) -> set[str]:
    """The names of the triggers that a table of final rows has to have."""
    refused = {"no_update", "no_delete"}
    if vendor == "postgresql":
        refused.add("no_truncate")
    return {f"{table}_{what}" for what in refused}


FINAL_TABLES = {
    "logbooks_consumerlogentry",
    "logbooks_systemlogentry",
    "logbooks_calibrationlogentry",
    "meters_originalrecord",
    "tariffs_derivedrecord",
}
"""Every table that `final_rows` is put on."""

_TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A')",
}
