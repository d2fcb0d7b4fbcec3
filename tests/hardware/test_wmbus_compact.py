"""Compact frames, the formats they need, and load profiles inside one record."""

from datetime import datetime

import pytest

from hardware.wmbus_address import MeterAddress
from hardware.wmbus_compact import FormatCache, format_of, full_frame, signature_of
from hardware.wmbus_crc import crc16
from hardware.wmbus_encode import (
    bcd_record,
    compact_message,
    date_time_record,
    ell_ctr,
    integer_record,
    mode_7,
    telegram,
)
from hardware.wmbus_errors import CrcWrong, FormatUnknown, LengthWrong, Unsupported
from hardware.wmbus_profile import expanded, read_profile
from hardware.wmbus_records import read_records
from tests.hardware.vectors import read_json
from tests.hardware.wmbus_vectors import WMBUS, decoder_with, vector

METER = MeterAddress.of("KAM", "76348799", 0x1B, 0x16)
SISTER = MeterAddress.of("KAM", "11111111", 0x1B, 0x16)
OTHER_KIND = MeterAddress.of("KAM", "76348799", 0x1C, 0x16)
KEY = bytes(range(16))
RECORDS = (
    integer_record("02FF20", 0x71)
    + integer_record("0413", 6409)
    + bytes.fromhex("0D78033938378101FD1701")
)
HEADS = bytes.fromhex("02FF2004130D788101FD17")


def compact(sender: MeterAddress = METER) -> bytes:
    return telegram(sender, compact_message(RECORDS))


def full(sender: MeterAddress = METER) -> bytes:
    return telegram(sender, b"\x78" + RECORDS)


# --- formats ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heads", "signature"),
    [("02FF2004134413615B6167", 0xA8ED), ("030643060314426C022D01FF21", 0xF1E7)],
)
def test_the_signature_of_a_format(heads: str, signature: int) -> None:
    cache = FormatCache()
    cache.prime(bytes.fromhex(heads))
    assert cache.find(METER, signature) == (bytes.fromhex(heads), True)


def test_a_full_frame_teaches_its_format_to_all_meters_of_the_kind() -> None:
    decoder = decoder_with(None)
    unknown = decoder.decode(compact(), now_s=0)
    assert isinstance(unknown.refusal, FormatUnknown)
    assert unknown.signature == unknown.refusal.signature == crc16(HEADS)
    taught = decoder.decode(full(), now_s=0)
    for sender in (METER, SISTER):
        found = decoder.decode(compact(sender), now_s=0)
        assert found.error is None
        assert found.records == taught.records
    assert decoder.decode(compact(OTHER_KIND), now_s=0).error == "format_unknown"


def test_formats_outlive_a_restart() -> None:
    before = decoder_with(None)
    before.decode(full(), now_s=0)
    assert before.formats.formats == [(METER.type_key, HEADS)]
    assert before.formats.changes == 1
    before.decode(full(), now_s=0)
    assert before.formats.changes == 1
    after = decoder_with(None, FormatCache(before.formats.formats))
    assert after.decode(compact(), now_s=0).error is None


def test_the_cache_is_bounded_and_keeps_what_is_used() -> None:
    cache = FormatCache(limit=3)
    for number in range(10):
        cache.learn(METER, bytes([4, 0x13] * (number + 1)))
        cache.learn(METER, HEADS)
    assert len(cache) == 3
    assert cache.find(METER, crc16(HEADS)) == (HEADS, False)
    with pytest.raises(FormatUnknown):
        cache.find(METER, crc16(bytes([4, 0x13])))


def test_what_was_refused_or_cut_teaches_nothing() -> None:
    decoder = decoder_with(KEY)
    assert decoder.decode(full(), now_s=0).error == "plain"
    cut = telegram(METER, b"\x78" + RECORDS[:-1])
    assert decoder_with(None).decode(cut, now_s=0).error == "truncated"
    assert len(decoder.formats) == 0


def test_a_compact_frame_with_a_wrong_crc_is_refused() -> None:
    decoder = decoder_with(None)
    decoder.decode(full(), now_s=0)
    for position in range(3, len(compact_message(RECORDS))):
        message = bytearray(compact_message(RECORDS))
        message[position] ^= 0x01
        found = decoder.decode(telegram(METER, bytes(message)), now_s=0)
        assert found.error in ("crc", "length")
        assert found.records is None


def test_with_a_format_given_by_hand_a_wrong_crc_is_a_doubt() -> None:
    """Who gives a format to `casa decode` wants to see what it makes of the data."""
    message = bytearray(compact_message(RECORDS))
    message[3] ^= 0x01
    decoder = decoder_with(None)
    decoder.formats.prime(HEADS)
    found = decoder.decode(telegram(METER, bytes(message)), now_s=0)
    assert (found.error, found.doubt) == (None, "the CRC of the full frame is wrong")
    assert found.records is not None


