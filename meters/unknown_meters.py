"""Meters on a bus that nobody has configured, for the service technician (R28)."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import QuerySet

from meters.models import Meter, UnknownMeter


def note_unknown(port: str, server_ids: Iterable[bytes], *, now: datetime) -> None:
    """List these meters as heard on `port` and not configured."""
    UnknownMeter.objects.bulk_create(
        [UnknownMeter(server_id=s.hex(), port=port, seen_at=now) for s in server_ids],
        update_conflicts=True,
        unique_fields=["server_id"],
        update_fields=["port", "seen_at"],
    )


def unknown_meters() -> QuerySet[UnknownMeter]:
    """Those that are still not configured, by server id."""
    configured = Meter.objects.values("server_id")
    return UnknownMeter.objects.exclude(server_id__in=configured).order_by("pk")
