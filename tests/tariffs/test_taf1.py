"""The rule of TAF1: exact sums, and what stands for a boundary without a value."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.status_word import (
    METER_BASIC,
    METER_FATAL,
    NOT_FOR_BILLING,
    PLACEHOLDER,
    TEMPORARY_ERROR,
    TIME_INVALID,
    WARNING,
    combined,
    gateway_word,
    meter_word,
    ptb_status,
)
from tariffs.list_row import ListRow
from tariffs.taf1 import (
    Input,
    Share,
    Surroundings,
    Undecided,
    UnitsDiffer,
    record_of_boundary,
    share_of_boundary,
    sums,
    usable_register,
)
from tests.tariffs.builders import (
    CAPTURE_DELAY,
    EXPORT,
    GAP,
    IMPORT,
    QUARTER,
    a_row,
    register,
    utc,
)

BOUNDARY = utc("2026-01-31 23:00")
LATER = BOUNDARY + timedelta(days=3)
SOURCE = Input("1emh0000000001", IMPORT, 1, unsecured_allowed=False)


def a_share(
    value: int, *, sign: int = 1, scaler: int = -1, obis: str = IMPORT, **row: int
) -> Share:
    one = a_row(BOUNDARY, value, scaler=scaler, obis=obis, **row)
    return Share(sign, register(value, scaler=scaler, obis=obis), one)


def window(*statuses: int, begin: datetime = BOUNDARY) -> list[ListRow]:
    return [
        a_row(begin + n * QUARTER, 100 + n, status=status)
        for n, status in enumerate(statuses)
    ]


GOOD = a_row(BOUNDARY).status


@pytest.mark.req("R39")
def test_readings_of_three_meters_are_added_and_subtracted_exactly() -> None:
    """R39: sum and difference over 3 meters with different scalers, exact."""
    (total,) = sums(
        [
            a_share(231_636_270, scaler=-1),
            a_share(20_868_494_123, sign=-1, scaler=-3),
            a_share(7, scaler=3),
        ]
    )
    assert (total.value, total.scaler) == (
        23_163_627_000 - 20_868_494_123 + 7_000_000,
        -3,
    )
    assert (total.obis.logical_name, total.unit) == (IMPORT, 30)


@pytest.mark.req("R39")
def test_a_negative_sum_keeps_its_sign() -> None:
    """R39: consumption minus feed-in may become negative."""
    (total,) = sums([a_share(5), a_share(12, sign=-1)])
    assert total.value == -7


def test_each_register_has_a_sum_of_its_own() -> None:
    shares = [a_share(3, obis=EXPORT), a_share(1), a_share(2)]
    assert [(r.obis.logical_name, r.value) for r in sums(shares)] == [
        (IMPORT, 3),
        (EXPORT, 3),
    ]


def test_different_units_have_no_sum() -> None:
    other = Share(1, register(1, unit=31), a_row(BOUNDARY))
    with pytest.raises(UnitsDiffer):
        sums([a_share(1), other])


@given(
    st.lists(
        st.tuples(
            st.integers(-(2**63), 2**63), st.integers(-6, 6), st.sampled_from([1, -1])
        ),
        min_size=1,
        max_size=8,
    )
)
def test_a_sum_loses_nothing(parts: list[tuple[int, int, int]]) -> None:
    (total,) = sums(a_share(value, scaler=s, sign=sign) for value, s, sign in parts)
    exact = sum(sign * value * 10 ** (s + 6) for value, s, sign in parts)
    assert total.value * 10 ** (total.scaler + 6) == exact


@pytest.mark.parametrize(
    ("status", "is_usable"),
    [
        (GOOD, True),
        (combined(WARNING, METER_BASIC), True),
        (combined(TEMPORARY_ERROR, METER_BASIC), True),
        (GAP, False),
        (combined(TIME_INVALID, METER_BASIC), False),
        (combined(0, METER_BASIC | METER_FATAL), False),
        (combined(NOT_FOR_BILLING, METER_BASIC), False),
    ],
)
def test_only_values_below_critical_and_for_billing_are_used(
    status: int, is_usable: bool
) -> None:
    found = usable_register(SOURCE, a_row(BOUNDARY, 1, status=status))
    assert (found is not None) == is_usable


def test_an_allowed_unsecured_meter_is_used_and_stays_marked() -> None:
    source = Input("m", IMPORT, 1, unsecured_allowed=True)
    row = a_row(BOUNDARY, 1, status=combined(NOT_FOR_BILLING, METER_BASIC))
    share = share_of_boundary(source, BOUNDARY, Surroundings([row]), now=BOUNDARY)
    assert share
    record, _later = record_of_boundary("p", BOUNDARY, [share])
    assert gateway_word(record.status) & NOT_FOR_BILLING


def test_a_register_that_is_not_in_the_record_is_missing() -> None:
    assert usable_register(SOURCE, a_row(BOUNDARY, obis=EXPORT)) is None


@pytest.mark.parametrize(
    ("known", "value", "mark"),
    [
        (Surroundings(window(GOOD, GOOD)), 100, 0),
        (Surroundings(window(GAP, GOOD)), 101, TEMPORARY_ERROR),
        (Surroundings(window(*[GAP] * 96, GOOD)), 196, TEMPORARY_ERROR),
        (
            Surroundings(window(*[GAP] * 97), before=a_row(BOUNDARY - QUARTER, 99)),
            99,
            PLACEHOLDER,
        ),
        (
            Surroundings(window(GOOD, begin=BOUNDARY + QUARTER), opens_list=True),
            100,
            TEMPORARY_ERROR,
        ),
        (
            Surroundings(window(GOOD, begin=BOUNDARY + 2 * QUARTER)),
            100,
            TEMPORARY_ERROR,
        ),
        (
            Surroundings(
                [],
                before=a_row(BOUNDARY - QUARTER, 99),
                later=BOUNDARY + 2 * timedelta(days=1),
            ),
            99,
            PLACEHOLDER,
        ),
    ],
    ids=[
        "the boundary's own value",
        "the next quarter hour",
        "the last one within 24 hours",
        "none within 24 hours",
        "the first record of a new meter",
        "behind a hole that is a day old",
        "a hole over the whole window that is a day old",
    ],
)
def test_the_first_valid_capture_within_24_hours_stands_for_the_boundary(
    known: Surroundings, value: int, mark: int
) -> None:
    share = share_of_boundary(SOURCE, BOUNDARY, known, now=LATER)
    assert share
    assert (share.register.value, share.mark) == (value, mark)


@pytest.mark.parametrize(
    ("known", "age"),
    [
        (Surroundings([]), timedelta()),
        (Surroundings(window(GAP)), timedelta()),
        (Surroundings(window(*[GAP] * 96)), timedelta(days=1)),
        (Surroundings(window(GOOD, begin=BOUNDARY + 2 * QUARTER)), timedelta(hours=20)),
        (Surroundings([], later=BOUNDARY + timedelta(days=2)), timedelta(days=2)),
    ],
    ids=["nothing yet", "a gap", "a gap of a day", "a hole", "a wide hole"],
)
def test_a_boundary_stays_undecided_while_a_value_may_come(
    known: Surroundings, age: timedelta
) -> None:
    with pytest.raises(Undecided):
        share_of_boundary(SOURCE, BOUNDARY, known, now=BOUNDARY + age)


def test_an_input_without_any_value_ever_gives_nothing() -> None:
    known = Surroundings([], later=BOUNDARY + timedelta(days=2), opens_list=True)
    assert share_of_boundary(SOURCE, BOUNDARY, known, now=LATER) is None


def test_the_status_of_a_sum_is_that_of_all_its_inputs() -> None:
    """OR of the gateway words and marks; the meters' own words do not mix (R4)."""
    shares = [
        a_share(1, status=combined(WARNING, METER_BASIC | 0x800), later_bits=1 << 14),
        Share(1, register(2), a_row(BOUNDARY + QUARTER, 2), TEMPORARY_ERROR),
    ]
    record, later_bits = record_of_boundary("p", BOUNDARY, shares)
    assert gateway_word(record.status) == 0x5 | WARNING | TEMPORARY_ERROR
    assert meter_word(record.status) == METER_BASIC
    assert (ptb_status(record.status), later_bits) == (2, 1 << 14)
    assert record.capture_time == BOUNDARY + QUARTER + CAPTURE_DELAY
    assert (record.subject, record.target_time) == ("p", BOUNDARY)


def test_a_sum_with_a_missing_value_has_status_3_and_no_capture_of_its_own() -> None:
    before = Share(1, register(2), a_row(BOUNDARY - QUARTER, 2), PLACEHOLDER)
    record, _later = record_of_boundary("p", BOUNDARY, [a_share(1), before])
    assert ptb_status(record.status) == 3
    assert record.capture_time == BOUNDARY
