"""How a delivery reaches its recipient: one interface, whatever lies behind it.

Today a folder of files (`file_inbox`); a transport over the WAN takes its place by the
same three answers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from tariffs.models import MarketParticipant, OutboxRow


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The recipient has it before him; that he keeps it he says within the time."""

    answer_within: timedelta


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The recipient keeps it: 200, 201, 204 or `duplicate` (rest-gwa.md 5)."""


@dataclass(frozen=True, slots=True)
class Failed:
    """It did not reach him; `refused` when he will not have this content ever.

    `needs_help` when time alone will not mend it: somebody has to look at it.
    `unreached` when nobody answered at all.
    """

    reason: str
    refused: bool = False
    retry_after: timedelta | None = None
    needs_help: bool = False
    unreached: bool = False


Answer = HandedOver | Acknowledged | Failed


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a recipient says about a delivery that he got.

    `sha256` is the digest of the bytes he has, hex; `refused` why he will not keep
    them, None when he does; `fault` what is wrong with the receipt itself.
    """

    message_id: UUID
    sha256: str = ""
    refused: str | None = None
    fault: str | None = None


class Transport(Protocol):
    """Carries documents to recipients of one kind; keeps nothing between calls."""

    def deliver(self, row: OutboxRow, document: bytes) -> Answer:
        """Hand a document over; the same row always comes with the same bytes."""
        ...

    def receipts(self, recipient: MarketParticipant) -> Iterator[Receipt]:
        """What the recipient has said since about what was handed over.

        A receipt comes again until it was `settled`.
        """
        ...

    def settled(self, recipient: MarketParticipant, message_id: UUID) -> None:
        """The receipt has been stored: it need not come again."""
        ...

    def close(self) -> None:
        """The run is over: end what is open."""
        ...
