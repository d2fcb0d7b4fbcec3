"""What an error of the database means: is what it holds damaged, and what then."""

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

_CORRUPTED = "XX"
"""Class of PostgreSQL's SQLSTATE: internal error, data or index corrupted."""
_SQLITE_DAMAGE = frozenset({10, 11, 26})
"""SQLite's result codes IOERR, CORRUPT and NOTADB."""


def is_damage(error: DatabaseError) -> bool:
    """Whether stored pages cannot be read or written; False for what passes, e.g. a
    lock or a full disk."""
    cause = error.__cause__
    if (state := getattr(cause, "sqlstate", None)) is not None:
        return str(state).startswith(_CORRUPTED)
    code = getattr(cause, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _SQLITE_DAMAGE


def give_up(database: BaseDatabaseWrapper) -> None:
    """Close the connection that met damage, unless a transaction goes on.

    SQLCipher refuses everything on it from then on; on a new one what is well can be
    read and written.
    """
    if not database.in_atomic_block:
        database.close()
