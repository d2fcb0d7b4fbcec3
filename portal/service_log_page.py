"""The system log for the technician: filtered, paged, and as a file (R80, R92)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import QuerySet

from logbooks.access import Access, system_entries
from logbooks.models import SystemLogEntry
from logbooks.selectors import LogLine, log_line
from portal import formats
from portal.service_log_filter import SystemLogFilter
from tariffs.calendar import day_start

PAGE_SIZE = 100
LEVELS = ("info", "warning", "error", "fatal")
_TONES = {"INFO": "info", "WARNING": "warn", "ERROR": "bad", "FATAL": "bad"}
_LARGEST_ID = 2**32


@dataclass(frozen=True, slots=True)
class SystemLogRow:
    """An entry as the page shows it; `tone` names colour and icon of its level."""

    number: int
    time: str
    level: str
    tone: str
    event: str
    text: str


@dataclass(frozen=True, slots=True)
class SystemLogPage:
    """A page of entries; `newer` and `older` are query texts, "" for no page."""

    rows: Sequence[SystemLogRow]
    count: int
    count_text: str
    first_day: str
    last_day: str
    number: int
    pages: int
    newer: str
    older: str
    download: str


def chosen_lines(reader: Access, chosen: SystemLogFilter) -> Iterator[LogLine]:
    """All entries of the choice, newest first; AccessRefused for who may not read."""
    entries = _entries(reader, chosen)
    lines = (log_line(entry) for entry in entries.iterator())
    return (line for line in lines if _holds(line, chosen.text))


def system_log_page(reader: Access, chosen: SystemLogFilter) -> SystemLogPage:
    """The page chosen of the entries chosen."""
    first = (chosen.page - 1) * PAGE_SIZE
    lines, count = _page(reader, chosen, first)
    pages = max(1, -(-count // PAGE_SIZE))
    number = chosen.page
    return SystemLogPage(
        rows=[_row(line) for line in lines],
        count=count,
        count_text=formats.whole_number(count, formats.page_style()),
        first_day=formats.plain_date(chosen.first_day),
        last_day=formats.plain_date(chosen.last_day),
        number=number,
        pages=pages,
        newer=chosen.query(page=min(number - 1, pages)) if number > 1 else "",
        older=chosen.query(page=number + 1) if number < pages else "",
        download=chosen.query(),
    )


def _page(
    reader: Access, chosen: SystemLogFilter, first: int
) -> tuple[Sequence[LogLine], int]:
    """Entries and how many there are in all; only a search for words reads them all."""
    if not chosen.text or _is_id(chosen.text):
        entries = _entries(reader, chosen)
        page = entries[first : first + PAGE_SIZE]
        return [log_line(entry) for entry in page], entries.count()
    found = list(chosen_lines(reader, chosen))
    return found[first : first + PAGE_SIZE], len(found)


def _entries(reader: Access, chosen: SystemLogFilter) -> QuerySet[SystemLogEntry]:
    """What the database can choose: range, level, and an id."""
    behind = chosen.last_day + timedelta(days=1)
    entries = system_entries(reader).filter(
        recorded_at__gte=day_start(chosen.first_day, 0),
        recorded_at__lt=day_start(behind, 0),
    )
    if chosen.level:
        least = LEVELS.index(chosen.level.lower())
        entries = entries.filter(level__in=LEVELS[least:])
    if _is_id(chosen.text):
        entries = entries.filter(event_id=int(chosen.text))
    return entries.order_by("-number")


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and int(text) < _LARGEST_ID


def _holds(line: LogLine, text: str) -> bool:
    if not text or _is_id(text):
        return True
    return text.casefold() in line.text.casefold()


def _row(line: LogLine) -> SystemLogRow:
    return SystemLogRow(
        number=line.number,
        time=formats.log_time(line.recorded_at),
        level=line.level,
        tone=_TONES[line.level],
        event=f"{line.event_id}/{line.event_sub_id}",
        text=line.text,
    )
