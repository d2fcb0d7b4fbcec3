"""Security modes 0, 5 and 7, ELL-CTR, downgrade, replay: what is let in."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from hardware.wmbus import Decoder, Telegram
from hardware.wmbus_address import MeterAddress
from hardware.wmbus_crypto import cmac, derived_keys
from hardware.wmbus_encode import (
    date_time_record,
    ell_ctr,
    integer_record,
    mode_5,
    mode_7,
    telegram,
    unencrypted,
)
from hardware.wmbus_errors import FragmentAwaited, TelegramRefused
from hardware.wmbus_frame import normalised_a, normalised_b
from hardware.wmbus_replay import MESSAGE, Counted, ReplayGuard
from tests.hardware.wmbus_vectors import (
    decoded,
    fields_of,
    key_of,
    telegrams_of,
    vector,
    wmbus_vectors,
)

METER = MeterAddress.of("ELS", "12345678", 0x33, 0x03)
ADAPTER = MeterAddress.of("RAD", "11223344", 0x03, 0x37)
KEY, OTHER_KEY = bytes(range(16)), bytes(range(1, 17))
RECORDS = integer_record("0413", 123529) + integer_record("023B", 0)
KEYS = {METER: KEY}


def listening(keys: dict[MeterAddress, bytes] = KEYS, **state: Any) -> Decoder:
    return Decoder(keys.get, **state)


def values_of(telegram: Telegram) -> list[str]:
    assert telegram.error is None
    assert telegram.records is not None
    return [str(record.value) for record in telegram.records.records]


def outcome(telegram: Telegram) -> Any:
    """The error, or what was accepted."""
    return telegram.error or values_of(telegram)


GOOD = ["123.529", "0"]
QUARTER_PAST_ONE = datetime(2026, 3, 29, 1, 15)  # noqa: DTZ001 (a meter has no zone)


# --- keys ---------------------------------------------------------------------------


def test_the_keys_of_the_worked_example_are_derived() -> None:
    counter, number = bytes.fromhex("b30a0000"), bytes.fromhex("78563412")
    encryption, mac = derived_keys(KEY, counter, number)
    assert encryption.hex() == "eccf39d475d730b8284fdfdc1995d52f"
    assert mac.hex() == "c9cd19ff5a9aad5a6bbda13bd2c4c7ad"
    assert derived_keys(KEY, counter, number, to_meter=True)[0] != encryption


def test_the_cmac_is_that_of_rfc_4493() -> None:
    key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
    assert cmac(key, b"").hex() == "bb1d6929e95937287fa37d129b756746"


# --- each mode both ways ------------------------------------------------------------


def test_what_a_meter_sends_in_each_mode_is_read() -> None:
    sent = [
        mode_5(METER, RECORDS, KEY, access_number=42),
        mode_7(METER, RECORDS, KEY, counter=1),
        ell_ctr(METER, b"\x78" + RECORDS, KEY, session=1),
    ]
    for data in sent:
        telegram = listening().decode(data, now_s=0)
        assert values_of(telegram) == GOOD
        assert telegram.is_protected
    plain = listening({}).decode(unencrypted(METER, RECORDS), now_s=0)
    assert values_of(plain) == GOOD
    assert not plain.is_protected


def test_a_meter_behind_an_adapter_is_known_by_its_own_key() -> None:
    data = mode_7(ADAPTER, RECORDS, KEY, counter=1, meter=METER)
    telegram = listening().decode(data, now_s=0)
    assert (values_of(telegram), telegram.meter) == (GOOD, METER)
    assert telegram.link is not None
    assert telegram.link.address == ADAPTER


def test_the_worked_example_of_mode_7_is_made_again() -> None:
    """CEN/TR 17167 F.3 but for the radio adapter's own layers: same MAC, same data."""
    example = bytes.fromhex(vector("ox0002")["telegrams"][0])
    records = bytes.fromhex("0C1427048502046D32371F1502FD170000")
    made = mode_7(ADAPTER, records, KEY, counter=2739, access_number=0x75, meter=METER)
    assert made[made.index(0x90) :] == example[example.index(b"\x90\x0f") :]


def test_partly_encrypted_data_are_read_to_their_end() -> None:
    example = vector("ox0003")
    telegram = decoded(telegrams_of(example, "telegrams"), key_of(example, "telegrams"))
    assert telegram.records is not None
    last = fields_of(telegram.records.records[-1])
    assert (last["quantity"], last["value"]) == ("customer_location", "12345678")


