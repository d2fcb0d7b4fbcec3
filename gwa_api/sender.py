"""Carries the outbox out: takes receipts, hands over what is due."""

import logging
import time
from datetime import datetime

from gwa_api.delivery_document import document_of
from gwa_api.file_inbox import FileInbox
from gwa_api.transport import Acknowledged, Answer, Failed, Receipt, Transport
from gwa_api.wan_transport import forget_settled, transport_over_wan
from hardware.gateway import Gateway
from tariffs import outbox
from tariffs.models import MarketParticipant, OutboxRow

AT_ONCE = 200
"""So many rows of one recipient in one run: the next comes soon."""
LONGEST_RUN_S = 20.0
"""After so long others have their turn."""

_log = logging.getLogger(__name__)


def send_due(gateway: Gateway, *, now: datetime) -> int:
    """All that is due, to one recipient after the other; how many rows that were.

    May run at any time, in any number of workers: what is handed over twice is the
    same bytes under the same id.
    """
    return sum(send_to(gateway, one, now=now) for one in recipients(now=now))


def recipients(*, now: datetime) -> list[str]:
    """Who is to be served now: something is due, or a folder may hold receipts."""
    due = outbox.recipients_due(now=now)
    inboxes = MarketParticipant.objects.exclude(inbox="").exclude(pk__in=due)
    return due + list(inboxes.order_by("pk").values_list("pk", flat=True))


def send_to(gateway: Gateway, recipient_id: str, *, now: datetime) -> int:
    """Take a recipient's receipts, then hand over what is due; how many rows.

    Ends with the first row that does not reach him, and when it takes long: the rest
    waits for the next run.
    """
    recipient = MarketParticipant.objects.get(pk=recipient_id)
    transport = _transport_to(gateway, recipient, now)
    if transport is None:
        return 0
    try:
        _take_receipts(gateway, transport, recipient, now)
        handed_over = _hand_over(gateway, transport, recipient, now)
    finally:
        transport.close()
    forget_settled()
    return handed_over


def _transport_to(
    gateway: Gateway, recipient: MarketParticipant, now: datetime
) -> Transport | None:
    """Over the WAN, into his inbox, or None while there is no way."""
    over_wan = transport_over_wan(gateway, recipient.id, now=now)
    inbox = FileInbox() if recipient.inbox else None
    return over_wan or inbox


def _hand_over(
    gateway: Gateway, transport: Transport, recipient: MarketParticipant, now: datetime
) -> int:
    handed_over, begun = 0, time.monotonic()
    for row in outbox.due_rows(now=now).filter(recipient=recipient)[:AT_ONCE]:
        answer = _attempt(gateway, row, transport)
        _note(gateway, row, answer, now)
        if not isinstance(answer, Failed):
            handed_over += 1
        elif not answer.refused:
            break
        if time.monotonic() - begun > LONGEST_RUN_S:
            break
    return handed_over


def _attempt(gateway: Gateway, row: OutboxRow, transport: Transport) -> Answer:
    document = document_of(gateway, row)
    try:
        outbox.describe(row, count=document.count, sha256=document.sha256)
    except outbox.DocumentChanged as error:
        _log.error("%s", error)
        return Failed(str(error), refused=True)
    return transport.deliver(row, document.content)


def _take_receipts(
    gateway: Gateway, transport: Transport, recipient: MarketParticipant, now: datetime
) -> None:
    """Also for rows that seem not handed over: a kill may have come in between."""
    for receipt in transport.receipts(recipient):
        row = outbox.handed_over(receipt.message_id, recipient.id)
        if row is not None:
            _note(gateway, row, _judged(row, receipt), now)
            transport.settled(recipient, receipt.message_id)


def _judged(row: OutboxRow, receipt: Receipt) -> Acknowledged | Failed:
    if receipt.fault:
        return Failed(receipt.fault)
    if receipt.refused is not None:
        return Failed(f"refused: {receipt.refused}", refused=True)
    if receipt.sha256 != row.sha256:
        return Failed("the recipient has other bytes than were sent")
    return Acknowledged()


def _note(gateway: Gateway, row: OutboxRow, answer: Answer, now: datetime) -> None:
    if isinstance(answer, Failed):
        outbox.fail(
            row,
            answer.reason,
            now=now,
            retry_after=answer.retry_after,
            refused=answer.refused,
            unreached=answer.unreached,
        )
    elif isinstance(answer, Acknowledged):
        outbox.acknowledge(gateway, row, now=now)
    else:
        outbox.mark_sent(row, answer_by=now + answer.answer_within)
