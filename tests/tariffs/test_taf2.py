"""TAF2 in the gateway: running registers, gaps, and the same amounts as TRuDI."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.obis import Obis
from hardware.readings import RegisterValue
from hardware.record import Record, register_lines, registers_of
from hardware.status_word import METER_BASIC, PLACEHOLDER, combined, gateway_word
from tariffs.calendar import BERLIN
from tariffs.list_row import ListRow
from tariffs.stages import ERROR_STAGE
from tariffs.switch_calendar import RuleCalendar, StageRule, switches
from tariffs.taf1 import Input, UnitsDiffer
from tariffs.taf2 import InputRows, Outcome, Tariff, is_first_coming, record_of_instant
from tariffs.trudi import taf2 as trudi_taf2
from tariffs.trudi.model import (
    AnalysisProfile,
    DayProfile,
    DaySlot,
    Interval,
    IntervalBlock,
    Reading,
    ReadingList,
    ReadingType,
    SpecialDay,
    TariffStage,
    UsagePoint,
)
from tariffs.trudi.moments import Moment

QUARTER = timedelta(minutes=15)
IMPORT, EXPORT = "0100010800ff", "0100020800ff"
METER = "1emh0010599732"
SOURCE = Input(METER, IMPORT, 1, False)
TARIFF = Tariff(
    (1, 2), RuleCalendar((StageRule(1, begin=time(6), end=time(22)),), default=2)
)
MONDAY = date(2026, 1, 12)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), BERLIN).astimezone(UTC)


def a_row(
    at: datetime,
    value: int,
    *,
    bits: int = 0,
    obis: str = IMPORT,
    scaler: int = -1,
    unit: int = 30,
) -> ListRow:
    register = RegisterValue(Obis(bytes.fromhex(obis)), value, scaler, unit)
    capture = at + timedelta(seconds=2)
    status = combined(bits, METER_BASIC)
    return ListRow(at, capture, status, 0, register_lines([register]), b"", "", METER)


def the_day(without: Sequence[str] = ()) -> list[ListRow]:
    """The worked example of tafs.md 4: 100.0, 102.5, 111.0, 111.8."""
    known = {"00:00": 1000, "06:00": 1025, "21:00": 1100, "22:00": 1110}
    known |= {"23:00": 1114}
    rows = [
        a_row(midnight(MONDAY) + timedelta(hours=int(at[:2])), value)
        for at, value in known.items()
        if at not in without
    ]
    return [*rows, a_row(midnight(MONDAY + timedelta(days=1)), 1118)]


def stages(registers: Sequence[RegisterValue]) -> dict[int, int]:
    """The values by value group E."""
    return {register.obis.groups[4]: register.value for register in registers}


def written(
    rows: Sequence[ListRow], instants: Sequence[datetime], tariff: Tariff = TARIFF
) -> list[Outcome]:
    """What the gateway writes at each instant, one after the other."""
    outcomes: list[Outcome] = []
    before: Sequence[RegisterValue] = ()
    for instant in instants:
        until = [row for row in rows if row.target_time <= instant]
        if outcomes:
            last = outcomes[-1].record.target_time
            start = [n for n, row in enumerate(until) if is_start(row, last)]
            until = until[start[-1] if start else 0 :]
        else:
            until = until[-1:]
        outcome = record_of_instant(
            "taf2", instant, before, [InputRows(SOURCE, until)], tariff
        )
        outcomes.append(outcome)
        before = outcome.record.registers
    return outcomes


def is_start(row: ListRow, last: datetime) -> bool:
    is_usable = not gateway_word(row.status) & PLACEHOLDER
    return row.target_time <= last and is_usable and is_first_coming(row.target_time)


@pytest.mark.req("R42")
def test_the_worked_example() -> None:
    """R42: at each switch the energy goes to the stage that was in force."""
    instants = [midnight(MONDAY) + timedelta(hours=hour) for hour in (0, 6, 22, 24)]
    outcomes = written(the_day(), instants)
    assert [stages(each.record.registers) for each in outcomes] == [
        {0: 0, 1: 0, 2: 0, 63: 0},
        {0: 25, 1: 0, 2: 25, 63: 0},
        {0: 110, 1: 85, 2: 25, 63: 0},
        {0: 118, 1: 85, 2: 33, 63: 0},
    ]
    record = outcomes[1].record
    assert record.capture_time == record.target_time + timedelta(seconds=2)
    assert gateway_word(record.status) & PLACEHOLDER == 0


def test_a_meter_that_is_silent_at_a_switch_fills_the_error_register() -> None:
    """Silent from 21 to 23 o'clock: 1.4 cannot be split."""
    instants = [midnight(MONDAY) + timedelta(hours=hour) for hour in (0, 6, 22, 24)]
    outcomes = written(the_day(["22:00"]), instants)
    at_switch, at_end = outcomes[2], outcomes[3]
    assert stages(at_switch.record.registers) == {0: 100, 1: 75, 2: 25, 63: 0}
    assert gateway_word(at_switch.record.status) & PLACEHOLDER == PLACEHOLDER
    assert at_switch.record.capture_time == at_switch.record.target_time
    assert stages(at_end.record.registers) == {0: 118, 1: 75, 2: 29, 63: 14}
    assert gateway_word(at_end.record.status) & PLACEHOLDER == 0
    assert [booking.amount for booking in at_end.unsplit] == [14]


