"""The cyclic check of stored rows: one slice at each tick, round and round (R146)."""

from datetime import datetime

from django.db import DatabaseError, connection

from hardware.gateway import Gateway
from logbooks import device_state, list_check
from logbooks.checks import Fault
from logbooks.database_damage import give_up, is_damage
from logbooks.integrity_alarm import report_broken_integrity
from logbooks.models import CheckPosition

_STORED_ROWS = "stored rows"


NOT_CHECKED = 2500353
"""The database is so damaged that not even the place of the check can be kept."""


def check_next_slice(gateway: Gateway, *, now: datetime) -> list[Fault]:
    """Check the slice that follows the last one, report and return what it found.

    A device whose database cannot even be told what was found locks all the same.
    """
    try:
        return _check_next_slice(gateway, now)
    except DatabaseError as error:
        if not is_damage(error):
            raise
        give_up(connection)
        device_state.enter_without_database(gateway, NOT_CHECKED, now=now)
        return [Fault(NOT_CHECKED, str(error))]


def _check_next_slice(gateway: Gateway, now: datetime) -> list[Fault]:
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
