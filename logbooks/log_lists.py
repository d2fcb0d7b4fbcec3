"""The three logbooks as chained lists of the cyclic check, and their fault codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max, QuerySet

from hardware.gateway import Gateway
from logbooks.chains import Finding
from logbooks.checks import ListKind, ListRow, register_list
from logbooks.entry_text import calibration_text, entry_text
from logbooks.log_codes import CHAIN_CODES, LOG_UNREADABLE
from logbooks.models import (
    CalibrationLogEntry,
    ConsumerLogEntry,
    SystemLogEntry,
)
from logbooks.services import CALIBRATION_CHAIN, SYSTEM_CHAIN, consumer_chain
from logbooks.stored_rows import (
    RowSpoilt,
    integer,
    json_value,
    rows_after,
    text,
    whole_second,
)

LOG_CODES = {Finding(value): code for value, code in CHAIN_CODES.items()}
"""The code of each finding in a logbook."""

_COLUMNS = (
    "number",
    "recorded_at",
    "event_id",
    "event_sub_id",
    "level",
    "arguments",
    "recipient",
    "profile",
    "chain_hash",
)
_SIGNED = (*_COLUMNS, "signature", "signer_ski")


@dataclass(slots=True)
class _Entry:
    """The facts of an entry as its text wants them."""

    recorded_at: datetime
    event_id: int
    event_sub_id: int
    level: str
    arguments: list[str]
    recipient: str
    profile: str


def register_log_lists() -> None:
    """Let the cyclic check and the self-test look at the logbooks."""
    for prefix, rows, highest in (
        (consumer_chain(""), _consumer_rows, _consumer_highest),
        (SYSTEM_CHAIN, _system_rows, _system_highest),
        (CALIBRATION_CHAIN, _calibration_rows, _calibration_highest),
    ):
        register_list(ListKind(prefix, rows, highest, LOG_CODES, LOG_UNREADABLE))


def _consumer_rows(
    _gateway: Gateway, consumer: str, after: int, limit: int
) -> Sequence[ListRow]:
    subject = ("consumer_id", consumer)
    rows = rows_after(
        ConsumerLogEntry, _COLUMNS, after=after, limit=limit, subject=subject
    )
    return [_plain(row) for row in rows]


def _system_rows(
    _gateway: Gateway, _subject: str, after: int, limit: int
) -> Sequence[ListRow]:
    rows = rows_after(SystemLogEntry, _COLUMNS, after=after, limit=limit)
    return [_plain(row) for row in rows]


def _calibration_rows(
    gateway: Gateway, _subject: str, after: int, limit: int
) -> Sequence[ListRow]:
    rows = rows_after(CalibrationLogEntry, _SIGNED, after=after, limit=limit)
    return [_signed(gateway, row) for row in rows]


def _plain(row: Sequence[Any]) -> ListRow:
    number, chain_hash = row[0], bytes(row[8])
    try:
        return ListRow(number, chain_hash, entry_text(_entry(row)).encode())
    except RowSpoilt:
        return ListRow(number, chain_hash, None)


def _signed(gateway: Gateway, row: Sequence[Any]) -> ListRow:
    number, chain_hash = row[0], bytes(row[8])
    try:
        entry, ski = _entry(row), text(row[10])
    except RowSpoilt:
        return ListRow(number, chain_hash, None)
    return ListRow(
        number,
        chain_hash,
        entry_text(entry).encode(),
        calibration_text(gateway.huid, number, entry).encode(),
        bytes(row[9]),
        ski,
    )


def _entry(row: Sequence[Any]) -> _Entry:
    arguments = json_value(row[5])
    if not isinstance(arguments, list) or not all(
        isinstance(argument, str) for argument in arguments
    ):
        raise RowSpoilt("arguments that are none")
    return _Entry(
        whole_second(row[1]),
        integer(row[2]),
        integer(row[3]),
        text(row[4]),
        arguments,
        text(row[6]),
        text(row[7]),
    )


def _highest(entries: QuerySet[Any]) -> int:
    found: int | None = entries.aggregate(number=Max("number"))["number"]
    return found or 0


def _consumer_highest(consumer: str) -> int:
    return _highest(ConsumerLogEntry.objects.filter(consumer_id=consumer))


def _system_highest(_subject: str) -> int:
    return _highest(SystemLogEntry.objects.all())


def _calibration_highest(_subject: str) -> int:
    return _highest(CalibrationLogEntry.objects.all())