# --- refusals -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (unencrypted(METER, RECORDS), "plain"),
        (telegram(METER, b"\x78" + RECORDS), "plain"),
        (mode_5(METER, RECORDS, OTHER_KEY, access_number=1), "key"),
        (mode_7(METER, RECORDS, OTHER_KEY, counter=1), "mac"),
        (ell_ctr(METER, b"\x78" + RECORDS, OTHER_KEY, session=1), "key"),
    ],
)
def test_only_the_meters_key_opens_its_telegrams(data: bytes, error: str) -> None:
    assert outcome(listening().decode(data, now_s=0)) == error


def test_without_a_key_nothing_encrypted_is_guessed() -> None:
    for data in (
        mode_5(METER, RECORDS, KEY, access_number=1),
        mode_7(METER, RECORDS, KEY, counter=1),
        ell_ctr(METER, b"\x78" + RECORDS, KEY, session=1),
    ):
        assert outcome(listening({}).decode(data, now_s=0)) == "key_missing"


def test_mode_7_is_refused_when_the_authentication_is_taken_away() -> None:
    data = mode_7(METER, RECORDS, KEY, counter=1)
    head, rest = data[:10], data[10:]
    layer = rest.index(b"\x90\x0f")
    for stripped in (rest[:layer] + rest[layer + 17 :], rest[layer + 17 :]):
        bare = bytes([9 + len(stripped)]) + head[1:] + stripped
        assert outcome(listening().decode(bare, now_s=0)) == "mac"


def test_a_short_code_is_not_enough() -> None:
    """Two bytes can be guessed by sending often."""
    data = mode_7(METER, RECORDS, KEY, counter=1)
    start = data.index(b"\x90\x0f")
    message = data[start + 17 :]
    authenticated = bytes.fromhex("2301000000")
    _, mac = derived_keys(KEY, authenticated[1:], METER.raw[2:6])
    code = cmac(mac, authenticated + message)[:2]
    layer = bytes.fromhex("9009002c") + authenticated + code
    short = telegram(METER, layer + message)
    assert outcome(listening().decode(short, now_s=0)) == "unsupported"


def in_fragments(data: bytes, size: int) -> list[bytes]:
    """A telegram of mode 7 in fragments: counter in the first, MAC in the last."""
    start = data.index(b"\x90\x0f")
    counter, code = data[start + 4 : start + 9], data[start + 9 : start + 17]
    message = data[start + 17 :]
    parts = [message[at : at + size] for at in range(0, len(message), size)]
    first = b"\x90\x07\x01\x68" + counter + parts[0]
    middle = [
        b"\x90\x02" + bytes([n, 0x40]) + part for n, part in enumerate(parts[1:-1], 2)
    ]
    last = b"\x90\x0a" + bytes([len(parts), 0x04]) + code + parts[-1]
    return [telegram(METER, body) for body in (first, *middle, last)]


def test_a_message_in_fragments_is_checked_as_a_whole() -> None:
    decoder = listening()
    fragments = in_fragments(mode_7(METER, RECORDS, KEY, counter=1), 10)
    found = [decoder.decode(part, now_s=0) for part in fragments]
    assert len(found) == 3
    assert all(isinstance(item.refusal, FragmentAwaited) for item in found[:-1])
    assert outcome(found[-1]) == GOOD
    assert found[-1].is_protected
    fragments[1] = fragments[1][:-1] + b"\x00"
    found = [decoder.decode(part, now_s=0) for part in fragments]
    assert outcome(found[-1]) == "mac"


def test_a_code_of_another_size_than_said_is_refused() -> None:
    alone = telegram(METER, bytes.fromhex("90060004 11223344") + b"\x78" + RECORDS)
    assert outcome(listening().decode(alone, now_s=0)) == "unsupported"


def test_nothing_encrypted_in_mode_5_or_7_is_a_downgrade() -> None:
    for mode in (5, 7):
        header = bytes([0x7A, 1, 0, 0x00, mode]) + (b"\x10" if mode == 7 else b"")
        data = telegram(METER, header + RECORDS)
        assert outcome(listening().decode(data, now_s=0)) == "plain"


def test_the_key_of_an_adapter_does_not_stand_for_that_of_the_meter() -> None:
    long_header = b"\x72" + METER.raw[2:6] + METER.raw[:2] + METER.raw[6:] + bytes(4)
    data = ell_ctr(ADAPTER, long_header + RECORDS, OTHER_KEY, session=1)
    keys = {ADAPTER: OTHER_KEY, METER: KEY}
    assert outcome(listening(keys).decode(data, now_s=0)) == "plain"
    assert outcome(listening({ADAPTER: OTHER_KEY}).decode(data, now_s=0)) == GOOD


def test_more_encrypted_blocks_than_bytes_are_a_wrong_length() -> None:
    data = telegram(METER, bytes.fromhex("7a010030052f2f") + bytes(30))
    assert outcome(listening().decode(data, now_s=0)) == "length"


