"""Closing boundaries that stay open for long: those of wireless meters (D18).

Their lists are not filled in order: a load profile may bring the value of a boundary
after that of the next one has come.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, QuerySet, Subquery

from hardware.gateway import Gateway
from hardware.status_word import is_placeholder
from meters.absence import watch_absence
from meters.boundaries import REGISTRATION_PERIOD, boundary_after, boundary_before
from meters.models import Meter, OriginalRecord
from meters.placeholders import Gap, store_placeholders
from meters.record_queue import Closing

WIRELESS_WAIT = 3 * REGISTRATION_PERIOD
"""How long the boundary of a wireless meter stays open."""

_OPEN_BEFORE_LAST = WIRELESS_WAIT + REGISTRATION_PERIOD
"""No boundary so long before the last record is open: it was closed by then."""

_AT_ONCE = 200


def close_late_boundaries(
    gateway: Gateway,
    *,
    meter_ids: Collection[str],
    now: datetime,
    kept: Collection[tuple[str, datetime]] = (),
) -> int:
    """Put placeholders wherever the wait is over at `now`; returns how many.

    A boundary before a meter's first record, or before it was taken over, gets none,
    and none whose value is `kept` in memory (meter, boundary).
    """
    gaps = [
        gap
        for gap in _gaps(meter_ids, boundary_before(now - WIRELESS_WAIT))
        if (gap.meter.id, gap.target_time) not in kept
    ]
    gaps.sort(key=lambda gap: gap.target_time)
    return sum(
        store_placeholders(gateway, gaps[at : at + _AT_ONCE], now)
        for at in range(0, len(gaps), _AT_ONCE)
    )


def recorded_since(
    meter_ids: Collection[str], begin: datetime
) -> dict[datetime, set[str]]:
    """Which meters have a record at the boundaries later than `begin`."""
    rows = OriginalRecord.objects.filter(
        meter_id__in=meter_ids, target_time__gt=begin
    ).values_list("target_time", "meter_id")
    found: defaultdict[datetime, set[str]] = defaultdict(set)
    for target_time, meter_id in rows:
        found[target_time].add(meter_id)
    return dict(found)


@dataclass(frozen=True, slots=True)
class LateClosing(Closing):
    """A closing of wireless meters, whose boundaries stay open for three periods."""

    def store(self, gateway: Gateway, _now: datetime) -> int:
        """Write the placeholders; returns how many are new."""
        stored = close_late_boundaries(
            gateway, meter_ids=self.meter_ids, now=self.closed_at, kept=self.kept
        )
        was_set = stored > len(self.meter_ids)
        if self.listened_since is not None and not was_set:
            watch_absence(
                gateway,
                self.meter_ids,
                since=self.listened_since,
                now=self.closed_at,
                late_wait=WIRELESS_WAIT,
            )
        return stored


def _gaps(meter_ids: Collection[str], limit: datetime) -> Iterator[Gap]:
    meters = list(_with_span(meter_ids, limit))
    begins = {meter.pk: _begin(meter, first, last) for meter, first, last in meters}
    if not begins:
        return
    there = recorded_since(meter_ids, min(begins.values()))
    for meter, _first, _last in meters:
        yield from _gaps_of(meter, begins[meter.pk], limit, there)


def _with_span(
    meter_ids: Collection[str], limit: datetime
) -> Iterator[tuple[Meter, datetime, datetime]]:
    """Each meter with its first record, and its last up to `limit`; one query."""
    records = OriginalRecord.objects.filter(
        meter=OuterRef("pk"), target_time__lte=limit
    )
    meters = Meter.objects.filter(pk__in=meter_ids, is_active=True).annotate(
        first=_edge(records, "target_time"), last=_edge(records, "-target_time")
    )
    for meter in meters.order_by("pk"):
        if meter.first is not None:
            yield meter, meter.first, meter.last


def _edge(records: QuerySet[OriginalRecord], order: str) -> Subquery:
    return Subquery(records.order_by(order).values("target_time")[:1])


def _begin(meter: Meter, first: datetime, last: datetime) -> datetime:
    """The boundary behind which holes may be."""
    taken_over = boundary_before(meter.valid_from or first)
    return max(first, taken_over, last - _OPEN_BEFORE_LAST)


def _gaps_of(
    meter: Meter, begin: datetime, limit: datetime, there: dict[datetime, set[str]]
) -> Iterator[Gap]:
    before: OriginalRecord | None = None
    target_time = boundary_after(begin)
    while target_time <= limit:
        if meter.pk in there.get(target_time, ()):
            before = None
        else:
            is_first = before is None
            before = before or _record_before(meter, target_time)
            if before is not None:
                begins = is_first and not is_placeholder(before.status)
                yield Gap(meter, before, target_time, begins)
        target_time += REGISTRATION_PERIOD


def _record_before(meter: Meter, target_time: datetime) -> OriginalRecord | None:
    earlier = OriginalRecord.objects.filter(meter=meter, target_time__lt=target_time)
    return earlier.order_by("-target_time").first()
