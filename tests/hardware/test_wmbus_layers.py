"""Addresses, extended link layer, authentication layer, transport header, status."""

import pytest

from hardware.wmbus_address import (
    MeterAddress,
    address_of_meter_id,
    manufacturer_code,
)
from hardware.wmbus_afl import Authentication, FragmentStore, read_afl
from hardware.wmbus_ell import counter_block, opened, read_ell
from hardware.wmbus_encode import integer_record, telegram, unencrypted
from hardware.wmbus_errors import (
    CrcWrong,
    FragmentAwaited,
    KeyMissing,
    KeyWrong,
    LengthWrong,
    NotEncrypted,
    Truncated,
    Unsupported,
)
from hardware.wmbus_link import read_link
from hardware.wmbus_sender import meter_behind
from hardware.wmbus_status import MeterStatus
from hardware.wmbus_tpl import Content, read_tpl, require_readable
from tests.hardware.wmbus_vectors import decoder_with, vector

METER = MeterAddress.of("ELS", "12345678", 0x33, 0x03)
OTHER = MeterAddress.of("KAM", "76348799", 0x1B, 0x16)
KEY = bytes.fromhex("28F64A24988064A079AA2C807D6102AE")


# --- addresses ----------------------------------------------------------------------


def test_an_address_is_read_and_made() -> None:
    assert METER.raw.hex() == "9315785634123303"
    assert (METER.manufacturer, METER.number) == ("ELS", "12345678")
    assert (METER.version, METER.device_type) == (0x33, 3)
    long_header = bytes.fromhex("7856341293153303")
    assert MeterAddress.from_long_header(long_header) == METER


def test_a_meter_has_one_id_in_sixteen_digits_and_one_of_nine_bytes() -> None:
    assert METER.meter_id == "9315785634123303"
    assert METER.server_id.hex() == "019315785634123303"
    assert address_of_meter_id("9315785634123303") == METER


def test_the_bit_for_local_addresses_does_not_make_another_meter() -> None:
    local = MeterAddress(bytes.fromhex("9395785634123303"))
    assert (local.manufacturer, local.meter_id) == ("ELS", METER.meter_id)
    assert local.type_key == METER.type_key


def test_numbers_with_hex_digits_are_shown_as_they_are() -> None:
    link = read_link(bytes.fromhex(vector("wm0012")["telegrams"][0]))
    assert (link.address.manufacturer, link.address.number) == ("APT", "00149C06")


@pytest.mark.parametrize("letters", ["EL", "ELSA", "E1S", "ÄBC"])
def test_a_maker_has_three_letters(letters: str) -> None:
    with pytest.raises(ValueError, match="three letters"):
        manufacturer_code(letters)


def test_an_address_has_eight_bytes() -> None:
    with pytest.raises(ValueError, match="eight"):
        MeterAddress(b"\x93\x15")


# --- extended link layer ------------------------------------------------------------

FULL = bytes.fromhex(
    "8D2091D37CAC21E1D68CDAFFCD3DC452BD802913FF7B1706CA9E355D6C2701CC24"
)
"""The Kamstrup meter of lmn-wireless.md 14.4, from its CI on."""


def test_the_worked_example_of_the_counter_mode_is_opened() -> None:
    layer, rest = read_ell(FULL)
    assert layer.is_encrypted
    assert counter_block(layer, OTHER).hex() == "2d2c998734761b1620d37cac21000000"
    plain, is_opened = opened(layer, rest, OTHER, KEY)
    assert is_opened
    assert plain.hex() == "7802ff20710004130819000044130819" + "0000615b7f616713"


def test_bits_that_a_repeater_sets_do_not_change_the_counter_block() -> None:
    repeated = FULL[:1] + bytes([FULL[1] | 0x12]) + FULL[2:]
    layer, rest = read_ell(repeated)
    assert opened(layer, rest, OTHER, KEY)[1]


def test_a_wrong_key_is_seen_by_the_crc() -> None:
    layer, rest = read_ell(FULL)
    with pytest.raises(KeyWrong):
        opened(layer, rest, OTHER, bytes(16))
    with pytest.raises(KeyWrong):
        opened(layer, rest, METER, KEY)
    with pytest.raises(KeyMissing):
        opened(layer, rest, OTHER, None)


