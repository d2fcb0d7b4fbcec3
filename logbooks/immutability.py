"""Triggers that make rows final: no UPDATE, no DELETE before the retention ends.

They hold against the ORM and against plain SQL of the application alike (R23, R75).
"""

from collections.abc import Callable

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython
from django.db.migrations.state import StateApps

_SQLITE = """
CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}
BEGIN SELECT RAISE(ABORT, '{table}: rows are final'); END;
CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}{when}
BEGIN SELECT RAISE(ABORT, '{table}: rows are kept'); END;
"""

_POSTGRESQL = """
CREATE FUNCTION {table}_refuse() RETURNS trigger AS $$
BEGIN RAISE EXCEPTION '{table}: rows are final'; END $$ LANGUAGE plpgsql;
CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}
FOR EACH ROW EXECUTE FUNCTION {table}_refuse();
CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}
FOR EACH ROW{when} EXECUTE FUNCTION {table}_refuse();
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse();
"""

_DROP_SQLITE = """
DROP TRIGGER {table}_no_update;
DROP TRIGGER {table}_no_delete;
"""

_DROP_POSTGRESQL = "DROP FUNCTION {table}_refuse() CASCADE"


def final_rows(
    table: str, *, time_column: str | None = None, kept_months: int | None = None
) -> RunPython:
    """A migration operation that puts the triggers on `table`.

    Rows whose `time_column` is older than `kept_months` may be deleted; without
    both, never. Works on SQLite and PostgreSQL.
    """
    return RunPython(
        _install(table, time_column, kept_months), _remove(table), elidable=False
    )


type_of_step = Callable[[StateApps, BaseDatabaseSchemaEditor], None]


def _install(
    table: str, time_column: str | None, kept_months: int | None
) -> type_of_step:
    def step(_apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
        vendor = editor.connection.vendor
        when = ""
        if time_column is not None and kept_months is not None:
            oldest = {
                "sqlite": f"strftime('%Y-%m-%d %H:%M:%S', 'now', '-{kept_months} months')",
                "postgresql": f"now() - interval '{kept_months} months'",
            }[vendor]
            compare = f"OLD.{time_column} >= {oldest}"
            when = f" WHEN {compare}" if vendor == "sqlite" else f" WHEN ({compare})"
        script = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}[vendor]
        _run(editor, script.format(table=table, when=when))

    return step


def _remove(table: str) -> type_of_step:
    def step(_apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
        script = {"sqlite": _DROP_SQLITE, "postgresql": _DROP_POSTGRESQL}
        _run(editor, script[editor.connection.vendor].format(table=table))

    return step


def _run(editor: BaseDatabaseSchemaEditor, script: str) -> None:
    """Run a script statement by statement (each of ours ends with a blank-free ';')."""
    if editor.connection.vendor == "postgresql":
        editor.execute(script)
        return
    for statement in script.strip().split(";\n"):
        # The body of a trigger holds a ';' of its own, followed by ' END'.
        if statement.strip():
            editor.execute(statement)
