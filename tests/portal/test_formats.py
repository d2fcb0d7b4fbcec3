"""Numbers and times as pages and files write them: exact, cut, German and English."""

import random
from datetime import UTC, date, datetime
from decimal import ROUND_DOWN, Decimal, localcontext

import pytest
from django.utils import translation
from hypothesis import example, given
from hypothesis import strategies as st

from hardware.obis import Obis
from hardware.readings import RegisterValue
from portal import formats
from portal.formats import ENGLISH_PAGE, GERMAN_FILE, GERMAN_PAGE, PLAIN, decimal_text

WIDEST = 2**63


def by_decimal(value: int, exponent: int, places: int) -> str:
    """The same with a decimal point and no marks, by the standard library."""
    with localcontext(prec=200):
        cut = (
            Decimal(value).scaleb(exponent).quantize(Decimal(10) ** -places, ROUND_DOWN)
        )
        return f"{abs(cut) if cut == 0 else cut:f}"


@pytest.mark.req("R32")
@given(
    st.integers(-WIDEST, 2 * WIDEST),
    st.integers(-12, 12),
    st.sampled_from([0, 1, 3, 6]),
)
@example(-1, -7, 6)
@example(0, 0, 6)
@example(999_999_999, -7, 6)
def test_a_number_is_the_exact_decimal_cut_towards_zero(
    value: int, exponent: int, places: int
) -> None:
    """R32: exact decimals for any integer and scaler, never a float."""
    assert decimal_text(value, exponent, places, PLAIN) == by_decimal(
        value, exponent, places
    )


@pytest.mark.req("R32")
def test_a_hundred_thousand_readings_are_those_of_the_decimal_module() -> None:
    """R32: random integers and scalers, written as `23.163,627000`."""
    chance = random.Random(32)
    for _ in range(100_000):
        value, scaler = chance.randrange(-(10**14), 10**14), chance.randrange(-5, 4)
        register = RegisterValue(Obis.parse("1.8.0"), value, scaler, 30)
        expected = by_decimal(value, scaler - 3, 6)
        whole, _, fraction = expected.removeprefix("-").partition(".")
        text = f"{int(whole):,}".replace(",", ".") + "," + fraction
        sign = "−" if expected.startswith("-") else ""
        assert formats.register_number(register, GERMAN_PAGE) == sign + text


@pytest.mark.req("R32")
@pytest.mark.parametrize(
    ("style", "expected"),
    [
        (GERMAN_PAGE, "−23.163,627000"),
        (ENGLISH_PAGE, "−23,163.627000"),
        (GERMAN_FILE, "-23.163,627000"),
        (PLAIN, "-23163.627000"),
    ],
)
def test_each_style_has_its_marks(style: formats.NumberStyle, expected: str) -> None:
    """R32: the manual's form, its English twin, and the forms of files."""
    assert decimal_text(-231_636_270, -4, 6, style) == expected


@pytest.mark.parametrize(
    ("obis", "value", "scaler", "unit", "expected"),
    [
        ("1.8.0", 231_636_270, -1, 30, "23.163,627000 kWh"),
        ("16.7.0", -44_840, -1, 27, "−4.484,0 W"),
        ("16.7.0", 4_484_999, -3, 27, "4.484,9 W"),
        ("32.7.0", 2301, -1, 35, "230,1 V"),
        ("14.7.0", 4998, -2, 44, "49,98 Hz"),
        ("7-0:3.8.0", 1_234_567, -2, 13, "12.345,670000 m³"),
        ("5.8.0", 12, 0, 32, "0,012000 kvarh"),
    ],
)
def test_counters_have_six_decimals_and_quantities_their_own(
    obis: str, value: int, scaler: int, unit: int, expected: str
) -> None:
    register = RegisterValue(Obis.parse(obis), value, scaler, unit)
    number = formats.register_number(register, GERMAN_PAGE)
    assert f"{number} {formats.reading_unit(unit)}" == expected


def test_times_of_records_and_logs_are_local() -> None:
    instant = datetime(2026, 6, 22, 13, 7, 52, 999_999, tzinfo=UTC)
    assert formats.record_time(instant) == "2026-06-22 15:07:52"
    assert formats.log_time(instant) == "2026-06-22T15:07:52+02:00"
    assert formats.clock_time(instant) == "15:07:52"
    assert formats.minute_time(instant) == "15:07"


def test_the_hour_that_comes_twice_is_marked() -> None:
    first = datetime(2026, 10, 25, 0, 15, tzinfo=UTC)
    second = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)
    assert formats.record_stamp(first) == "2026-10-25 02:15:00 A"
    assert formats.record_stamp(second) == "2026-10-25 02:15:00 B"


def test_dates_are_written_out_in_the_active_language() -> None:
    day = date(2026, 6, 22)
    assert formats.long_date(day) == "Montag, 22. Juni 2026"
    assert formats.plain_date(day) == "22. Juni 2026"
    with translation.override("en"):
        assert formats.long_date(day) == "Monday, 22 June 2026"
        assert formats.plain_date(day) == "22 June 2026"
        assert formats.page_style() == ENGLISH_PAGE