def test_data_that_do_not_fit_the_format_are_refused() -> None:
    message = compact_message(RECORDS)[1:]
    assert full_frame(message + b"\x2f\x2f", HEADS) == RECORDS
    for wrong in (message[:-1], message + b"\x00", message[:4]):
        with pytest.raises(LengthWrong):
            full_frame(wrong, HEADS)
    with pytest.raises(LengthWrong):
        signature_of(b"\x01\x02\x03")


def test_the_worked_example_of_a_full_and_a_compact_frame() -> None:
    """lmn-wireless.md 14.4: a Kamstrup water meter with ELL and AES-CTR."""
    key = bytes.fromhex("28F64A24988064A079AA2C807D6102AE")
    decoder = decoder_with(key)
    first = (
        "2A442D2C998734761B168D2091D37CAC21E1D68CDAFFCD3DC452BD80"
        "2913FF7B1706CA9E355D6C2701CC24"
    )
    second = "23442D2C998734761B168D20983081B2227A6FA1F10E1B79B5EB4B17E81F930E937EE06C"
    readings = []
    for text in (first, second):
        found = decoder.decode(bytes.fromhex(text), now_s=0)
        assert found.error is None
        assert found.records is not None
        readings.append([str(record.value) for record in found.records.records])
    assert readings[0][1:] == ["6.408", "6.408", "127", "19"]
    assert readings[1][1:] == ["6.409", "6.409", "127", "22"]


def test_a_compact_frame_is_read_behind_encryption_as_well() -> None:
    decoder = decoder_with(KEY)
    teaching = ell_ctr(METER, b"\x78" + RECORDS, KEY, session=1)
    assert decoder.decode(teaching, now_s=0).error is None
    following = ell_ctr(METER, compact_message(RECORDS), KEY, session=2)
    assert decoder.decode(following, now_s=0).error is None
    assert decoder.decode(mode_7(METER, RECORDS, KEY, counter=1), now_s=0).error is None


def test_a_format_frame_teaches_too() -> None:
    body = bytes([2 + len(HEADS)]) + crc16(HEADS).to_bytes(2, "little") + HEADS
    decoder = decoder_with(None)
    assert decoder.decode(telegram(METER, b"\x69" + body), now_s=0).error is None
    assert decoder.decode(compact(), now_s=0).error is None
    for wrong, fault in (
        (body[:-1], LengthWrong),
        (body[:1] + b"\x00\x00" + body[3:], CrcWrong),
        (bytes.fromhex("0200 00"), LengthWrong),
        (bytes.fromhex("02FFFF"), LengthWrong),
    ):
        with pytest.raises(fault):
            format_of(wrong)
    with pytest.raises(Unsupported):
        format_of(b"\x03" + crc16(b"\x04").to_bytes(2, "little") + b"\x04")


# --- load profiles ------------------------------------------------------------------


@pytest.mark.req("R5")
@pytest.mark.parametrize("name", ["cp01", "cp02", "cp03"])
def test_the_published_profiles_expand(name: str) -> None:
    """R5: the load profile of the OMS compact profile (EN 13757-3, annex F)."""
    cases = {case["id"]: case for case in read_json(WMBUS / "compact_profiles.json")}
    case = cases[name]
    records = read_records(bytes.fromhex(case["apl"])).records
    times, values = {}, {}
    for record in records:
        if record.value.kind == "datetime":
            times[record.header.storage] = str(record.value)
        elif record.header.profile is None:
            values[record.header.storage] = str(record.value)
    for value in expanded(records):
        times[value.storage] = str(value.at)
        values[value.storage] = str(value.value)
    for expected in case["expected"]:
        storage = expected["storage"]
        if "datetime" in expected:
            assert times.pop(storage) == expected["datetime"]
        else:
            assert values.pop(storage) == expected["value"]
    assert (times, values) == ({}, {})


BASE = datetime(2026, 1, 1)  # noqa: DTZ001 (a meter has no zone)


def profile_values(
    control: int, spacing: int, elements: str, *, vife: str = "1F", base: str = "0C"
) -> list[tuple[int, str, str]]:
    """A profile of volumes in m3 behind a base of 100 m3 at the turn of the year."""
    data = bytes.fromhex(elements)
    profile = bytes.fromhex(f"4D96{vife}") + bytes([2 + len(data), control, spacing])
    records = (
        date_time_record(BASE, storage=1)
        + bcd_record(f"4{base[1]}16", 100)
        + profile
        + data
    )
    found = read_records(records)
    assert found.truncated is None
    return [(v.storage, str(v.at), str(v.value)) for v in expanded(found.records)]


