"""Data records: heads, data types, units, record errors, what ends a list."""

import struct
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.wmbus_encode import bcd_record, date_time_record, integer_record
from hardware.wmbus_errors import Unsupported
from hardware.wmbus_header import header_of, headers_in
from hardware.wmbus_records import read_records
from hardware.wmbus_time import (
    MeterTime,
    months_later,
    read_date,
    read_date_time,
    read_date_time_seconds,
    read_time,
)
from hardware.wmbus_values import bcd_number, decimal_text, real_number, variable_size
from hardware.wmbus_vif_tables import FB_VIFS, FD_VIFS, PRIMARY_VIFS
from tests.hardware.wmbus_vectors import fields_of


def record_of(text: str) -> dict[str, Any]:
    """The only record in hex."""
    found = read_records(bytes.fromhex(text))
    assert found.truncated is None
    assert len(found.records) == 1
    return fields_of(found.records[0])


def value_of(text: str) -> tuple[str | None, str]:
    """Value and unit of the only record in hex."""
    record = record_of(text)
    return record["value"], record["unit"]


# --- heads --------------------------------------------------------------------------


def test_storage_tariff_and_subunit_grow_with_each_extension() -> None:
    header = header_of(bytes.fromhex("8184AB0F1D"))
    assert (header.storage, header.tariff, header.subunit) == (8040, 8, 0)
    header = header_of(bytes.fromhex("C0FF7F13"))
    assert (header.storage, header.tariff, header.subunit) == (511, 15, 3)


def test_the_function_is_read_from_the_first_byte() -> None:
    functions = [header_of(bytes([dif, 0x13])).function for dif in (4, 20, 36, 52)]
    assert functions == ["instantaneous", "maximum", "minimum", "error"]


def test_the_longest_head_is_read_and_a_longer_one_is_not() -> None:
    longest = bytes([0x84] + [0x80] * 9 + [0x40, 0x13])
    assert header_of(longest).subunit == 1 << 9
    with pytest.raises(Unsupported):
        header_of(bytes([0x84] + [0x80] * 10 + [0x40, 0x13]))
    with pytest.raises(Unsupported):
        header_of(bytes([0x04] + [0x93] * 12 + [0x3B]))


def test_heads_follow_each_other_in_a_format() -> None:
    heads = list(headers_in(bytes.fromhex("02FF2004134413615B6167")))
    assert [head.vib.hex() for head in heads] == ["ff20", "13", "13", "5b", "67"]
    with pytest.raises(Unsupported):
        list(headers_in(bytes.fromhex("0413 84")))


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("0403 01000000", "1", "Wh"),
        ("0400 01000000", "0.001", "Wh"),
        ("0407 01000000", "10000", "Wh"),
        ("0408 01000000", "1", "J"),
        ("0410 01000000", "0.000001", "m3"),
        ("041F 01000000", "10000", "kg"),
        ("0122 02", "7200", "s"),
        ("0127 02", "172800", "s"),
        ("022F 0100", "10000", "W"),
        ("0137 01", "10000000", "J/h"),
        ("0138 01", "0.000001", "m3/h"),
        ("0140 01", "0.0000001", "m3/min"),
        ("0148 01", "0.000000001", "m3/s"),
        ("0150 01", "0.001", "kg/h"),
        ("0259 E719", "66.31", "°C"),
        ("015F 15", "21", "°C"),
        ("0261 D0FF", "-0.48", "K"),
        ("0269 6600", "1.02", "bar"),
        ("0171 02", "120", "s"),
        ("0177 01", "86400", "s"),
        ("01FB00 01", "100000", "Wh"),
        ("01FB03 01", "10000", "varh"),
        ("01FB09 13", "19000000000", "J"),
        ("01FB0D 01", "1000000", "cal"),
        ("01FB11 01", "1000", "m3"),
        ("01FB17 01", "1000", "var"),
        ("01FB19 01", "1000000", "kg"),
        ("01FB1B 2C", "44", "%"),
        ("01FB29 01", "1000000", "W"),
        ("02FB2D 8613", "49.98", "Hz"),
        ("01FB31 01", "1000000000", "J/h"),
        ("01FB37 01", "1000", "VA"),
        ("01FB7F 01", "10000", "W"),
        ("02FD46 630E", "3.683", "V"),
        ("04FD5B 01000000", "0.1", "A"),
        ("01FD28 01", "1", "month"),
        ("01FD2D 02", "120", "s"),
        ("01FD31 02", "120", "s"),
        ("03FD6C 5E1500", "5470", "h"),
        ("02FD74 DB15", "5595", "d"),
        ("01FD71 9C", "-100", "dBm"),
    ],
)
def test_values_come_in_the_base_unit_exactly(text: str, value: str, unit: str) -> None:
    assert value_of(text) == (value, unit)


