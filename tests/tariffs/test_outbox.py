"""The outbox: what is owed, in which order, what an acknowledgement does."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from hardware.gateway import Gateway
from logbooks.models import ConsumerLogEntry
from logbooks.selectors import consumer_log
from tariffs import outbox
from tariffs.models import Dispatch, EvaluationProfile, MarketParticipant, OutboxRow
from tariffs.profile_spec import InputSpec
from tariffs.services import create_participant
from tests.tariffs.builders import IMPORT, a_meter, a_profile, utc

NOW = utc("2026-02-10 00:00")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
HOUSE = "1emh0000000001"

pytestmark = pytest.mark.django_db


@pytest.fixture
def profile(gateway: Gateway) -> EvaluationProfile:
    a_meter(gateway)
    create_participant("emt-1")
    create_participant("emt-2")
    inputs = InputSpec(HOUSE, IMPORT)
    both = ("emt-1", "emt-2")
    return a_profile(gateway, inputs, taf=7, now=NOW, recipients=both)


def enqueue(
    gateway: Gateway,
    profile: EvaluationProfile,
    begin: datetime = NOW - DAY,
    end: datetime = NOW,
    *,
    kind: str = "periodic",
) -> list[OutboxRow]:
    return outbox.enqueue(gateway, profile, kind=kind, begin=begin, end=end, now=NOW)


def due(now: datetime = NOW) -> list[tuple[str, int]]:
    return [(row.recipient_id, row.sequence) for row in outbox.due_rows(now=now)]


@pytest.mark.req("R34", "R36")
def test_each_recipient_is_owed_the_values_once(
    gateway: Gateway, profile: EvaluationProfile
) -> None:
    """R34, R36: one row per authorised participant; the same span again adds none."""
    enqueue(gateway, profile)
    assert enqueue(gateway, profile) == []
    enqueue(gateway, profile, NOW, NOW + DAY)
    assert due() == [("emt-1", 1), ("emt-1", 2), ("emt-2", 1), ("emt-2", 2)]
    ids = set(OutboxRow.objects.values_list("message_id", flat=True))
    assert len(ids) == 4


def test_what_is_not_acknowledged_waits(
    gateway: Gateway, profile: EvaluationProfile
) -> None:
    assert outbox.waiting_count() == 0
    first, second = enqueue(gateway, profile)
    assert outbox.waiting_count() == 2
    outbox.mark_sent(first, answer_by=NOW + HOUR)
    assert outbox.waiting_count() == 2
    outbox.acknowledge(gateway, first, now=NOW)
    outbox.fail(second, "no", now=NOW, refused=True)
    assert outbox.waiting_count() == 0


def test_nobody_is_owed_anything_without_recipients(
    gateway: Gateway, profile: EvaluationProfile
) -> None:
    profile.recipients.clear()
    assert enqueue(gateway, profile) == []


def test_a_span_of_years_is_cut_into_parts_that_leave_nothing_out(
    gateway: Gateway, profile: EvaluationProfile
) -> None:
    profile.recipients.set(MarketParticipant.objects.filter(pk="emt-1"))
    enqueue(gateway, profile, NOW - 400 * DAY, NOW)
    rows = list(OutboxRow.objects.order_by("sequence"))
    assert len(rows) == 8
    assert {row.parts for row in rows} == {8}
    assert len({row.batch_id for row in rows}) == 1
    assert [row.part for row in rows] == list(range(1, 9))
    assert rows[0].begin == NOW - 400 * DAY
    assert rows[-1].end == NOW
    assert all(one.end == after.begin for one, after in pairwise(rows))


@pytest.mark.req("R78")
@pytest.mark.parametrize(
    ("kind", "event", "text"),
    [
        (
            "periodic",
            16001,
            "Es wurden 96 Messwerte an den Marktteilnehmer für den Zeitraum "
            "2026-02-09 01:00:01 bis 2026-02-10 01:00:00 übertragen.",
        ),
        ("initial", 16002, "zum Zeitpunkt 2026-02-10 01:00:00 wurden"),
        ("final", 16003, "zum Zeitpunkt 2026-02-10 01:00:00 wurden"),
        ("on_demand", 16005, "Es wurden 96 Messwerte an den Marktteilnehmer für eine"),
    ],
)
def test_an_acknowledgement_marks_the_values_and_tells_the_consumer_who_has_them(
    gateway: Gateway, profile: EvaluationProfile, kind: str, event: int, text: str
) -> None:
    """R78: who received which data when, in that consumer's log only."""
    row, _other = enqueue(gateway, profile, kind=kind)
    outbox.describe(row, count=96, sha256="00" * 32)
    assert outbox.mark_sent(row, answer_by=NOW + DAY)
    assert not Dispatch.objects.exists()
    later = NOW + timedelta(minutes=3)
    assert outbox.acknowledge(gateway, row, now=later)
    assert not outbox.acknowledge(gateway, row, now=later + DAY)
    (sent,) = Dispatch.objects.all()
    assert (sent.recipient_id, sent.begin, sent.end) == ("emt-1", NOW - DAY, NOW)
    assert sent.sent_at == later
    (line,) = (one for one in consumer_log("hks2") if 16000 < one.event_id < 17000)
    assert (line.event_id, line.recipient, line.profile) == (event, "emt-1", profile.id)
    assert text in line.text
    assert set(
        ConsumerLogEntry.objects.filter(event_id=event).values_list(
            "consumer_id", flat=True
        )
    ) == {"hks2"}