def test_data_that_are_plain_against_the_header_are_for_meters_without_key() -> None:
    plain = bytes.fromhex(vector("wm0195")["telegrams"][0])[10:]
    layer, rest = read_ell(plain)
    assert opened(layer, rest, OTHER, None) == (rest[2:], False)
    with pytest.raises(NotEncrypted):
        opened(layer, rest, OTHER, KEY)


def test_without_encryption_the_crc_must_fit() -> None:
    data = bytes.fromhex("8d2001") + bytes(4)
    layer, rest = read_ell(data + bytes.fromhex("ffff"))
    assert opened(layer, rest, OTHER, None) == (b"", False)
    layer, rest = read_ell(data + bytes.fromhex("ffff78"))
    with pytest.raises(CrcWrong):
        opened(layer, rest, OTHER, None)
    layer, rest = read_ell(bytes.fromhex("8d2001000000e00000"))
    with pytest.raises(Unsupported, match="encryption 7"):
        opened(layer, rest, OTHER, KEY)


def test_a_receiver_stands_before_the_session() -> None:
    layer, rest = read_ell(
        bytes.fromhex("8f8075" + "3a63665544330a31" + "01000020" + "ffff")
    )
    assert layer.receiver == MeterAddress(bytes.fromhex("3a63665544330a31"))
    assert (layer.counter, rest.hex()) == (1, "ffff")
    layer, rest = read_ell(bytes.fromhex("8e8075" + "3a63665544330a31" + "90"))
    assert (layer.session, rest.hex()) == (None, "90")


@pytest.mark.parametrize("data", ["8c20", "8d20010203", "8e2001", "8f" + "00" * 14])
def test_a_layer_that_ends_early_is_refused(data: str) -> None:
    with pytest.raises(LengthWrong):
        read_ell(bytes.fromhex(data))


# --- authentication and fragments ---------------------------------------------------


def test_the_layer_of_the_worked_example_is_read() -> None:
    layer, rest = read_afl(bytes.fromhex("900F002C25B30A0000AF5D74DF73A600D972"))
    assert (layer.fragment, layer.more_follow) == (0, False)
    assert layer.mac.hex() == "af5d74df73a600d9"
    assert layer.authenticated.hex() == "25b30a0000"
    assert rest == b"\x72"


def test_all_fields_are_read_in_their_order() -> None:
    layer, rest = read_afl(bytes.fromhex("900D013E 23 0110 05000000 ABCD 2000 72"))
    assert layer == Authentication(
        fragment=1,
        more_follow=False,
        mcl=b"\x23",
        key_information=b"\x01\x10",
        counter=b"\x05\x00\x00\x00",
        mac=b"\xab\xcd",
        length=b"\x20\x00",
    )
    assert rest == b"\x72"


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ("90", LengthWrong),
        ("900F002C25B30A", LengthWrong),
        ("9001002C", LengthWrong),
        ("900E002C25B30A0000AF5D74DF73A600D9", LengthWrong),
        ("900F002C28B30A0000AF5D74DF73A600D9", Unsupported),
        ("9004000C1122", LengthWrong),
        ("9003002425", LengthWrong),
    ],
)
def test_a_malformed_layer_is_refused(data: str, fault: type[Exception]) -> None:
    with pytest.raises(fault):
        read_afl(bytes.fromhex(data))


def fragment(number: int, more: bool = True, **fields: bytes) -> Authentication:
    return Authentication(number, more, **fields)


def test_fragments_become_one_message_with_the_fields_of_all() -> None:
    store = FragmentStore()
    first = fragment(1, mcl=b"\x25", counter=b"\x01\x00\x00\x00")
    with pytest.raises(FragmentAwaited):
        store.joined(METER, first, b"one ", 0)
    with pytest.raises(FragmentAwaited):
        store.joined(METER, fragment(2), b"two ", 1)
    layer, payload = store.joined(
        METER, fragment(3, more=False, mac=b"m" * 8), b"three", 2
    )
    assert payload == b"one two three"
    assert (layer.mcl, layer.mac, layer.more_follow) == (b"\x25", b"m" * 8, False)
    assert len(store) == 0