def test_the_tables_hold_every_code_of_the_standard() -> None:
    assert set(range(0x80)) - set(PRIMARY_VIFS) == {0x7B, 0x7D, 0x7F}
    assert len(FB_VIFS) == 50
    assert set(range(0x40, 0x60)) < set(FD_VIFS)


@pytest.mark.parametrize(
    ("vib", "vife", "value", "unit"),
    [
        ("833C", ["backward_flow"], "227", "Wh"),
        ("83FC01", ["phase_l1"], "227", "Wh"),
        ("83FC10", ["absolute_accumulation"], "227", "Wh"),
        ("83FC77", ["vife_fc_77"], "227", "Wh"),
        ("8374", ["factor_1e-2"], "2.27", "Wh"),
        ("837D", ["factor_1e3"], "227000", "Wh"),
        ("83F53C", ["factor_1e-1", "backward_flow"], "22.7", "Wh"),
        ("BB56", ["limit_exceed_duration_lower_last"], "817200", "s"),
        ("BB49", ["upper_limit_exceed_count"], "227", ""),
        ("8365", ["duration_last"], "13620", "s"),
        ("8325", ["per_month"], "227", "Wh"),
        ("8300", ["vife_00"], "227", "Wh"),
    ],
)
def test_extensions_change_values_as_they_say(
    vib: str, vife: list[str], value: str, unit: str
) -> None:
    record = record_of("04" + vib + "E3000000")
    assert (record["vife"], record["value"], record["unit"]) == (vife, value, unit)


@pytest.mark.parametrize("code", [0x01, 0x0F, 0x15, 0x16, 0x17, 0x18, 0x1C])
def test_a_record_error_leaves_no_value(code: int) -> None:
    record = record_of(f"0493{code:02X} 01000000")
    assert (record["kind"], record["value"]) == ("raw", None)


def test_behind_7f_all_extensions_are_the_manufacturers() -> None:
    header = header_of(bytes.fromhex("0483FF8113"))
    assert (header.vife, header.profile) == (("mfct:01", "mfct:13"), None)


def test_a_date_of_an_event_is_a_date_in_the_place_of_a_value() -> None:
    record = record_of("02934A FE04")
    assert (record["quantity"], record["value"]) == ("volume", "2007-04-30")
    assert record["vife"] == ["limit_exceed_begin_upper_first"]


def test_a_unit_in_plain_text_is_read_backwards() -> None:
    record = record_of("02 7C03324F43 0001")
    assert (record["quantity"], record["unit"], record["value"]) == (
        "text_vif",
        "CO2",
        "256",
    )
    record = record_of("02 FC03324F43 74 0001")
    assert (record["unit"], record["value"]) == ("CO2", "2.56")


def test_manufacturers_values_stay_raw() -> None:
    for text in ("02FF20 7100", "027F 1A00", "01FD73 00", "02EF01 1A00"):
        assert record_of(text)["kind"] == "raw"
    assert record_of("02FF20 7100")["vife"] == ["mfct:20"]
    assert record_of("04A9FF01 FF240000")["value"] == "94.71"


# --- data types ---------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 4, 6, 8])
def test_the_most_negative_integer_means_no_value(size: int) -> None:
    field = {1: 1, 2: 2, 3: 3, 4: 4, 6: 6, 8: 7}[size]
    record = record_of(f"{field:02X}13" + "00" * (size - 1) + "80")
    assert (record["kind"], record["value"]) == ("invalid", None)
    assert value_of(f"{field:02X}13" + "FF" * size) == ("-0.001", "m3")


