"""NTP packets: what is asked, what is refused, what is computed."""

import struct
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware import ntp
from hardware.ntp import NtpAnswerInvalid

COOKIE = bytes(range(1, 9))
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def good_answer(at: datetime = NOW, cookie: bytes = COOKIE) -> bytes:
    return ntp.answer_packet(ntp.request(cookie), received_at=at, sent_at=at)


def changed(at: int, value: bytes) -> bytes:
    packet = bytearray(good_answer())
    packet[at : at + len(value)] = value
    return bytes(packet)


@pytest.mark.req("R155")
def test_a_request_tells_nothing_but_a_random_number() -> None:
    """First byte 0x23, precision 0x20, all timestamps zero but the last (DS 14)."""
    assert ntp.request(COOKIE).hex() == "23000020" + "00" * 36 + COOKIE.hex()
    with pytest.raises(ValueError, match="eight"):
        ntp.request(b"short")


@pytest.mark.req("R155")
@pytest.mark.parametrize(
    ("packet", "why"),
    [
        (good_answer()[:-1], "47 bytes"),
        (good_answer() + b"\0", "49 bytes"),
        (b"", "0 bytes"),
        (changed(0, bytes([3 << 3 | 4])), "version 3"),
        (changed(0, bytes([4 << 3 | 3])), "mode 3"),
        (changed(0, bytes([4 << 3 | 5])), "mode 5"),
        (changed(0, bytes([3 << 6 | 4 << 3 | 4])), "no time itself"),
        (changed(1, b"\0"), "no time itself"),
        (changed(1, b"\x10"), "no time itself"),
        (changed(24, b"\0"), "another request"),
        (changed(31, b"\0"), "another request"),
        (changed(32, bytes(8)), "missing"),
        (changed(40, bytes(8)), "missing"),
        (changed(40, struct.pack(">I", 0xEDA308BF)), "before it was received"),
    ],
)
def test_an_answer_that_is_wrong_is_refused(packet: bytes, why: str) -> None:
    """Length, version, mode, leap indicator, originate timestamp (wan.md 6.1)."""
    with pytest.raises(NtpAnswerInvalid, match=why):
        ntp.answer_of(packet, COOKIE, own=NOW)


@given(st.integers(0, 5 * 10**9), st.integers(-60, 60))
def test_the_time_comes_back_in_the_era_nearest_to_ours(
    seconds: int, years_off: int
) -> None:
    """Era 1 begins on 8 February 2036; the own clock says which era is meant."""
    sent_at = datetime(1990, 1, 1, 0, 0, 0, 123_456, tzinfo=UTC) + seconds * SECOND
    own = sent_at + timedelta(days=365 * years_off)
    answer = ntp.answer_of(good_answer(sent_at), COOKIE, own=own)
    assert answer.sent_at == sent_at


@given(
    st.integers(-10_000_000, 10_000_000),
    st.integers(0, 4_000_000),
    st.integers(0, 4_000_000),
    st.integers(0, 900_000),
)
def test_the_error_is_at_most_half_the_round_trip(
    off: int, there: int, back: int, inside: int
) -> None:
    """RFC 5905, 8: exact when both ways take the same time."""
    us = timedelta(microseconds=1)
    received = NOW + (off + there) * us
    answer = ntp.NtpAnswer(received, received + inside * us, 1)
    sample = ntp.sample_of(answer, NOW, NOW + (there + inside + back) * us)
    assert sample.round_trip == (there + back) * us
    assert abs(sample.offset - off * us) <= sample.round_trip / 2 + us
    if there == back:
        assert sample.offset == off * us


@pytest.mark.parametrize(
    ("under_way", "in_server"),
    [
        (9 * SECOND + timedelta(microseconds=1), 0 * SECOND),
        (-SECOND, 0 * SECOND),
        (SECOND, 2 * SECOND),
    ],
)
def test_an_answer_that_took_too_long_is_refused(
    under_way: timedelta, in_server: timedelta
) -> None:
    """Nine seconds (wan.md 6.1), and no longer with the server than under way."""
    answer = ntp.NtpAnswer(NOW, NOW + in_server, 1)
    with pytest.raises(NtpAnswerInvalid):
        ntp.sample_of(answer, NOW, NOW + under_way)
    ntp.sample_of(ntp.NtpAnswer(NOW, NOW, 1), NOW, NOW + 9 * SECOND)
