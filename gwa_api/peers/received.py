"""Keeps deliveries: each once, however often it comes, as JSON and as CSV.

`received/<id>.json` the document as it was decrypted, `csv/<id>.csv` a line for each
register, `receipts/<id>.json` the receipt; it is written last and says that all is
there. `other/<id>.bin` is content that is no delivery, where that is wanted.
"""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from hardware.private_files import make_once, replace
from hardware.record import zulu

DOCUMENTS, TABLES, RECEIPTS, OTHERS = "received", "csv", "receipts", "other"
_COLUMNS = ("time", "captured", "status", "verdict", "obis", "value", "scaler", "unit")


@dataclass(frozen=True, slots=True)
class ReceivedDeliveries:
    """The deliveries in a recipient's state folder."""

    state: Path

    def prepare(self) -> None:
        """Make the folders."""
        for name in (DOCUMENTS, TABLES, RECEIPTS, OTHERS):
            (self.state / name).mkdir(mode=0o700, parents=True, exist_ok=True)

    def receipt(self, message_id: UUID) -> dict[str, Any] | None:
        """The receipt that was given for a delivery, None for one not stored."""
        try:
            text = (self.state / RECEIPTS / f"{message_id}.json").read_bytes()
        except FileNotFoundError:
            return None
        found: dict[str, Any] = json.loads(text)
        return found

    def store(
        self,
        message_id: UUID,
        content: bytes,
        document: dict[str, Any],
        *,
        sha256: str,
        now: datetime,
    ) -> dict[str, Any]:
        """Keep a delivery, and the receipt for it; `sha256` is of what came.

        Of two at the same moment both get the receipt of the first. Raises OSError.
        """
        replace(self.state / DOCUMENTS / f"{message_id}.json", content)
        replace(self.state / TABLES / f"{message_id}.csv", table_of(document))
        return self._receipted(message_id, sha256, now)

    def keep_other(
        self, message_id: UUID, content: bytes, *, sha256: str, now: datetime
    ) -> dict[str, Any]:
        """Keep what is no delivery, as it was decrypted, and the receipt for it."""
        replace(self.state / OTHERS / f"{message_id}.bin", content)
        return self._receipted(message_id, sha256, now)

    def _receipted(
        self, message_id: UUID, sha256: str, now: datetime
    ) -> dict[str, Any]:
        receipt = {
            "delivery_id": str(message_id),
            "received_at": zulu(now),
            "sha256": sha256,
            "receipt_id": str(uuid4()),
        }
        path = self.state / RECEIPTS / f"{message_id}.json"
        kept: dict[str, Any] = json.loads(make_once(path, json.dumps(receipt).encode()))
        return kept


def table_of(document: dict[str, Any]) -> bytes:
    """The records as CSV (UTF-8, comma): one line for each register."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    writer.writerows(_lines(document))
    return text.getvalue().encode()


def _lines(document: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    for record in document["records"]:
        head = record["t"], record["c"], record["s"], record["p"]
        for one in record["values"]:
            value = Decimal(one["v"]).scaleb(one["scaler"])
            yield (*head, one["obis"], f"{value:f}", one["scaler"], one["unit"])
