"""Meters that give no value for long: the alarm of R24."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from hardware.gateway import Gateway
from hardware.status_word import is_placeholder
from logbooks.alarms import AlarmKind, clear_alarms, raise_alarm
from logbooks.services import log_fault
from meters.boundaries import LATE_WAIT, REGISTRATION_PERIOD, boundary_before
from meters.models import Meter, OriginalRecord

ABSENT_AFTER = 3
"""A meter that misses more than so many boundaries in a row is absent."""

ABSENT_CODE = 100706
"""No communication with the meter."""


@transaction.atomic
def watch_absence(
    gateway: Gateway,
    meter_ids: Collection[str],
    *,
    since: datetime,
    now: datetime,
    late_wait: timedelta = LATE_WAIT,
) -> list[str]:
    """Raise the alarm for those of the meters that are absent; returns these.

    To be called when a boundary was closed; somebody has listened to the meters since
    `since`, what they missed before is not their fault. `late_wait` is how long a
    boundary stays open for these meters. The system log gets 100706 and the owner
    19006/2 when an absence begins.
    """
    absent = absent_meters(meter_ids, since=since, now=now, late_wait=late_wait)
    for meter in absent:
        kind = AlarmKind.METER_ABSENT
        if raise_alarm(kind, code=ABSENT_CODE, subject=meter.id, now=now):
            log_fault(gateway, ABSENT_CODE, now=now, consumers=[meter.consumer_id])
    return [meter.id for meter in absent]


def end_absence(meter_ids: Collection[str], *, now: datetime) -> None:
    """These meters gave a value: what alarms there are of their absence end."""
    clear_alarms(AlarmKind.METER_ABSENT, meter_ids, now=now)


def absent_meters(
    meter_ids: Collection[str],
    *,
    since: datetime,
    now: datetime,
    late_wait: timedelta = LATE_WAIT,
) -> list[Meter]:
    """Those of the meters that missed the last four closed boundaries, by id.

    None unless all four are later than `since`. A meter that never gave a value
    counts from when it was taken over.
    """
    last = boundary_before(now - late_wait)
    first = last - ABSENT_AFTER * REGISTRATION_PERIOD
    if first < since:
        return []
    records = OriginalRecord.objects.all()
    rows = records.filter(meter_id__in=meter_ids, target_time__range=(first, last))
    missed = Counter(
        meter_id
        for meter_id, word in rows.values_list("meter_id", "status")
        if is_placeholder(word)
    )
    silent = [id_ for id_, count in missed.items() if count > ABSENT_AFTER]
    never = Q(pk__in=meter_ids, valid_from__lt=first) & ~Exists(
        records.filter(meter=OuterRef("pk"))
    )
    meters = Meter.objects.filter(Q(pk__in=silent) | never, is_active=True)
    return list(meters.order_by("pk"))
