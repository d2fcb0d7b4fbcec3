"""The cyclic check of stored rows: one slice at each tick, round and round (R146)."""

from datetime import datetime

from hardware.gateway import Gateway
from logbooks import list_check
from logbooks.checks import Fault
from logbooks.integrity_alarm import report_broken_integrity
from logbooks.models import CheckPosition

_STORED_ROWS = "stored rows"


def check_next_slice(gateway: Gateway, *, now: datetime) -> list[Fault]:
    """Check the slice that follows the last one, report and return what it found."""
    place, _made = CheckPosition.objects.get_or_create(name=_STORED_ROWS)
    found = list_check.check_slice(gateway, place.position)
    report_broken_integrity(gateway, found.faults, now=now)
    place.position = found.position
    if found.is_end:
        place.passes, place.pass_ended_at = place.passes + 1, now
    place.save()
    return found.faults


def last_pass() -> datetime | None:
    """When the check has last seen every row; None before the first pass ended."""
    places = CheckPosition.objects.filter(name=_STORED_ROWS)
    return places.values_list("pass_ended_at", flat=True).first()
