"""Flips single bytes of stored columns, as the owner of the file could do."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

from django.db import DatabaseError, connection, transaction


@dataclass(frozen=True, slots=True)
class Flip:
    """What was changed: one byte of one column of one row."""

    table: str
    column: str
    rowid: int
    before: bytes
    after: bytes


class NothingToFlip(Exception):
    """The column is empty, or the change would break the table itself."""


@contextmanager
def without_triggers(tables: list[str]) -> Iterator[None]:
    """SQLite only: no trigger sees what happens, no CHECK refuses it."""
    marks = ", ".join(["%s"] * len(tables))
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints=ON")
        cursor.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' "
            f"AND tbl_name IN ({marks})",
            tables,
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP TRIGGER {name}")
        try:
            yield
        finally:
            cursor.execute("PRAGMA ignore_check_constraints=OFF")


@contextmanager
def flipped(random: Random, table: str, columns: list[str]) -> Iterator[Flip]:
    """One byte of `table` is another one inside of the block."""
    with transaction.atomic():
        yield _flip(random, table, columns)
        transaction.set_rollback(True)


def _flip(random: Random, table: str, columns: list[str]) -> Flip:
    column = random.choice(columns)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT rowid FROM {table}")
        rowid = random.choice([row[0] for row in cursor.fetchall()])
        cursor.execute(
            f'SELECT typeof("{column}"), "{column}", CAST("{column}" AS BLOB) '
            f"FROM {table} WHERE rowid = {rowid}"
        )
        kind, value, before = cursor.fetchone()
        if not before:
            raise NothingToFlip
        new, after = _changed(random, kind, value, bytes(before))
        try:
            cursor.execute(
                f'UPDATE {table} SET "{column}" = {new} WHERE rowid = {rowid}'
            )
        except DatabaseError:  # the number or key is taken
            raise NothingToFlip from None
    return Flip(table, column, rowid, bytes(before), after)


def _changed(
    random: Random, kind: str, value: object, before: bytes
) -> tuple[str, bytes]:
    """The new value as SQL, and its bytes."""
    mask = 1 << random.randrange(8)
    if kind == "integer":
        assert isinstance(value, int)
        size = max(1, (value.bit_length() + 7) // 8)
        number = value ^ (mask << (8 * random.randrange(size)))
        return str(number), str(number).encode()
    after = bytearray(before)
    after[random.randrange(len(after))] ^= mask
    literal = f"x'{after.hex()}'"
    return literal if kind == "blob" else f"CAST({literal} AS TEXT)", bytes(after)
