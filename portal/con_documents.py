"""The documents below /smgw/con/v1/: entries as JSON text, and the export envelope."""

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain, islice
from typing import Any

from hardware.cms_signed import sign
from hardware.gateway import Gateway
from hardware.security_module import SIGNATURE_SLOT
from logbooks.certificates import certificate_by_ski, certificate_pem
from logbooks.selectors import LogLine
from portal import local_time, readings
from portal.con_query import DETACHED, Query
from portal.con_view import Refused
from portal.readings import ListedRecord, json_text

FORMAT = "casa-export-v1"
SIGNED_FORMAT = "casa-signed-export-v1"
MOST_SIGNED = 10_000
"""Entries of a signed export: it has to be held in memory as a whole."""


def record_entries(
    huid: str, rows: Iterable[tuple[str, ListedRecord]], obis: str
) -> Iterator[str]:
    """Records as JSON text with what checking their signatures needs.

    Each row comes with the meter or profile that it was signed for. With `obis` only
    values of this register, and only records that have it; the signed text stays whole.
    """
    for subject, row in rows:
        text = readings.signed_record(huid, subject, row)
        if not obis:
            yield text
        elif f"{obis} " in row.registers:
            yield _only(text, f"{obis}.")


def _only(text: str, register: str) -> str:
    record = json.loads(text)
    record["values"] = [
        value
        for value in record["values"]
        if value["logical_name"].startswith(register)
    ]
    return json_text(record)


def log_entries(lines: Iterable[LogLine], query: Query) -> Iterator[str]:
    """Log entries as JSON text, those of the level and the event asked for."""
    for line in lines:
        if query.level not in ("", line.level):
            continue
        if query.kind not in ("", str(line.event_id)):
            continue
        numbers = {"event_id": line.event_id, "event_sub_id": line.event_sub_id}
        yield json_text(readings.log_entry(line) | numbers)


def limited(entries: Iterable[str], limit: int | None) -> tuple[list[str], bool]:
    """The first entries, and whether there are more."""
    if limit is None:
        return list(entries), False
    found = list(islice(entries, limit + 1))
    return found[:limit], len(found) > limit


def envelope(
    gateway: Gateway,
    kind: str,
    subject: str,
    query: Query,
    entries: Iterable[str],
    *,
    now: datetime,
) -> Iterator[str]:
    """An export in pieces: who gave it, what and when, and the entries in `data`."""
    head = json_text(
        {
            "format": FORMAT,
            **readings.system_informations(gateway, now=now),
            "type": kind,
            "id": subject,
            "fromtime": _bound(query.begin),
            "totime": _bound(query.end),
        }
    )
    if query.count:
        entries = islice(entries, query.count)
    return chain(
        (head.removesuffix("}"), ', "data": '), readings.json_array(entries), ("}\n",)
    )


def most_signed(entries: Iterable[str]) -> Iterator[str]:
    """The entries; raises Refused(413) when there are too many for one signature."""
    for number, entry in enumerate(entries):
        if number >= MOST_SIGNED:
            detail = f"more than {MOST_SIGNED} entries: narrow q.fromtime and q.totime"
            raise Refused(413, detail)
        yield entry


def signed(gateway: Gateway, pieces: Iterable[str]) -> dict[str, Any]:
    """An export with a detached CMS signature of the gateway over its bytes.

    `content` and `signature` (DER) are base64, `certificate` is PEM.
    """
    module = gateway.security_module
    slot = module.active_slot(SIGNATURE_SLOT)
    certificate = certificate_by_ski(module.key_identifier(slot))
    content = "".join(pieces).encode()
    signature = sign(
        module, content, slot=slot, certificate=bytes(certificate.der), detached=True
    )
    return {
        "format": SIGNED_FORMAT,
        "algorithm": DETACHED,
        "content": b64encode(content).decode(),
        "signature": b64encode(signature).decode(),
        "certificate": certificate_pem(certificate),
    }


def _bound(instant: datetime | None) -> str | None:
    return None if instant is None else local_time.iso(instant)
