"""Rows as they are stored, byte for byte: what the checks of lists read.

The ORM forgives: a date with a T in it, a JSON text with another blank, is the same
value to it. A check has to see that somebody touched it. So text is read as bytes, and
whatever is not exactly what the product writes raises `RowSpoilt`.
"""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.db import connections, models, router

from hardware.record import zulu

_WHOLE_SECOND = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
_TEXT = (models.TextField, models.CharField, models.DateTimeField, models.JSONField)


class RowSpoilt(ValueError):
    """A column holds what the product does not write."""


def rows_after(
    model: type[models.Model],
    columns: Sequence[str],
    *,
    after: int,
    limit: int,
    subject: tuple[str, str] | None = None,
) -> Iterator[Sequence[Any]]:
    """Rows with `number` above `after`, ascending; values as the driver gives them.

    `subject` is a column and the value it must have. On SQLite the columns of text,
    time and JSON come as bytes.
    """
    vendor = connections[router.db_for_read(model)].vendor
    statement = _select(model, tuple(columns), subject[0] if subject else "", vendor)
    values: list[Any] = [subject[1]] if subject else []
    with connections[router.db_for_read(model)].cursor() as cursor:
        cursor.execute(statement, [*values, after, limit])
        yield from cursor.fetchall()


@lru_cache(maxsize=32)
def _select(
    model: type[models.Model], columns: tuple[str, ...], subject: str, vendor: str
) -> str:
    quote = connections[router.db_for_read(model)].ops.quote_name
    fields = {field.attname: field for field in model._meta.concrete_fields}
    chosen = [
        f"CAST({quote(fields[name].column or name)} AS BLOB)"
        if vendor == "sqlite" and _is_text(fields[name])
        else quote(fields[name].column or name)
        for name in columns
    ]
    condition = f"{quote(subject)} = %s AND " if subject else ""
    number = quote("number")
    return (
        f"SELECT {', '.join(chosen)} FROM {quote(model._meta.db_table)} "
        f"WHERE {condition}{number} > %s ORDER BY {number} LIMIT %s"
    )


def _is_text(field: "models.Field[Any, Any]") -> bool:
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    return isinstance(target, _TEXT)


def text(value: bytes | str) -> str:
    """A column of text; RowSpoilt when the bytes are none."""
    if isinstance(value, str):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise RowSpoilt("not UTF-8") from None


def instant(value: bytes | datetime) -> datetime:
    """A column of time, UTC; RowSpoilt unless it is written as the product does."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    written = text(value)
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise RowSpoilt("not a time") from None
    if str(found) != written or found.tzinfo is not None:
        raise RowSpoilt("a time in another form")
    return found.replace(tzinfo=UTC)


def zulu_text(value: bytes | datetime) -> str:
    """A time of whole seconds as signed texts write it; RowSpoilt for any other."""
    if isinstance(value, datetime):
        return zulu(whole_second(value))
    if not _WHOLE_SECOND.fullmatch(value):
        raise RowSpoilt("not a time of whole seconds")
    written = value.decode()
    return f"{written[:10]}T{written[11:]}Z"


def whole_second(value: bytes | datetime) -> datetime:
    """A time whose fraction no signature would cover: it must have none."""
    found = instant(value)
    if found.microsecond:
        raise RowSpoilt("a time with a fraction of a second")
    return found


def json_value(value: Any) -> Any:
    """A column of JSON; RowSpoilt unless it is written as the product does."""
    if not isinstance(value, bytes):
        return json.loads(value) if isinstance(value, str) else value
    written = text(value)
    try:
        found = json.loads(written)
    except ValueError:
        raise RowSpoilt("not JSON") from None
    if json.dumps(found) != written:
        raise RowSpoilt("JSON in another form")
    return found


def integer(value: Any) -> int:
    """A column of whole numbers."""
    if type(value) is not int:
        raise RowSpoilt("not a whole number")
    return value
