"""The table of a billing period as a pure function of its rows."""

from datetime import UTC, date, datetime, timedelta

import pytest

from hardware.status_word import METER_BASIC, PLACEHOLDER, WARNING, combined
from portal.measurement_table import ValueTable, value_table
from portal.sent_marks import SentMarks, sent_marks
from portal.table_filter import TableFilter
from tariffs.calendar import Period
from tariffs.list_row import ListRow
from tariffs.selectors import Sent

QUARTER = timedelta(minutes=15)
MIDNIGHT = datetime(2026, 6, 20, 22, 0, tzinfo=UTC)
"""00:00 of 21 June in Berlin."""
OK = combined(0, METER_BASIC)
NOBODY = SentMarks(())
EVERYTHING = TableFilter()


def a_row(
    at: datetime, *, status: int = OK, wh: int = 231_636_270, signed: bool = True
) -> ListRow:
    lines = f"0100010800ff {wh} -1 30\n0100020800ff 7 -1 30"
    signature = b"sig" if signed else b""
    later = at + timedelta(seconds=2)
    return ListRow(at, later, status, 0, lines, signature, "ski", "1emh0000000001")


def quarters(count: int, begin: datetime = MIDNIGHT) -> list[ListRow]:
    return [a_row(begin + (n + 1) * QUARTER, wh=n) for n in range(count)]


def times(table: ValueTable) -> list[str]:
    return [f"{row.day} {row.time}" for day in table.days for row in day.rows]


@pytest.mark.req("R124")
def test_the_newest_value_comes_first_and_each_day_has_its_row() -> None:
    """R124: newest first, Zeitstempel and Registrierzeitpunkt in the manual's form."""
    rows = [a_row(MIDNIGHT - QUARTER), a_row(MIDNIGHT), a_row(MIDNIGHT + QUARTER)]
    table = value_table(rows, EVERYTHING, NOBODY)
    assert [day.title for day in table.days] == [
        "Sonntag, 21. Juni 2026",
        "Samstag, 20. Juni 2026",
    ]
    assert times(table) == [
        "2026-06-21 00:15:00",
        "2026-06-21 00:00:00",
        "2026-06-20 23:45:00",
    ]
    newest = table.days[0].rows[0]
    assert (newest.capture_day, newest.capture_time) == ("2026-06-21", "00:15:02")


@pytest.mark.req("R124")
def test_each_register_is_a_column_with_its_unit_and_plain_name() -> None:
    """R124: one column per register, `<obis hex> (kWh)`, cells without unit (R32)."""
    table = value_table([a_row(MIDNIGHT)], EVERYTHING, NOBODY)
    assert [(c.obis, c.unit, c.name) for c in table.columns] == [
        ("0100010800ff", "kWh", "Bezug gesamt"),
        ("0100020800ff", "kWh", "Einspeisung gesamt"),
    ]
    assert table.days[0].rows[0].numbers == ["23.163,627000", "0,000700"]


def test_a_placeholder_shows_no_value_and_says_so() -> None:
    gap = a_row(MIDNIGHT, status=combined(PLACEHOLDER, METER_BASIC))
    (row,) = value_table([gap], EVERYTHING, NOBODY).days[0].rows
    assert row.numbers == ["–", "–"]
    assert (str(row.word.word), row.has_value) == ("Kein Wert", False)


def test_a_row_that_is_not_stored_yet_is_provisional() -> None:
    (row,) = (
        value_table([a_row(MIDNIGHT, signed=False)], EVERYTHING, NOBODY).days[0].rows
    )
    assert (str(row.word.word), row.is_signed) == ("vorläufig", False)


def test_a_page_holds_seven_days() -> None:
    table = value_table(quarters(96 * 9), EVERYTHING, NOBODY)
    assert (table.number, table.pages, table.count) == (1, 2, 864)
    assert len(table.days) == 7
    assert (table.newer, table.older) == (None, "seite=2")
    last = value_table(quarters(96 * 9), TableFilter(page=99), NOBODY)
    assert (last.number, last.newer, last.older) == (2, "", None)
    assert [day.title for day in last.days][-1] == "Sonntag, 21. Juni 2026"


def test_filters_by_day_and_status_stay_in_the_links() -> None:
    rows = quarters(96 * 9)
    odd = a_row(MIDNIGHT + timedelta(days=20), status=combined(WARNING, METER_BASIC))
    by_day = value_table(rows, TableFilter(day=date(2026, 6, 22)), NOBODY)
    assert {day.title for day in by_day.days} == {"Montag, 22. Juni 2026"}
    assert by_day.count == 96
    by_status = value_table([*rows, odd], TableFilter(only_odd=True), NOBODY)
    assert [str(row.word.word) for row in by_status.days[0].rows] == ["Warnung"]
    chosen = TableFilter(day=date(2026, 6, 22), only_odd=True)
    assert chosen.query(page=2) == "tag=2026-06-22&status=auffaellig&seite=2"


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    begin = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
    table = value_table(quarters(8, begin), EVERYTHING, NOBODY)
    assert [row.time for row in table.days[0].rows][-1] == "02:15:00 A"
    assert [row.time for row in table.days[0].rows][-5] == "02:15:00 B"
    assert len(times(table)) == len(set(times(table)))


@pytest.mark.req("R124")
def test_sent_means_that_every_recipient_has_acknowledged() -> None:
    """R124: the column Versandt follows the dispatches; without any, why not."""
    rows = quarters(2)
    first, second = (row.target_time for row in rows)
    sent = [Sent("emt-1", Period(MIDNIGHT, second), second)]
    both = [*sent, Sent("emt-2", Period(MIDNIGHT, first), second)]

    def words(marks: SentMarks) -> list[str]:
        table = value_table(rows, EVERYTHING, marks)
        return [str(row.sent.word) for row in table.days[0].rows]

    assert words(NOBODY) == ["wird nicht versandt"] * 2
    assert words(sent_marks(["emt-1"], [])) == ["noch nicht"] * 2
    assert words(sent_marks(["emt-1"], sent)) == ["versandt"] * 2
    assert words(sent_marks(["emt-1", "emt-2"], both)) == ["noch nicht", "versandt"]
