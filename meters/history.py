"""Records of a time before the gateway ran; only the demo installation has any.

The readings come out of the codecs like all others, only the time was given in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hardware.gateway import Gateway
from hardware.readings import MeterReading
from hardware.record import Record
from meters import meter_status, value_list
from meters.models import Meter, OriginalRecord
from meters.registers import counters_of, marked_registers


@dataclass(frozen=True, slots=True)
class PastReading:
    """What a meter said for a boundary that is long over."""

    meter_id: str
    target_time: datetime
    reading: MeterReading


def record_past(gateway: Gateway, past: Sequence[PastReading]) -> int:
    """Put past readings into the original list in one transaction; how many are new.

    Writes no log entry and leaves the live values alone (decisions D52). The
    readings of one meter are ascending.
    """
    meters = Meter.objects.in_bulk({one.meter_id for one in past})
    for one in past:
        _fix_registers(meters[one.meter_id], one.reading)
    records = [_record(gateway, meters[one.meter_id], one) for one in past]
    bits = [_later_bits(meters[one.meter_id], one.reading) for one in past]
    return value_list.append_records(gateway, OriginalRecord, records, bits)


def last_before(meter_id: str, first_start: datetime) -> datetime | None:
    """The target time of the newest record up to `first_start`, None without one."""
    records = OriginalRecord.objects.filter(
        meter_id=meter_id, target_time__lte=first_start
    )
    newest = records.order_by("-target_time").values_list("target_time", flat=True)
    return newest.first()


def _fix_registers(meter: Meter, reading: MeterReading) -> None:
    if not meter.registers:
        meter.registers = counters_of(reading)
        meter.save(update_fields=["registers"])


def _later_bits(meter: Meter, reading: MeterReading) -> int:
    return meter_status.later_bits_of(reading.status, is_wireless=meter.is_wireless)


def _record(gateway: Gateway, meter: Meter, past: PastReading) -> Record:
    return Record(
        subject=meter.id,
        target_time=past.target_time,
        capture_time=past.reading.captured_at,
        status=meter_status.status_of(gateway, meter, past.reading.status),
        registers=marked_registers(meter.registers, past.reading),
    )