def test_fragments_of_two_meters_do_not_mix() -> None:
    store = FragmentStore()
    for sender in (METER, OTHER):
        with pytest.raises(FragmentAwaited):
            store.joined(sender, fragment(1), sender.raw, 0)
    assert store.joined(METER, fragment(2, more=False), b"!", 0)[1] == METER.raw + b"!"


@pytest.mark.parametrize("number", [2, 3, 200])
def test_a_fragment_out_of_order_ends_the_message(number: int) -> None:
    store = FragmentStore()
    with pytest.raises(Truncated):
        store.joined(METER, fragment(number), b"lost", 0)
    with pytest.raises(FragmentAwaited):
        store.joined(METER, fragment(1), b"one", 0)
    with pytest.raises(Truncated):
        store.joined(METER, fragment(number + 1), b"other", 0)
    with pytest.raises(Truncated):
        store.joined(METER, fragment(2, more=False), b"two", 0)


def test_fragments_that_contradict_each_other_end_the_message() -> None:
    store = FragmentStore()
    with pytest.raises(FragmentAwaited):
        store.joined(METER, fragment(1, counter=b"\x01\x00\x00\x00"), b"one", 0)
    with pytest.raises(Truncated):
        store.joined(METER, fragment(2, counter=b"\x02\x00\x00\x00"), b"two", 0)


def test_a_message_that_stays_unfinished_is_forgotten() -> None:
    store = FragmentStore(timeout_s=60)
    with pytest.raises(FragmentAwaited):
        store.joined(METER, fragment(1), b"one", 100.0)
    with pytest.raises(Truncated):
        store.joined(METER, fragment(2, more=False), b"two", 161.0)


def test_the_store_is_bounded_in_senders_and_bytes() -> None:
    store = FragmentStore(senders=3, message_bytes=100)
    for number in range(20):
        sender = MeterAddress(number.to_bytes(8, "big"))
        with pytest.raises(FragmentAwaited):
            store.joined(sender, fragment(1), b"x" * 60, 0)
    assert len(store) == 3
    with pytest.raises(Truncated):
        store.joined(sender, fragment(2), b"x" * 60, 0)
    assert len(store) == 2


def test_an_announced_length_must_be_that_of_the_fragments() -> None:
    store = FragmentStore()
    with pytest.raises(FragmentAwaited):
        store.joined(METER, fragment(1, length=b"\x07\x00"), b"one", 0)
    with pytest.raises(Truncated, match="length"):
        store.joined(METER, fragment(2, more=False), b"two", 0)


def test_a_telegram_in_two_fragments_gives_its_records() -> None:
    message = unencrypted(METER, integer_record("0413", 123529))[10:]
    decoder = decoder_with(None)
    first = telegram(METER, bytes.fromhex("90020140") + message[:6])
    last = telegram(METER, bytes.fromhex("90020200") + message[6:])
    waiting = decoder.decode(first, now_s=0)
    assert isinstance(waiting.refusal, FragmentAwaited)
    assert waiting.records is None
    whole = decoder.decode(last, now_s=1)
    assert whole.records is not None
    assert [str(record.value) for record in whole.records.records] == ["123.529"]


# --- transport header ---------------------------------------------------------------


def test_a_long_header_names_the_meter_behind_an_adapter() -> None:
    header, body = read_tpl(bytes.fromhex("72785634129315330375002007109058"))
    assert header.address == METER
    assert (header.access_number, header.status, header.configuration) == (
        117,
        0,
        0x0720,
    )
    assert (header.mode, header.encrypted_bytes, header.key_derivation) == (7, 32, 1)
    assert body.hex() == "9058"


def test_mode_7_may_bring_its_own_counter_and_key_version() -> None:
    header, body = read_tpl(bytes.fromhex("7a010020 27 50 0a000000 07 ff"))
    assert (header.counter.hex(), header.key_derivation) == ("0a000000", 1)
    assert body == b"\xff"


