"""What is written about meters: records, placeholders, live values, set-up.

Nothing here reads a clock or a port; the threads of `meters.interfaces` and the
services of the apps above call it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery

from hardware.gateway import Gateway
from hardware.readings import MeterReading, RegisterValue
from hardware.record import Record, register_lines
from hardware.status_word import hex_text, is_placeholder, meter_word
from logbooks.alarms import clear_alarms, raise_alarm
from logbooks.services import log_event, log_fault
from meters import meter_status, value_list
from meters.absence import end_absence
from meters.boundaries import boundary_before, missed_boundaries
from meters.configuration import create_consumer, create_meter
from meters.configuration_errors import ConsumerInvalid, MeterInvalid
from meters.models import LiveReading, Meter, OriginalRecord
from meters.placeholders import Gap, store_placeholders
from meters.registers import counters_of, marked_registers

__all__ = [
    "ConsumerInvalid",
    "MeterInvalid",
    "close_boundary",
    "close_missed_boundaries",
    "create_consumer",
    "create_meter",
    "record_boundary",
    "report_storage_fault",
    "update_live",
]

ORIGINAL_LIST_FAULT = 300033
_PLACEHOLDERS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class _Taken:
    """A reading that becomes a record: its meter and the registers marked for it."""

    meter: Meter
    reading: MeterReading
    registers: tuple[RegisterValue, ...]


def record_boundary(
    gateway: Gateway,
    *,
    target_time: datetime,
    readings: Mapping[str, MeterReading],
    now: datetime,
) -> int:
    """Put one reading of each meter into the original list; returns how many are new.

    `readings` maps meter ids to what the meters gave for the boundary `target_time`,
    whatever their status (decisions D16). One transaction for all. A meter that has
    its record already, or a reading without a marked register, changes no list.
    Raises django.db.Error when nothing could be stored.
    """
    taken = _taken(readings)
    signed = value_list.sign_records(
        gateway,
        [_record(gateway, one, target_time) for one in taken],
        [_later_bits(one) for one in taken],
    )
    with transaction.atomic():
        stored = value_list.store_records(gateway, OriginalRecord, signed)
        _fix_registers(taken)
        _note_readings(gateway, taken, now)
        end_absence([one.meter.id for one in taken], now=now)
    return stored


@transaction.atomic
def update_live(
    gateway: Gateway, readings: Mapping[str, MeterReading], *, now: datetime
) -> None:
    """Show these readings as the latest of their meters (decisions D21).

    A change of the status word to a fault is logged for the owner (1011).
    """
    meters = Meter.objects.in_bulk(list(readings))
    _note_readings(
        gateway,
        [_Taken(meter, readings[id_], ()) for id_, meter in meters.items()],
        now,
    )


def close_boundary(
    gateway: Gateway,
    *,
    target_time: datetime,
    meter_ids: Collection[str],
    now: datetime,
) -> int:
    """Put placeholders for those of the meters that have no record at a boundary.

    Returns how many. A meter without any record before gets none (decisions D42).
    """
    there = OriginalRecord.objects.filter(target_time=target_time)
    meters = Meter.objects.filter(pk__in=meter_ids).exclude(
        pk__in=there.values("meter_id")
    )
    before = OriginalRecord.objects.filter(target_time__lt=target_time)
    gaps = [
        Gap(meter, last, target_time, begins=not is_placeholder(last.status))
        for meter, last_time in _last_times(meters, before)
        for last in before.filter(meter=meter, target_time=last_time)
    ]
    return store_placeholders(gateway, gaps, now)


def close_missed_boundaries(
    gateway: Gateway,
    *,
    now: datetime,
    meter_ids: Collection[str] | None = None,
    kept: Collection[tuple[str, datetime]] = (),
) -> int:
    """Put placeholders for all boundaries whose late wait is over; returns how many.

    From the last record of each active meter on (of `meter_ids` only, when given):
    after a start, after a jump of the clock, and after each boundary (tafs.md R8).
    None where a value that is `kept` in memory (meter, boundary) is still to come.
    """
    meters = Meter.objects.filter(is_active=True)
    if meter_ids is not None:
        meters = meters.filter(pk__in=meter_ids)
    missed = _missed(meters, now)
    gaps = [gap for gap in missed if (gap.meter.id, gap.target_time) not in kept]
    gaps.sort(key=lambda gap: gap.target_time)
    # In slices, so that no other writer waits for long.
    return sum(
        store_placeholders(gateway, gaps[at : at + _PLACEHOLDERS_AT_ONCE], now)
        for at in range(0, len(gaps), _PLACEHOLDERS_AT_ONCE)
    )


@transaction.atomic
def report_storage_fault(
    gateway: Gateway, *, meter_ids: Collection[str], now: datetime
) -> None:
    """Log that values could not be written into the original list (300033, R33)."""
    owners = Meter.objects.filter(pk__in=meter_ids).values_list("consumer_id")
    consumers = sorted({owner for (owner,) in owners})
    log_fault(gateway, ORIGINAL_LIST_FAULT, now=now, consumers=consumers)


def _taken(readings: Mapping[str, MeterReading]) -> list[_Taken]:
    meters = Meter.objects.in_bulk(list(readings))
    return [
        _Taken(meters[id_], reading, registers)
        for id_, reading in readings.items()
        if id_ in meters
        and (registers := marked_registers(meters[id_].registers, reading))
    ]


def _record(gateway: Gateway, taken: _Taken, target_time: datetime) -> Record:
    return Record(
        subject=taken.meter.id,
        target_time=target_time,
        capture_time=taken.reading.captured_at,
        status=meter_status.status_of(gateway, taken.meter, taken.reading.status),
        registers=taken.registers,
    )


def _later_bits(taken: _Taken) -> int:
    is_wireless = taken.meter.is_wireless
    return meter_status.later_bits_of(taken.reading.status, is_wireless=is_wireless)


def _fix_registers(taken: Iterable[_Taken]) -> None:
    """The first record says which counters the list of a meter holds (D45)."""
    for one in taken:
        if not one.meter.registers:
            one.meter.registers = counters_of(one.reading)
            one.meter.save(update_fields=["registers"])


def _note_readings(gateway: Gateway, taken: Iterable[_Taken], now: datetime) -> None:
    """Bring the live rows up to date and log what the meters newly report.

    The status in the live row is the last one seen; each event comes once per change.
    """
    shown = LiveReading.objects.in_bulk([one.meter.id for one in taken])
    fresh = []
    for one in taken:
        before = shown.get(one.meter.id)
        row = _live_row(gateway, one, before, now)
        if row is not None:
            fresh.append(row)
            _log_new_faults(gateway, one, before, row, now)
            _change_alarms(one, before, now)
    LiveReading.objects.bulk_create(
        fresh,
        update_conflicts=True,
        unique_fields=["meter"],
        update_fields=["captured_at", "status", "registers"],
    )


def _live_row(
    gateway: Gateway, taken: _Taken, before: LiveReading | None, now: datetime
) -> LiveReading | None:
    """The live row after a reading; None when the one before stays as it is."""
    reading = taken.reading
    row = LiveReading(
        meter=taken.meter,
        captured_at=reading.captured_at.replace(microsecond=0),
        status=meter_status.status_of(gateway, taken.meter, reading.status),
        registers=register_lines(reading.registers),
    )
    if before is None:
        return row
    if row.captured_at < before.captured_at <= now:
        return None  # stored late; but a row from before the clock was set back goes
    if not _covers(row, before):
        # A boundary asks for counters only: their status counts, while the powers
        # of some seconds ago stay in sight until the next live reading.
        row.captured_at, row.registers = before.captured_at, before.registers
    return row


def _covers(row: LiveReading, before: LiveReading) -> bool:
    names = {line[:12] for line in row.registers.split("\n")}
    return all(line[:12] in names for line in before.registers.split("\n"))


def _log_new_faults(
    gateway: Gateway,
    taken: _Taken,
    before: LiveReading | None,
    row: LiveReading,
    now: datetime,
) -> None:
    status_before = before.status if before else 0
    for event in meter_status.new_faults(status_before, row.status):
        log_event(
            gateway,
            event,
            taken.meter.id,
            hex_text(row.status),
            now=now,
            consumers=[taken.meter.consumer_id],
        )


def _change_alarms(taken: _Taken, before: LiveReading | None, now: datetime) -> None:
    """Raise and clear the alarms for what the meter reports of itself."""
    word_before = meter_word(before.status) if before else 0
    for kind, code in meter_status.raised_alarms(word_before, taken.reading.status):
        raise_alarm(kind, code=code, subject=taken.meter.id, now=now)
    for kind in meter_status.ended_alarms(word_before, taken.reading.status):
        clear_alarms(kind, [taken.meter.id], now=now)


def _missed(meters: QuerySet[Meter], now: datetime) -> Iterator[Gap]:
    """Every closed boundary since the last record, but none before the take-over."""
    records = OriginalRecord.objects.all()
    for meter, last_time in _last_times(meters, records):
        since = max(last_time, boundary_before(meter.valid_from or last_time))
        targets = list(missed_boundaries(since, now))
        if targets:
            last = records.get(meter=meter, target_time=last_time)
            begins = not is_placeholder(last.status)
            yield Gap(meter, last, targets[0], begins)
            yield from (Gap(meter, last, later, False) for later in targets[1:])


def _last_times(
    meters: QuerySet[Meter], records: QuerySet[OriginalRecord]
) -> Iterator[tuple[Meter, datetime]]:
    """Each meter that has one of the records, with the time of its last; one query."""
    of_meter = records.filter(meter=OuterRef("pk")).order_by("-target_time")
    last = Subquery(of_meter.values("target_time")[:1])
    for meter in meters.annotate(last_time=last).order_by("pk"):
        if meter.last_time is not None:
            yield meter, meter.last_time
