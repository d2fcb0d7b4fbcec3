"""A boundary is captured while the disk is full: nothing half, nothing lost."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.db import OperationalError, connection

from hardware.gateway import Gateway
from logbooks.certificates import ensure_signature_certificate
from logbooks.models import ConsumerLogEntry, SystemLogEntry
from meters.integrity import verify_list
from meters.models import LiveReading, OriginalRecord
from meters.record_queue import ReadBoundary, RecordQueue
from tests.meters.builders import METER, NOON, a_meter, a_reading, with_clock

pytestmark = pytest.mark.django_db(transaction=True)
QUARTER = timedelta(minutes=15)
FULL = "database or disk is full"


class FullAt:
    """Lets the n-th writing statement find no room, and all after it."""

    def __init__(self, allowed: int) -> None:
        self.allowed = allowed
        self.has_failed = False

    def __call__(
        self, execute: Callable[..., Any], sql: str, *rest: Any, **more: Any
    ) -> Any:
        if sql.split(maxsplit=1)[0] in {"INSERT", "UPDATE", "DELETE"}:
            self.allowed -= 1
            if self.allowed < 0:
                self.has_failed = True
                raise OperationalError(FULL)
        return execute(sql, *rest, **more)


def boundary(quarters: int) -> ReadBoundary:
    target = NOON + quarters * QUARTER
    return ReadBoundary(target, {METER: a_reading(target)})


def queue_of(gateway: Gateway) -> RecordQueue:
    seconds = count(0, 60)
    return RecordQueue(gateway, lambda: None, monotonic=lambda: float(next(seconds)))


@pytest.mark.req("R33", "R144")
def test_no_room_at_any_write_of_a_boundary(gateway: Gateway) -> None:
    """R33: all or nothing at each of its writes; 300033 and the record afterwards."""
    a_meter(gateway)
    gateway = with_clock(gateway, NOON + QUARTER)
    ensure_signature_certificate(gateway, NOON)
    queue = queue_of(gateway)
    queue.put(boundary(0))
    for allowed in count():
        disk = FullAt(allowed)
        with connection.execute_wrapper(disk):
            queue.flush()
        stored = OriginalRecord.objects.count()
        if not disk.has_failed:
            break
        if stored:  # only the log entry of the failure did not fit
            continue
        assert len(queue) == 1
        assert not LiveReading.objects.exists()
        assert not verify_list(gateway, OriginalRecord, METER)
    assert allowed >= 4  # chain head, record, live row, log
    queue.put(boundary(1))
    queue.flush()
    assert (stored, OriginalRecord.objects.count()) == (1, 2)
    assert not len(queue)
    assert not verify_list(gateway, OriginalRecord, METER)
    assert SystemLogEntry.objects.filter(event_id=300033).count() == 1
    assert ConsumerLogEntry.objects.filter(event_id=19006, event_sub_id=2).exists()


@pytest.mark.req("R33")
def test_a_database_file_that_may_not_grow(gateway: Gateway) -> None:
    """R33: SQLite's own refusal; what waits is stored when there is room again."""
    if connection.vendor != "sqlite":
        pytest.skip("a limit of pages is SQLite's")
    a_meter(gateway)
    gateway = with_clock(gateway, NOON + 400 * QUARTER)
    ensure_signature_certificate(gateway, NOON)
    queue = queue_of(gateway)
    wanted = 200
    with pages_limited():
        for quarters in range(wanted):
            queue.put(boundary(quarters))
            queue.flush()
        stored = OriginalRecord.objects.count()
        assert 0 < stored < wanted
        assert len(queue) == wanted - stored
        assert not verify_list(gateway, OriginalRecord, METER)
    queue.flush()
    assert OriginalRecord.objects.count() == wanted
    assert not verify_list(gateway, OriginalRecord, METER)
    assert SystemLogEntry.objects.filter(event_id=300033).exists()


class pages_limited:
    """The database file may grow by two pages."""

    def __enter__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA page_count")
            (pages,) = cursor.fetchone()
            cursor.execute(f"PRAGMA max_page_count = {pages + 2}")

    def __exit__(self, *_: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA max_page_count = 1073741823")
