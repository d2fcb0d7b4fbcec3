"""What an error of the database means: is what it holds damaged, and what then."""

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

_CORRUPTED = "XX"
"""Class of PostgreSQL's SQLSTATE: internal error, data or index corrupted."""


def is_damage(error: DatabaseError) -> bool:
    """Whether stored pages are damaged; False for what passes, e.g. a lock.

    SQLite says so (SQLITE_CORRUPT, SQLITE_NOTADB) by a DatabaseError of no narrower
    kind, PostgreSQL by the class of its SQLSTATE.
    """
    state = getattr(error.__cause__, "sqlstate", None)
    if state is not None:
        return str(state).startswith(_CORRUPTED)
    return type(error) is DatabaseError


def give_up(database: BaseDatabaseWrapper) -> None:
    """Close the connection that met damage, unless a transaction goes on.

    SQLCipher refuses everything on it from then on; on a new one what is well can be
    read and written.
    """
    if not database.in_atomic_block:
        database.close()