def test_a_counter_that_goes_back_counts_nothing_and_is_told() -> None:
    rows = the_day()
    rows[2] = a_row(rows[2].target_time, 900)
    outcome = written(rows, [midnight(MONDAY), midnight(MONDAY + timedelta(days=1))])[1]
    assert [(each.meter, each.obis) for each in outcome.decreases] == [(METER, IMPORT)]
    found = stages(outcome.record.registers)
    assert found[TOTAL] == found[1] + found[2] + found[ERROR_STAGE]
    assert min(found.values()) >= 0


TOTAL = 0


def test_inputs_add_up_with_their_signs_in_the_finest_scaler() -> None:
    begin, end = midnight(MONDAY), midnight(MONDAY + timedelta(days=1))
    fine = InputRows(
        Input("sub", IMPORT, -1, False),
        [a_row(begin, 0, scaler=-3), a_row(end, 5, scaler=-3)],
    )
    flat = Tariff((1,), RuleCalendar((), default=1))
    main = InputRows(SOURCE, [a_row(begin, 10), a_row(end, 12)])
    record = record_of_instant("taf2", end, (), [main, fine], flat).record
    assert {(each.value, each.scaler) for each in record.registers} == {
        (195, -3),
        (0, -3),
    }


def test_different_units_are_not_added() -> None:
    begin, end = midnight(MONDAY), midnight(MONDAY + timedelta(days=1))
    mixed = InputRows(SOURCE, [a_row(begin, 0), a_row(end, 5, unit=31)])
    with pytest.raises(UnitsDiffer):
        record_of_instant("taf2", end, (), [mixed], TARIFF)
    wh = InputRows(SOURCE, [a_row(begin, 0), a_row(end, 5)])
    vah = InputRows(SOURCE, [a_row(begin, 0, unit=31), a_row(end, 5, unit=31)])
    with pytest.raises(UnitsDiffer):
        record_of_instant("taf2", end, (), [wh, vah], TARIFF)


def test_each_direction_has_registers_of_its_own() -> None:
    begin, end = midnight(MONDAY), midnight(MONDAY + timedelta(days=1))
    given = [
        InputRows(
            Input(METER, obis, 1, False),
            [a_row(begin, 0, obis=obis), a_row(end, 5, obis=obis)],
        )
        for obis in (IMPORT, EXPORT)
    ]
    record = record_of_instant("taf2", end, (), given, TARIFF).record
    assert [str(each.obis) for each in record.registers] == [
        f"1-0:{direction}.8.{stage}*255"
        for direction in (1, 2)
        for stage in (0, 1, 2, 63)
    ]
    assert registers_of(register_lines(record.registers)) == record.registers


# --- the same as TRuDI --------------------------------------------------------------

CALENDARS = [
    RuleCalendar((StageRule(1, begin=time(6), end=time(22)),), default=2),
    RuleCalendar((StageRule(1, begin=time(2, 30), end=time(3)),), default=2),
    RuleCalendar((StageRule(1, begin=time(23, 45), end=time(2, 15)),), default=2),
    RuleCalendar(
        (
            StageRule(1, frozenset({6, 7}), time(0), time(12)),
            StageRule(2, frozenset(range(1, 6)), time(7), time(7, 15)),
        ),
        default=3,
    ),
]


