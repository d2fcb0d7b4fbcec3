"""Value lists: how a record is signed, chained and stored, and how it is checked.

One mechanism for the original list and the derived lists (decisions D17, D41 to
D43). A list is append-only: rows are final, the database refuses to change them.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from django.db import models, transaction
from django.db.models import QuerySet

from hardware.gateway import Gateway
from hardware.record import Record, register_lines, signed_text
from hardware.security_module import SIGNATURE_SLOT, verify
from hardware.status_word import NOT_FOR_BILLING
from logbooks import bulk_rows, chains, device_state
from logbooks.certificates import public_key
from logbooks.models import Certificate
from meters.models import ListRecord


@dataclass(frozen=True, slots=True)
class SignedRecord:
    """A record that is ready to be stored: text made, signature made."""

    record: Record
    lines: str
    later_bits: int
    signature: bytes
    signer_ski: str
    chain_payload: bytes


def append_records(
    gateway: Gateway,
    model: type[ListRecord],
    records: Sequence[Record],
    later_bits: Sequence[int] = (),
) -> int:
    """Sign and store records; returns how many were new.

    `later_bits` are the status bits of the later dialect, one per record in the same
    order; left out, they are 0. A record whose subject and target time are already in
    the list is ignored (tafs.md R5). Records of one subject should be ascending.
    """
    return store_records(gateway, model, sign_records(gateway, records, later_bits))


def sign_records(
    gateway: Gateway, records: Sequence[Record], later_bits: Sequence[int] = ()
) -> list[SignedRecord]:
    """Make text and signature of each record; touches no database.

    Called before the transaction opens: a signature takes longer than a row. While
    the integrity of the gateway is broken each bears the bit that says that it is not
    for billing (decisions D37).
    """
    if not records:
        return []
    # The slot by name: the keys may be switched while this runs.
    slot = gateway.security_module.active_slot(SIGNATURE_SLOT)
    ski = gateway.security_module.key_identifier(slot)
    bits = later_bits or [0] * len(records)
    return [
        _signed(gateway, record, later, slot, ski)
        for record, later in zip(_marked(gateway, records), bits, strict=True)
    ]


def _marked(gateway: Gateway, records: Sequence[Record]) -> Sequence[Record]:
    """The records as they may be stored now: not for billing, or as they are."""
    if not device_state.setting_of(gateway).marks_values:
        return records
    bit = NOT_FOR_BILLING << 32
    return [replace(record, status=record.status | bit) for record in records]


def unsigned_records(
    gateway: Gateway, records: Sequence[Record], later_bits: Sequence[int] = ()
) -> list[SignedRecord]:
    """The same without a signature, for what is not for billing (decisions D16)."""
    bits = later_bits or [0] * len(records)
    return [
        _unsigned(gateway.huid, record, later)
        for record, later in zip(_marked(gateway, records), bits, strict=True)
    ]


def _unsigned(huid: str, record: Record, later_bits: int) -> SignedRecord:
    lines = register_lines(record.registers)
    text = signed_text(
        huid,
        record.subject,
        record.target_time,
        record.capture_time,
        record.status,
        lines,
    )
    payload = chain_payload(text, later_bits, b"", "")
    return SignedRecord(record, lines, later_bits, b"", "", payload)


def _signed(
    gateway: Gateway, record: Record, later_bits: int, slot: str, ski: str
) -> SignedRecord:
    lines = register_lines(record.registers)
    text = signed_text(
        gateway.huid,
        record.subject,
        record.target_time,
        record.capture_time,
        record.status,
        lines,
    )
    signature = gateway.security_module.sign(slot, text.encode())
    payload = chain_payload(text, later_bits, signature, ski)
    return SignedRecord(record, lines, later_bits, signature, ski, payload)


def store_records(
    gateway: Gateway, model: type[ListRecord], signed: Sequence[SignedRecord]
) -> int:
    """Chain and insert signed records in one transaction; returns how many were new.

    Those that exist are left out before the chains are touched, so that numbers have
    no holes. Two writers of one list at the same moment: the second fails with
    IntegrityError, stores nothing and may simply repeat.
    """
    if not signed:
        return 0
    with transaction.atomic():
        new = _without_existing(model, signed)
        _insert(gateway, model, new)
    return len(new)


def chain_name(model: type[ListRecord], subject: str) -> str:
    """The name of a list's chain: `meter:<id>` or `profile:<id>`."""
    return f"{_subject_field(model).name}:{subject}"


