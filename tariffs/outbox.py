"""The outbox: what is owed to recipients, handed over, acknowledged or put off.

Rows are made in the transaction of the values they stand for. Whoever carries them out
(`gwa_api`) takes `due_rows`, hands each over as often as needed, and reports back here;
the column "Versandt" and the entries of the consumer's log come from that report.
At least once, never exactly once: the recipient knows a repetition by `message_id`.
"""

import secrets
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from hardware.gateway import Gateway
from logbooks.catalogue import Event
from logbooks.services import log_event
from tariffs.calendar import BERLIN, Period
from tariffs.models import (
    Dispatch,
    EvaluationProfile,
    MarketParticipant,
    OutboxRow,
)

BILLING_TAFS = frozenset({1, 2, 6, 7})
MOST_RECORDS = 5_000
"""Longer spans are cut into parts (rest-gwa.md 5: a document has at most 8 MiB)."""

LONGEST_WAIT = timedelta(hours=6)
LONGEST_SILENCE = timedelta(hours=1)
"""Who did not answer at all is tried this often at least: a connection that fails costs
nobody anything, and after an outage the backlog shall not wait for hours."""

GIVEN_UP_AFTER = timedelta(days=7)
"""How long values that are not for billing are tried."""

MOST_WAITING = 10_000
"""Of values that are not for billing; the oldest are dropped beyond that."""

_FEW_VALUES = frozenset({1, 2})
_FIRST_WAIT_S = 60
_ERROR_LENGTH = 200
_Kind = OutboxRow.Kind
_State = OutboxRow.State
_WAITING = (_State.DUE, _State.SENT)
_ONE_SECOND = timedelta(seconds=1)


@transaction.atomic
def enqueue(
    gateway: Gateway,
    profile: EvaluationProfile,
    *,
    kind: str,
    begin: datetime,
    end: datetime,
    now: datetime,
    due_at: datetime | None = None,
    recipients: Iterable[str] | None = None,
) -> list[OutboxRow]:
    """Owe the values of `(begin, end]` to each recipient of the profile, by id.

    Call it in the transaction that stores the values. A single record at `t` is
    `(t - 1 s, t]`. `recipients` narrows it to some of the profile's (on demand),
    `due_at` puts it off to a send time. One row for each recipient and part; none
    when there is nobody. What stands there already (a scheduled span once more) is
    left as it is. Raises ValueError for an empty span.
    """
    if end <= begin:
        raise ValueError(f"{profile.id}: nothing lies between {begin} and {end}")
    # Sequence numbers have no holes and no doubles: one writer at a time.
    EvaluationProfile.objects.select_for_update().get(pk=profile.pk)
    entitled = profile.recipients.order_by("pk").values_list("pk", flat=True)
    wanted = None if recipients is None else set(recipients)
    rows: list[OutboxRow] = []
    for recipient in entitled:
        if wanted is not None and recipient not in wanted:
            continue
        if not _is_there(profile, recipient, kind, begin):
            spans = list(_spans(profile, Period(begin, end)))
            rows += _rows(profile, recipient, kind, spans, due_at or now, now)
    made = OutboxRow.objects.bulk_create(rows)
    if profile.taf not in BILLING_TAFS:
        _drop_oldest(profile)
    return made


def due_rows(*, now: datetime) -> QuerySet[OutboxRow]:
    """The rows to hand over now, oldest first, with profile and recipient.

    Of billing profiles a row waits until those before it to the same recipient have
    been handed over (rest-gwa.md 5). Rows that were handed over, but not acknowledged
    in time, come again.
    """
    before = OutboxRow.objects.filter(
        profile=OuterRef("profile"),
        recipient=OuterRef("recipient"),
        sequence__lt=OuterRef("sequence"),
        state=_State.DUE,
        next_attempt_at__gt=now,
    )
    rows = OutboxRow.objects.filter(state__in=_WAITING, next_attempt_at__lte=now)
    in_order = ~Q(profile__taf__in=BILLING_TAFS) | ~Exists(before)
    return (
        rows.filter(in_order)
        .select_related("profile", "recipient")
        .prefetch_related("profile__inputs__meter")
        .order_by("profile_id", "recipient_id", "sequence")
    )