@st.composite
def months(draw: st.DrawFn) -> tuple[list[ListRow], Tariff, list[datetime]]:
    """Three days around a clock change, with gaps and placeholders inside.

    A value in the second coming of an hour is there only with that of the first:
    else TRuDI counts backwards and the gateway does not.
    """
    first = draw(st.sampled_from([MONDAY, date(2026, 3, 28), date(2026, 10, 24)]))
    begin, end = midnight(first), midnight(first + timedelta(days=3))
    count = (end - begin) // QUARTER
    kinds = draw(st.lists(st.sampled_from("vvvvmp"), min_size=count, max_size=count))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(1, count - 1))
        for position in range(start, min(start + draw(st.integers(1, 120)), count)):
            kinds[position] = "m"
    for position in range(4, count):
        if (
            not is_first_coming(begin + position * QUARTER)
            and kinds[position - 4] != "v"
        ):
            kinds[position] = "m"
    rows, value = [], draw(st.integers(0, 10**9))
    for position in range(count + 1):
        kind = "v" if position in (0, count) else kinds[position]
        value += 7 * position % 23
        if kind != "m":
            bits = PLACEHOLDER if kind == "p" else 0
            rows.append(a_row(begin + position * QUARTER, value, bits=bits))
    compat = draw(st.booleans())
    tariff = Tariff((1, 2, 3), draw(st.sampled_from(CALENDARS)), compat)
    at = {
        begin,
        end,
        *(begin + n * QUARTER for n in draw(st.sets(st.integers(1, count)))),
    }
    at |= {s.at for s in switches(tariff.calendar, begin, end, trudi_compat=compat)}
    return rows, tariff, sorted(instant for instant in at if is_first_coming(instant))


def by_trudi(rows: Sequence[ListRow], tariff: Tariff) -> dict[int, int]:
    """The amounts of the period that TRuDI computes from the same readings."""
    begin, end = rows[0].target_time, rows[-1].target_time
    readings = []
    for row in rows:
        at = Moment.at(row.target_time)
        value = registers_of(row.registers)[0].value
        readings.append(Reading(value, at, 0, at, row.status, None, ""))
    span = Interval(Moment.at(begin), int((end - begin).total_seconds()))
    kind = ReadingType(0, 72, -1, IMPORT, f"{IMPORT}.{METER}.sm", 900)
    values = ReadingList([METER], "list", kind, [IntervalBlock(span, readings)])
    first = Moment.at(begin).wall.date()
    days = [first + timedelta(days=n) for n in range(3)]
    profile = AnalysisProfile(
        tariff_use_case=2,
        billing_period=span,
        stages=[TariffStage(n, f"01000108{n:02x}ff") for n in tariff.stages],
        day_profiles=[
            DayProfile(n, [DaySlot(*slot) for slot in tariff.calendar.plan(day)])
            for n, day in enumerate(days)
        ],
        special_days=[SpecialDay(day, n) for n, day in enumerate(days)],
    )
    result = trudi_taf2.calculate(
        UsagePoint(lists=[values]), profile, trudi_compat=tariff.trudi_compat
    )
    return {each.tariff_id: each.amount for each in result.registers}


@pytest.mark.req("R42")
@given(months())
def test_the_gateway_and_trudi_come_to_the_same_amounts(
    month: tuple[list[ListRow], Tariff, list[datetime]],
) -> None:
    """R42: written step by step at any instants, and recomputed at once."""
    rows, tariff, instants = month
    outcomes = written(rows, instants, tariff)
    found = stages(outcomes[-1].record.registers)
    total = found.pop(0)
    assert found == by_trudi(rows, tariff)
    assert total == sum(found.values())
    first, last = (registers_of(rows[n].registers)[0].value for n in (0, -1))
    assert total == last - first


def test_a_record_can_be_stored() -> None:
    outcome = written(the_day(), [midnight(MONDAY)])[0]
    assert isinstance(outcome.record, Record)
    assert outcome.record.subject == "taf2"