def test_no_header_means_no_encryption_here() -> None:
    header, body = read_tpl(bytes.fromhex("780413"))
    assert (header.mode, header.configuration, header.status) == (0, None, None)
    assert (header.content, body) == (Content.RECORDS, bytes.fromhex("0413"))


@pytest.mark.parametrize(
    "data", ["7a0100", "72" + "00" * 11, "7a01002007", "7a0100202740"]
)
def test_a_header_that_ends_early_is_refused(data: str) -> None:
    with pytest.raises(LengthWrong):
        read_tpl(bytes.fromhex(data))


@pytest.mark.parametrize(
    ("ci", "reason"),
    [
        ("a2", "manufacturer"),
        ("5f", "TLS"),
        ("9e", "TLS"),
        ("7c", "CI 7C"),
        ("00", "CI 00"),
    ],
)
def test_other_protocols_are_told_of(ci: str, reason: str) -> None:
    with pytest.raises(Unsupported, match=reason):
        require_readable(read_tpl(bytes.fromhex(ci + "00" * 16))[0])


@pytest.mark.parametrize(("ci", "is_long"), [(0x5F, True), (0x7C, True), (0x9E, False)])
def test_the_header_of_what_is_not_read_is_kept(ci: int, is_long: bool) -> None:
    """A meter with TLS behind an adapter is told of by its own name and status."""
    address = bytes.fromhex("7856341293153303") if is_long else b""
    sent = telegram(OTHER, bytes([ci]) + address + bytes.fromhex("2A04000D") + b"\x16")
    told = decoder_with(KEY).decode(sent, now_s=0)
    assert (told.error, told.records) == ("unsupported", None)
    assert told.meter == (METER if is_long else OTHER)
    assert told.transport is not None
    assert (told.transport.access_number, told.transport.status) == (0x2A, 4)
    assert told.transport.mode == 13
    assert meter_behind(sent) == (METER if is_long else None)


def test_what_is_not_read_needs_no_room_for_a_header() -> None:
    told = decoder_with(None).decode(telegram(OTHER, b"\x5f\x00"), now_s=0)
    assert (told.error, told.meter) == ("unsupported", OTHER)


@pytest.mark.parametrize("mode", [1, 2, 3, 4, 6, 8, 9, 10, 13, 15, 16, 31])
def test_other_security_modes_are_told_of(mode: int) -> None:
    header, _ = read_tpl(bytes([0x7A, 0, 0, 0x10, mode]) + bytes(16))
    with pytest.raises(Unsupported, match="TLS" if mode == 13 else f"mode {mode}"):
        require_readable(header)


def test_a_sign_of_life_has_no_records_and_no_fault() -> None:
    sign = decoder_with(None).decode(
        bytes.fromhex(vector("ox0004")["telegrams"][0]), now_s=0
    )
    assert sign.error is None
    assert sign.records is not None
    assert sign.records.records == ()
    bare = decoder_with(KEY).decode(telegram(METER, b""), now_s=0)
    assert (bare.error, bare.cis) == (None, [])


def test_a_network_byte_is_passed_over() -> None:
    message = unencrypted(METER, integer_record("0413", 7))[10:]
    found = decoder_with(None).decode(telegram(METER, b"\x81\x1d" + message), now_s=0)
    assert (found.error, found.cis) == (None, [0x81, 0x7A])


# --- status -------------------------------------------------------------------------


def test_the_status_byte_is_taken_apart() -> None:
    assert MeterStatus(0).application == "ok"
    assert [MeterStatus(n).application for n in (1, 2, 3)] == ["busy", "error", "alarm"]
    weak = MeterStatus(0xE4)
    assert weak.is_power_low
    assert weak.manufacturer_bits == 7
    assert not (weak.is_fatal or weak.is_temporary)
    assert MeterStatus(0x10).is_temporary


def test_a_permanent_error_is_fatal_in_the_status_word() -> None:
    assert MeterStatus(0x08).is_fatal
    assert MeterStatus(0x08).word == 0x20004
    assert MeterStatus(0x14).word == 0x4
