"""SQLite whose file is encrypted with a raw 256-bit key.

The key comes as OPTIONS["key"], 64 hex digits; only a database in memory goes
without. Django's own start of a connection runs after `PRAGMA key` (decisions D59).
"""

import datetime
import decimal
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.sqlite3 import base as plain
from django.db.backends.sqlite3._functions import (  # type: ignore[import-untyped]
    register as register_functions,
)
from django.utils.dateparse import parse_date, parse_time
from sqlcipher3 import dbapi2 as Database

_convert_query = plain.SQLiteCursorWrapper.convert_query


def _utc_instant(text: bytes) -> datetime.datetime:
    """A column of instants: stored without zone, read as UTC (USE_TZ is on).

    Django would parse it and then put the zone on by copying, for each of the
    hundred thousands of rows of a list.
    """
    return datetime.datetime.fromisoformat(f"{text.decode()}+00:00")


for _name, _parse in (("date", parse_date), ("time", parse_time)):
    Database.register_converter(_name, plain.decoder(_parse))
for _name in ("datetime", "timestamp"):
    Database.register_converter(_name, _utc_instant)
Database.register_converter("bool", b"1".__eq__)
Database.register_adapter(decimal.Decimal, str)
Database.register_adapter(datetime.date, plain.adapt_date)
Database.register_adapter(datetime.datetime, plain.adapt_datetime)


class Cursor(Database.Cursor):  # type: ignore[misc]
    """Speaks Django's parameter styles, as the plain back end's cursor does."""

    def execute(self, query: str, params: Any = None) -> Any:
        """Run one statement."""
        if params is None:
            return super().execute(query)
        return super().execute(self._converted(query, params), params)

    def executemany(self, query: str, param_list: Iterable[Any]) -> Any:
        """Run one statement for each set of parameters."""
        sets = iter(param_list)
        first = next(sets, None)
        if first is None:
            return self
        return super().executemany(self._converted(query, first), chain([first], sets))

    def _converted(self, query: str, params: Any) -> str:
        names = list(params) if isinstance(params, Mapping) else None
        return str(_convert_query(self, query, param_names=names))


class DatabaseWrapper(plain.DatabaseWrapper):
    """The connection: SQLCipher in the place of the sqlite3 module."""

    Database = Database
    display_name = "SQLCipher"

    def get_connection_params(self) -> dict[str, Any]:
        """As in the plain back end; the key is kept apart."""
        params: dict[str, Any] = super().get_connection_params()
        self._key = str(params.pop("key", ""))
        if not self._key and not self.is_in_memory_db():
            raise ImproperlyConfigured(
                "The state folder holds no device key; "
                "'./casa up' or './casa manage' makes it."
            )
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Open the file, give it the key first of all, then do as Django does."""
        connection = Database.connect(**conn_params)
        if self._key:
            connection.execute(f"PRAGMA key = \"x'{self._key}'\"")
        register_functions(connection)
        for command in (
            "PRAGMA foreign_keys = ON",
            "PRAGMA legacy_alter_table = OFF",
            *self.init_commands,  # type: ignore[attr-defined]
        ):
            if command.strip():
                connection.execute(command.strip())
        return connection

    def is_usable(self) -> bool:
        """Never after an error, which is when Django asks.

        Once SQLCipher has met a damaged page it refuses everything on that connection,
        and no cheap question shows it; a new connection costs two milliseconds.
        """
        return self.is_in_memory_db()

    def create_cursor(self, name: str | None = None) -> Any:
        """A cursor that converts the parameter style."""
        return self.connection.cursor(factory=Cursor)
