"""Alarms to the GWA: each once, signed, again until he has it, and in a lock-down."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from casa_site import celery
from gwa_api.alarm_reports import is_due, report_alarms
from gwa_api.models import AlarmReport
from gwa_api.peers.alarm_book import AlarmBook
from gwa_api.peers.https_server import Answer
from gwa_api.tasks import BESIDE
from gwa_api.tasks import report_alarms as task
from hardware.gateway import Gateway
from logbooks import device_state
from logbooks.alarms import AlarmKind, clear_alarms, raise_alarm
from logbooks.services import log_fault
from tests.gwa_api.wan_parties import Scripted, Wan
from tests.tariffs.builders import utc

NOW = utc("2026-02-27 23:00")
HOUR = timedelta(hours=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def wan(gateway: Gateway, tmp_path: Path) -> Wan:
    """A gateway with certificates of the PKI."""
    return Wan.around(gateway, tmp_path / "wan", NOW)


@pytest.fixture
def listening(wan: Wan) -> Iterator[tuple[AlarmBook, Scripted]]:
    """The GWA's book of alarms, reached over the gateway's way; and what came."""
    _head, book = wan.head_end()
    script = Scripted([book.take])
    with wan.listening(book.keys, alarms=script.take) as server:
        wan.way(server.port)
        yield book, script


Listening = tuple[AlarmBook, Scripted]


def kept(book: AlarmBook) -> list[dict[str, object]]:
    files = (book.keys.state / "alarms").glob("*.json")
    return [json.loads(path.read_text()) for path in files]


@pytest.mark.req("R162")
def test_an_alarm_reaches_the_administrator_once_and_signed(
    wan: Wan, listening: Listening
) -> None:
    """R162: kind, subject, code and time; not again while it stands or comes back."""
    book, script = listening
    subject = "1emh0000000001"
    raise_alarm(AlarmKind.METER_ABSENT, code=103118, now=NOW, subject=subject)
    assert report_alarms(wan.gateway, now=NOW) == 1
    for minutes in (1, 2, 3):
        at = NOW + timedelta(minutes=minutes)
        raise_alarm(AlarmKind.METER_ABSENT, code=103118, now=at, subject=subject)
        assert report_alarms(wan.gateway, now=at) == 0
    clear_alarms(AlarmKind.METER_ABSENT, [subject], now=NOW + 4 * HOUR)
    assert len(script.came) == 1
    (alarm,) = kept(book)
    assert alarm == {
        "schema": "casa-alarm-v1",
        "alarm_id": str(AlarmReport.objects.get().message_id),
        "gateway": wan.gateway.huid,
        "kind": "meter_absent",
        "subject": subject,
        "code": 103118,
        "since": "2026-02-27T23:00:00Z",
        "count": 1,
    }
    assert wan.told == [f"alarm of {wan.gateway.huid}: meter_absent 103118"]


@pytest.mark.req("R162")
@pytest.mark.parametrize("answer", [Answer(503), Answer(422), Answer(403), Answer(301)])
def test_what_was_not_taken_comes_again_with_the_same_bytes(
    wan: Wan, listening: Listening, answer: Answer
) -> None:
    book, script = listening
    script.answers.insert(0, answer)
    raise_alarm(AlarmKind.STORAGE_LOW, code=1900082, now=NOW)
    assert report_alarms(wan.gateway, now=NOW) == 0
    assert report_alarms(wan.gateway, now=NOW) == 0  # not at once
    assert report_alarms(wan.gateway, now=NOW + HOUR) == 1
    first, second = script.came
    assert first.body == second.body
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert len(kept(book)) == 1


@pytest.mark.req("R162")
def test_an_answer_that_was_lost_does_not_double_an_alarm(
    wan: Wan, listening: Listening
) -> None:
    book, _script = listening
    raise_alarm(AlarmKind.STORAGE_LOW, code=1900082, now=NOW)
    report_alarms(wan.gateway, now=NOW)
    report = AlarmReport.objects.get()
    body = _script.came[0].body
    AlarmReport.objects.update(reported_at=None, content=body)
    assert report_alarms(wan.gateway, now=NOW + HOUR) == 1
    assert len(kept(book)) == 1
    assert AlarmReport.objects.get().message_id == report.message_id


@pytest.mark.req("R162")
def test_an_alarm_that_ended_before_he_could_be_told_is_told(wan: Wan) -> None:
    """72 hours without WAN: he hears of what began while he could be tried."""
    _head, book = wan.head_end()
    wan.way(1)
    raise_alarm(AlarmKind.INTERFACE_MISSING, code=4, now=NOW, subject="/dev/ttyS0")
    assert report_alarms(wan.gateway, now=NOW) == 0
    clear_alarms(AlarmKind.INTERFACE_MISSING, ["/dev/ttyS0"], now=NOW + HOUR)
    with wan.listening(book.keys, alarms=book.take) as server:
        wan.way(server.port)
        assert report_alarms(wan.gateway, now=NOW + 72 * HOUR) == 1
    assert [one["kind"] for one in kept(book)] == ["interface_missing"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.req("R162", "R138")
def test_the_lock_down_is_told_by_the_task_while_locked(
    wan: Wan,
    listening: Listening,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    book, _script = listening
    log_fault(wan.gateway, 1000011, now=NOW)
    assert device_state.is_locked(wan.gateway)
    monkeypatch.setattr(type(wan.gateway.clock), "now", lambda _self: NOW)
    monkeypatch.setattr(celery.app, "gateways", {wan.gateway.huid: wan.gateway})
    task(wan.gateway.huid)
    assert BESIDE.wait(f"alarms {wan.gateway.huid}", 20)
    assert [(one["kind"], one["code"]) for one in kept(book)] == [("lockdown", 1000011)]


def test_it_is_due_while_an_alarm_is_not_noted_or_can_be_sent(
    wan: Wan, listening: Listening
) -> None:
    _book, script = listening
    script.answers.insert(0, Answer(503))
    assert not is_due(now=NOW)
    raise_alarm(AlarmKind.STORAGE_LOW, code=1900082, now=NOW)
    assert is_due(now=NOW)
    report_alarms(wan.gateway, now=NOW)
    assert not is_due(now=NOW), "the pause after the first attempt"
    raise_alarm(AlarmKind.INTERFACE_MISSING, code=4, now=NOW, subject="/dev/ttyS0")
    assert is_due(now=NOW), "another one is to be noted although it has to wait"
    report_alarms(wan.gateway, now=NOW)
    assert not is_due(now=NOW)
    assert is_due(now=NOW + HOUR)
    report_alarms(wan.gateway, now=NOW + HOUR)
    assert not is_due(now=NOW + HOUR)


def test_without_a_way_to_the_administrator_nothing_is_made(wan: Wan) -> None:
    raise_alarm(AlarmKind.STORAGE_LOW, code=1900082, now=NOW)
    assert not is_due(now=NOW)
    assert report_alarms(wan.gateway, now=NOW) == 0
    assert not AlarmReport.objects.exists()


def test_an_alarm_of_somebody_unknown_is_not_taken(
    wan: Wan, listening: Listening
) -> None:
    book, _script = listening
    (book.keys.state / "signers" / "gateway.pem").unlink()
    raise_alarm(AlarmKind.STORAGE_LOW, code=1900082, now=NOW)
    assert report_alarms(wan.gateway, now=NOW) == 0
    assert kept(book) == []
