"""Deliveries over the WAN to real receivers: each answer, each kind of failure."""

import time
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from gwa_api import sender
from gwa_api.delivery_document import document_of
from gwa_api.models import SealedDelivery
from gwa_api.peers.https_server import Answer, Request, problem
from hardware.gateway import Gateway
from logbooks.alarms import AlarmKind, open_alarms
from logbooks.certificate_store import Kind, end_certificate
from logbooks.models import Certificate
from logbooks.selectors import consumer_log
from tariffs.models import Dispatch, EvaluationProfile, OutboxRow
from tariffs.participants import create_participant
from tariffs.profile_spec import InputSpec
from tariffs.services import evaluate_due
from tests.gwa_api.wan_parties import Scripted, Wan, write_pair
from tests.logbooks.pki_gateway import Lab
from tests.tariffs.builders import IMPORT, a_meter, a_profile, course, store, utc

T0 = utc("2026-02-27 23:00")
DAY = timedelta(days=1)
NOW = T0 + DAY + timedelta(minutes=1)
HOUR = timedelta(hours=1)
STORED = Answer(200, {"receipt_id": "1"})
EMT = "emt-0001"

pytestmark = pytest.mark.django_db


@pytest.fixture
def wan(gateway: Gateway, tmp_path: Path) -> Wan:
    """A gateway with certificates of the PKI."""
    return Wan.around(gateway, tmp_path / "wan", T0)


@pytest.fixture
def profile(wan: Wan) -> EvaluationProfile:
    """A TAF7 profile with one day of values that are owed: two rows."""
    meter = a_meter(wan.gateway)
    create_participant(EMT)
    profile = a_profile(
        wan.gateway,
        InputSpec(meter.id, IMPORT),
        taf=7,
        now=T0,
        recipients=(EMT,),
        metering_point="DE" + "1" * 31,
    )
    store(wan.gateway, meter, course(T0, T0 + DAY))
    evaluate_due(wan.gateway, now=NOW)
    return profile


def states() -> list[str]:
    rows = OutboxRow.objects.order_by("sequence")
    return list(rows.values_list("state", flat=True))


def first_row() -> OutboxRow:
    return OutboxRow.objects.order_by("sequence")[0]


def with_digest_of_another(_request: Request) -> Answer:
    return Answer(200, {"sha256": "00" * 32})


def with_digest(request: Request) -> Answer:
    return Answer(200, {"sha256": sha256(request.body).hexdigest()})


TEMPORARY, REFUSED = "due", "failed"
ANSWERS = [
    (Answer(200), "acknowledged", None, None, False),
    (with_digest, "acknowledged", None, None, False),
    (Answer(201), "acknowledged", None, None, False),
    (Answer(204), "acknowledged", None, None, False),
    (Answer(202), "acknowledged", None, None, False),
    (problem(409, "duplicate", "there"), "acknowledged", None, None, False),
    (problem(409, "conflict", "other"), TEMPORARY, timedelta(), 60, False),
    (Answer(400), REFUSED, None, None, True),
    (Answer(413), REFUSED, None, None, True),
    (Answer(415), REFUSED, None, None, True),
    (Answer(422), REFUSED, None, None, True),
    (Answer(401), TEMPORARY, 6 * HOUR, 6 * 3600, True),
    (Answer(403), TEMPORARY, 6 * HOUR, 6 * 3600, True),
    (Answer(404), TEMPORARY, HOUR, 3600, True),
    (Answer(405), TEMPORARY, HOUR, 3600, True),
    (Answer(410), TEMPORARY, HOUR, 3600, True),
    (Answer(408), TEMPORARY, timedelta(), 60, False),
    (Answer(425), TEMPORARY, timedelta(), 60, False),
    (
        Answer(429, None, {"Retry-After": "90"}),
        TEMPORARY,
        timedelta(seconds=90),
        90,
        False,
    ),
    (
        Answer(429, None, {"Retry-After": "Sat, 28 Feb 2026 23:11:00 GMT"}),
        TEMPORARY,
        timedelta(minutes=10),
        600,
        False,
    ),
    (Answer(503, None, {"Retry-After": "99999"}), TEMPORARY, 6 * HOUR, 6 * 3600, False),
    (Answer(500), TEMPORARY, timedelta(), 60, False),
    (Answer(599), TEMPORARY, timedelta(), 60, False),
    (Answer(301), TEMPORARY, timedelta(), 60, False),
    (with_digest_of_another, TEMPORARY, timedelta(), 60, False),
]


