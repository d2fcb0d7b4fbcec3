"""Deliveries as files: a folder for each recipient, acknowledged by files too.

The gateway puts `<message id>.json` into the recipient's folder, whole or not at all.
The recipient takes it, stores it once however often it comes, and puts a receipt
`<message id>.ack` there: `{"delivery_id", "sha256"}`, or with `"refused": "<why>"` when
he will not have the content. The gateway takes the receipt away.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from gwa_api.transport import Answer, Failed, HandedOver, Receipt
from hardware.private_files import replace
from tariffs.models import MarketParticipant, OutboxRow

DOCUMENT, RECEIPT = ".json", ".ack"
ANSWER_WITHIN = timedelta(hours=1)
"""Without a receipt by then the file is put there again."""

LONGEST_RECEIPT = 4096


MOST_RECEIPTS = 500
"""So many are taken in one run."""


class FileInbox:
    """The transport to recipients who have an inbox."""

    def deliver(self, row: OutboxRow, document: bytes) -> Answer:
        """Put the file there; a folder that is missing is never made."""
        path = Path(row.recipient.inbox) / f"{row.message_id}{DOCUMENT}"
        try:
            replace(path, document)
        except OSError as error:
            return Failed(f"inbox: {error.strerror or type(error).__name__}")
        return HandedOver(ANSWER_WITHIN)

    def receipts(self, recipient: MarketParticipant) -> Iterator[Receipt]:
        """The receipts that lie in the folder; other files are not looked at."""
        found = _receipt_files(Path(recipient.inbox))
        for message_id, path in islice(found, MOST_RECEIPTS):
            try:
                with path.open("rb") as file:
                    text = file.read(LONGEST_RECEIPT + 1)
            except OSError:
                continue
            yield _receipt(message_id, text)

    def settled(self, recipient: MarketParticipant, message_id: UUID) -> None:
        """Take the receipt away."""
        path = Path(recipient.inbox) / f"{message_id}{RECEIPT}"
        path.unlink(missing_ok=True)

    def close(self) -> None:
        """Nothing is kept open."""


def _receipt_files(folder: Path) -> Iterator[tuple[UUID, Path]]:
    try:
        names = [path for path in folder.iterdir() if path.suffix == RECEIPT]
    except OSError:
        return
    for path in sorted(names):
        try:
            message_id = UUID(path.stem)
        except ValueError:
            continue
        if path.stem == str(message_id):
            yield message_id, path


def _receipt(message_id: UUID, text: bytes) -> Receipt:
    members = _members(text)
    if members is None:
        return Receipt(message_id, fault="the receipt is no receipt")
    if members.get("delivery_id") != str(message_id):
        return Receipt(message_id, fault="the receipt is for another delivery")
    refused = members.get("refused")
    return Receipt(
        message_id,
        sha256=str(members.get("sha256", "")),
        refused=None if refused is None else str(refused),
    )


def _members(text: bytes) -> dict[str, Any] | None:
    if len(text) > LONGEST_RECEIPT:
        return None
    try:
        members = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return members if isinstance(members, dict) else None
