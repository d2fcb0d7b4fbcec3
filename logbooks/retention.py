"""How long entries are kept, and what happens when a log is full (R76, R83, R84).

Consumer log: at least 15 months, 24 by default, nobody can cut it by hand; system log:
a ring; calibration log: for ever. What goes leaves an anchor in its chain (D43).
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, models, transaction

from hardware.gateway import Gateway
from logbooks import device_state
from logbooks.alarms import AlarmKind, clear_alarms, raise_alarm
from logbooks.catalogue import Event
from logbooks.chains import move_anchor
from logbooks.log_codes import NOT_OLD_ENOUGH
from logbooks.models import (
    CalibrationLogEntry,
    ConsumerLog,
    ConsumerLogEntry,
    SystemLogEntry,
)
from logbooks.services import SYSTEM_CHAIN, consumer_chain, log_event, log_fault

LEAST_MONTHS = 15
CONSUMER_LOG_CAPACITY = 200_000
"""Entries of one consumer; a busy household writes about 5,000 in a year."""
SYSTEM_LOG_CAPACITY = 100_000
CALIBRATION_LOG_CAPACITY = 1_000_000
_SLACK = timedelta(days=4)


class RetentionTooShort(ValueError):
    """Fewer than 15 months are not possible (manual ch. 5.2)."""


def set_retention(consumer: str, months: int) -> None:
    """How long this consumer's entries are kept; raises RetentionTooShort."""
    if months < LEAST_MONTHS:
        raise RetentionTooShort(f"at least {LEAST_MONTHS} months, not {months}")
    ConsumerLog.objects.filter(consumer_id=consumer).update(retention_months=months)


def months_before(now: datetime, months: int) -> datetime:
    """The same day of the calendar so many months ago, four days earlier.

    The day is cut to 28; SQLite and PostgreSQL count the end of a month differently.
    """
    total = now.year * 12 + now.month - 1 - months
    earlier = now.replace(year=total // 12, month=total % 12 + 1, day=min(now.day, 28))
    return earlier - _SLACK


def keep_logs(
    gateway: Gateway,
    *,
    now: datetime,
    consumer_capacity: int = CONSUMER_LOG_CAPACITY,
    system_capacity: int = SYSTEM_LOG_CAPACITY,
    calibration_capacity: int = CALIBRATION_LOG_CAPACITY,
) -> None:
    """Let go what is old enough, and say so when a log is full; run once a day."""
    has_room = True
    for log in ConsumerLog.objects.order_by("consumer_id"):
        _let_go_old(gateway, log.consumer_id, log.retention_months, now)
        has_room &= _make_room(gateway, log.consumer_id, consumer_capacity, now)
    if has_room:
        clear_alarms(AlarmKind.LOG_FULL, now=now)
    _turn_ring(gateway, system_capacity)
    _look_at_calibration_log(gateway, calibration_capacity, now)


def _let_go_old(gateway: Gateway, consumer: str, months: int, now: datetime) -> int:
    """Delete the entries older than `months`; how many."""
    limit = months_before(now, months)
    entries = ConsumerLogEntry.objects.filter(consumer_id=consumer)
    kept = entries.filter(recorded_at__gte=limit).aggregate(n=models.Min("number"))
    first_kept: int | None = kept["n"]
    going = entries.filter(recorded_at__lt=limit)
    if first_kept is not None:
        going = going.filter(number__lt=first_kept)
    return _delete(gateway, consumer_chain(consumer), going)


def _make_room(gateway: Gateway, consumer: str, capacity: int, now: datetime) -> bool:
    """Full: entries older than 15 months go (4294948294/1), or 1400523 (R83).

    Whether there is room now.
    """
    entries = ConsumerLogEntry.objects.filter(consumer_id=consumer)
    if entries.count() < capacity:
        return True
    if not _let_go_old(gateway, consumer, LEAST_MONTHS, now):
        full = AlarmKind.LOG_FULL
        begins = raise_alarm(full, code=NOT_OLD_ENOUGH, subject="", now=now)
        if begins or device_state.must_lock_again(NOT_OLD_ENOUGH):
            log_fault(gateway, NOT_OLD_ENOUGH, now=now)
        return False
    event = Event.CONSUMER_LOG_FULL
    log_event(gateway, event, consumer, now=now, consumers=[consumer])
    return True


def _turn_ring(gateway: Gateway, capacity: int) -> None:
    newest = SystemLogEntry.objects.aggregate(n=models.Max("number"))["n"] or 0
    going = SystemLogEntry.objects.filter(number__lte=newest - capacity)
    _delete(gateway, SYSTEM_CHAIN, going)


def _look_at_calibration_log(gateway: Gateway, capacity: int, now: datetime) -> None:
    """Nothing is overwritten: the device must be exchanged (R84)."""
    if CalibrationLogEntry.objects.count() < capacity:
        return
    event = Event.CALIBRATION_LOG_EXHAUSTED
    with transaction.atomic():
        code, subject = event.value[0], "calibration"
        if raise_alarm(AlarmKind.LOG_FULL, code=code, subject=subject, now=now):
            log_event(gateway, event, now=now)


def _delete(gateway: Gateway, chain: str, going: "models.QuerySet[Any]") -> int:
    """Delete these first rows of a chain and move its anchor behind them.

    The database goes by the host's clock: what it still keeps stays for a later day.
    """
    last = going.order_by("-number").first()
    if last is None:
        return 0
    try:
        with transaction.atomic():
            move_anchor(
                gateway, chain, number=last.number, chain_hash=bytes(last.chain_hash)
            )
            return going.delete()[0]
    except IntegrityError:
        return 0