@pytest.mark.req("R62", "R67", "R66")
@pytest.mark.parametrize(("answer", "state", "least", "most_s", "alarm"), ANSWERS)
def test_each_answer_means_what_the_contract_says(
    wan: Wan,
    profile: EvaluationProfile,
    answer: Answer | Callable[[Request], Answer],
    state: str,
    least: timedelta | None,
    most_s: int | None,
    alarm: bool,
) -> None:
    """R66, R67: marked as sent and logged after a success, and after nothing else."""
    receiver = Scripted([answer])
    with wan.listening(wan.party(EMT), deliveries=receiver.take) as server:
        wan.way(server.port, EMT)
        sender.send_due(wan.gateway, now=NOW)
    row = first_row()
    assert row.state == state
    is_there = state == "acknowledged"
    assert Dispatch.objects.count() == (2 if is_there else 0)
    told = [one for one in consumer_log("hks2") if one.event_id in (16001, 16002)]
    assert len(told) == (2 if is_there else 0)
    if least is not None and most_s is not None:
        wait = row.next_attempt_at - NOW
        assert least <= wait <= timedelta(seconds=most_s)
        assert len(receiver.came) == 1  # in order: the next waits for the first
    alarms = open_alarms().filter(kind=AlarmKind.DELIVERY_FAILED, subject=EMT)
    assert alarms.exists() == alarm


def test_one_connection_serves_a_whole_run(
    wan: Wan, profile: EvaluationProfile
) -> None:
    receiver = Scripted([STORED])
    with wan.listening(wan.party(EMT), deliveries=receiver.take) as server:
        accepted: list[object] = []
        answer_on = server.answer_on

        def counted(*call: Any) -> None:
            accepted.append(call)
            answer_on(*call)

        server.answer_on = counted  # type: ignore[method-assign]
        wan.way(server.port, EMT)
        assert sender.send_due(wan.gateway, now=NOW) == 2
    assert len(receiver.came) == 2
    assert len(accepted) == 1


def test_headers_name_nobody_and_the_digest_is_that_of_the_body(
    wan: Wan, profile: EvaluationProfile
) -> None:
    receiver = Scripted([STORED])
    with wan.listening(wan.party(EMT), deliveries=receiver.take) as server:
        wan.way(server.port, EMT)
        sender.send_due(wan.gateway, now=NOW)
    request = receiver.came[0]
    text = repr(request.headers)
    for name in (wan.gateway.huid, "1emh", "hks2", "DE1111", profile.id):
        assert name not in text
    assert request.headers["idempotency-key"] == str(first_row().message_id)
    assert "x-recipient" not in request.headers
    assert set(request.headers) == {
        "accept-encoding",
        "content-length",
        "content-type",
        "host",
        "idempotency-key",
        "repr-digest",
        "user-agent",
        "x-correlation-id",
    }


@pytest.mark.req("R64")
def test_each_attempt_sends_the_same_bytes_also_over_another_route(
    wan: Wan, profile: EvaluationProfile
) -> None:
    receiver = Scripted([Answer(503), Answer(500), STORED])
    with wan.listening(wan.party(EMT), deliveries=receiver.take) as server:
        wan.way(server.port, EMT)
        for hours in (0, 7, 14):
            sender.send_due(wan.gateway, now=NOW + hours * HOUR)
    first, second, third = receiver.came[:3]
    assert first.body == second.body == third.body
    keys = {one.headers["idempotency-key"] for one in receiver.came[:3]}
    assert keys == {str(first_row().message_id)}
    assert states() == ["acknowledged"] * 2
    assert not SealedDelivery.objects.exists()


