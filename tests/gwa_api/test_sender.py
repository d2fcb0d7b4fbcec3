"""Deliveries by files: same bytes each time, stored once, marked when acknowledged."""

import json
from base64 import b64decode
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from gwa_api import sender
from gwa_api.delivery_document import document_of
from hardware.gateway import Gateway
from hardware.security_module import verify
from logbooks.certificates import ensure_signature_certificate, public_key
from logbooks.selectors import consumer_log
from portal.sent_marks import SENT, marks_of
from tariffs import selectors
from tariffs.lifecycle import change_profile
from tariffs.models import Dispatch, EvaluationProfile, OutboxRow, ProfileVersion
from tariffs.participants import create_participant
from tariffs.profile_spec import InputSpec, ProfileSpec
from tariffs.services import evaluate_due
from tests.gwa_api import file_receiver as receiver
from tests.tariffs.builders import (
    EXPORT,
    IMPORT,
    a_meter,
    a_profile,
    course,
    store,
    utc,
)

T0 = utc("2026-02-27 23:00")
DAY = timedelta(days=1)
NOW = T0 + DAY + timedelta(minutes=1)
INPUT = InputSpec("1emh0000000001", IMPORT)

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The receiver's folder."""
    folder = tmp_path / "emt"
    receiver.prepare(folder)
    return folder


@pytest.fixture
def profile(gateway: Gateway, folder: Path) -> EvaluationProfile:
    """A TAF7 profile with one day of values that are owed."""
    ensure_signature_certificate(gateway, T0)
    meter = a_meter(gateway)
    create_participant("emt-1", inbox=str(folder / receiver.INBOX))
    rest = {"recipients": ("emt-1",), "metering_point": "DE" + "1" * 31}
    made = a_profile(gateway, INPUT, taf=7, now=T0, **rest)  # type: ignore[arg-type]
    store(gateway, meter, course(T0, T0 + DAY), obis=(IMPORT, EXPORT))
    evaluate_due(gateway, now=NOW)
    return made


def inbox(folder: Path) -> dict[str, bytes]:
    files = (folder / receiver.INBOX).glob("*.json")
    return {path.stem: path.read_bytes() for path in files}


def received(folder: Path) -> list[dict[str, object]]:
    files = (folder / receiver.RECEIVED).glob("*.json")
    found = [json.loads(path.read_bytes()) for path in files]
    return sorted(found, key=lambda one: one["sequence"])


def states() -> list[str]:
    rows = OutboxRow.objects.order_by("sequence")
    return list(rows.values_list("state", flat=True))


@pytest.mark.req("R34", "R36", "R57", "R78")
def test_values_are_marked_as_sent_when_the_receiver_has_acknowledged_them(
    gateway: Gateway, profile: EvaluationProfile, folder: Path
) -> None:
    """R34, R36, R57, R78: the list arrives, the mark and the log entry come after."""
    assert sender.send_due(gateway, now=NOW) == 2
    assert states() == ["sent", "sent"]
    assert not Dispatch.objects.exists()
    assert receiver.take_deliveries(folder) == 2
    assert sender.send_due(gateway, now=NOW + timedelta(seconds=10)) == 0
    assert states() == ["acknowledged"] * 2
    initial, daily = received(folder)
    assert (initial["kind"], daily["kind"]) == ("initial", "periodic")
    assert len(daily["records"]) == 96  # type: ignore[arg-type]
    told = [line for line in consumer_log("hks2") if line.event_id in (16001, 16002)]
    assert sorted((one.event_id, one.recipient) for one in told) == [
        (16001, "emt-1"),
        (16002, "emt-1"),
    ]
    found = selectors.profile_of("hks2", profile.id)
    assert found is not None
    marks = marks_of(found)
    (period,) = selectors.periods(found, NOW)[-1:]
    rows = list(selectors.period_rows(found, period))
    assert all(marks.mark(row) is SENT for row in rows)
    assert not list((folder / receiver.INBOX).iterdir())


