"""Whether anything was written since one last looked: for who would look every second.

To ask costs some microseconds, a look at the tables a hundred times as much.
"""

from typing import Any

from django.db import connection


class DatabaseWatch:
    """Remembers how the database was; for the connection of one thread."""

    def __init__(self) -> None:
        self._seen: tuple[Any, ...] | None = None

    def has_changed(self) -> bool:
        """Whether anybody may have written since the last question; True at first.

        SQLite counts what others commit (PRAGMA data_version) and what this connection
        writes. Elsewhere nothing is counted, and something may always have changed.
        """
        if connection.vendor != "sqlite":
            return True
        with connection.cursor() as cursor:
            (others,) = cursor.execute("PRAGMA data_version").fetchone()
        # Both counts mean nothing for another connection than the one they are of.
        raw = connection.connection
        now = (raw, others, raw.total_changes)
        before, self._seen = self._seen, now
        return before is None or before[0] is not raw or before[1:] != now[1:]
