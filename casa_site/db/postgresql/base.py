"""PostgreSQL whose search path follows the schema of the context.

One connection serves many gateways one after the other. Without a schema nothing can
be asked, and a transaction belongs to one gateway: the wrong tables are never touched.
"""

from typing import Any

from django.db import InterfaceError
from django.db.backends.postgresql import base as plain
from psycopg import sql

from casa_site.db.postgresql.schema import current_schema


class DatabaseWrapper(plain.DatabaseWrapper):
    """Sets the search path before the first statement for another gateway.

    `_applied` is the path of the connection, `_bound` whose transaction this is.
    """

    _applied: str | None = None
    _bound: str | None = None

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection that has no schema yet."""
        self._applied = self._bound = None
        return super().get_new_connection(conn_params)

    def _cursor(self, name: str | None = None) -> Any:
        schema = current_schema()
        if schema is None:
            raise InterfaceError("no gateway was entered: there are no tables")
        self.ensure_connection()
        if self.in_atomic_block:
            self._bind(schema)
        if schema != self._applied:
            path = sql.SQL("SET search_path TO {}").format(sql.Identifier(schema))
            with self.wrap_database_errors, self.connection.cursor() as cursor:
                cursor.execute(path)
            self._applied = schema
        return super()._cursor(name)  # type: ignore[misc]

    def _bind(self, schema: str) -> None:
        if self._bound not in (None, schema):
            raise InterfaceError("a transaction belongs to one gateway")
        self._bound = schema

    def _set_autocommit(self, autocommit: bool) -> None:
        super()._set_autocommit(autocommit)  # type: ignore[misc]
        self._bound = None

    def _rollback(self) -> Any:
        # A search path that was set inside the transaction goes with it.
        self._applied = None
        return super()._rollback()  # type: ignore[misc]