def test_counters_and_names_have_no_sign() -> None:
    assert value_of("01FD61 FF") == ("255", "")
    assert record_of("01FD08 FF")["kind"] == "unsigned"
    assert record_of("03FD17 004008")["value"] == "0x084000"
    assert record_of("02FD1B 1100")["value"] == "0x0011"


def test_decimal_digits_keep_their_zeros_where_they_are_a_name() -> None:
    record = record_of("0E78 685800000000")
    assert (record["kind"], record["value"]) == ("digits", "000000005868")
    assert record_of("0E78 9986012401FF")["value"] is None


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        ("27048502", 2850427),
        ("99", 99),
        ("F1", -1),
        ("2301F0", -123),
        ("0A", None),
        ("FFFF", None),
        ("A0", None),
        ("1B00", None),
    ],
)
def test_bcd_is_read_with_its_sign(raw: str, number: int | None) -> None:
    assert bcd_number(bytes.fromhex(raw)) == number


@pytest.mark.parametrize(
    ("text", "value"),
    [("0513 0000803F", "0.001"), ("0503 00000040", "2"), ("0503 000000C0", "-2")],
)
def test_a_float_is_taken_for_the_number_its_bits_say(text: str, value: str) -> None:
    assert value_of(text)[0] == value


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_every_float_is_kept_exactly(number: float) -> None:
    found = real_number(struct.pack("<f", number))
    assert found is not None
    assert Fraction(found[0]) * Fraction(10) ** found[1] == Fraction(number)


@pytest.mark.parametrize("raw", ["0000C07F", "0000807F", "000080FF"])
def test_what_is_no_number_is_invalid(raw: str) -> None:
    assert record_of("0513" + raw)["kind"] == "invalid"


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("0D78 08 3430363030383332", "text", "23800604"),
        ("0DFD11 06 313233343536", "text", "654321"),
        ("0DFD0C 00", "text", ""),
        ("0D13 C2 3412", "number", "1.234"),
        ("0D13 D2 3412", "number", "-1.234"),
        ("0D13 C2 3A12", "invalid", None),
        ("0D79 C2 3402", "digits", "0234"),
        ("0D13 E3 010000", "number", "0.001"),
        ("0D13 E0", "none", None),
        ("0D7F EB 0700000006040C5C7E034E", "raw", None),
        ("0D13 F0 " + "01" * 16, "raw", None),
        ("0D13 F5 " + "01" * 48, "raw", None),
        ("0D13 F6 " + "01" * 64, "raw", None),
    ],
)
def test_data_of_variable_length(text: str, kind: str, value: str | None) -> None:
    record = record_of(text)
    assert (record["kind"], record["value"]) == (kind, value)


@pytest.mark.parametrize("lvar", [0xCA, 0xCF, 0xDA, 0xDF, 0xF7, 0xFF])
def test_reserved_lengths_end_the_list(lvar: int) -> None:
    with pytest.raises(Unsupported):
        variable_size(lvar)
    found = read_records(bytes.fromhex(f"0113 01 0D13 {lvar:02X} 00"))
    assert len(found.records) == 1
    assert found.truncated is not None


@given(st.integers(-(10**20), 10**20), st.integers(-12, 9))
def test_numbers_are_written_in_full_and_exactly(number: int, scaler: int) -> None:
    text = decimal_text(number, scaler)
    assert Decimal(text) == Decimal(number).scaleb(scaler)
    assert "E" not in text
    assert "." not in text or not text.endswith("0")


# --- what stands between and behind records -----------------------------------------


def test_fillers_are_passed_over_and_own_data_end_the_list() -> None:
    found = read_records(bytes.fromhex("2F2F 0113 01 2F 0F AABB"))
    assert len(found.records) == 1
    assert (found.manufacturer_data, found.more_follow) == (b"\xaa\xbb", False)
    found = read_records(bytes.fromhex("0113 01 1F"))
    assert (found.manufacturer_data, found.more_follow) == (b"", True)
    assert read_records(b"").records == ()


