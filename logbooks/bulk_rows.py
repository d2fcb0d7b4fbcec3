"""Many rows of one table at once, past the ORM's work on every single value.

`bulk_create` asks each field of each object several times what it is; for the rows of
a boundary that costs more than the database does. Here it is asked once per column.
So the objects must be complete: every field set, no expressions, no file fields.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any

from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper

_DRIVER_TAKES = (models.CharField, models.TextField, models.IntegerField)
"""Kinds of fields whose Python values go to the driver as they are."""


def insert(
    rows: Iterable[models.Model],
    *,
    unique: Sequence[str] = (),
    update: Sequence[str] = (),
) -> None:
    """Insert rows of one model, or bring those that are there up to date.

    `unique` names the columns that say whether a row is there, `update` those that
    then get the new values; without them such a row is an IntegrityError and, as the
    caller's transaction ends, none is stored.
    """
    objects = list(rows)
    if not objects:
        return
    model = type(objects[0])
    connection = connections[router.db_for_write(model)]
    fields = model._meta.concrete_fields
    read = attrgetter(*(field.attname for field in fields))
    columns = zip(*map(read, objects), strict=True)
    prepared = [
        _prepared(field, values, connection)
        for field, values in zip(fields, columns, strict=True)
    ]
    statement = _statement(model, connection, unique, update)
    with connection.cursor() as cursor:
        cursor.executemany(statement, list(zip(*prepared, strict=True)))


def _prepared(
    field: "models.Field[Any, Any]",
    values: Iterable[Any],
    connection: BaseDatabaseWrapper,
) -> Iterable[Any]:
    """The values of one column as the driver wants them."""
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    if isinstance(target, _DRIVER_TAKES):
        return values
    prepare: Callable[..., Any] = target.get_db_prep_save
    return [prepare(value, connection) for value in values]


def _statement(
    model: type[models.Model],
    connection: BaseDatabaseWrapper,
    unique: Sequence[str],
    update: Sequence[str],
) -> str:
    quote = connection.ops.quote_name
    names = [quote(str(field.column)) for field in model._meta.concrete_fields]
    text = (
        f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(names)}) "
        f"VALUES ({', '.join(['%s'] * len(names))})"
    )
    if not update:
        return text
    changes = ", ".join(f"{quote(name)} = EXCLUDED.{quote(name)}" for name in update)
    return (
        f"{text} ON CONFLICT ({', '.join(map(quote, unique))}) DO UPDATE SET {changes}"
    )
