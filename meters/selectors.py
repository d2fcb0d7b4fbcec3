"""What others may read of meters and the original list.

Functions that take a consumer are the only way for pages, exports and interfaces:
here alone stands that each sees his own data only (R64, manual ch. 6.3). The rest is
for tariffs and for the threads that read meters.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from hardware.readings import RegisterValue
from hardware.record import registers_of
from hardware.status_word import ptb_status
from meters.models import Account, Consumer, LiveReading, Meter, OriginalRecord

_CRITICAL = 3


@dataclass(frozen=True, slots=True)
class LatestReading:
    """The newest that is known of a meter; `status` is the combined word.

    `record_time` is the target time of its last record, None before the first.
    """

    meter: Meter
    captured_at: datetime
    status: int
    registers: tuple[RegisterValue, ...]
    record_time: datetime | None


def consumer_ids() -> list[str]:
    """The ids of all consumers, ascending."""
    return list(Consumer.objects.order_by("pk").values_list("pk", flat=True))


def meter_ids() -> list[str]:
    """The ids of all meters, read or not, ascending."""
    return list(Meter.objects.order_by("pk").values_list("pk", flat=True))


def account_of(username: str) -> Account | None:
    """The account with this user name, with its consumer; None when there is none."""
    accounts = Account.objects.select_related("consumer")
    return accounts.filter(username=username, is_active=True).first()


def login_methods() -> tuple[bool, bool]:
    """Whether any consumer may log in by password, and any by certificate."""
    found = Consumer.objects.aggregate(
        password=Count("pk", filter=Q(password_login=True)),
        certificate=Count("pk", filter=Q(certificate_login=True)),
    )
    return bool(found["password"]), bool(found["certificate"])


def meters_of(consumer: str) -> QuerySet[Meter]:
    """The meters of a consumer, by id."""
    return Meter.objects.filter(consumer_id=consumer).order_by("pk")


def meter_of(consumer: str, meter_id: str) -> Meter | None:
    """One of his meters; None when it is not his, or does not exist."""
    return meters_of(consumer).filter(pk=meter_id).first()


def latest_readings(consumer: str) -> list[LatestReading]:
    """The latest reading of each of his meters that has one; by meter id.

    One query, whatever the length of the lists; a second one only where a meter has
    records and did not speak yet since the gateway knows it: then its newest record
    is the latest that is known.
    """
    records = OriginalRecord.objects.filter(meter=OuterRef("pk"))
    last = Subquery(records.order_by("-target_time").values("target_time")[:1])
    meters = list(meters_of(consumer).select_related("live").annotate(record_time=last))
    newest = _newest_records(
        {m.pk: m.record_time for m in meters if m.record_time and not _has_live(m)}
    )
    return [
        _latest(meter, meter.live if _has_live(meter) else newest[meter.pk])
        for meter in meters
        if _has_live(meter) or meter.pk in newest
    ]


def _has_live(meter: Meter) -> bool:
    return hasattr(meter, "live")


def _newest_records(times: Mapping[str, datetime]) -> dict[str, OriginalRecord]:
    """By meter id, the records of these meters at these times."""
    if not times:
        return {}
    wanted = Q()
    for meter_id, target_time in times.items():
        wanted |= Q(meter_id=meter_id, target_time=target_time)
    return {row.meter_id: row for row in OriginalRecord.objects.filter(wanted)}


def original_records(
    consumer: str, meter_id: str, begin: datetime, end: datetime
) -> QuerySet[OriginalRecord]:
    """The records of his meter in `(begin, end]`, ascending; none when not his."""
    return records_between(meter_id, begin, end).filter(meter__consumer_id=consumer)


def original_record(
    consumer: str, meter_id: str, target_time: datetime
) -> OriginalRecord | None:
    """One record of his meter; None when there is none, or the meter is not his."""
    records = OriginalRecord.objects.filter(meter__consumer_id=consumer)
    return records.filter(meter_id=meter_id, target_time=target_time).first()


def records_between(
    meter_id: str, begin: datetime, end: datetime
) -> QuerySet[OriginalRecord]:
    """All records of a meter in `(begin, end]`, ascending, placeholders included."""
    return OriginalRecord.objects.filter(
        meter_id=meter_id, target_time__gt=begin, target_time__lte=end
    ).order_by("target_time")


def record_at(meter_id: str, target_time: datetime) -> OriginalRecord | None:
    """The record of a meter at a boundary; None while it is open or before all."""
    records = OriginalRecord.objects.filter(meter_id=meter_id)
    return records.filter(target_time=target_time).first()


def first_valid_after(
    meter_id: str, begin: datetime, end: datetime
) -> OriginalRecord | None:
    """The first record in `(begin, end]` that a calculation may use (status below 3).

    For the late end of a TAF1 period (tafs.md 3).
    """
    for record in records_between(meter_id, begin, end).iterator(chunk_size=100):
        if ptb_status(record.status) < _CRITICAL:
            return record
    return None


def owners_of(meter_ids: Collection[str]) -> list[str]:
    """The consumers whose meters these are, ascending, each once."""
    meters = Meter.objects.filter(pk__in=meter_ids).order_by("consumer_id")
    return list(meters.values_list("consumer_id", flat=True).distinct())


def active_meters() -> QuerySet[Meter]:
    """The meters that are read, by id, with what is demanded of them; two queries."""
    meters = Meter.objects.filter(is_active=True).order_by("pk")
    return meters.prefetch_related("read_demands")


def last_common_boundary(meter_ids: Collection[str]) -> datetime | None:
    """The boundary up to which all of the meters that have records have them."""
    records = OriginalRecord.objects.filter(meter=OuterRef("pk"))
    last = Subquery(records.order_by("-target_time").values("target_time")[:1])
    meters = Meter.objects.filter(pk__in=meter_ids).annotate(last=last)
    times: Iterable[datetime | None] = meters.values_list("last", flat=True)
    return min((time for time in times if time is not None), default=None)


def _latest(meter: Any, latest: LiveReading | OriginalRecord) -> LatestReading:
    """From a row of either kind; the meter is annotated with its `record_time`."""
    if isinstance(latest, LiveReading):
        captured_at = latest.captured_at
    else:
        captured_at = latest.capture_time
    return LatestReading(
        meter=meter,
        captured_at=captured_at,
        status=latest.status,
        registers=registers_of(latest.registers),
        record_time=meter.record_time,
    )