@pytest.mark.req("R67")
def test_an_answer_that_was_lost_leads_to_one_stored_delivery(
    wan: Wan, profile: EvaluationProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill after the receiver stored and before the gateway noted it."""
    emt = wan.emt(EMT)
    with wan.listening(emt.keys, deliveries=emt.take) as server:
        wan.way(server.port, EMT)
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr("tariffs.outbox.acknowledge", killed)
            sender.send_due(wan.gateway, now=NOW)
        assert len(list((emt.keys.state / "received").iterdir())) == 1
        assert states() == ["due", "due"]
        sender.send_due(wan.gateway, now=NOW)
    assert states() == ["acknowledged"] * 2
    assert len(list((emt.keys.state / "received").iterdir())) == 2
    assert Dispatch.objects.count() == 2
    assert len([line for line in wan.told if "TAF7" in line]) == 2


def killed(*_args: object, **_named: object) -> None:
    raise KeyboardInterrupt


def test_the_next_address_is_tried_at_once(
    wan: Wan, profile: EvaluationProfile
) -> None:
    receiver = Scripted([STORED])
    with wan.listening(wan.party(EMT), deliveries=receiver.take) as server:
        way = wan.way(server.port, EMT)
        way.addresses = ["127.0.0.1:1", *way.addresses]
        way.save()
        assert sender.send_due(wan.gateway, now=NOW) == 2
    assert states() == ["acknowledged"] * 2


def test_without_anybody_there_it_is_tried_again_soon_and_in_order(
    wan: Wan, profile: EvaluationProfile
) -> None:
    wan.party(EMT)
    wan.way(1, EMT)
    assert sender.send_due(wan.gateway, now=NOW) == 0
    row = first_row()
    assert row.last_error == "Connection refused"
    assert row.next_attempt_at <= NOW + timedelta(minutes=1)
    assert OutboxRow.objects.order_by("sequence")[1].attempts == 0
    assert not open_alarms().filter(kind=AlarmKind.DELIVERY_FAILED).exists()


def foreign(wan: Wan) -> None:
    """The receiver shows a certificate of another PKI."""
    show(wan, *wan.issued(f"{EMT}.emt", lab=Lab(T0)))


def other_partner(wan: Wan) -> None:
    """A good certificate, but of another participant."""
    show(wan, *wan.issued("emt-0002.emt"))


def ended(wan: Wan) -> None:
    """The certificate that it shows has been taken out of force."""
    entry = Certificate.objects.get(holder_id=EMT, kind=Kind.TLS)
    end_certificate(entry.fingerprint, now=T0)


def show(wan: Wan, der: bytes, key: object) -> None:
    write_pair(wan.folder / EMT / "own", "tls", der, key)  # type: ignore[arg-type]


@pytest.mark.req("R69", "R159")
@pytest.mark.parametrize("spoil", [foreign, other_partner, ended])
def test_a_receiver_that_is_not_who_he_should_be_gets_no_byte(
    wan: Wan, profile: EvaluationProfile, spoil: Callable[[Wan], None]
) -> None:
    """R69, R159: foreign, another's and ended certificates; again after six hours."""
    receiver = Scripted([STORED])
    keys = wan.party(EMT)
    spoil(wan)
    with wan.listening(keys, deliveries=receiver.take) as server:
        wan.way(server.port, EMT)
        assert sender.send_due(wan.gateway, now=NOW) == 0
    assert receiver.came == []
    assert first_row().next_attempt_at == NOW + 6 * HOUR
    assert open_alarms().filter(kind=AlarmKind.DELIVERY_FAILED, subject=EMT).exists()


@pytest.mark.req("R69")
def test_an_expired_certificate_of_the_receiver_is_refused(
    wan: Wan, profile: EvaluationProfile
) -> None:
    """R69: by the gateway's time, after two years."""
    receiver = Scripted([STORED])
    late = NOW + timedelta(days=731)
    with wan.listening(wan.party(EMT), deliveries=receiver.take) as server:
        wan.way(server.port, EMT)
        assert sender.send_due(wan.gateway, now=late) == 0
    assert receiver.came == []
    assert open_alarms().filter(kind=AlarmKind.DELIVERY_FAILED).exists()


def test_an_alarm_ends_with_the_next_success(
    wan: Wan, profile: EvaluationProfile
) -> None:
    receiver = Scripted([Answer(403), STORED])
    with wan.listening(wan.party(EMT), deliveries=receiver.take) as server:
        wan.way(server.port, EMT)
        sender.send_due(wan.gateway, now=NOW)
        assert open_alarms().filter(kind=AlarmKind.DELIVERY_FAILED).exists()
        sender.send_due(wan.gateway, now=NOW + 7 * HOUR)
    assert states() == ["acknowledged"] * 2
    assert not open_alarms().filter(kind=AlarmKind.DELIVERY_FAILED).exists()


@pytest.mark.req("R64", "R35")
@pytest.mark.parametrize(
    "suite", ["CMS_ECKAEG_AES_128_GCM", "CMS_ECKAEG_AES_128_CBCCMAC", "INTEROP"]
)
@pytest.mark.parametrize("compressed", [True, False])
def test_the_receiver_has_the_document_to_the_last_byte(
    wan: Wan, profile: EvaluationProfile, suite: str, compressed: bool
) -> None:
    """R35, R64: decrypted, every signature good, equal to the gateway's document."""
    emt = wan.emt(EMT)
    with wan.listening(emt.keys, deliveries=emt.take) as server:
        wan.way(server.port, EMT, suite=suite, compressed=compressed)
        assert sender.send_due(wan.gateway, now=NOW) == 2
    rows = OutboxRow.objects.select_related("profile").order_by("sequence")
    for row in rows:
        kept = emt.keys.state / "received" / f"{row.message_id}.json"
        assert kept.read_bytes() == document_of(wan.gateway, row).content
    assert "96 records, 96 signatures good" in wan.told[-1]


@pytest.mark.req("R34")
def test_after_72_hours_without_wan_all_arrives_in_order_much_faster(
    wan: Wan, profile: EvaluationProfile
) -> None:
    """The backlog of three days, in order; at least 20 times faster than it grew."""
    meter = profile.inputs.get().meter
    emt = wan.emt(EMT)
    wan.way(1, EMT)
    for day in (1, 2, 3):
        begin = T0 + day * DAY
        more = course(begin, begin + DAY, start=5000 * day)
        del more[begin]
        store(wan.gateway, meter, more)
        evaluate_due(wan.gateway, now=NOW + day * DAY)
        sender.send_due(wan.gateway, now=NOW + day * DAY)
    back = NOW + 3 * DAY + 6 * HOUR
    with wan.listening(emt.keys, deliveries=emt.take) as server:
        wan.way(server.port, EMT)
        begin_s = time.monotonic()
        sender.send_due(wan.gateway, now=back)
        took_s = time.monotonic() - begin_s
    assert set(states()) == {"acknowledged"}
    assert len(states()) == 5
    ids = [str(row.message_id) for row in OutboxRow.objects.order_by("sequence")]
    told = [line.split(" ")[0] for line in wan.told]
    assert told == ids
    assert took_s * 20 < 72 * 3600
    print(f"72 h drained in {took_s:.2f} s")
