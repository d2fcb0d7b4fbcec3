"""Undecodable telegrams are kept for the technician, within limits."""

from datetime import timedelta

import pytest
from django.db import OperationalError

from hardware.errors import AnswerTimeout, FrameUndecodable
from meters import kept_telegrams as module
from meters.kept_telegrams import TelegramKeeper, keep_telegram, kept_telegrams
from tests.meters.builders import NOON

pytestmark = pytest.mark.django_db


def keep(number: int = 0, **more: object):
    return keep_telegram(
        port="/dev/radio",
        header=bytes([number]) * 12,
        length=40,
        reason="wrong key",
        now=NOON + timedelta(seconds=number),
        **more,
    )


def test_header_length_and_reason_are_kept_and_no_payload() -> None:
    keep(7)
    (kept,) = kept_telegrams()
    assert (kept.header, kept.length, kept.reason) == ("07" * 12, 40, "wrong key")
    assert (kept.port, bytes(kept.payload)) == ("/dev/radio", b"")


def test_an_encrypted_payload_is_kept_to_be_tried_again() -> None:
    keep(encrypted_payload=b"\x93" * 2000)
    (kept,) = kept_telegrams()
    assert bytes(kept.payload) == b"\x93" * 1024


def test_the_newest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 5)
    for number in range(12):
        keep(number)
    assert [kept.header[:2] for kept in kept_telegrams()] == [
        f"{number:02x}" for number in range(11, 6, -1)
    ]
    assert [kept.header[:2] for kept in kept_telegrams(limit=1)] == ["0b"]


def test_long_heads_and_reasons_are_cut() -> None:
    keep_telegram(port="p", header=b"x" * 99, length=99, reason="y" * 999, now=NOON)
    (kept,) = kept_telegrams()
    assert (len(kept.header), len(kept.reason)) == (64, 120)


def test_one_port_keeps_some_a_minute() -> None:
    keeper = TelegramKeeper(lambda: "/dev/noisy")
    error = FrameUndecodable("checksum wrong", header=b"\xa0", length=9)
    for seconds in range(0, 90):
        keeper.keep(error, NOON + timedelta(seconds=seconds))
    assert len(kept_telegrams()) == 20
    keeper.keep(AnswerTimeout("silent"), NOON + timedelta(hours=1))
    keeper.keep(FrameUndecodable("nothing known of it"), NOON + timedelta(hours=1))
    assert len(kept_telegrams()) == 20


def test_a_database_that_fails_does_not_stop_the_port(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(**_: object) -> None:
        raise OperationalError("disk full")

    monkeypatch.setattr(module, "keep_telegram", fail)
    TelegramKeeper(lambda: "/dev/x").keep(FrameUndecodable("r", length=1), NOON)
