"""Alarms: what stands until it is over, for the GWA and the technician (R24-R26, R162).

One open row for each kind and subject, however often it is reported. The log entries
of an episode are written by whoever raises it, once, when `raise_alarm` says so.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet

from logbooks.models import Alarm

NOTED_EVERY = timedelta(minutes=1)
"""An alarm that is raised again and again is counted at most so often."""

SAME_EPISODE = timedelta(minutes=15)
"""What comes back so soon after its end is the same episode: its row opens again."""

CLEARED_KEPT = 1000
"""Alarms that are over are kept, the newest so many."""


class AlarmKind(StrEnum):
    """What an alarm is about; the value is stored."""

    METER_ABSENT = "meter_absent"
    """More than three boundaries in a row without a value of the meter (R24)."""
    TRANSPORT_ERRORS = "transport_errors"
    """Errors of the transport at a meter or line, again and again (R25)."""
    INTERFACE_MISSING = "interface_missing"
    """The port of an interface is not there, or its module does not answer (R26)."""
    METER_FATAL = "meter_fatal"
    """The meter reports a fatal error in its status word (1011/2)."""
    METER_TAMPER = "meter_tamper"
    """The meter reports a magnetic or mechanical tamper (1011/1)."""
    INTEGRITY = "integrity"
    """Stored data or installed software are not what they were (19001/1)."""
    DELIVERY_FAILED = "delivery_failed"
    """A recipient takes nothing, and time alone will not mend it (rest-gwa.md 5)."""
    LOG_FULL = "log_full"
    """A log is full and nothing of it may go (1400523, 19008/2)."""
    SUPPLY_OVERLOAD = "supply_overload"
    """The supply of the wired bus is overloaded (R6)."""
    RESTORED = "restored"
    """The data came out of a backup: what was stored after it is missing."""
    TIME_SERVICE = "time_service"
    """The time server cannot be reached, or gives no time to be used (R155)."""
    TIME_TOO_FAR_OFF = "time_too_far_off"
    """Legal time is too far from the own time (1500056)."""
    TIME_RUN_OUT = "time_run_out"
    """No synchronisation for 24 hours (1500069)."""
    CERTIFICATE_ENDS = "certificate_ends"
    """A certificate in force ends within 60 days: it has to be renewed."""
    CERTIFICATE_EXPIRED = "certificate_expired"
    """A certificate in force has ended (2200041)."""
    LOCKDOWN = "lockdown"
    """The device is locked down; the code is that of the first cause (R138)."""
    STORAGE_LOW = "storage_low"
    """Less than 20 % of the storage is free: something has to be done (R151)."""
    STORAGE_SHORT = "storage_short"
    """Less than 10 % of the storage is free (1900082)."""
    STORAGE_EXHAUSTED = "storage_exhausted"
    """Nothing is left of the storage (19007/2)."""
    SEAL_DAMAGED = "seal_damaged"
    """The seal was found damaged; values are not for billing (R169)."""


def raise_alarm(
    kind: AlarmKind, *, code: int, now: datetime, subject: str = ""
) -> bool:
    """Say that something stands; whether that begins an episode to be logged.

    `code` is that of the first report. May be called as often as one likes, by
    several processes at once.
    """
    with transaction.atomic():
        if _note_open(kind, subject, now) or _reopen(kind, subject, now):
            return False
        try:
            with transaction.atomic():
                Alarm.objects.create(
                    kind=kind, subject=subject, code=code, since=now, last_at=now
                )
        except IntegrityError:  # another process was faster
            return False
        _prune()
    return True


def clear_alarms(
    kind: AlarmKind, subjects: Collection[str] = ("",), *, now: datetime
) -> int:
    """Say that it is over at these subjects; returns how many alarms that ended."""
    standing = open_alarms().filter(kind=kind, subject__in=subjects)
    return standing.update(cleared_at=now)


def acknowledge_alarm(alarm_id: int, *, now: datetime) -> bool:
    """Note that somebody has seen it; False when it is unknown or was seen before."""
    alarms = Alarm.objects.filter(pk=alarm_id, acknowledged_at__isnull=True)
    return alarms.update(acknowledged_at=now) == 1


def open_alarms() -> QuerySet[Alarm]:
    """The alarms that stand, oldest first."""
    return Alarm.objects.filter(cleared_at__isnull=True).order_by("since", "pk")


def recent_alarms(limit: int = 100) -> QuerySet[Alarm]:
    """The newest alarms, standing and over, newest first."""
    return Alarm.objects.order_by("-since", "-pk")[:limit]


def _note_open(kind: AlarmKind, subject: str, now: datetime) -> bool:
    """Count the report at the open alarm; whether there is one."""
    standing = open_alarms().filter(kind=kind, subject=subject)
    # Outside of the minute on either side: a clock that was set back stops nothing.
    due = standing.exclude(last_at__range=(now - NOTED_EVERY, now + NOTED_EVERY))
    if due.update(last_at=now, count=F("count") + 1):
        return True
    return standing.exists()


def _reopen(kind: AlarmKind, subject: str, now: datetime) -> bool:
    ended = Alarm.objects.filter(
        kind=kind,
        subject=subject,
        cleared_at__range=(now - SAME_EPISODE, now + SAME_EPISODE),
    ).order_by("-pk")
    last = ended.first()
    if last is None:
        return False
    last.cleared_at, last.last_at, last.count = None, now, last.count + 1
    last.save(update_fields=["cleared_at", "last_at", "count"])
    return True


def _prune() -> None:
    ended = Alarm.objects.filter(cleared_at__isnull=False).order_by("-pk")
    first_too_many = ended.values_list("pk", flat=True)[CLEARED_KEPT:].first()
    if first_too_many is not None:
        ended.filter(pk__lte=first_too_many).delete()
