"""Checks of the logbooks: chains of all three, signatures of the calibration log."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from django.db.models import QuerySet

from hardware.gateway import Gateway
from hardware.security_module import SignatureInvalid, verify
from logbooks import chains
from logbooks.certificates import certificate_by_ski, public_key
from logbooks.chains import ChainFault, ChainRow, Finding
from logbooks.entry_text import calibration_text, entry_text
from logbooks.models import (
    CalibrationLogEntry,
    Certificate,
    ConsumerLogEntry,
    LogEntry,
    SystemLogEntry,
)
from logbooks.services import CALIBRATION_CHAIN, SYSTEM_CHAIN, consumer_chain

Row = TypeVar("Row", bound=LogEntry)


def verify_consumer_log(gateway: Gateway, consumer: str) -> list[ChainFault]:
    """What is wrong with one consumer's log; an empty list when nothing is."""
    entries = ConsumerLogEntry.objects.filter(consumer_id=consumer)
    return chains.verify(gateway, consumer_chain(consumer), _rows(entries))


def verify_system_log(gateway: Gateway) -> list[ChainFault]:
    """What is wrong with the system log; an empty list when nothing is."""
    return chains.verify(gateway, SYSTEM_CHAIN, _rows(SystemLogEntry.objects.all()))


def verify_calibration_log(gateway: Gateway) -> list[ChainFault]:
    """What is wrong with the calibration log, its signatures included (R74)."""
    entries = CalibrationLogEntry.objects.all()
    faults = chains.verify(gateway, CALIBRATION_CHAIN, _rows(entries))
    unsigned = _badly_signed(gateway, entries.order_by("number").iterator())
    return faults + [
        ChainFault(CALIBRATION_CHAIN, Finding.SIGNATURE, number) for number in unsigned
    ]


def _rows(entries: QuerySet[Row]) -> Iterator[ChainRow]:
    for entry in entries.order_by("number").iterator():
        yield ChainRow(
            entry.number, entry_text(entry).encode(), bytes(entry.chain_hash)
        )


def _badly_signed(
    gateway: Gateway, entries: Iterable[CalibrationLogEntry]
) -> Iterator[int]:
    """Numbers of entries whose signature does not fit, or whose signer is unknown."""
    keys = lru_cache(_key_of)
    for entry in entries:
        text = calibration_text(gateway.huid, entry.number, entry)
        try:
            verify(keys(entry.signer_ski), bytes(entry.signature), text.encode())
        except (SignatureInvalid, Certificate.DoesNotExist):
            yield entry.number


def _key_of(ski: str) -> EllipticCurvePublicKey:
    return public_key(certificate_by_ski(ski))