def test_quarter_hours_with_increments_as_a_gateway_needs_them() -> None:
    assert profile_values(0x52, 15, "0500 0000 0700") == [
        (2, "2026-01-01T00:15", "105"),
        (3, "2026-01-01T00:30", "105"),
        (4, "2026-01-01T00:45", "112"),
    ]


@pytest.mark.parametrize(
    ("mode", "vife", "values"),
    [
        (0x00, "1F", ["5", "-1"]),
        (0x40, "1F", ["105", None]),
        (0x80, "1F", ["95", None]),
        (0xC0, "1F", ["105", "104"]),
        (0x00, "13", ["5", "-1"]),
        (0x40, "13", ["95", None]),
        (0x80, "13", ["105", None]),
        (0xC0, "13", ["95", "96"]),
        (0xC0, "1E", ["105", "104"]),
    ],
)
def test_each_mode_in_both_directions(
    mode: int, vife: str, values: list[str | None]
) -> None:
    """FF is -1 with a sign and "no value" without; that ends a profile of steps."""
    found = [value for _, _, value in profile_values(mode | 0x21, 1, "05FF", vife=vife)]
    assert found == [value for value in values if value is not None]


def test_values_that_are_not_there_leave_a_gap_in_absolute_profiles() -> None:
    found = profile_values(0x22, 1, "0100 0080 0300")
    assert [(storage, value) for storage, _, value in found] == [(2, "1"), (4, "3")]
    found = profile_values(0x2A, 1, "0100 FFFF 0300")
    assert [(storage, value) for storage, _, value in found] == [(2, "1"), (4, "3")]


@pytest.mark.parametrize(
    ("control", "spacing", "times"),
    [
        (0x01, 30, ["2026-01-01T00:00", "2026-01-01T00:01"]),
        (0x11, 15, ["2026-01-01T00:15", "2026-01-01T00:30"]),
        (0x21, 2, ["2026-01-01T02:00", "2026-01-01T04:00"]),
        (0x31, 7, ["2026-01-08T00:00", "2026-01-15T00:00"]),
        (0x31, 253, ["2026-01-16T00:00", "2026-02-01T00:00"]),
        (0x31, 254, ["2026-02-01T00:00", "2026-03-01T00:00"]),
        (0x21, 254, ["2026-04-01T00:00", "2026-07-01T00:00"]),
        (0x11, 254, ["2026-07-01T00:00", "2027-01-01T00:00"]),
        (0x01, 254, ["None", "None"]),
        (0x01, 0, ["None", "None"]),
        (0x01, 251, ["None", "None"]),
        (0x01, 255, ["None", "None"]),
    ],
)
def test_each_spacing(control: int, spacing: int, times: list[str]) -> None:
    found = profile_values(control, spacing, "0102")
    assert [at for _, at, _ in found] == times


def test_half_months_go_backwards_too() -> None:
    found = profile_values(0x31, 253, "010203", vife="13")
    assert [at for _, at, _ in found] == [
        "2025-12-16T00:00",
        "2025-12-01T00:00",
        "2025-11-16T00:00",
    ]


def test_without_a_base_value_steps_lead_nowhere() -> None:
    records = date_time_record(BASE, storage=1) + bytes.fromhex("4D961F0452150507")
    found = read_records(records).records
    assert read_profile(found[1]) is not None
    assert list(expanded(found)) == []


def test_without_a_base_time_values_have_none() -> None:
    found = read_records(bytes.fromhex("4D961F0401150507")).records
    assert [(value.at, str(value.value)) for value in expanded(found)] == [
        (None, "5"),
        (None, "7"),
    ]


@pytest.mark.parametrize("control", ["0F", "0D", "00", "08"])
def test_elements_without_a_size_make_no_profile(control: str) -> None:
    found = read_records(bytes.fromhex(f"4D961F04{control}150507")).records
    assert read_profile(found[0]) is None
    assert found[0].value.kind == "compact_profile"


def test_the_profile_of_a_vector_is_read_as_it_says() -> None:
    for expected in vector("wm0314")["records"]:
        if "profile" not in expected:
            continue
        record = read_records(
            bytes.fromhex(
                expected["dib"] + expected["vib"] + expected["lvar"] + expected["raw"]
            )
        ).records[0]
        profile = read_profile(record)
        assert profile is not None
        wanted = expected["profile"]
        assert profile.control == int(wanted["spacing_control"], 16)
        assert profile.spacing_value == wanted["spacing_value"]
        assert profile.spacing_unit == wanted["spacing_unit"]
        assert profile.element_field == wanted["element_df"]
        assert profile.mode == wanted["increment_mode"]
        elements = [element.hex().upper() for element in profile.elements]
        assert elements == wanted["elements"]
