"""The files of the reading list and of the log: the cells of the pages, as CSV.

One way to write a number, a time or a status word for page and file (R125).
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from django.utils.translation import gettext as _

from hardware.status_word import is_placeholder
from logbooks.selectors import LogLine
from portal import local_time
from portal.amounts import cell, page_shape
from portal.csv_text import CsvForm
from portal.measurement_table import row_word
from portal.readings import hex_status
from portal.sent_marks import NEVER, NOT_YET, SENT, SentMarks
from tariffs.list_row import OBIS_DIGITS, ListRow

LOG_COLUMNS = (
    "ID",
    "Timestamp",
    "Level",
    "Priority",
    "Category",
    "Message",
    "Status",
)
"""The columns of the log page (R88); not translated, as there."""


def values_csv(
    rows: Sequence[ListRow], marks: SentMarks, form: CsvForm
) -> Iterator[str]:
    """The lines of a period's table, head first, newest row first as on the page.

    `rows` are ascending. A placeholder has empty cells. The ISO form has the status
    word in hex as a last column. Words are those of the language active now.
    """
    registers = _registers(rows)
    head = form.line(_head(registers.values(), form))
    write = _LineWriter(list(registers), marks, _status_cells(rows, form), form)
    return chain([head], map(write.line, reversed(rows)))


class _LineWriter:
    """Turns rows into lines of the same columns."""

    def __init__(
        self,
        registers: Sequence[str],
        marks: SentMarks,
        status_cells: dict[tuple[int, bool], str],
        form: CsvForm,
    ) -> None:
        self._registers = registers
        self._nothing = [""] * len(registers)
        self._marks = marks
        self._status_cells = status_cells
        self._form = form
        not_sent = NOT_YET if marks.acknowledged else NEVER
        self._mark_cells = {
            mark.is_sent: form.line([str(mark.word)]) for mark in (SENT, not_sent)
        }

    def line(self, row: ListRow) -> str:
        """One line without its end."""
        form = self._form
        return form.separator.join(
            (
                form.stamp(row.target_time),
                form.time(row.capture_time),
                *self._numbers(row),
                self._mark_cells[self._marks.mark(row).is_sent],
                self._status_cells[row.status, bool(row.signature)],
            )
        )

    def _numbers(self, row: ListRow) -> list[str]:
        if is_placeholder(row.status) or not row.registers:
            return self._nothing
        found = {}
        for line in row.registers.split("\n"):
            obis, value, scaler, unit = line.split(" ")
            shape = page_shape(obis, scaler, unit)
            found[obis] = cell(value, shape, self._form.style)
        return [found.get(register, "") for register in self._registers]


def _head(registers: Iterable[str], form: CsvForm) -> list[str]:
    more = [_("Statuswort")] if form.is_iso else []
    return [
        _("Zeitstempel"),
        _("Registrierzeitpunkt"),
        *registers,
        _("Versandt"),
        _("Status"),
        *more,
    ]


def _registers(rows: Iterable[ListRow]) -> dict[str, str]:
    """The registers that occur, ascending: OBIS in hex -> head of its column."""
    found: dict[str, str] = {}
    for row in rows:
        for line in row.registers.split("\n") if row.registers else ():
            if line[:OBIS_DIGITS] not in found:
                obis, _value, scaler, unit = line.split(" ")
                name = page_shape(obis, scaler, unit).unit
                found[obis] = f"{obis} ({name})" if name else obis
    return dict(sorted(found.items()))


def _status_cells(
    rows: Iterable[ListRow], form: CsvForm
) -> dict[tuple[int, bool], str]:
    """The last cells of a line for each status that occurs."""
    cells: dict[tuple[int, bool], str] = {}
    for row in rows:
        key = (row.status, row.is_signed)
        if key not in cells:
            more = [hex_status(row.status)] if form.is_iso else []
            cells[key] = form.line([str(row_word(row).word), *more])
    return cells


def log_csv(entries: Iterable[LogLine], form: CsvForm) -> Iterator[str]:
    """The lines of a log, head first, in the order given (newest first, R119)."""
    yield form.line(LOG_COLUMNS)
    for entry in entries:
        yield form.line(
            (
                str(entry.number),
                local_time.iso(entry.recorded_at),
                entry.level,
                str(entry.priority),
                entry.category,
                entry.text,
                entry.outcome,
            )
        )