def test_a_failed_attempt_is_repeated_later_and_holds_back_those_behind_it(
    gateway: Gateway, profile: EvaluationProfile
) -> None:
    first, _other = enqueue(gateway, profile)
    enqueue(gateway, profile, NOW, NOW + DAY)
    outbox.fail(first, "no answer", now=NOW)
    assert due() == [("emt-2", 1), ("emt-2", 2)]
    first.refresh_from_db()
    assert NOW < first.next_attempt_at <= NOW + timedelta(seconds=61)
    assert (first.attempts, first.last_error) == (1, "no answer")
    assert ("emt-1", 2) in due(NOW + timedelta(minutes=2))


def test_who_is_there_again_gets_at_once_what_waited_for_him_alone(
    gateway: Gateway, profile: EvaluationProfile
) -> None:
    """What waits because he asked for it, or for another recipient, goes on waiting."""
    rows = {
        hours: enqueue(gateway, profile, NOW + hours * HOUR, NOW + (hours + 1) * HOUR)
        for hours in range(3)
    }
    for row, other in rows.values():
        outbox.fail(other, "nobody there", now=NOW, unreached=True)
        outbox.fail(row, "nobody there", now=NOW, unreached=True)
    asked, wait = rows[2][0], timedelta(minutes=30)
    outbox.fail(asked, "busy", now=NOW, retry_after=wait)
    assert outbox.recipients_due(now=NOW) == []
    assert outbox.acknowledge(gateway, rows[0][0], now=NOW)
    assert due() == [("emt-1", 2)]
    assert outbox.recipients_due(now=NOW) == ["emt-1"]
    asked.refresh_from_db()
    assert asked.next_attempt_at == NOW + wait


def test_pauses_grow_to_six_hours_and_billing_values_are_never_given_up(
    gateway: Gateway, profile: EvaluationProfile
) -> None:
    row, _other = enqueue(gateway, profile)
    for attempt in range(40):
        outbox.fail(row, "no answer", now=NOW + attempt * DAY)
        wait = row.next_attempt_at - (NOW + attempt * DAY)
        assert timedelta(0) < wait <= timedelta(hours=6)
    for _ in range(40):
        outbox.fail(row, "nobody there", now=NOW, unreached=True)
        assert timedelta(0) < row.next_attempt_at - NOW <= timedelta(hours=1)
    outbox.fail(row, "busy", now=NOW, retry_after=timedelta(days=3))
    assert row.next_attempt_at == NOW + timedelta(hours=6)
    assert row.state == OutboxRow.State.DUE


def test_refused_content_waits_for_the_administrator_and_holds_nobody_back(
    gateway: Gateway, profile: EvaluationProfile
) -> None:
    row, _other = enqueue(gateway, profile)
    enqueue(gateway, profile, NOW, NOW + DAY)
    outbox.fail(row, "415", now=NOW, refused=True)
    assert row.is_owed
    assert due(NOW + DAY) == [("emt-1", 2), ("emt-2", 1), ("emt-2", 2)]
    assert outbox.queue_again(row, now=NOW + DAY)
    assert due(NOW + DAY)[0] == ("emt-1", 1)


def test_a_repetition_must_be_the_same_document(
    gateway: Gateway, profile: EvaluationProfile
) -> None:
    row, _other = enqueue(gateway, profile)
    outbox.describe(row, count=96, sha256="aa" * 32)
    outbox.describe(row, count=96, sha256="aa" * 32)
    with pytest.raises(outbox.DocumentChanged):
        outbox.describe(row, count=95, sha256="bb" * 32)