def waiting_count() -> int:
    """How many rows are due, or handed over and not acknowledged yet."""
    return OutboxRow.objects.filter(state__in=_WAITING).count()


def recipients_due(*, now: datetime) -> list[str]:
    """To whom something is to be handed over now: ids, ascending."""
    due = due_rows(now=now).order_by().values("recipient")
    found = MarketParticipant.objects.filter(pk__in=due).order_by("pk")
    return list(found.values_list("pk", flat=True))


def handed_over(message_id: uuid.UUID, recipient: str) -> OutboxRow | None:
    """The row that a recipient speaks of; None when he never got such a one.

    It may still be due: a kill can come between handing over and noting it.
    """
    rows = OutboxRow.objects.select_related("profile", "recipient").exclude(sha256="")
    return rows.filter(message_id=message_id, recipient=recipient).first()


def describe(row: OutboxRow, *, count: int, sha256: str) -> None:
    """Keep what the document of a row is: its values and its digest, hex.

    Kept before the first attempt. Raises DocumentChanged when a repetition would not
    be the same document.
    """
    known = OutboxRow.objects.filter(pk=row.pk, sha256__in=["", sha256])
    if not known.update(count=count, sha256=sha256):
        raise DocumentChanged(f"message {row.message_id}: its document has changed")
    row.count, row.sha256 = count, sha256


def mark_sent(row: OutboxRow, *, answer_by: datetime) -> bool:
    """Note that the row was handed over; False when it was settled meanwhile.

    Without an acknowledgement by `answer_by` it is due again.
    """
    row.attempts += 1
    row.next_attempt_at = answer_by
    waiting = OutboxRow.objects.filter(pk=row.pk, state__in=_WAITING)
    is_ours = waiting.update(
        state=_State.SENT, attempts=row.attempts, next_attempt_at=answer_by
    )
    row.state = _State.SENT
    return bool(is_ours)


@transaction.atomic
def acknowledge(gateway: Gateway, row: OutboxRow, *, now: datetime) -> bool:
    """The recipient has the values: dispatch (D22) and entry in the consumer's log.

    16001 (count, from, to), 16002 and 16003 for initial and final reading, 16005 on
    demand; recipient and profile stand in the entry (D15). A second acknowledgement
    changes nothing: False.
    """
    waiting = OutboxRow.objects.filter(pk=row.pk, state__in=_WAITING)
    at = now.replace(microsecond=0)
    changed = {"state": _State.ACKNOWLEDGED, "acknowledged_at": at, "last_error": ""}
    if not waiting.update(**changed):
        return False
    row.state, row.acknowledged_at = _State.ACKNOWLEDGED, at
    _hurry(row, now)
    Dispatch.objects.create(
        profile_id=row.profile_id,
        recipient_id=row.recipient_id,
        begin=row.begin,
        end=row.end,
        sent_at=at,
    )
    event, arguments = _told(row)
    log_event(
        gateway,
        event,
        *arguments,
        now=now,
        consumers=[row.profile.consumer_id],
        recipient=row.recipient_id,
        profile=row.profile_id,
    )
    return True


def fail(
    row: OutboxRow,
    error: str,
    *,
    now: datetime,
    retry_after: timedelta | None = None,
    refused: bool = False,
    unreached: bool = False,
) -> None:
    """An attempt failed: try again later, or never when the content was `refused`.

    The pause doubles up to six hours, with jitter; `retry_after` is what the recipient
    asked for. When he was `unreached` (no answer at all), it is an hour at most and
    ends as soon as he acknowledges something else. Values that are not for billing are
    given up after seven days. Nothing happens to a row that was acknowledged meanwhile.
    """
    attempts = row.attempts + 1
    longest = LONGEST_SILENCE if unreached else LONGEST_WAIT
    wait = min(retry_after, LONGEST_WAIT) if retry_after else _wait(attempts, longest)
    row.attempts, row.last_error = attempts, error[:_ERROR_LENGTH]
    row.state = _State.FAILED if refused else _State.DUE
    row.next_attempt_at = now + wait
    row.unreached_at = now if unreached else None
    is_for_billing = row.profile.taf in BILLING_TAFS
    if not is_for_billing and now - row.created_at >= GIVEN_UP_AFTER:
        row.state = _State.GIVEN_UP
    OutboxRow.objects.filter(pk=row.pk, state__in=_WAITING).update(
        attempts=row.attempts,
        last_error=row.last_error,
        state=row.state,
        next_attempt_at=row.next_attempt_at,
        unreached_at=row.unreached_at,
    )


