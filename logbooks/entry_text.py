"""The canonical text of a log entry: what is chained, and what is signed."""

import json
from datetime import datetime
from typing import Protocol

from hardware.record import zulu

CALIBRATION_TEXT_VERSION = "casa-calibration-v1"


class Entry(Protocol):
    """The facts of an entry, stored or not."""

    recorded_at: datetime
    event_id: int
    event_sub_id: int
    level: str
    arguments: list[str]
    recipient: str
    profile: str


def entry_text(entry: Entry) -> str:
    """Two lines, LF between, none at the end; the second is JSON without blanks.

    `<recorded at, UTC, Z> <event id> <sub-id> <level>`
    `["<recipient>","<profile>","<argument 1>",...]`
    """
    facts = [entry.recipient, entry.profile, *entry.arguments]
    return (
        f"{zulu(entry.recorded_at)} {entry.event_id} {entry.event_sub_id} "
        f"{entry.level}\n"
        f"{json.dumps(facts, ensure_ascii=False, separators=(',', ':'))}"
    )


def calibration_text(huid: str, number: int, entry: Entry) -> str:
    """What the gateway signs for an entry of the calibration log (R74), UTF-8.

    A first line `casa-calibration-v1 <huid> <number>`, then `entry_text`. ECDSA with
    SHA-256, DER; checked as a record is: `openssl dgst -sha256 -verify`.
    """
    return f"{CALIBRATION_TEXT_VERSION} {huid} {number}\n{entry_text(entry)}"
