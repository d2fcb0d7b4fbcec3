"""The table of one billing period (R123, R124), made from its rows: no queries here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from hardware.obis import Obis
from hardware.readings import RegisterValue
from hardware.record import registers_of, zulu
from hardware.status_word import is_placeholder
from portal import formats, local_time
from portal.formats import NumberStyle
from portal.register_names import ERROR_STAGE, register_name
from portal.sent_marks import SentMark, SentMarks
from portal.status_words import NO_VALUE, OK, PROVISIONAL, StatusWord, word_of
from portal.table_filter import TableFilter
from tariffs.list_row import ListRow, register_names

DAYS_PER_PAGE = 7
_STAGE_GROUP = 4
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Column:
    """A register: its hex code and unit make the head, its name stands below."""

    obis: str
    unit: str
    name: str


@dataclass(frozen=True, slots=True)
class ValueRow:
    """One record; `key` names it in links, times are split into day and time.

    A time in the hour that the clock shows twice ends in A or B.
    """

    key: str
    day: str
    time: str
    capture_day: str
    capture_time: str
    numbers: Sequence[str]
    sent: SentMark
    word: StatusWord
    has_value: bool
    is_signed: bool


@dataclass(frozen=True, slots=True)
class Day:
    """The rows whose time stamp lies in one local day, newest first."""

    title: str
    rows: Sequence[ValueRow]


@dataclass(frozen=True, slots=True)
class ValueTable:
    """A page of the table; `newer` and `older` are query texts, None for no page."""

    columns: Sequence[Column]
    width: int
    days: Sequence[Day]
    count: int
    count_text: str
    number: int
    pages: int
    newer: str | None
    older: str | None


def value_table(
    rows: Sequence[ListRow],
    chosen: TableFilter,
    marks: SentMarks,
    stage_names: Mapping[int, str] | None = None,
) -> ValueTable:
    """The page `chosen.page` of the rows (ascending) that pass the filter.

    `stage_names` are the supplier's names of the tariff stages.
    """
    columns = _columns(rows, stage_names or {})
    kept = [row for row in reversed(rows) if _passes(row, chosen)]
    days = [(day, list(of_day)) for day, of_day in groupby(kept, _day_of)]
    pages = max(1, -(-len(days) // DAYS_PER_PAGE))
    number = min(chosen.page, pages)
    shown = days[(number - 1) * DAYS_PER_PAGE : number * DAYS_PER_PAGE]
    write = _RowWriter(columns, marks, formats.page_style())
    return ValueTable(
        columns=columns,
        width=len(columns) + 4,
        days=[
            Day(formats.long_date(day), [write.row(row) for row in of_day])
            for day, of_day in shown
        ],
        count=len(kept),
        count_text=formats.whole_number(len(kept), formats.page_style()),
        number=number,
        pages=pages,
        newer=chosen.query(page=number - 1) if number > 1 else None,
        older=chosen.query(page=number + 1) if number < pages else None,
    )


def row_word(row: ListRow) -> StatusWord:
    """The status of a row in a word; a row that is not stored yet is provisional."""
    word = word_of(row.status)
    return PROVISIONAL if word == OK and not row.is_signed else word


def present(rows: Iterable[ListRow]) -> int:
    """How many rows hold a value and not a placeholder."""
    return sum(not is_placeholder(row.status) for row in rows)


def _day_of(row: ListRow) -> date:
    return local_time.day(row.target_time)


def _passes(row: ListRow, chosen: TableFilter) -> bool:
    if chosen.day is not None and _day_of(row) != chosen.day:
        return False
    return not chosen.only_odd or row_word(row) != OK


def _columns(
    rows: Sequence[ListRow], stage_names: Mapping[int, str]
) -> Sequence[Column]:
    """The registers that occur, ascending; rows mostly repeat the same ones.

    An error register that never counted anything is left out.
    """
    found: dict[bytes, RegisterValue] = {}
    seen: set[tuple[str, ...]] = set()
    for row in rows:
        names = tuple(register_names(row.registers))
        if names not in seen:
            seen.add(names)
            found |= {r.obis.groups: r for r in registers_of(row.registers)}
    return [
        Column(
            obis.hex(),
            formats.reading_unit(found[obis].unit),
            register_name(Obis(obis), stage_names),
        )
        for obis in sorted(found)
        if obis[_STAGE_GROUP] != ERROR_STAGE or _counted(rows, Obis(obis))
    ]


def _counted(rows: Iterable[ListRow], obis: Obis) -> bool:
    return any(
        register.obis == obis and register.value
        for row in rows
        for register in registers_of(row.registers)
    )


@dataclass(frozen=True, slots=True)
class _RowWriter:
    """Turns rows into cells of the same columns."""

    columns: Sequence[Column]
    marks: SentMarks
    style: NumberStyle

    def row(self, row: ListRow) -> ValueRow:
        day, time = formats.record_stamp(row.target_time).split(" ", 1)
        capture_day, capture_time = formats.record_time(row.capture_time).split(" ")
        word = row_word(row)
        return ValueRow(
            key=zulu(row.target_time),
            day=day,
            time=time,
            capture_day=capture_day,
            capture_time=capture_time,
            numbers=self._numbers(row, has_value=word != NO_VALUE),
            sent=self.marks.mark(row),
            word=word,
            has_value=word != NO_VALUE,
            is_signed=row.is_signed,
        )

    def _numbers(self, row: ListRow, *, has_value: bool) -> Sequence[str]:
        if not has_value:
            return [NOTHING] * len(self.columns)
        amounts = {
            register.obis.logical_name: formats.register_number(register, self.style)
            for register in registers_of(row.registers)
        }
        return [amounts.get(column.obis, NOTHING) for column in self.columns]