@pytest.mark.req("R35")
def test_each_record_carries_its_signature(
    gateway: Gateway, profile: EvaluationProfile, folder: Path
) -> None:
    """R35: the receiver can check every record by the text of decisions D17."""
    sender.send_due(gateway, now=NOW)
    receiver.take_deliveries(folder)
    key = public_key(ensure_signature_certificate(gateway, NOW))
    daily = received(folder)[1]
    for record in daily["records"]:  # type: ignore[attr-defined]
        lines = [
            f"{v['obis']} {v['v']} {v['scaler']} {v['unit']}" for v in record["values"]
        ]
        assert [v["obis"] for v in record["values"]] == [IMPORT]
        text = "\n".join(
            [
                f"casa-record-v1 {gateway.huid} {record['id']} {record['t']} "
                f"{record['c']} {record['s']}",
                *lines,
            ]
        )
        verify(key, b64decode(record["sig"]), text.encode())


def killed_before(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(*_args: object, **_named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(target, kill)


@pytest.mark.parametrize(
    "target",
    ["tariffs.outbox.describe", "tariffs.outbox.mark_sent"],
)
@pytest.mark.parametrize("is_taken_meanwhile", [False, True])
def test_a_kill_while_sending_repeats_the_same_bytes_and_the_receiver_stores_once(
    gateway: Gateway,
    profile: EvaluationProfile,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    target: str,
    is_taken_meanwhile: bool,
) -> None:
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        killed_before(target, patched)
        sender.send_due(gateway, now=NOW)
    before = inbox(folder)
    if is_taken_meanwhile:
        receiver.take_deliveries(folder)
    sender.send_due(gateway, now=NOW)
    again = inbox(folder)
    assert all(again.get(name, content) == content for name, content in before.items())
    receiver.take_deliveries(folder)
    sender.send_due(gateway, now=NOW)
    assert states() == ["acknowledged"] * 2
    assert len(received(folder)) == 2
    assert Dispatch.objects.count() == 2


def test_a_kill_before_the_receipt_is_taken_away_changes_nothing_twice(
    gateway: Gateway,
    profile: EvaluationProfile,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sender.send_due(gateway, now=NOW)
    receiver.take_deliveries(folder)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        killed_before("gwa_api.file_inbox.FileInbox.settled", patched)
        sender.send_due(gateway, now=NOW)
    assert Dispatch.objects.count() == 1
    sender.send_due(gateway, now=NOW)
    assert Dispatch.objects.count() == 2
    assert not list((folder / receiver.INBOX).iterdir())


def test_without_a_receipt_the_same_file_comes_again(
    gateway: Gateway, profile: EvaluationProfile, folder: Path
) -> None:
    sender.send_due(gateway, now=NOW)
    first = inbox(folder)
    for path in (folder / receiver.INBOX).iterdir():
        path.unlink()
    assert sender.send_due(gateway, now=NOW + timedelta(minutes=59)) == 0
    assert sender.send_due(gateway, now=NOW + timedelta(hours=2)) == 2
    assert inbox(folder) == first


def test_a_missing_folder_is_tried_again_in_order(
    gateway: Gateway, profile: EvaluationProfile, folder: Path
) -> None:
    moved = (folder / receiver.INBOX).rename(folder / "elsewhere")
    assert sender.send_due(gateway, now=NOW) == 0
    first, second = OutboxRow.objects.order_by("sequence")
    assert (first.attempts, second.attempts) == (1, 0)
    assert first.last_error == "inbox: No such file or directory"
    assert sender.send_due(gateway, now=NOW) == 0
    moved.rename(folder / receiver.INBOX)
    assert sender.send_due(gateway, now=NOW + timedelta(minutes=2)) == 2


def refusal(name: str) -> dict[str, object]:
    return {"delivery_id": name, "refused": "wrong metering point"}


def of_other_bytes(name: str) -> dict[str, object]:
    return {"delivery_id": name, "sha256": "00" * 32}


def of_another(name: str) -> dict[str, object]:
    return {"delivery_id": name[::-1], "sha256": "00" * 32}


@pytest.mark.parametrize(
    ("answer", "state", "error"),
    [
        (refusal, "failed", "refused: wrong metering point"),
        (of_other_bytes, "due", "the recipient has other bytes than were sent"),
        (of_another, "due", "the receipt is for another delivery"),
        (lambda _name: ["no", "object"], "due", "the receipt is no receipt"),
        (lambda _name: "x" * 5000, "due", "the receipt is no receipt"),
    ],
)
def test_a_receipt_that_does_not_fit_marks_nothing(
    gateway: Gateway,
    profile: EvaluationProfile,
    folder: Path,
    answer: Callable[[str], object],
    state: str,
    error: str,
) -> None:
    sender.send_due(gateway, now=NOW)
    for name in inbox(folder):
        path = folder / receiver.INBOX / f"{name}.ack"
        path.write_text(json.dumps(answer(name)))
    sender.send_due(gateway, now=NOW)
    assert states() == [state] * 2
    assert OutboxRow.objects.values_list("last_error", flat=True)[0] == error
    assert not Dispatch.objects.exists()
    assert not list((folder / receiver.INBOX).glob("*.ack"))


def test_a_receipt_of_somebody_else_and_other_files_are_left_alone(
    gateway: Gateway, profile: EvaluationProfile, folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    receiver.prepare(other)
    create_participant("emt-2", inbox=str(other / receiver.INBOX))
    sender.send_due(gateway, now=NOW)
    receiver.take_deliveries(folder)
    for path in (folder / receiver.INBOX).glob("*.ack"):
        path.rename(other / receiver.INBOX / path.name)
    (folder / receiver.INBOX / "readme.ack").write_text("{}")
    sender.send_due(gateway, now=NOW)
    assert states() == ["sent"] * 2
    assert len(list((other / receiver.INBOX).glob("*.ack"))) == 2


def test_a_change_of_the_profile_does_not_change_what_is_owed_already(
    gateway: Gateway, profile: EvaluationProfile
) -> None:
    row = OutboxRow.objects.select_related("profile").order_by("sequence")[0]
    before = document_of(gateway, row).content
    spec = ProfileSpec(
        id=profile.id,
        taf=7,
        inputs=(INPUT,),
        metering_point="DE" + "2" * 31,
        recipients=("emt-1",),
    )
    assert change_profile(gateway, spec, now=NOW).version == 2
    row = OutboxRow.objects.select_related("profile").order_by("sequence")[0]
    assert document_of(gateway, row).content == before
    assert b"DE1111" in before


@pytest.mark.parametrize("taf", [9, 10, 14])
def test_a_pseudonymised_document_names_nobody(
    gateway: Gateway, profile: EvaluationProfile, taf: int
) -> None:
    """Neither gateway, meter, metering point, profile, consumer nor a signature."""
    row = OutboxRow.objects.select_related("profile").order_by("sequence")[0]
    kept = ProfileVersion.objects.get()
    kept.document["taf"] = taf
    kept.save()
    row.profile.pseudonym = "Quitte-17"
    text = document_of(gateway, row).content.decode()
    assert '"source":{"pseudonym":"Quitte-17"}' in text
    for name in (
        gateway.huid,
        "1emh0000000001",
        "DE1111",
        '"profile"',
        "hks2",
        '"sig"',
        '"ski"',
        '"id"',
    ):
        assert name not in text


def test_nobody_without_an_inbox_is_sent_anything(
    gateway: Gateway, profile: EvaluationProfile
) -> None:
    recipient = profile.recipients.get()
    recipient.inbox = ""
    recipient.save()
    assert sender.send_due(gateway, now=NOW) == 0
    assert states() == ["due", "due"]
    assert OutboxRow.objects.values_list("attempts", flat=True)[0] == 0
