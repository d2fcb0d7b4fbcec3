"""NTP packets as the gateway asks and checks them (RFC 5905; wan.md 6.1): pure.

The request keeps its own time to itself: all timestamps are zero but the transmit
timestamp, which is eight random bytes that the answer has to repeat.
"""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

PACKET_BYTES = 48
COOKIE_BYTES = 8
LONGEST_ROUND_TRIP = timedelta(seconds=9)

CLIENT, SERVER = 3, 4
VERSION = 4
ALARM = 3
"""Leap indicator of a server that is not synchronised itself."""
LOWEST_STRATUM, HIGHEST_STRATUM = 1, 15

_EPOCH = datetime(1900, 1, 1, tzinfo=UTC)
_ERA = timedelta(seconds=2**32)
_LAYOUT = struct.Struct(">BBbb11I")
_PRECISION = 0x20


class NtpAnswerInvalid(Exception):
    """The answer is not to be used; the text says why."""


@dataclass(frozen=True, slots=True)
class NtpAnswer:
    """What a server said: when it received the request, when it sent the answer."""

    received_at: datetime
    sent_at: datetime
    stratum: int


@dataclass(frozen=True, slots=True)
class TimeSample:
    """One good answer: server's time minus own time, and how long it was under way."""

    offset: timedelta
    round_trip: timedelta


def request(cookie: bytes) -> bytes:
    """The 48 bytes of a request with eight random bytes as its transmit timestamp."""
    if len(cookie) != COOKIE_BYTES:
        raise ValueError("eight bytes are needed")
    first = bytes([VERSION << 3 | CLIENT, 0, 0, _PRECISION])
    return first + bytes(PACKET_BYTES - len(first) - COOKIE_BYTES) + cookie


def answer_of(packet: bytes, cookie: bytes, *, own: datetime) -> NtpAnswer:
    """Check an answer to `request(cookie)`; raises NtpAnswerInvalid.

    `own` is the own time: of the eras of 136 years the nearest to it is taken.
    """
    if len(packet) != PACKET_BYTES:
        raise NtpAnswerInvalid(f"{len(packet)} bytes")
    leap, version, mode = packet[0] >> 6, packet[0] >> 3 & 7, packet[0] & 7
    stratum = packet[1]
    if version < VERSION or mode != SERVER:
        raise NtpAnswerInvalid(f"version {version}, mode {mode}")
    if leap == ALARM or not LOWEST_STRATUM <= stratum <= HIGHEST_STRATUM:
        raise NtpAnswerInvalid("the server has no time itself")
    if packet[24:32] != cookie:
        raise NtpAnswerInvalid("the answer to another request")
    if not any(packet[32:40]) or not any(packet[40:48]):
        raise NtpAnswerInvalid("a timestamp is missing")
    received_at, sent_at = (_instant(packet[at : at + 8], own) for at in (32, 40))
    if sent_at < received_at:
        raise NtpAnswerInvalid("sent before it was received")
    return NtpAnswer(received_at, sent_at, stratum)


def sample_of(answer: NtpAnswer, asked_at: datetime, heard_at: datetime) -> TimeSample:
    """Offset ((T2 - T1) + (T3 - T4)) / 2 and round trip (RFC 5905, 8).

    Both own times must be of one clock that was not set in between. Raises
    NtpAnswerInvalid when the answer was under way for more than nine seconds.
    """
    under_way = heard_at - asked_at
    if not timedelta() <= under_way <= LONGEST_ROUND_TRIP:
        raise NtpAnswerInvalid("under way for too long")
    there, back = answer.received_at - asked_at, answer.sent_at - heard_at
    in_server = answer.sent_at - answer.received_at
    if in_server > under_way:
        raise NtpAnswerInvalid("longer with the server than under way")
    return TimeSample((there + back) / 2, under_way - in_server)


def answer_packet(
    asked: bytes, *, received_at: datetime, sent_at: datetime, stratum: int = 1
) -> bytes:
    """What a server answers to the packet `asked`."""
    cookie = asked[40:48]
    head = _LAYOUT.pack(VERSION << 3 | SERVER, stratum, 6, -20, *([0] * 11))[:24]
    return head + cookie + _timestamp(received_at) + _timestamp(sent_at)


def _instant(timestamp: bytes, own: datetime) -> datetime:
    """Seconds and fraction since 1900, in the era that is nearest to `own`."""
    seconds, fraction = struct.unpack(">II", timestamp)
    microseconds = fraction * 1_000_000 >> 32
    within = timedelta(seconds=seconds, microseconds=microseconds)
    era = round((own - _EPOCH - within) / _ERA)
    return _EPOCH + within + era * _ERA


def _timestamp(instant: datetime) -> bytes:
    since = instant - _EPOCH
    seconds = since // timedelta(seconds=1)
    left = since - timedelta(seconds=seconds)
    fraction = -(
        -(left.microseconds << 32) // 1_000_000
    )  # so that reading gives it back
    return struct.pack(">II", seconds % 2**32, fraction)
