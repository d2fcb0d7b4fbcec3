"""Value lists as chained lists of the cyclic check (R146), and their fault codes."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.db.models import Max

from hardware.gateway import Gateway
from hardware.record import signed_text_of
from logbooks.chains import Finding
from logbooks.checks import ListKind, ListRow, register_list
from logbooks.stored_rows import (
    RowSpoilt,
    integer,
    rows_after,
    text,
    zulu_text,
)
from meters import value_list
from meters.models import ListRecord

VALUE_FAULT = 2500350
"""A stored value is not what was stored: the database fails its integrity check."""

VALUES_UNREADABLE = 2500351
"""The database cannot give the stored values, so they cannot be checked."""

_CODES = dict.fromkeys(Finding, VALUE_FAULT)
_COLUMNS = (
    "number",
    "target_time",
    "capture_time",
    "status",
    "later_bits",
    "registers",
    "signature",
    "signer_ski",
    "chain_hash",
)


def register_value_list(model: type[ListRecord]) -> None:
    """Let the cyclic check and the self-test look at this kind of value list."""
    register_list(
        ListKind(
            value_list.chain_name(model, ""),
            partial(_rows, model),
            partial(_highest, model),
            _CODES,
            VALUES_UNREADABLE,
        )
    )


def _rows(
    model: type[ListRecord], gateway: Gateway, subject: str, after: int, limit: int
) -> Sequence[ListRow]:
    of_subject = (value_list.subject_column(model), subject)
    rows = rows_after(model, _COLUMNS, after=after, limit=limit, subject=of_subject)
    return [_row(gateway.huid, subject, row) for row in rows]


def _row(huid: str, subject: str, row: Sequence[Any]) -> ListRow:
    number, target, capture, status, later, lines, signature, ski, chain_hash = row
    try:
        written = signed_text_of(
            huid,
            subject,
            zulu_text(target),
            zulu_text(capture),
            integer(status),
            text(lines),
        )
        signer = text(ski)
        payload = value_list.chain_payload(
            written, integer(later), bytes(signature), signer
        )
    except RowSpoilt:
        return ListRow(number, bytes(chain_hash), None)
    return ListRow(
        number, bytes(chain_hash), payload, written.encode(), bytes(signature), signer
    )


def _highest(model: type[ListRecord], subject: str) -> int:
    of_subject = {value_list.subject_column(model): subject}
    rows = model._default_manager.filter(**of_subject)
    found: int | None = rows.aggregate(number=Max("number"))["number"]
    return found or 0
