"""A boundary that cannot be stored waits in memory until it can (R33)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from django.db import connection
from django.db.utils import OperationalError

from hardware.gateway import Gateway
from hardware.security_module import SecurityModule
from hardware.status_word import is_placeholder
from logbooks.models import ConsumerLogEntry, SystemLogEntry
from meters.models import OriginalRecord
from meters.record_queue import Closing, ReadBoundary, RecordQueue
from tests.meters.builders import METER, NOON, a_meter, a_reading, with_clock

pytestmark = pytest.mark.django_db(transaction=True)
QUARTER = timedelta(minutes=15)


class Seconds:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.value = 100.0

    def __call__(self) -> float:
        return self.value


class FullDisk:
    """Refuses to write into the tables whose names hold one of the words."""

    def __init__(self, *tables: str) -> None:
        self.tables = tables

    def __call__(
        self,
        execute: Callable[..., Any],
        sql: str,
        params: Any,
        many: bool,
        context: dict[str, Any],
    ) -> Any:
        if sql.startswith("INSERT") and any(table in sql for table in self.tables):
            raise OperationalError("database or disk is full")
        return execute(sql, params, many, context)


@contextmanager
def full_disk(*tables: str) -> Iterator[None]:
    with connection.execute_wrapper(FullDisk(*tables)):
        yield


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def hints() -> list[str]:
    return []


@pytest.fixture
def queue(gateway: Gateway, seconds: Seconds, hints: list[str]) -> RecordQueue:
    a_meter(gateway, consumer="meier")
    clocked = with_clock(gateway)
    return RecordQueue(clocked, lambda: hints.append("hint"), seconds)


def a_boundary(quarters: int = 0) -> ReadBoundary:
    at = NOON + quarters * QUARTER
    return ReadBoundary(at, {METER: a_reading(at)})


def targets() -> list[int]:
    rows = OriginalRecord.objects.order_by("number")
    return [(row.target_time - NOON) // QUARTER for row in rows]


def system_faults() -> int:
    return SystemLogEntry.objects.filter(event_id=300033).count()


def test_a_stored_boundary_sends_one_hint(queue: RecordQueue, hints: list[str]) -> None:
    queue.put(a_boundary())
    queue.flush()
    queue.flush()
    assert targets() == [0]
    assert hints == ["hint"]
    assert len(queue) == 0


def test_a_boundary_that_is_there_already_sends_no_hint(
    queue: RecordQueue, hints: list[str]
) -> None:
    for _ in range(2):
        queue.put(a_boundary())
        queue.flush()
    assert hints == ["hint"]


@pytest.mark.req("R33")
def test_a_boundary_that_cannot_be_stored_is_kept_and_stored_later(
    queue: RecordQueue, seconds: Seconds, hints: list[str]
) -> None:
    """300033 once, nothing lost, order kept, a placeholder never comes before."""
    with full_disk("meters_originalrecord"):
        queue.put(a_boundary(0))
        queue.put(a_boundary(1))
        queue.put(Closing(NOON + 2 * QUARTER + timedelta(seconds=27), [METER]))
        for _ in range(4):
            queue.flush()
            seconds.value += 5
        assert (targets(), hints, len(queue)) == ([], [], 3)
    queue.flush()
    assert targets() == [0, 1, 2]
    assert system_faults() == 1
    own = ConsumerLogEntry.objects.filter(consumer_id="meier", event_sub_id=2)
    assert [entry.arguments for entry in own] == [["300033"]]
    assert len(hints) == 3


@pytest.mark.req("R33")
def test_when_the_log_fails_too_the_fault_is_logged_afterwards(
    queue: RecordQueue, seconds: Seconds
) -> None:
    """A disk that is full takes no log entry either."""
    with full_disk("meters_", "logbooks_"):
        queue.put(a_boundary())
        queue.flush()
        assert system_faults() == 0
    seconds.value += 5
    queue.flush()
    assert targets() == [0]
    assert system_faults() == 1


def test_after_a_failure_the_database_gets_some_seconds_of_rest(
    queue: RecordQueue, seconds: Seconds
) -> None:
    with full_disk("meters_originalrecord"):
        queue.put(a_boundary())
        queue.flush()
    seconds.value += 4.9
    queue.flush()
    assert targets() == []
    seconds.value += 0.1
    queue.flush()
    assert targets() == [0]


@pytest.mark.req("R33")
def test_each_new_failure_is_logged(queue: RecordQueue, seconds: Seconds) -> None:
    """One entry per failure, however often it was tried."""
    for quarters in range(2):
        with full_disk("meters_originalrecord"):
            queue.put(a_boundary(quarters))
            queue.flush()
        seconds.value += 5
        queue.flush()
    assert targets() == [0, 1]
    assert system_faults() == 2


OTHER = "1emh0000000002"


class LockedModule:
    """A security module whose keys cannot be used until `is_locked` is taken away."""

    def __init__(self, module: SecurityModule) -> None:
        self._module = module
        self.is_locked = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)

    def sign(self, slot: str, data: bytes) -> bytes:
        if self.is_locked:
            raise PermissionError("the key cannot be read")
        return self._module.sign(slot, data)


@dataclass(frozen=True, slots=True)
class BadBoundary(ReadBoundary):
    """A boundary at which the value of `OTHER` can never be stored."""

    def store(self, gateway: Gateway, now: datetime) -> int:
        if OTHER in self.readings:
            raise OverflowError("Python int too large to convert to SQLite INTEGER")
        return ReadBoundary.store(self, gateway, now)


def boundary_of_two(quarters: int) -> ReadBoundary:
    """Two meters at one boundary; the value of the second can never be stored."""
    at = NOON + quarters * QUARTER
    readings = {METER: a_reading(at), OTHER: a_reading(at, meter=OTHER)}
    return BadBoundary(at, readings)


def rows_of(meter: str) -> list[tuple[int, bool]]:
    """Each record's boundary, and whether it is a placeholder."""
    rows = OriginalRecord.objects.filter(meter_id=meter).order_by("target_time")
    return [
        ((row.target_time - NOON) // QUARTER, is_placeholder(row.status))
        for row in rows
    ]


def flush_again(queue: RecordQueue, seconds: Seconds) -> None:
    seconds.value += 5
    queue.flush()


@pytest.mark.req("R33")
def test_a_failure_of_any_kind_is_logged_and_the_boundary_kept(
    gateway: Gateway, seconds: Seconds
) -> None:
    """Here the key cannot be read for a while: that is no fault of the database."""
    a_meter(gateway)
    module = LockedModule(gateway.security_module)
    locked = with_clock(replace(gateway, security_module=cast(SecurityModule, module)))
    queue = RecordQueue(locked, lambda: None, seconds)
    queue.put(a_boundary())
    for _ in range(3):
        flush_again(queue, seconds)
    assert (targets(), len(queue)) == ([], 1)
    module.is_locked = False
    flush_again(queue, seconds)
    assert (targets(), len(queue), system_faults()) == ([0], 0, 1)


@pytest.mark.req("R33")
def test_a_value_that_can_never_be_stored_holds_up_no_other(
    gateway: Gateway, queue: RecordQueue, seconds: Seconds, hints: list[str]
) -> None:
    """Neither the others of its boundary nor its own later values; 300033 once."""
    a_meter(gateway, OTHER, consumer="meier")
    queue.put(boundary_of_two(0))
    queue.flush()
    assert rows_of(METER) == [(0, False)]
    queue.put(ReadBoundary(NOON + QUARTER, {OTHER: a_reading(meter=OTHER)}))
    flush_again(queue, seconds)
    flush_again(queue, seconds)
    assert rows_of(OTHER) == [(1, False)]
    assert (len(queue), len(hints), system_faults()) == (1, 2, 1)


@pytest.mark.req("R33")
def test_no_placeholder_takes_the_place_of_a_value_that_waits(
    gateway: Gateway, queue: RecordQueue, seconds: Seconds
) -> None:
    """A closing passes a kept value by, and fills what is missing beside it."""
    a_meter(gateway, OTHER, consumer="meier")
    before = {OTHER: a_reading(NOON - QUARTER, meter=OTHER)}
    queue.put(ReadBoundary(NOON - QUARTER, before))
    queue.put(boundary_of_two(0))
    queue.put(Closing(NOON + 1.1 * QUARTER, [METER, OTHER]))
    queue.flush()
    assert rows_of(METER) == [(0, False), (1, True)]
    assert rows_of(OTHER) == [(-1, False), (1, True)]
    assert len(queue) == 1