# --- replay -------------------------------------------------------------------------


def test_a_counter_must_grow() -> None:
    decoder = listening()
    sent = {n: mode_7(METER, RECORDS, KEY, counter=n) for n in (5, 6, 4)}
    assert outcome(decoder.decode(sent[5], now_s=0)) == GOOD
    assert outcome(decoder.decode(sent[5], now_s=0)) == "replay"
    assert outcome(decoder.decode(sent[6], now_s=0)) == GOOD
    assert outcome(decoder.decode(sent[4], now_s=0)) == "replay"


def test_the_session_number_must_grow_too() -> None:
    decoder = listening()
    sent = {n: ell_ctr(METER, b"\x78" + RECORDS, KEY, session=n) for n in (5, 6)}
    assert outcome(decoder.decode(sent[6], now_s=0)) == GOOD
    assert outcome(decoder.decode(sent[5], now_s=0)) == "replay"


def test_counters_outlive_a_restart() -> None:
    before = ReplayGuard()
    data = mode_7(METER, RECORDS, KEY, counter=5)
    assert outcome(listening(replay=before).decode(data, now_s=0)) == GOOD
    assert before.counters == {"message:9315785634123303": 5}
    assert before.changes == 1
    after = listening(replay=ReplayGuard(before.counters))
    assert outcome(after.decode(data, now_s=0)) == "replay"


def test_what_is_not_genuine_moves_no_counter() -> None:
    guard = ReplayGuard()
    decoder = listening(replay=guard)
    far_ahead = bytearray(mode_7(METER, RECORDS, OTHER_KEY, counter=0xFFFFFFFF))
    assert outcome(decoder.decode(bytes(far_ahead), now_s=0)) == "mac"
    wrong = ell_ctr(METER, b"\x78" + RECORDS, OTHER_KEY, session=0x1FFFFFFF)
    assert outcome(decoder.decode(wrong, now_s=0)) == "key"
    assert guard.counters == {}


def test_counters_of_two_meters_are_apart_and_begin_anew_with_a_new_key() -> None:
    guard = ReplayGuard()
    for address in (METER, ADAPTER):
        guard.accept(Counted(MESSAGE, address, 7))
    guard.forget(METER)
    guard.check(Counted(MESSAGE, METER, 1))
    assert list(guard.counters) == [f"message:{ADAPTER.meter_id}"]


# --- every byte ---------------------------------------------------------------------


def protected_telegrams() -> list[tuple[dict[MeterAddress, bytes], bytes]]:
    """Telegrams with a code over their data, each with the key of its meter only."""
    found = []
    for example in wmbus_vectors():
        security = example["security"]
        if not (security["afl"] or security["ell"] == "aes_ctr"):
            continue
        form = "encrypted_telegrams" if example["encrypted_telegrams"] else "telegrams"
        key = key_of(example, form)
        data = telegrams_of(example, form)[0]
        plain = Decoder(lambda address, key=key: key).decode(data, now_s=0)  # type: ignore[misc]
        if plain.error is None and key is not None:
            assert plain.link is not None
            assert plain.meter is not None
            found.append(({plain.link.address: key, plain.meter: key}, data))
    records = RECORDS + date_time_record(QUARTER_PAST_ONE)
    found.append((KEYS, mode_7(METER, records, KEY, counter=7)))
    found.append((KEYS, ell_ctr(METER, b"\x78" + records, KEY, session=7)))
    return found


def test_a_changed_byte_of_a_protected_telegram_gives_no_other_value() -> None:
    """What the code does not cover (access number, repeater bits) changes no value."""
    telegrams = protected_telegrams()
    assert len(telegrams) >= 6
    for keys, data in telegrams:
        good = values_of(listening(keys).decode(data, now_s=0))
        for position in range(len(data)):
            for mask in (0x01, 0x10, 0x80, 0xFF):
                changed = bytearray(data)
                changed[position] ^= mask
                found = listening(keys).decode(bytes(changed), now_s=0)
                is_same = found.records is not None and values_of(found) == good
                assert found.records is None or is_same, (data.hex(), position, mask)


def test_a_changed_byte_on_the_air_gives_no_value_at_all(shared: Path) -> None:
    """Every byte of both frame formats of all vectors, more than 200 frames."""
    frames = 0
    for example in wmbus_vectors(shared / "testdata" / "wmbus"):
        for form, read in (("frame_a", normalised_a), ("frame_b", normalised_b)):
            frame = bytes.fromhex(example[form] or "")
            frames += bool(frame)
            for position in range(len(frame)):
                changed = bytearray(frame)
                changed[position] ^= 0x55
                with pytest.raises(TelegramRefused):
                    read(bytes(changed))
    assert frames > 200
