"""Counters that begin at 0 again (tafs.md R11 b), and those that just fall (R11 c)."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.gateway import Gateway
from hardware.status_word import WARNING, gateway_word
from tariffs.calendar import Period
from tariffs.energy import energies
from tariffs.list_row import ListRow
from tariffs.profile_spec import InputSpec
from tariffs.roll_over import bound_in, is_roll_over, unrolled
from tariffs.switch_calendar import RuleCalendar
from tariffs.taf1 import Input
from tariffs.taf2 import InputRows, Outcome, Tariff, record_of_instant
from tests.tariffs.builders import (
    IMPORT,
    QUARTER,
    a_meter,
    a_profile,
    a_row,
    store,
    utc,
)

BEGIN = utc("2026-03-10 23:00")
BOUND = 1000


@pytest.mark.req("R42")
@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (999, 0, True),
        (1000, 0, True),
        (901, 99, True),
        (900, 0, False),  # not above 90 %
        (999, 100, False),  # not below 10 %
        (1001, 0, False),  # more than the counter has: the bound is wrong
        (999, -1, False),
        (500, 20, False),
        (950, 990, False),
    ],
)
def test_a_roll_over_goes_from_the_last_tenth_into_the_first(
    before: int, after: int, expected: bool
) -> None:
    """R42: which falls of a counter are taken for a roll-over (tafs.md R11)."""
    assert is_roll_over(before, after, BOUND) == expected


@pytest.mark.parametrize(
    ("bound", "scaler", "expected"),
    [
        (None, -1, None),
        (1000, 0, 1000),
        (1000, -4, 10_000_000),
        (1000, 3, 1),
        (1500, 3, None),
    ],
)
def test_the_bound_is_scaled_exactly_or_not_used(
    bound: int | None, scaler: int, expected: int | None
) -> None:
    assert bound_in(bound, scaler) == expected


@given(
    st.integers(10, 10**12),
    st.data(),
    st.integers(0, 10**9),
)
def test_a_counter_with_an_end_counts_what_one_without_it_counts(
    bound: int, data: st.DataObject, seed: int
) -> None:
    """For every course whose steps are at most a twentieth of the counter."""
    start = seed % bound
    steps = data.draw(st.lists(st.integers(0, bound // 20), max_size=60))
    endless = [start]
    for step in steps:
        endless.append(endless[-1] + step)
    shown = {at: value % bound for at, value in enumerate(endless)}
    found, times = unrolled(shown, bound)
    assert list(found.values()) == endless
    assert times == endless[-1] // bound - start // bound


@given(st.lists(st.integers(0, 10**6)))
def test_without_a_bound_the_values_stay(values: list[int]) -> None:
    shown = dict(enumerate(values))
    assert unrolled(shown, None) == (shown, 0)


def over(rows: list[ListRow], bound: int | None) -> Outcome:
    """A record of one stage over these rows."""
    source = Input("1emh0000000001", IMPORT, 1, False, bound)
    tariff = Tariff((1,), RuleCalendar((), default=1))
    last = rows[-1].target_time
    return record_of_instant("p", last, (), [InputRows(source, rows)], tariff)


@pytest.mark.req("R42")
@pytest.mark.parametrize(
    ("values", "bound", "counted", "decreases", "is_marked"),
    [
        ((9980, 9990, 5, 25), 1000, 10 + 15 + 20, 0, True),
        ((9980, 9990, 5, 25), None, 10 + 20, 1, False),
        ((9980, 9990, 2000, 2025), 1000, 10 + 25, 1, False),
        ((9980, 5, 9995, 10), 1000, 25 + 9990 + 15, 0, True),
        ((10, 30, 50), 1000, 40, 0, False),
    ],
)
def test_taf2_counts_over_a_roll_over_and_marks_the_record(
    values: tuple[int, ...],
    bound: int | None,
    counted: int,
    decreases: int,
    is_marked: bool,
) -> None:
    """R42: the registers, in tenths of a Wh; the bound is in Wh."""
    rows = [a_row(BEGIN + n * QUARTER, value) for n, value in enumerate(values)]
    outcome = over(rows, bound)
    total, stage, error = (register.value for register in outcome.record.registers)
    assert (total, stage, error) == (counted, counted, 0)
    assert len(outcome.decreases) == decreases
    assert bool(gateway_word(outcome.record.status) & WARNING) == is_marked


@pytest.mark.django_db
@pytest.mark.parametrize(("bound", "watt_hours"), [(1000, [1, 1, 2]), (None, [1, 2])])
def test_the_energy_that_is_priced_goes_on_over_a_roll_over(
    gateway: Gateway, bound: int | None, watt_hours: list[int]
) -> None:
    """The basis of costs: with the bound no quarter hour is left out."""
    meter = a_meter(gateway)
    meter.max_register_value = bound
    meter.save()
    end = BEGIN + timedelta(minutes=45)
    profile = a_profile(
        gateway, InputSpec(meter.id, IMPORT), taf=7, valid_from=BEGIN, now=BEGIN
    )
    values = {BEGIN + n * QUARTER: v for n, v in enumerate((9980, 9990, 0, 20))}
    store(gateway, meter, values)
    found = energies(profile, Period(BEGIN, end))
    assert [one.amount * 1000 for one in found] == watt_hours
