"""Readings for demanded instants: written by those who read, read by those who ask.

The way up goes through rows, like that of the quarter hours: what is read is stored
with the mark up to where all is settled, in one transaction, so that no kill loses or
doubles anything; a hint only says that there is something new.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from hardware.gateway import Gateway
from hardware.readings import MeterReading
from hardware.record import register_lines
from meters import meter_status
from meters.models import Meter, ReadDemand, Sample, SampledMeter
from meters.read_demand import ORDER


@dataclass(frozen=True, slots=True)
class Taken:
    """A reading of a meter for a demanded instant."""

    meter_id: str
    target_time: datetime
    reading: MeterReading


@transaction.atomic
def store_samples(
    gateway: Gateway,
    taken: Sequence[Taken],
    settled: Mapping[str, datetime],
    ended_orders: Collection[str] = (),
) -> None:
    """Store readings and up to where their meters are settled, all or nothing.

    What is there already stays as it is, a mark never moves back. Orders that were
    carried out or given up go.
    """
    meters = Meter.objects.in_bulk([*{one.meter_id for one in taken}, *settled])
    rows = [_row(gateway, meters[one.meter_id], one) for one in _known(taken, meters)]
    Sample.objects.bulk_create(rows, ignore_conflicts=True)
    for meter_id, instant in settled.items():
        if meter_id in meters:
            _settle(meter_id, instant)
    if ended_orders:
        of_orders = ReadDemand.objects.filter(period_s=ORDER)
        of_orders.filter(subject__in=list(ended_orders)).delete()


def settled_to(meter_ids: Collection[str]) -> dict[str, datetime]:
    """Up to where nothing comes any more, by meter; those never sampled are absent."""
    rows = SampledMeter.objects.filter(meter_id__in=meter_ids)
    return dict(rows.values_list("meter_id", "settled_to"))


def samples_at(meter_id: str, instants: Iterable[datetime]) -> dict[datetime, Sample]:
    """The samples of a meter at these instants, by instant."""
    wanted = sorted(instants)
    if not wanted:
        return {}
    rows = Sample.objects.filter(
        meter_id=meter_id, target_time__range=(wanted[0], wanted[-1])
    )
    among = set(wanted)
    return {row.target_time: row for row in rows if row.target_time in among}


def order_reading(
    meter_id: str,
    *,
    subject: str,
    registers: Sequence[str],
    at: datetime,
    give_up_at: datetime,
) -> None:
    """Ask for one reading now; its sample stands at the instant `at`."""
    ReadDemand.objects.create(
        subject=subject,
        meter_id=meter_id,
        period_s=ORDER,
        registers=list(registers),
        begin=at,
        end=give_up_at,
    )


def is_ordered(subject: str) -> bool:
    """Whether the order still waits for its reading."""
    return ReadDemand.objects.filter(subject=subject, period_s=ORDER).exists()


def forget_samples(meter_id: str, until: datetime) -> int:
    """Delete what nobody needs any more; returns how many."""
    old = Sample.objects.filter(meter_id=meter_id, target_time__lte=until)
    return old.delete()[0]


def _known(taken: Sequence[Taken], meters: Mapping[str, Meter]) -> list[Taken]:
    """Without those of meters that are gone."""
    return [one for one in taken if one.meter_id in meters]


def _row(gateway: Gateway, meter: Meter, taken: Taken) -> Sample:
    reading = taken.reading
    return Sample(
        meter=meter,
        target_time=taken.target_time,
        captured_at=reading.captured_at,
        status=meter_status.status_of(gateway, meter, reading.status),
        later_bits=meter_status.later_bits_of(
            reading.status, is_wireless=meter.is_wireless
        ),
        registers=register_lines(reading.registers),
    )


def _settle(meter_id: str, instant: datetime) -> None:
    row, is_new = SampledMeter.objects.get_or_create(
        meter_id=meter_id, defaults={"settled_to": instant}
    )
    if not is_new and row.settled_to < instant:
        row.settled_to = instant
        row.save(update_fields=["settled_to"])
