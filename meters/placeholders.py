"""Placeholders: what a list holds for a boundary at which no value came (D18, D42)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from hardware.gateway import Gateway
from hardware.record import Record, registers_of
from hardware.status_word import LATER_WIRELESS
from logbooks.catalogue import Event
from logbooks.services import log_event
from meters import meter_status, value_list
from meters.models import Meter, OriginalRecord

NO_VALUE_IN_WINDOW = "kein Messwert im Empfangszeitfenster (Zähler {meter})"


@dataclass(frozen=True, slots=True)
class Gap:
    """A boundary without a value, and the record before it.

    `begins` with the first boundary that has none: one log entry per gap (R3).
    """

    meter: Meter
    before: OriginalRecord
    target_time: datetime
    begins: bool


def store_placeholders(gateway: Gateway, gaps: Sequence[Gap], now: datetime) -> int:
    """Fill the gaps and log the begin of each; returns how many rows are new."""
    signed = value_list.sign_records(
        gateway,
        [_placeholder(gateway, gap) for gap in gaps],
        [LATER_WIRELESS if gap.meter.is_wireless else 0 for gap in gaps],
    )
    with transaction.atomic():
        stored = value_list.store_records(gateway, OriginalRecord, signed)
        for gap in gaps:
            if gap.begins:
                log_event(
                    gateway,
                    Event.VALUE_WARNING,
                    NO_VALUE_IN_WINDOW.format(meter=gap.meter.id),
                    now=now,
                    consumers=[gap.meter.consumer_id],
                )
    return stored


def _placeholder(gateway: Gateway, gap: Gap) -> Record:
    """The value of the record before, marked as no value (decisions D18, D42)."""
    return Record(
        subject=gap.meter.id,
        target_time=gap.target_time,
        capture_time=gap.target_time,
        status=meter_status.placeholder_status(gateway, gap.meter, gap.before.status),
        registers=registers_of(gap.before.registers),
    )
