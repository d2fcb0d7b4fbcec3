"""Whatever comes over the air: only the codec's own refusals, no hang, no growth."""

import random
import time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.wmbus import Decoder, Telegram
from hardware.wmbus_address import MeterAddress
from hardware.wmbus_compact import FormatCache
from hardware.wmbus_crc import format_signature
from hardware.wmbus_encode import ell_ctr, mode_5, mode_7, telegram
from hardware.wmbus_header import header_of
from hardware.wmbus_obis import profile_registers_of, registers_of
from hardware.wmbus_profile import expanded
from hardware.wmbus_records import read_records
from tests.hardware.wmbus_vectors import fields_of, wmbus_vectors

METER = MeterAddress.of("ELS", "12345678", 0x33, 0x03)
KEY = bytes(range(16))
LONGEST_S = 0.1
GOOD = [bytes.fromhex(v["telegrams"][-1]) for v in wmbus_vectors()]

ERRORS = {
    None,
    "length",
    "crc",
    "mac",
    "key",
    "key_missing",
    "plain",
    "replay",
    "format_unknown",
    "truncated",
    "unsupported",
}


def looked_at(found: Telegram) -> Telegram:
    """Use all that a telegram gives, as the layers above do."""
    assert found.error in ERRORS
    assert (found.records is None) <= (found.error is not None)
    if found.records is not None and found.meter is not None:
        records = found.records.records
        assert all(fields_of(record) for record in records)
        medium = found.meter.device_type
        registers_of(records, medium)
        profile_registers_of(expanded(records), medium)
    return found


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=255), st.sampled_from([None, KEY]))
def test_noise_behind_a_good_link_layer(noise: bytes, key: bytes | None) -> None:
    decoder = Decoder(lambda address: key)
    looked_at(decoder.decode(telegram(METER, noise[:246]), now_s=0))
    looked_at(decoder.decode(noise, now_s=0))


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([0x72, 0x78, 0x7A, 0x79, 0x90, 0x8D]))
def test_noise_behind_each_layer(noise: bytes, ci: int) -> None:
    decoder = Decoder(lambda address: None)
    looked_at(decoder.decode(telegram(METER, bytes([ci]) + noise), now_s=0))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_genuine_telegrams_with_any_content(noise: bytes) -> None:
    """A meter that went mad: the security layers pass, the records are noise."""
    decoder = Decoder(lambda address: KEY)
    for data in (
        mode_5(METER, noise, KEY, access_number=1),
        mode_7(METER, noise, KEY, counter=1),
        ell_ctr(METER, b"\x78" + noise, KEY, session=1),
        ell_ctr(METER, b"\x79" + noise, KEY, session=2),
        ell_ctr(METER, b"\x69" + noise, KEY, session=3),
    ):
        looked_at(decoder.decode(data, now_s=0))


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_changed_vectors(data: Any) -> None:
    good = bytearray(data.draw(st.sampled_from(GOOD)))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        good = good[: data.draw(st.integers(0, len(good)))]
        good[:1] = bytes([max(len(good) - 1, 0)]) if good else b""
    looked_at(Decoder(lambda address: None).decode(bytes(good), now_s=0))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_format_given_and_any_compact_frame(noise: bytes) -> None:
    half = len(noise) // 2
    formats = FormatCache()
    formats.prime(noise[:half])
    signature = format_signature(noise[:half]).to_bytes(2, "little")
    decoder = Decoder(lambda address: None, formats=formats)
    message = b"\x79" + signature + noise[half:]
    looked_at(decoder.decode(telegram(METER, message), now_s=0))


def seconds_for(data: bytes) -> float:
    """CPU time to read an application layer and its profiles."""
    started = time.process_time()
    found = read_records(data)
    list(expanded(found.records))
    return time.process_time() - started


def test_the_worst_application_layers_are_read_in_no_time() -> None:
    worst = [
        bytes([0x00, 0x00] * 5000),
        bytes([0x84] + [0xFF] * 9999),
        bytes([0x04, 0x7C, 0xFF]) + bytes(9999),
        bytes([0x2F] * 10000),
        bytes([0x0D, 0x93, 0x1F, 0xBF, 0x01, 0x01] + [0x01] * 189) * 50,
        bytes([0x0D, 0x93, 0x1F, 0x03, 0x01, 0x01, 0x01]) * 2000,
    ]
    for data in worst:
        assert min(seconds_for(data) for _ in range(3)) < LONGEST_S


def test_many_senders_and_formats_leave_a_bounded_state() -> None:
    chance = random.Random(3)
    decoder = Decoder(lambda address: None)
    for number in range(5000):
        sender = MeterAddress(chance.randbytes(8))
        head = bytes([0x01, number & 0x7F | 0x80, number >> 7 & 0x7F])
        decoder.decode(telegram(sender, b"\x78" + head + b"\x00"), now_s=number)
        fragment = bytes.fromhex("90020140") + chance.randbytes(20)
        decoder.decode(telegram(sender, fragment), now_s=0)
    assert len(decoder.formats) <= 1024
    assert len(decoder.fragments) <= 64
    assert decoder.replay.counters == {}
    assert header_of.cache_info().currsize <= 4096
    decoder.formats.prime(b"\x01\x13" * 10_000)
    assert max(len(heads) for _, heads in decoder.formats.formats) <= 1024
