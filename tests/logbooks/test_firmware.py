"""Update packages on their way to a running release, and what the log says of it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hardware import firmware_store
from hardware.gateway import Gateway
from logbooks import firmware
from logbooks.firmware import FirmwareStepRefused
from logbooks.models import (
    CalibrationLogEntry,
    ConsumerLogEntry,
    FirmwarePackage,
    SystemLogEntry,
)
from logbooks.services import open_consumer_log
from tests.hardware.releases import FILES, new_key, package, public_pem

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
KEY = new_key()
State = FirmwarePackage.State


@pytest.fixture
def trusting(gateway: Gateway) -> Gateway:
    open_consumer_log("meier")
    firmware_store.trust(gateway.state, public_pem(KEY))
    return gateway


def received(
    gateway: Gateway, key: Any = KEY, files: Any = None, **facts: Any
) -> FirmwarePackage:
    folder = firmware.package_folder(gateway)
    facts = {"hardware": [firmware.hardware_of(gateway)]} | facts
    facts = {"python": firmware.python_version()} | facts
    name = f"p{FirmwarePackage.objects.count()}.casa"
    package(folder, key, files, name=name, **facts)
    return firmware.receive(gateway, name, now=NOW)


def codes() -> list[int]:
    return [row.event_id for row in SystemLogEntry.objects.order_by("number")]


@pytest.mark.req("R147")
def test_a_package_becomes_a_release_step_by_step(trusting: Gateway) -> None:
    """downloaded, verified, released by the GWA, scheduled, trial, active."""
    row = received(trusting)
    assert firmware.verify(trusting, row, now=NOW)
    assert (row.state, row.version, row.number) == (State.VERIFIED, "2X", 2)
    firmware.release(row, now=NOW)
    firmware.schedule(row, at=NOW + timedelta(hours=1), now=NOW)
    assert firmware.due(now=NOW) is None
    assert firmware.due(now=NOW + timedelta(hours=1)) == row
    folder = firmware.unpack(trusting, row, now=NOW)
    assert folder is not None
    assert (folder / "casa").read_bytes() == FILES["casa"]
    firmware.begin_trial(row, now=NOW)
    write_result(trusting, version="2X", ok=True, reason="")
    assert firmware.note_result(trusting, now=NOW) == row
    row.refresh_from_db()
    assert row.state == State.ACTIVE
    assert codes() == []
    assert not ConsumerLogEntry.objects.exists()
    assert not CalibrationLogEntry.objects.exists()


def write_result(gateway: Gateway, **result: Any) -> None:
    path = gateway.state / "firmware" / "result.json"
    path.write_text(json.dumps(result))


def unsigned(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"manifest.sig", b"manifest.six"))


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.req("R147", "R149")
@pytest.mark.parametrize(
    ("facts", "damage", "code"),
    [
        ({"key": new_key()}, None, 1300800),
        ({}, unsigned, 1300800),
        ({}, truncated, 1300800),
        ({}, Path.unlink, 1300800),
        ({"number": 0}, None, 1300804),
        ({"hardware": ["10301"]}, None, 1300804),
        ({"minimum_number": 9}, None, 1300804),
        ({"python": "3.99"}, None, 1300804),
    ],
)
def test_a_package_that_is_refused_says_why(
    trusting: Gateway, facts: dict[str, Any], damage: Any, code: int
) -> None:
    """The code of the manual in the system log; its file is gone, nothing installed."""
    row = received(trusting, **facts)
    path = firmware.package_folder(trusting) / row.file
    if damage:
        damage(path)
    assert not firmware.verify(trusting, row, now=NOW)
    row.refresh_from_db()
    assert (row.state, row.fault) == (State.REFUSED, code)
    assert row.reason
    assert codes() == [code]
    assert SystemLogEntry.objects.get().level == "error"
    assert not path.exists()
    assert firmware_store.current(trusting.state) is None


@pytest.mark.req("R147")
def test_an_older_release_does_not_replace_a_newer_one(
    trusting: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its version is called (1300804)."""
    running = firmware.Release("9X", 5, "f" * 64)
    monkeypatch.setattr(firmware, "running_release", lambda _gateway: running)
    for number, is_good in ((4, False), (5, False), (6, True)):
        row = received(trusting, version=f"{number}Y", number=number)
        assert firmware.verify(trusting, row, now=NOW) is is_good
    assert codes() == [1300804, 1300804]


@pytest.mark.req("R147")
def test_what_was_changed_after_it_was_verified_is_not_installed(
    trusting: Gateway,
) -> None:
    """Also another genuine package in its place."""
    for _case in ("damaged", "exchanged"):
        row = received(trusting, version=f"{_case}X")
        firmware.verify(trusting, row, now=NOW)
        firmware.release(row, now=NOW)
        firmware.schedule(row, at=NOW, now=NOW)
        path = firmware.package_folder(trusting) / row.file
        if _case == "damaged":
            truncated(path)
        else:
            other = received(trusting, version=f"{_case}X", number=3)
            (path.parent / other.file).replace(path)
        assert firmware.unpack(trusting, row, now=NOW) is None
        assert (row.state, row.fault) == (State.REFUSED, 1300800)


@pytest.mark.req("R149")
def test_a_trial_that_failed_is_told(trusting: Gateway) -> None:
    """1300116; the release before goes on."""
    row = received(trusting)
    firmware.verify(trusting, row, now=NOW)
    firmware.release(row, now=NOW)
    firmware.schedule(row, at=NOW, now=NOW)
    firmware.begin_trial(row, now=NOW)
    write_result(trusting, version="2X", ok=False, reason="it did not become ready")
    firmware.note_result(trusting, now=NOW)
    row.refresh_from_db()
    assert (row.state, row.fault) == (State.REFUSED, 1300116)
    assert row.reason == "it did not become ready"
    assert codes() == [1300116]
    assert firmware.note_result(trusting, now=NOW) is None


def test_a_trial_whose_order_was_lost_begins_anew(trusting: Gateway) -> None:
    row = received(trusting)
    firmware.verify(trusting, row, now=NOW)
    firmware.release(row, now=NOW)
    firmware.schedule(row, at=NOW, now=NOW)
    firmware.begin_trial(row, now=NOW)
    firmware_store.give_order(trusting.state, "2X", {})
    assert firmware.resume_lost_trial(trusting, now=NOW) == 0
    (trusting.state / "firmware" / "order.json").unlink()
    assert firmware.resume_lost_trial(trusting, now=NOW) == 1
    assert firmware.due(now=NOW) == row


def test_no_step_can_be_left_out(trusting: Gateway) -> None:
    """Nothing is installed that the GWA has not released."""
    row = received(trusting)
    with pytest.raises(FirmwareStepRefused):
        firmware.release(row, now=NOW)
    firmware.verify(trusting, row, now=NOW)
    for step in (
        lambda: firmware.verify(trusting, row, now=NOW),
        lambda: firmware.schedule(row, at=NOW, now=NOW),
        lambda: firmware.unpack(trusting, row, now=NOW),
        lambda: firmware.begin_trial(row, now=NOW),
    ):
        with pytest.raises(FirmwareStepRefused):
            step()
    assert firmware.due(now=NOW + timedelta(days=99)) is None


def test_the_same_version_twice_is_refused(trusting: Gateway) -> None:
    assert firmware.verify(trusting, received(trusting), now=NOW)
    again = received(trusting)
    assert not firmware.verify(trusting, again, now=NOW)
    assert again.fault == 1300804