def subject_column(model: type[ListRecord]) -> str:
    """The column that names the meter or profile a row belongs to."""
    return _subject_field(model).attname


def rows_of(model: type[ListRecord], subject: str) -> QuerySet[ListRecord]:
    """The whole list of one meter or profile in the order of its chain."""
    of_subject = {_subject_field(model).attname: subject}
    return model._default_manager.filter(**of_subject).order_by("number")


def row_text(huid: str, row: ListRecord) -> str:
    """The signed text of a stored row."""
    return signed_text(
        huid,
        subject_of(row),
        row.target_time,
        row.capture_time,
        row.status,
        row.registers,
    )


def subject_of(row: ListRecord) -> str:
    """The id of the meter or profile whose list this row belongs to."""
    subject: str = getattr(row, _subject_field(type(row)).attname)
    return subject


def row_chain_payload(huid: str, row: ListRecord) -> bytes:
    """What the chain covers of a stored row: signed text, later bits, signature."""
    return chain_payload(
        row_text(huid, row), row.later_bits, bytes(row.signature), row.signer_ski
    )


def verify_record(row: ListRecord, huid: str, certificate: Certificate) -> None:
    """Check the signature of a stored row; raises SignatureInvalid."""
    key = _key_of(bytes(certificate.der))
    verify(key, bytes(row.signature), row_text(huid, row).encode())


def chain_payload(text: str, later_bits: int, signature: bytes, ski: str) -> bytes:
    """What the chain covers: signed text, later bits, signature, signer's SKI."""
    return f"{text}\n{later_bits}\n{signature.hex()}\n{ski}".encode()


def _subject_field(model: type[ListRecord]) -> "models.Field[Any, Any]":
    """The first part of the composite key: the meter or the profile."""
    return model._meta.pk_fields[0]


def _without_existing(
    model: type[ListRecord], signed: Sequence[SignedRecord]
) -> list[SignedRecord]:
    """Those that are not in the list yet, each subject and time once."""
    existing = _existing_keys(model, [one.record for one in signed])
    new: dict[tuple[str, datetime], SignedRecord] = {}
    for one in signed:
        key = (one.record.subject, one.record.target_time)
        if key not in existing:
            new.setdefault(key, one)
    return list(new.values())


def _existing_keys(
    model: type[ListRecord], records: Iterable[Record]
) -> set[tuple[str, datetime]]:
    """The keys in the list over the span of `records`; one query."""
    subjects = {record.subject for record in records}
    times = [record.target_time for record in records]
    subject = _subject_field(model).attname
    rows = model._default_manager.filter(
        **{f"{subject}__in": subjects},
        target_time__range=(min(times), max(times)),
    )
    return set(rows.values_list(subject, "target_time"))


def _insert(
    gateway: Gateway, model: type[ListRecord], signed: Sequence[SignedRecord]
) -> None:
    payloads = defaultdict(list)
    for one in signed:
        payloads[chain_name(model, one.record.subject)].append(one.chain_payload)
    links = {
        name: iter(of_chain)
        for name, of_chain in chains.append_many(gateway, payloads).items()
    }
    subject = _subject_field(model).attname
    bulk_rows.insert(
        _row(model, subject, one, *next(links[chain_name(model, one.record.subject)]))
        for one in signed
    )


def _row(
    model: type[ListRecord],
    subject: str,
    signed: SignedRecord,
    number: int,
    chain_hash: bytes,
) -> ListRecord:
    record = signed.record
    return model(
        **{subject: record.subject},
        target_time=record.target_time,
        capture_time=record.capture_time.replace(microsecond=0),
        status=record.status,
        later_bits=signed.later_bits,
        registers=signed.lines,
        signature=signed.signature,
        signer_ski=signed.signer_ski,
        number=number,
        chain_hash=chain_hash,
    )


@lru_cache(maxsize=16)
def _key_of(der: bytes) -> EllipticCurvePublicKey:
    return public_key(Certificate(der=der))