def test_the_format_is_all_heads_without_data() -> None:
    records = bytes.fromhex("2F 0113 01 0D78 01 41 02FF20 7100 2F")
    assert read_records(records).format.hex() == "01130d7802ff20"


@pytest.mark.parametrize("cut", range(1, 5))
def test_a_cut_record_is_told_of_and_those_before_are_kept(cut: int) -> None:
    data = integer_record("0413", 1) + integer_record("0413", 2)
    found = read_records(data[:-cut])
    assert len(found.records) == 1
    assert found.truncated == "the data end in the middle of record 2"


# --- what the sending side makes ----------------------------------------------------


@given(st.integers(-(2**31) + 1, 2**31 - 1))
def test_integers_go_both_ways(number: int) -> None:
    record = read_records(integer_record("0403", number)).records[0]
    assert record.value.number == number


@given(st.integers(0, 99_999_999))
def test_decimal_digits_go_both_ways(number: int) -> None:
    record = read_records(bcd_record("0C14", number)).records[0]
    assert (record.value.number, record.value.scaler) == (number, -2)


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2080, 12, 31)),  # noqa: DTZ001
    st.booleans(),
)
def test_times_go_both_ways(at: datetime, summer: bool) -> None:
    minute = at.replace(second=0, microsecond=0)
    record = read_records(date_time_record(minute, summer=summer)).records[0]
    assert read_date_time(record.raw) == MeterTime(minute, "minutes", summer)


# --- dates and times ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("FE04", "2007-04-30"),
        ("BF2C", "2021-12-31"),
        ("3F11", "2009-01-31"),
        ("81C1", None),
        ("61C1", "1999-01-01"),
        ("01A1", "2080-01-01"),
        ("FFFF", None),
        ("0000", None),
        ("E1F1", None),
        ("2002", None),
        ("1E02", None),
        ("210D", None),
    ],
)
def test_dates_of_two_bytes(raw: str, text: str | None) -> None:
    found = read_date(bytes.fromhex(raw))
    assert (None if found is None else str(found)) == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("32371F15", "2008-05-31T23:50"),
        ("2D81DD23", "2022-03-29T01:45 DST"),
        ("22484136", "2026-06-01T08:34"),
        ("B2371F15", None),
        ("FFFFFFFF", None),
        ("00000000", None),
        ("3F1F1F15", None),
        ("00581F15", None),
    ],
)
def test_times_of_four_bytes(raw: str, text: str | None) -> None:
    found = read_date_time(bytes.fromhex(raw))
    assert (None if found is None else str(found)) == text


def test_times_of_six_and_of_three_bytes() -> None:
    found = read_date_time_seconds(bytes.fromhex("C07609193580"))
    assert str(found) == "2024-05-25T09:54:00 DST"
    assert read_date_time_seconds(b"\xff" * 6) is None
    assert record_of("036D 1E2D17")["value"] == "23:45:30"
    assert read_time(b"\x3f\x3f\x1f") is None


def test_unset_dates_are_dates_without_value_and_patterns_stay_raw() -> None:
    assert record_of("426C FFFF")["kind"] == "date"
    assert record_of("426C E1F1")["kind"] == "raw"
    assert record_of("046C 32371F15")["value"] == "2008-05-31T23:50"
    assert record_of("0C6C 12345678")["kind"] == "raw"


def test_the_summer_time_bit_leads_to_the_right_instant() -> None:
    summer = read_date_time(bytes.fromhex("2D81DD23"))
    winter = read_date_time(bytes.fromhex("2D01DD23"))
    assert summer is not None
    assert winter is not None
    assert summer.as_utc().isoformat() == "2022-03-28T23:45:00+00:00"
    assert winter.as_utc() - summer.as_utc() == timedelta(hours=1)


def test_months_keep_the_day_where_there_is_one() -> None:
    end = datetime(2026, 1, 31, 12)  # noqa: DTZ001
    assert months_later(end, 1).isoformat() == "2026-02-28T12:00:00"
    assert months_later(end, 2).isoformat() == "2026-03-31T12:00:00"
    assert months_later(end, -11).isoformat() == "2025-02-28T12:00:00"
    assert months_later(end, 25).isoformat() == "2028-02-29T12:00:00"
