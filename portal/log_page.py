"""What the log page shows: one range of a consumer's log, filtered and paged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from logbooks import access, selectors
from logbooks.access import Access
from logbooks.selectors import DONE, LogLine
from portal import formats
from portal.log_filter import LogFilter
from portal.log_topics import TOPICS
from tariffs.calendar import day_start

PAGE_SIZE = 50
_LEVELS = ("INFO", "WARNING", "ERROR", "FATAL")
_LEVEL_TONES = {"INFO": "info", "WARNING": "warn", "ERROR": "bad", "FATAL": "bad"}
_FAILED_TONES = {"INFO": "warn", "WARNING": "warn", "ERROR": "bad", "FATAL": "bad"}


@dataclass(frozen=True, slots=True)
class LogRow:
    """One entry: the seven columns of R88, and who got the data.

    The tone of a level or an outcome names its colour and its icon.
    """

    number: int
    time: str
    level: str
    level_tone: str
    priority: int
    category: str
    message: str
    outcome: str
    outcome_tone: str
    event_id: int
    recipient: str


@dataclass(frozen=True, slots=True)
class LogPage:
    """A page of entries; `newer` and `older` are query texts, '' for no page."""

    rows: Sequence[LogRow]
    count: int
    count_text: str
    first_day: str
    last_day: str
    number: int
    pages: int
    newer: str
    older: str
    download: str
    is_filtered: bool


def lines_of_page(reader: Access, chosen: LogFilter) -> tuple[Sequence[LogLine], int]:
    """The entries of the page chosen, newest first, and how many there are in all.

    Without a level or topic only this page is read.
    """
    begin, end = instants_of(chosen)
    first = (chosen.page - 1) * PAGE_SIZE
    if chosen.is_plain:
        lines = access.consumer_log(
            reader, begin=begin, end=end, limit=PAGE_SIZE, offset=first
        )
        count = selectors.consumer_log_count(reader.identity, begin=begin, end=end)
        return lines, count
    every = access.consumer_log(reader, begin=begin, end=end)
    kept = [line for line in every if passes(line, chosen)]
    return kept[first : first + PAGE_SIZE], len(kept)


def instants_of(chosen: LogFilter) -> tuple[datetime, datetime]:
    """First instant of the first local day, and of the day after the last one."""
    behind = chosen.last_day + timedelta(days=1)
    return day_start(chosen.first_day, 0), day_start(behind, 0)


def passes(line: LogLine, chosen: LogFilter) -> bool:
    """Whether an entry is at least as grave as chosen and of the topic chosen."""
    least = _LEVELS.index(chosen.level) if chosen.level else 0
    if _LEVELS.index(line.level) < least:
        return False
    return not chosen.topic or TOPICS[chosen.topic].holds(line.event_id)


def log_page(lines: Sequence[LogLine], count: int, chosen: LogFilter) -> LogPage:
    """The page around `lines`, which are page `chosen.page` of `count` entries."""
    pages = max(1, -(-count // PAGE_SIZE))
    number = chosen.page
    return LogPage(
        rows=[_row(line) for line in lines],
        count=count,
        count_text=formats.whole_number(count, formats.page_style()),
        first_day=formats.plain_date(chosen.first_day),
        last_day=formats.plain_date(chosen.last_day),
        number=number,
        pages=pages,
        newer=chosen.query(page=min(number - 1, pages)) if number > 1 else "",
        older=chosen.query(page=number + 1) if number < pages else "",
        download=urlencode({"von": chosen.first_day, "bis": chosen.last_day}),
        is_filtered=not chosen.is_plain,
    )


def _row(line: LogLine) -> LogRow:
    is_done = line.outcome == DONE
    return LogRow(
        number=line.number,
        time=formats.log_time(line.recorded_at),
        level=line.level,
        level_tone=_LEVEL_TONES[line.level],
        priority=line.priority,
        category=line.category,
        message=line.text,
        outcome=line.outcome,
        outcome_tone="ok" if is_done else _FAILED_TONES[line.level],
        event_id=line.event_id,
        recipient=line.recipient,
    )
