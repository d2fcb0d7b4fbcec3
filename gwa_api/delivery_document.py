"""The document of a delivery: what the recipient gets (rest-gwa.md 5, decisions D17).

Made from what is final: the row of the outbox, the version of the profile that it
names, the records of the lists. So it is the same, byte by byte, on each attempt.
"""

import json
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from hardware.gateway import Gateway
from hardware.record import registers_of, zulu
from hardware.status_word import hex_text, ptb_status
from tariffs import versions
from tariffs.list_row import ListRow
from tariffs.models import OutboxRow
from tariffs.outbox import BILLING_TAFS
from tariffs.sending import delivered_rows

SCHEMA = "casa-delivery-v1"


@dataclass(frozen=True, slots=True)
class Document:
    """The bytes of a delivery, how many values they carry, and their digest, hex."""

    content: bytes
    count: int
    sha256: str


def document_of(gateway: Gateway, row: OutboxRow) -> Document:
    """The document of a row of the outbox; its profile comes with it."""
    profile = versions.document_at(row.profile_id, row.version)
    names = _names(gateway, row, profile)
    records = [
        _record(one, is_named="profile" in names)
        for one in delivered_rows(row.profile, row.begin, row.end)
    ]
    content = {
        "schema": SCHEMA,
        "delivery_id": str(row.message_id),
        "batch_id": str(row.batch_id),
        "part": row.part,
        "parts": row.parts,
        "sequence": row.sequence,
        "kind": row.kind,
        "taf": profile["taf"],
        **names,
        "from": zulu(row.begin),
        "to": zulu(row.end),
        "records": records,
    }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    count = sum(len(one["values"]) for one in records)
    return Document(text, count, sha256(text).hexdigest())


def is_pseudonymised(row: OutboxRow) -> bool:
    """Whether the document of a row names nobody."""
    return _hides(versions.document_at(row.profile_id, row.version))


def _hides(profile: dict[str, Any]) -> bool:
    return profile["taf"] not in BILLING_TAFS and profile.get("pseudonymise", True)


def _names(gateway: Gateway, row: OutboxRow, profile: dict[str, Any]) -> dict[str, Any]:
    """Whose values these are; under a pseudonym nothing else (decisions D34)."""
    if _hides(profile):
        return {"source": {"pseudonym": row.profile.pseudonym}}
    meters = list(dict.fromkeys(given["meter"] for given in profile["inputs"]))
    source = {
        "gateway": gateway.huid,
        "meters": meters,
        "metering_point": profile["metering_point"],
    }
    return {"profile": row.profile_id, "source": source}


def _record(row: ListRow, *, is_named: bool) -> dict[str, Any]:
    """`id` is whom the signed text names, `ski` the key that signed it.

    Both, and the signature, would name a source that has only a pseudonym.
    """
    content = {
        "t": zulu(row.target_time),
        "c": zulu(row.capture_time),
        "s": hex_text(row.status),
        "p": ptb_status(row.status),
        "values": [
            {
                "obis": one.obis.logical_name,
                "v": one.value,
                "scaler": one.scaler,
                "unit": one.unit,
            }
            for one in registers_of(row.registers)
        ],
    }
    if is_named and row.is_signed:
        content["id"], content["ski"] = row.subject, row.signer_ski
        content["sig"] = b64encode(row.signature).decode()
    return content
