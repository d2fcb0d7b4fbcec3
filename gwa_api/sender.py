"""Carries the outbox out: takes receipts, hands over what is due."""

import logging
from datetime import datetime

from gwa_api.delivery_document import document_of
from gwa_api.file_inbox import FileInbox
from gwa_api.transport import Acknowledged, Answer, Failed, Receipt, Transport
from gwa_api.wan_transport import forget_settled, transport_over_wan
from hardware.gateway import Gateway
from tariffs import outbox
from tariffs.models import MarketParticipant, OutboxRow

AT_ONCE = 200
"""So many rows in one run: the next comes soon, and other work waits too."""

_log = logging.getLogger(__name__)


class Transports:
    """How each recipient is reached, for one run; close it at the end."""

    def __init__(self, gateway: Gateway, now: datetime) -> None:
        self._gateway, self._now = gateway, now
        self._made: dict[str, Transport | None] = {}

    def to(self, recipient: MarketParticipant) -> Transport | None:
        """Over the WAN, into his inbox, or None while there is no way."""
        if recipient.id not in self._made:
            over_wan = transport_over_wan(self._gateway, recipient.id, now=self._now)
            inbox = FileInbox() if recipient.inbox else None
            self._made[recipient.id] = over_wan or inbox
        return self._made[recipient.id]

    def close(self) -> None:
        """End all connections."""
        for transport in self._made.values():
            if transport is not None:
                transport.close()


def send_due(gateway: Gateway, *, now: datetime) -> int:
    """Take receipts, then hand over what is due; returns how many rows that were.

    May run at any time, in any number of workers: what is handed over twice is the
    same bytes under the same id.
    """
    transports = Transports(gateway, now)
    try:
        _take_receipts(gateway, transports, now)
        handed_over = _hand_over(gateway, transports, now)
    finally:
        transports.close()
    forget_settled()
    return handed_over


def _hand_over(gateway: Gateway, transports: Transports, now: datetime) -> int:
    handed_over = 0
    held_back: set[tuple[str, str]] = set()
    for row in outbox.due_rows(now=now)[:AT_ONCE]:
        transport = transports.to(row.recipient)
        line = row.profile_id, row.recipient_id
        if transport is None or line in held_back:
            continue
        answer = _attempt(gateway, row, transport)
        _note(gateway, row, answer, now)
        if isinstance(answer, Failed):
            if row.profile.taf in outbox.BILLING_TAFS and not answer.refused:
                held_back.add(line)
        else:
            handed_over += 1
    return handed_over


def _attempt(gateway: Gateway, row: OutboxRow, transport: Transport) -> Answer:
    document = document_of(gateway, row)
    try:
        outbox.describe(row, count=document.count, sha256=document.sha256)
    except outbox.DocumentChanged as error:
        _log.error("%s", error)
        return Failed(str(error), refused=True)
    return transport.deliver(row, document.content)


def _take_receipts(gateway: Gateway, transports: Transports, now: datetime) -> None:
    """Also for rows that seem not handed over: a kill may have come in between."""
    for recipient in MarketParticipant.objects.order_by("pk"):
        transport = transports.to(recipient)
        if transport is None:
            continue
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
        )
    elif isinstance(answer, Acknowledged):
        outbox.acknowledge(gateway, row, now=now)
    else:
        outbox.mark_sent(row, answer_by=now + answer.answer_within)
