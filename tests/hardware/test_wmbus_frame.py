"""Frame formats A and B of the radio link, and the form without CRCs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.wmbus_crc import crc16
from hardware.wmbus_errors import CrcWrong, LengthWrong, TelegramRefused
from hardware.wmbus_frame import (
    checked,
    frame_a,
    frame_b,
    length_a,
    normalised_a,
    normalised_b,
)
from tests.hardware.wmbus_vectors import wmbus_vectors

TELEGRAM = bytes.fromhex("1844AE4C4455223368077A55000000041389E20100023B0000")
FRAME_A = bytes.fromhex("1844AE4C4455223368075F787A55000000041389E20100023B0000D0C6")
FRAME_B = bytes.fromhex("1A44AE4C4455223368077A55000000041389E20100023B0000C6B4")


def a_telegram(size: int) -> bytes:
    return bytes([size - 1]) + bytes(range(1, size))


def test_the_crc_has_the_check_value_of_its_definition() -> None:
    assert crc16(b"123456789") == 0xC2B7


def test_the_worked_example_goes_both_ways() -> None:
    assert normalised_a(FRAME_A) == normalised_b(FRAME_B) == TELEGRAM
    assert frame_a(TELEGRAM) == FRAME_A
    assert frame_b(TELEGRAM) == FRAME_B


def test_the_frames_of_the_vectors_are_made_again() -> None:
    for vector in wmbus_vectors():
        last = bytes.fromhex((vector["encrypted_telegrams"] or vector["telegrams"])[-1])
        assert frame_a(last).hex().upper() == vector["frame_a"]
        assert frame_b(last).hex().upper() == vector["frame_b"]


@given(st.integers(10, 252))
def test_every_length_goes_both_ways(size: int) -> None:
    telegram = a_telegram(size)
    assert len(frame_a(telegram)) == length_a(size)
    assert normalised_a(frame_a(telegram)) == telegram
    assert normalised_b(frame_b(telegram)) == telegram


def test_the_longest_telegram_fits_into_format_a_only() -> None:
    assert normalised_a(frame_a(a_telegram(256))) == a_telegram(256)
    with pytest.raises(LengthWrong):
        frame_b(a_telegram(253))


@pytest.mark.parametrize("size", [10, 11, 25, 27, 42, 127, 200])
def test_a_changed_byte_is_found_wherever_it_is(size: int) -> None:
    for made, read in ((frame_a, normalised_a), (frame_b, normalised_b)):
        frame = made(a_telegram(size))
        for position in range(len(frame)):
            for mask in (0x01, 0x80, 0xFF):
                changed = bytearray(frame)
                changed[position] ^= mask
                with pytest.raises(TelegramRefused):
                    read(bytes(changed))


def test_a_wrong_crc_and_a_wrong_length_are_told_apart() -> None:
    with pytest.raises(CrcWrong, match="block 2"):
        normalised_a(FRAME_A[:-1] + b"\x00")
    with pytest.raises(CrcWrong, match="block 1"):
        normalised_b(FRAME_B[:-1] + b"\x00")
    for frame, read in ((FRAME_A, normalised_a), (FRAME_B, normalised_b)):
        for wrong in (frame[:-1], frame + b"\x00", b"", frame[:1], b"\x05" * 6):
            with pytest.raises(LengthWrong):
                read(wrong)


def test_a_second_block_of_format_b_holds_at_least_a_byte() -> None:
    for size in (129, 130):
        with pytest.raises(LengthWrong):
            normalised_b(bytes([size - 1]) + bytes(size - 1))


def test_a_telegram_has_as_many_bytes_as_it_says() -> None:
    assert checked(TELEGRAM) is TELEGRAM
    for wrong in (TELEGRAM[:-1], TELEGRAM + b"\x00", b"", b"\x08" + bytes(8)):
        with pytest.raises(LengthWrong):
            checked(wrong)


@given(st.binary(max_size=300))
def test_noise_is_refused_and_never_more_than_that(noise: bytes) -> None:
    for read in (normalised_a, normalised_b, checked):
        try:
            read(noise)
        except TelegramRefused:
            continue
