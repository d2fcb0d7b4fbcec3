"""Checks of value lists: that nothing is missing, changed, inserted or badly signed."""

from collections.abc import Iterator

from django.db.models import QuerySet

from hardware.gateway import Gateway
from hardware.security_module import SignatureInvalid
from logbooks import chains
from logbooks.certificates import certificate_by_ski
from logbooks.chains import ChainFault, ChainRow, Finding
from logbooks.models import Certificate
from meters import value_list
from meters.models import ListRecord, OriginalRecord


def verify_list(
    gateway: Gateway, model: type[ListRecord], subject: str
) -> list[ChainFault]:
    """What is wrong with the list of one meter or profile; empty when nothing is.

    Chain and signatures (R23, R64); reads row by row, so any length will do.
    """
    name = value_list.chain_name(model, subject)
    rows = value_list.rows_of(model, subject)
    return chains.verify(gateway, name, _chain_rows(gateway, rows)) + [
        ChainFault(name, Finding.SIGNATURE, number)
        for number in _badly_signed(gateway, _signed(model, rows))
    ]


def _signed(
    model: type[ListRecord], rows: QuerySet[ListRecord]
) -> QuerySet[ListRecord]:
    """Lists that are not for billing have no signatures (decisions D16).

    The chain covers that too: a signature that was taken away breaks it.
    """
    if model is OriginalRecord:
        return rows
    return rows.exclude(signature=b"", signer_ski="")


def _chain_rows(gateway: Gateway, rows: QuerySet[ListRecord]) -> Iterator[ChainRow]:
    for row in rows.iterator():
        payload = value_list.row_chain_payload(gateway.huid, row)
        yield ChainRow(row.number, payload, bytes(row.chain_hash))


def _badly_signed(gateway: Gateway, rows: QuerySet[ListRecord]) -> Iterator[int]:
    """Numbers of rows whose signature does not fit, or whose signer is unknown."""
    certificates: dict[str, Certificate] = {}
    for row in rows.iterator():
        try:
            if row.signer_ski not in certificates:
                certificates[row.signer_ski] = certificate_by_ski(row.signer_ski)
            value_list.verify_record(row, gateway.huid, certificates[row.signer_ski])
        except (SignatureInvalid, Certificate.DoesNotExist):
            yield row.number
