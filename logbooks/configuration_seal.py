"""Seals of the configuration: consumers, meters, profiles cannot change unnoticed.

Each row has a MAC of the device key over its columns as they are stored. Rows that
the product writes are noted by triggers and sealed anew; what was changed in the file
itself is not noted, and its seal does not fit (codes 600214 and 600215, R150).
What this cannot find: who may write to the database as its owner and notes his change
in the journal himself. With the encrypted file that takes the device key.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from hardware.gateway import Gateway
from logbooks.checks import Fault
from logbooks.configuration_triggers import ConfigurationTable, configuration_tables
from logbooks.models import ConfigurationChange, ConfigurationSeal

ROW_CHANGED = 600214
ROW_MISSING = 600215
"""A row is gone, or there is one that the product did not write."""

Values = Sequence[Any]


def seal_changes(gateway: Gateway) -> int:
    """Seal the rows that the product has written since the last time; how many."""
    tables = {table.table: table for table in configuration_tables()}
    with transaction.atomic():
        noted = list(ConfigurationChange.objects.order_by("pk")[:5000])
        for name, key in sorted({(row.table, row.key) for row in noted}):
            _seal(gateway, tables.get(name), name, key)
        ConfigurationChange.objects.filter(pk__in=[row.pk for row in noted]).delete()
    return len(noted)


def check_configuration(gateway: Gateway, _now: datetime) -> Iterator[Fault]:
    """Rows whose seal does not fit, is missing, or stands for no row."""
    while seal_changes(gateway):
        pass
    for table in configuration_tables():
        found = list(_faults(gateway, table))
        if found and _is_journalled(table):  # written while we looked
            seal_changes(gateway)
            found = list(_faults(gateway, table))
        yield from found


def _faults(gateway: Gateway, table: ConfigurationTable) -> Iterator[Fault]:
    seals = dict(
        ConfigurationSeal.objects.filter(table=table.table).values_list("key", "mac")
    )
    for values in _rows(table):
        key = _key(values)
        seal = seals.pop(key, None)
        if seal is None:
            yield Fault(ROW_MISSING, f"{table.table} {key}: not sealed")
        elif not hmac.compare_digest(bytes(seal), _mac(gateway, table, values)):
            yield Fault(ROW_CHANGED, f"{table.table} {key}")
    for key in seals:
        yield Fault(ROW_MISSING, f"{table.table} {key}: gone")


def _is_journalled(table: ConfigurationTable) -> bool:
    return ConfigurationChange.objects.filter(table=table.table).exists()


def _seal(
    gateway: Gateway, table: ConfigurationTable | None, name: str, key: str
) -> None:
    rows = list(_rows(table, key)) if table else []
    if table is None or not rows:
        ConfigurationSeal.objects.filter(table=name, key=key).delete()
        return
    mac = _mac(gateway, table, rows[0])
    ConfigurationSeal.objects.update_or_create(
        table=name, key=key, defaults={"mac": mac}
    )


def _rows(table: ConfigurationTable, key: str | None = None) -> list[Values]:
    """The rows as they are stored; on SQLite every column with its type and bytes."""
    quote = connection.ops.quote_name
    is_sqlite = connection.vendor == "sqlite"
    columns = [
        f"typeof({quote(name)}) || ':' || hex({quote(name)})"
        if is_sqlite
        else quote(name)
        for name in table.columns
    ]
    text_key = table.key_text()
    shown_key = f"hex({text_key})" if is_sqlite else text_key
    statement = f"SELECT {shown_key}, {', '.join(columns)} FROM {table.table}"
    with connection.cursor() as cursor:
        if key is None:
            cursor.execute(statement)
        else:
            cursor.execute(f"{statement} WHERE {text_key} = %s", [key])
        return list(cursor.fetchall())


def _key(values: Values) -> str:
    """The key as the seals name it; bytes that are no text are kept apart."""
    if connection.vendor != "sqlite":
        return str(values[0])
    return bytes.fromhex(values[0]).decode(errors="surrogateescape")


def _mac(gateway: Gateway, table: ConfigurationTable, values: Values) -> bytes:
    facts = [table.table, list(table.columns), [_plain(value) for value in values]]
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":"), default=str)
    key = gateway.device_key.sub_key("configuration")
    return hmac.digest(key, text.encode(errors="surrogateescape"), hashlib.sha256)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return value
