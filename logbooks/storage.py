"""How full the storage is, how long it lasts, what happens when it runs out.

Percentages are of a quota of the state folder (decisions D6), never of more than the
disk has. 20 % free: the GWA is warned. Below 10 %: soft lock-down (1900082, manual
ch. 8). Nothing left: 19007/2.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from pathlib import Path

from django.db import Error, connection, transaction

from hardware.folder_size import disk_free_bytes, folder_bytes
from hardware.gateway import Gateway
from logbooks import device_state
from logbooks.alarms import AlarmKind, clear_alarms, raise_alarm
from logbooks.catalogue import Event
from logbooks.checks import Fault
from logbooks.models import StorageSample
from logbooks.services import log_event, log_fault

STORAGE_SHORT = 1900082
EXHAUSTED_EVENT = 19007

_log = logging.getLogger(__name__)

SAMPLED_EVERY = timedelta(hours=1)
SAMPLES_KEPT = timedelta(days=32)
GROWTH_OVER = timedelta(days=7)
"""The forecast goes by the growth of so long, and of one hour at least."""
_SHORTEST_GROWTH = timedelta(hours=1)
_DAY = timedelta(days=1)


class Level(IntEnum):
    """How serious it is."""

    ENOUGH = 0
    LOW = 1
    SHORT = 2
    EXHAUSTED = 3


@dataclass(frozen=True, slots=True)
class Storage:
    """What is used of what there is, in bytes."""

    used: int
    quota: int

    @property
    def free(self) -> int:
        """What is left; never negative."""
        return max(0, self.quota - self.used)

    @property
    def level(self) -> Level:
        """10.0 % free is not below 10 % (R137); 20.0 % free is the warning (R151)."""
        if not self.free:
            return Level.EXHAUSTED
        if self.free * 10 < self.quota:
            return Level.SHORT
        return Level.LOW if self.free * 5 <= self.quota else Level.ENOUGH


def measured(gateway: Gateway) -> Storage:
    """The storage of this gateway now."""
    return measure(gateway.state, gateway.storage_quota)


def measure(state: Path, quota: int) -> Storage:
    """What is used: files of the state folder, and the database beside it.

    Pages that the database has freed and will use again count as free.
    """
    folder = folder_bytes(state)
    used = max(0, folder - _free_bytes_of_file()) + _server_bytes()
    left = disk_free_bytes(state) + _free_bytes_of_file()
    return Storage(used=used, quota=min(quota, used + left))


def days_left(
    storage: Storage, samples: Sequence[tuple[datetime, int]], *, now: datetime
) -> int | None:
    """In how many days 10 % will be left; None while nothing grows or is known.

    `samples` are (time, used bytes), ascending.
    """
    recent = [one for one in samples if now - GROWTH_OVER <= one[0] <= now]
    if not recent or now - recent[0][0] < _SHORTEST_GROWTH:
        return None
    begun, used_then = recent[0]
    grown = storage.used - used_then
    left = storage.quota * 9 // 10 - storage.used
    if grown <= 0:
        return None
    return max(0, left * ((now - begun) // timedelta(seconds=1)) // grown // 86_400)


def forecast(storage: Storage, *, now: datetime) -> int | None:
    """`days_left` by the samples that were taken."""
    since = StorageSample.objects.filter(measured_at__gte=now - GROWTH_OVER)
    samples = since.order_by("measured_at").values_list("measured_at", "used_bytes")
    return days_left(storage, list(samples), now=now)


def watch(gateway: Gateway, *, now: datetime) -> Storage:
    """Measure, take a sample now and then, warn or lock; a cyclic task calls it.

    When the database finds no room any more the device is locked all the same.
    """
    storage = measured(gateway)
    try:
        _take_sample(storage, now)
        react(gateway, storage, now=now)
    except Error as error:
        _log.error("the storage could not be noted: %s", error)
        if storage.level < Level.SHORT:
            raise
        device_state.enter_without_database(gateway, STORAGE_SHORT, now=now)
    return storage


def react(gateway: Gateway, storage: Storage, *, now: datetime) -> None:
    """Raise and end what the level means; each is logged once an episode."""
    for kind, level in _ALARM_LEVELS.items():
        if storage.level < level:
            clear_alarms(kind, now=now)
    with transaction.atomic():
        if storage.level >= Level.LOW:
            raise_alarm(AlarmKind.STORAGE_LOW, code=STORAGE_SHORT, now=now)
        is_short = storage.level >= Level.SHORT
        if is_short and _has_to_lock(now):
            log_fault(gateway, STORAGE_SHORT, now=now)
        if storage.level >= Level.EXHAUSTED and _begins(
            AlarmKind.STORAGE_EXHAUSTED, now
        ):
            log_event(gateway, Event.STORAGE_EXHAUSTED, now=now)


def storage_faults(gateway: Gateway, _now: datetime) -> list[Fault]:
    """The check of the self-test: 1900082 below 10 %."""
    storage = measured(gateway)
    if storage.level < Level.SHORT:
        return []
    return [Fault(STORAGE_SHORT, f"{storage.free} of {storage.quota} bytes are free")]


_ALARM_LEVELS = {
    AlarmKind.STORAGE_LOW: Level.LOW,
    AlarmKind.STORAGE_SHORT: Level.SHORT,
    AlarmKind.STORAGE_EXHAUSTED: Level.EXHAUSTED,
}


def _has_to_lock(now: datetime) -> bool:
    begins = _begins(AlarmKind.STORAGE_SHORT, now)
    return begins or device_state.must_lock_again(STORAGE_SHORT)


def _begins(kind: AlarmKind, now: datetime) -> bool:
    code = EXHAUSTED_EVENT if kind is AlarmKind.STORAGE_EXHAUSTED else STORAGE_SHORT
    return raise_alarm(kind, code=code, now=now)


def _take_sample(storage: Storage, now: datetime) -> None:
    last = StorageSample.objects.order_by("-measured_at").first()
    if last is None or not last.measured_at <= now < last.measured_at + SAMPLED_EVERY:
        StorageSample.objects.create(measured_at=now, used_bytes=storage.used)
        StorageSample.objects.filter(measured_at__lt=now - SAMPLES_KEPT).delete()


def _free_bytes_of_file() -> int:
    if connection.vendor != "sqlite":
        return 0
    return _number("PRAGMA freelist_count") * _number("PRAGMA page_size")


def _server_bytes() -> int:
    """The size of a database that is not in the state folder."""
    if connection.vendor != "postgresql":
        return 0
    return _number("SELECT pg_database_size(current_database())")


def _number(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])
