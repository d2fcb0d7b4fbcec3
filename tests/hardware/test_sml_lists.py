"""Register lists: values to the last digit, field tolerance, the DZG sign rule."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.errors import FrameUndecodable
from hardware.obis import ACTIVE_POWER, Obis
from hardware.readings import MeterReading, RegisterValue
from hardware.sml import SmlElement, SmlInteger, SmlMessage, i8, u8, u32, u64
from hardware.sml_lists import (
    GET_LIST_RESPONSE,
    GetListResponse,
    ListEntry,
    SmlTime,
    get_list_response,
    meter_reading,
    sml_time,
    time_element,
)
from hardware.sml_messages import message_of
from hardware.sml_transport import SmlFile, SmlFileReader
from tests.hardware.vectors import DATA, captures

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
EMH = bytes.fromhex("0a01454d480000a1bd34")
WH, W = 30, 27
A_NOVEMBER_DAY = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)  # 1,700,000,000 s


def lists_of(capture: bytes) -> list[GetListResponse]:
    return [
        get_list_response(message)
        for found in SmlFileReader().feed(capture)
        if isinstance(found, SmlFile)
        for message in found.messages
        if message.tag == GET_LIST_RESPONSE
    ]


def an_entry(obis: str, value: SmlElement, **fields: Any) -> ListEntry:
    given = {"status": None, "val_time": None, "unit": WH, "scaler": -1, **fields}
    return ListEntry(Obis.parse(obis), value=value, **given)


def a_list(*entries: ListEntry, server_id: bytes = EMH) -> GetListResponse:
    return GetListResponse(None, server_id, None, SmlTime(1, 5), entries)


def a_reading(*entries: ListEntry, server_id: bytes = EMH) -> MeterReading:
    return meter_reading(a_list(*entries, server_id=server_id), NOW)


def hexed(octets: bytes | None) -> str | None:
    return None if octets is None else octets.hex()


def described(entry: ListEntry) -> dict[str, Any]:
    """An entry in the words of expected.json."""
    value = entry.value
    raw = value.value if isinstance(value, SmlInteger) else value
    amount = entry.amount
    return {
        "obis": str(entry.obis),
        "status": entry.status,
        "val_time": entry.val_time.value if entry.val_time else None,
        "unit": entry.unit,
        "scaler": entry.scaler,
        "raw": raw.hex() if isinstance(raw, bytes) else raw,
        "value": amount if amount is not None else hexed(value),  # type: ignore[arg-type]
    }


def check_lists(folder: Path) -> None:
    for data, expected in captures(folder):
        wanted = [part for frame in expected["frames"] for part in frame["get_list"]]
        for found, want in zip(lists_of(data), wanted, strict=True):
            time = found.act_sensor_time
            assert found.server_id.hex() == want["server_id"]
            assert hexed(found.list_name) == want["list_name"]
            assert hexed(found.list_signature) == want["list_signature"]
            assert (time and time.sec_index) == want["sec_index"]
            assert (time and time.kind) == want["sec_index_choice"]
            assert found.act_gateway_time == want["act_gateway_time"]
            check_entries(found, want["entries"])


def check_entries(found: GetListResponse, wanted: list[dict[str, Any]]) -> None:
    for entry, want in zip(found.entries, wanted, strict=True):
        ours = described(entry)
        if entry.amount is not None:
            want = {**want, "value": Decimal(want["value"])}
            assert str(ours["value"]) == str(want["value"]) or entry.scaler
        assert ours == {key: want[key] for key in ours}


def test_the_carried_captures_hold_the_expected_values() -> None:
    check_lists(DATA / "sml")


def test_all_captures_of_the_shared_folder_hold_the_expected_values(
    shared: Path,
) -> None:
    check_lists(shared / "testdata" / "sml")


def test_a_reading_holds_the_numbers_with_a_unit_in_obis_order() -> None:
    reading = a_reading(
        an_entry("16.7.0", SmlInteger(-7, 4, True), unit=W, scaler=None),
        an_entry("96.50.1*1", b"EMH", unit=None, scaler=None),
        an_entry("1.8.0", SmlInteger(123, 8), status=0x1C0104),
        an_entry("2.8.0", None, status=0x1C0104),
        an_entry("0.2.0", u8(3), unit=0),
        an_entry("0.2.1", u8(3), unit=255),
        an_entry("96.5.5", True),
        an_entry("1.8.0", SmlInteger(999, 8)),
    )
    assert reading == MeterReading(
        EMH,
        NOW,
        0x1C0104,
        (
            RegisterValue(Obis.parse("1.8.0"), 123, -1, WH),
            RegisterValue(ACTIVE_POWER, -7, 0, W),
        ),
    )


def test_a_list_without_a_status_gives_status_zero() -> None:
    assert a_reading(an_entry("1.8.0", u8(1))).status == 0


def dzg(serial: int, block: int = 0) -> bytes:
    return b"\x0a\x01DZG" + bytes([block]) + serial.to_bytes(4, "big")


def power_of(server_id: bytes, raw: SmlInteger, status: int | None = None) -> int:
    entry = an_entry("16.7.0", raw, unit=W, scaler=-2, status=status)
    (register,) = a_reading(entry, server_id=server_id).registers
    return register.value


def test_the_power_of_the_captured_dzg_meter_is_put_right() -> None:
    (found,) = lists_of((DATA / "sml" / "DZG_DVS-7412.2_jmberg.bin").read_bytes())
    registers = meter_reading(found, NOW).registers
    power = next(r for r in registers if r.obis == ACTIVE_POWER)
    assert power.amount == Decimal("356.24")


@pytest.mark.parametrize("serial", [42_000_000, 48_999_999, 55_000_000, 58_999_999])
@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (SmlInteger(-1, 1, True), 255),
        (SmlInteger(-29912, 2, True), 35624),
        (SmlInteger(-1, 3, True), 0xFFFFFF),
        (SmlInteger(-1, 4, True), -1),
        (SmlInteger(29912, 2, True), 29912),
    ],
)
def test_short_negative_power_of_a_dzg_dvs74_is_positive(
    serial: int, raw: SmlInteger, value: int
) -> None:
    assert power_of(dzg(serial), raw) == value
    assert power_of(dzg(serial), raw, status=0x1C0104) == value


@pytest.mark.parametrize(
    "server_id",
    [
        dzg(41_999_999),
        dzg(49_000_000),
        dzg(54_999_999),
        dzg(59_000_000),
        dzg(42_000_000, block=1),
        dzg(42_000_000)[:-1],
        EMH,
    ],
)
def test_other_meters_may_send_negative_power(server_id: bytes) -> None:
    assert power_of(server_id, SmlInteger(-29912, 2, True)) == -29912


def test_a_dzg_dvs74_that_says_it_exports_sends_negative_power() -> None:
    raw = SmlInteger(-29912, 2, True)
    assert power_of(dzg(42_000_000), raw, status=0x1C0904) == -29912


def test_only_the_power_of_a_dzg_dvs74_is_changed() -> None:
    entry = an_entry("36.7.0", SmlInteger(-5, 2, True), unit=W)
    (register,) = a_reading(entry, server_id=dzg(42_000_000)).registers
    assert register.value == -5


@pytest.mark.parametrize(
    ("time", "sec_index", "instant"),
    [
        (SmlTime(0, 7), 7, None),
        (SmlTime(1, 7), 7, None),
        (SmlTime(2, 1_700_000_000), None, A_NOVEMBER_DAY),
        (SmlTime(3, 1_700_000_000, 60, -60), None, A_NOVEMBER_DAY),
    ],
)
def test_a_time_comes_back_as_it_was_written(
    time: SmlTime, sec_index: int | None, instant: datetime | None
) -> None:
    assert sml_time(time_element(time)) == time
    assert time.sec_index == sec_index
    assert time.instant == instant


@pytest.mark.parametrize(
    "element",
    [
        b"\1",
        True,
        (u8(4), u32(1)),
        (u8(1),),
        (u8(3), u32(1)),
        (b"", b""),
        (u8(2), u64(1 << 32)),
        i8(-1),
    ],
)
def test_what_is_no_time_is_refused(element: SmlElement) -> None:
    with pytest.raises(FrameUndecodable):
        sml_time(element)


ENTRY: tuple[SmlElement, ...] = (b"\1\0\1\10\0\xff", None, None, u8(30), i8(0), u8(1))


@pytest.mark.parametrize(
    "body",
    [
        None,
        u8(1),
        (None,) * 6,
        (None, None, None, None, (), None, None),
        (None, EMH, None, None, None, None, None),
        (None, EMH, None, None, u8(1), None, None),
        (None, EMH, None, None, (ENTRY,), None, None),
        (None, EMH, None, None, ((*ENTRY[:3], b"W", *ENTRY[4:], None),), None, None),
        (None, EMH, None, None, ((*ENTRY[:1], b"W", *ENTRY[2:], None),), None, None),
        (None, EMH, None, None, ((*ENTRY[:4], u32(9), u8(1), None),), None, None),
    ],
)
def test_a_list_of_another_form_is_refused(body: SmlElement) -> None:
    with pytest.raises(FrameUndecodable):
        get_list_response(SmlMessage(b"\1", 0, 0, GET_LIST_RESPONSE, body))


def test_another_message_is_no_list() -> None:
    with pytest.raises(FrameUndecodable):
        get_list_response(SmlMessage(b"\1", 0, 0, 0x0101, (None,) * 7))


def test_an_entry_whose_name_is_no_obis_code_is_skipped() -> None:
    good, odd = (*ENTRY, None), (b"\1\2\3", *ENTRY[1:], None)
    body = (None, EMH, None, None, (odd, good), None, None)
    message = SmlMessage(b"\1", 0, 0, GET_LIST_RESPONSE, body)
    assert [str(e.obis) for e in get_list_response(message).entries] == [
        "1-0:1.8.0*255"
    ]


@given(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-128, 127),
)
def test_an_amount_is_exact_and_a_list_comes_back_as_it_was_written(
    value: int, scaler: int
) -> None:
    entry = an_entry("1.8.0", SmlInteger(value, 8, True), scaler=scaler, status=2**33)
    written = a_list(entry)
    assert get_list_response(message_of(written, b"\1")) == written
    assert entry.amount is not None
    assert entry.amount.as_tuple().exponent == scaler
    assert int(entry.amount.scaleb(-scaler)) == value