def queue_again(row: OutboxRow, *, now: datetime) -> bool:
    """Let a refused row be tried again (the GWA's command); False when it was not."""
    failed = OutboxRow.objects.filter(pk=row.pk, state=_State.FAILED)
    return failed.update(state=_State.DUE, next_attempt_at=now) == 1


class DocumentChanged(Exception):
    """A repetition would differ from what was sent first under the same id."""


def _hurry(row: OutboxRow, now: datetime) -> None:
    """He is there again: what waits for nothing else is due now."""
    silent = OutboxRow.objects.filter(
        recipient_id=row.recipient_id, state=_State.DUE, unreached_at__isnull=False
    )
    silent.update(next_attempt_at=now, unreached_at=None)


def _is_there(
    profile: EvaluationProfile, recipient: str, kind: str, begin: datetime
) -> bool:
    if kind not in (_Kind.INITIAL, _Kind.PERIODIC, _Kind.FINAL):
        return False
    rows = OutboxRow.objects.filter(profile=profile, recipient=recipient)
    return rows.filter(kind=kind, begin=begin).exists()


def _spans(profile: EvaluationProfile, whole: Period) -> Iterator[Period]:
    """The parts of a span; that of TAF1 or TAF2 holds one value for each period."""
    if profile.taf in _FEW_VALUES:
        yield whole
        return
    longest = MOST_RECORDS * timedelta(seconds=profile.registration_period_s)
    begin = whole.begin
    while begin < whole.end:
        end = min(begin + longest, whole.end)
        yield Period(begin, end)
        begin = end


def _rows(
    profile: EvaluationProfile,
    recipient: str,
    kind: str,
    spans: list[Period],
    due_at: datetime,
    now: datetime,
) -> Iterator[OutboxRow]:
    rows = OutboxRow.objects.filter(profile=profile, recipient=recipient)
    last: int = rows.aggregate(last=Max("sequence"))["last"] or 0
    batch = uuid.uuid4()
    for part, span in enumerate(spans, start=1):
        yield OutboxRow(
            message_id=uuid.uuid4(),
            batch_id=batch,
            part=part,
            parts=len(spans),
            profile=profile,
            version=profile.version,
            recipient_id=recipient,
            kind=kind,
            begin=span.begin,
            end=span.end,
            sequence=last + part,
            created_at=now,
            next_attempt_at=due_at,
        )


def _drop_oldest(profile: EvaluationProfile) -> None:
    for recipient in profile.recipients.values_list("pk", flat=True):
        waiting = OutboxRow.objects.filter(
            profile=profile, recipient=recipient, state=_State.DUE
        ).order_by("-sequence")
        oldest = waiting[MOST_WAITING : MOST_WAITING + 1].values_list("sequence")
        if oldest:
            rows = waiting.filter(sequence__lte=oldest[0][0])
            rows.update(state=_State.GIVEN_UP, last_error="too many were waiting")


def _wait(attempts: int, longest: timedelta) -> timedelta:
    longest_s = int(longest.total_seconds())
    longest_s = min(_FIRST_WAIT_S * 2 ** min(attempts - 1, 12), longest_s)
    return timedelta(seconds=1 + secrets.randbelow(longest_s))


def _told(row: OutboxRow) -> tuple[Event, tuple[str, ...]]:
    """The event of an acknowledged row and its arguments, times in local time."""
    at = _local(row.end)
    if row.kind == _Kind.INITIAL:
        return Event.FIRST_READING_SENT, (at,)
    if row.kind == _Kind.FINAL:
        return Event.FINAL_READING_SENT, (at,)
    if row.kind == _Kind.ON_DEMAND:
        return Event.ON_DEMAND_VALUES_SENT, (str(row.count), at[:10])
    return Event.VALUES_SENT, (str(row.count), _local(row.begin + _ONE_SECOND), at)


def _local(instant: datetime) -> str:
    return f"{instant.astimezone(BERLIN):%Y-%m-%d %H:%M:%S}"
