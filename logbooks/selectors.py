"""Reading the three logbooks: entries newest first, with their text."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Min, QuerySet

from hardware.gateway import Gateway
from logbooks.catalogue import rendered
from logbooks.entry_text import calibration_text
from logbooks.models import (
    CalibrationLogEntry,
    ConsumerLogEntry,
    LogEntry,
    SystemLogEntry,
)

Row = TypeVar("Row", bound=LogEntry)

DONE = "Erfolgreich"
FAILED = "Fehlgeschlagen"
VENDOR = "flc"
"""Category and vendor of every entry; priority is repetition is 1 (decisions D15)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """An entry as it is shown; `level` is INFO, WARNING, ERROR or FATAL."""

    number: int
    recorded_at: datetime
    event_id: int
    event_sub_id: int
    level: str
    text: str
    recipient: str
    profile: str
    priority: int = 1
    category: str = VENDOR

    @property
    def outcome(self) -> str:
        """`Erfolgreich` when the sub-id is 0, else `Fehlgeschlagen`."""
        return FAILED if self.event_sub_id else DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationLine(LogLine):
    """An entry of the calibration log with what its signature is checked by."""

    signed_text: str
    signature: bytes
    signer_ski: str


def consumer_log(
    consumer: str,
    *,
    begin: datetime | None = None,
    end: datetime | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[LogLine]:
    """The consumer's own entries of `[begin, end)`, newest first (R71)."""
    entries = ConsumerLogEntry.objects.filter(consumer_id=consumer)
    return _lines(_page(_between(entries, begin, end), limit, offset))


def consumer_log_count(
    consumer: str, *, begin: datetime | None = None, end: datetime | None = None
) -> int:
    """How many entries `consumer_log` has in `[begin, end)`."""
    entries = ConsumerLogEntry.objects.filter(consumer_id=consumer)
    return _between(entries, begin, end).count()


def consumer_log_begin(consumer: str) -> datetime | None:
    """When the oldest entry was recorded; None for an empty log."""
    entries = ConsumerLogEntry.objects.filter(consumer_id=consumer)
    oldest: datetime | None = entries.aggregate(at=Min("recorded_at"))["at"]
    return oldest


def system_log(
    *,
    begin: datetime | None = None,
    end: datetime | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[LogLine]:
    """Entries of the system log of `[begin, end)`, newest first (R72)."""
    entries = _between(SystemLogEntry.objects.all(), begin, end)
    return _lines(_page(entries, limit, offset))


def calibration_log(
    gateway: Gateway,
    *,
    begin: datetime | None = None,
    end: datetime | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[CalibrationLine]:
    """Signed entries of the calibration log of `[begin, end)`, newest first (R73)."""
    entries = _between(CalibrationLogEntry.objects.all(), begin, end)
    return [calibration_line(gateway, entry) for entry in _page(entries, limit, offset)]


def log_line(entry: LogEntry) -> LogLine:
    """An entry as it is shown."""
    return LogLine(**_facts(entry))


def calibration_line(gateway: Gateway, entry: CalibrationLogEntry) -> CalibrationLine:
    """An entry of the calibration log with what its signature is checked by."""
    return CalibrationLine(
        **_facts(entry),
        signed_text=calibration_text(gateway.huid, entry.number, entry),
        signature=bytes(entry.signature),
        signer_ski=entry.signer_ski,
    )


def _between(
    entries: QuerySet[Row], begin: datetime | None, end: datetime | None
) -> QuerySet[Row]:
    if begin is not None:
        entries = entries.filter(recorded_at__gte=begin)
    if end is not None:
        entries = entries.filter(recorded_at__lt=end)
    return entries.order_by("-number")


def _page(entries: QuerySet[Row], limit: int | None, offset: int) -> QuerySet[Row]:
    return entries[offset : None if limit is None else offset + limit]


def _lines(entries: Iterable[LogEntry]) -> list[LogLine]:
    return [log_line(entry) for entry in entries]


def _facts(entry: LogEntry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "recorded_at": entry.recorded_at,
        "event_id": entry.event_id,
        "event_sub_id": entry.event_sub_id,
        "level": entry.level.upper(),
        "text": rendered(entry.event_id, entry.event_sub_id, entry.arguments),
        "recipient": entry.recipient,
        "profile": entry.profile,
    }
