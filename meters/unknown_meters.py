"""Meters that were heard and that nobody has configured, for the technician (R28)."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from meters.models import Meter, UnknownMeter

KEPT = 256
"""The newest so many of each port stay in the table."""


def note_unknown(port: str, server_ids: Iterable[bytes], *, now: datetime) -> None:
    """List these meters as heard on `port` and not configured."""
    list_unknown(
        port,
        [UnknownMeter(server_id=s.hex(), port=port, seen_at=now) for s in server_ids],
    )


@transaction.atomic
def list_unknown(port: str, heard: Iterable[UnknownMeter]) -> None:
    """Bring the list up to date and drop the oldest of `port` beyond the limit."""
    UnknownMeter.objects.bulk_create(
        heard,
        update_conflicts=True,
        unique_fields=["server_id"],
        update_fields=["port", "seen_at", "rssi_dbm"],
    )
    newest = UnknownMeter.objects.filter(port=port).order_by("-seen_at", "pk")
    beyond = list(newest.values_list("pk", flat=True)[KEPT : 2 * KEPT + 1])
    UnknownMeter.objects.filter(pk__in=beyond).delete()


def unknown_meters() -> QuerySet[UnknownMeter]:
    """Those that are still not configured, by server id."""
    configured = Meter.objects.values("server_id")
    return UnknownMeter.objects.exclude(server_id__in=configured).order_by("pk")
