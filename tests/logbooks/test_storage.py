"""How full the storage is: levels, forecast, what is logged."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection

from hardware.folder_size import folder_bytes
from hardware.gateway import Gateway
from hardware.hardware_version import HardwareVersion
from logbooks import device_state, lockdown, selectors, storage
from logbooks.alarms import AlarmKind, open_alarms
from logbooks.hardware_check import accept_hardware, hardware_faults, note_hardware
from logbooks.models import StorageSample
from logbooks.storage import Level, Storage, days_left

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MIB = 1024**2
Commits = Callable[..., AbstractContextManager[Any]]


@pytest.mark.req("R137", "R151")
@pytest.mark.parametrize(
    ("used", "level"),
    [
        (0, Level.ENOUGH),
        (799, Level.ENOUGH),
        (800, Level.LOW),
        (899, Level.LOW),
        (900, Level.LOW),  # 10.0 % are free
        (901, Level.SHORT),
        (999, Level.SHORT),
        (1000, Level.EXHAUSTED),
        (1200, Level.EXHAUSTED),
    ],
)
def test_the_levels_begin_where_they_should(used: int, level: Level) -> None:
    """R137 (a): 10.0 % does not trigger; R151: the warning at 20 %."""
    assert Storage(used, 1000).level is level


@pytest.mark.req("R151")
@pytest.mark.parametrize(
    ("hours", "grown", "days"),
    [
        (24, 10, 40),  # 10 a day, 400 are left until 10 %
        (24, 500, 0),
        (24, 0, None),
        (24, -3, None),
        (0.5, 10, None),
        (24 * 8, 10, None),  # too old
    ],
)
def test_the_forecast_goes_by_what_was_written(
    hours: float, grown: int, days: int | None
) -> None:
    """R151: the GWA knows early; without growth there is no end."""
    samples = [(NOW - timedelta(hours=hours), 500 - grown)]
    assert days_left(Storage(500, 1000), samples, now=NOW) == days


@pytest.mark.django_db
def test_the_quota_is_never_more_than_the_disk_has(gateway: Gateway) -> None:
    # The tests' database lies elsewhere, and what is free in it is taken off.
    with (gateway.state / "something").open("wb") as file:
        file.truncate(storage._free_bytes_of_file() + MIB)
    huge = replace(gateway, storage_quota=10**18)
    found = storage.measured(huge)
    assert found.used > 0
    assert found.quota < 10**18
    small = replace(gateway, storage_quota=64 * MIB)
    assert storage.measured(small).quota == 64 * MIB


@pytest.mark.django_db
@pytest.mark.req("R137", "R144", "R151")
def test_less_and_less_storage(
    gateway: Gateway, django_capture_on_commit_callbacks: Commits
) -> None:
    """R151: alarm at 20 %; R137 (a): locked below 10 %; R144: 19007/2 at the end."""

    def reached(used: int, hours: int) -> set[str]:
        at = NOW + timedelta(hours=hours)
        with django_capture_on_commit_callbacks(execute=True):
            storage.react(gateway, Storage(used, 1000), now=at)
        return {alarm.kind for alarm in open_alarms()}

    low, short = AlarmKind.STORAGE_LOW, AlarmKind.STORAGE_SHORT
    assert reached(700, 0) == set()
    assert reached(850, 1) == {low}
    assert reached(900, 2) == {low}
    assert not device_state.is_locked(gateway)
    assert not selectors.system_log()
    assert reached(901, 3) == {low, short, AlarmKind.LOCKDOWN}
    assert device_state.setting_of(gateway).code == 1900082
    assert reached(1000, 4) >= {AlarmKind.STORAGE_EXHAUSTED}
    reached(1000, 5)
    ids = [line.event_id for line in selectors.system_log()]
    assert (ids.count(1900082), ids.count(19007)) == (1, 1)
    assert reached(500, 6) == {AlarmKind.LOCKDOWN}


@pytest.mark.django_db
def test_samples_are_taken_once_an_hour_and_kept_a_month(gateway: Gateway) -> None:
    for minutes in (0, 1, 59, 60, 61):
        storage.watch(gateway, now=NOW + timedelta(minutes=minutes))
    assert StorageSample.objects.count() == 2
    storage.watch(gateway, now=NOW + timedelta(days=40))
    assert StorageSample.objects.count() == 1
    storage.watch(gateway, now=NOW)  # the clock was set back
    assert StorageSample.objects.count() == 2


@pytest.mark.django_db
def test_the_self_test_finds_a_storage_that_is_too_full(gateway: Gateway) -> None:
    assert storage.storage_faults(gateway, NOW) == []
    (gateway.state / "ballast").write_bytes(bytes(MIB))
    full = replace(gateway, storage_quota=MIB)
    assert [one.code for one in storage.storage_faults(full, NOW)] == [1900082]


def test_the_size_of_a_folder_is_that_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(bytes(100))
    (tmp_path / "c").write_bytes(bytes(11))
    (tmp_path / "link").symlink_to("/nowhere")
    assert folder_bytes(tmp_path) == 111 + len("/nowhere")


@pytest.mark.django_db
@pytest.mark.req("R137", "R3")
def test_changed_hardware_locks_the_device(
    gateway: Gateway, django_capture_on_commit_callbacks: Commits
) -> None:
    """R137 (c): only the first five digits count (R3)."""
    assert not note_hardware(gateway, now=NOW)
    suffix = replace(gateway, hardware=HardwareVersion("11302", "09Z"))
    assert not note_hardware(suffix, now=NOW)
    assert device_state.current().hardware == "11 302 09Z"
    other = replace(gateway, hardware=HardwareVersion("11301", "01A"))
    with django_capture_on_commit_callbacks(execute=True):
        assert note_hardware(other, now=NOW)
    assert device_state.is_locked(gateway)
    assert [one.code for one in hardware_faults(other, NOW)] == [600215]
    assert hardware_faults(gateway, NOW) == []
    accept_hardware(other)
    assert hardware_faults(other, NOW) == []


@pytest.mark.req("R137")
@pytest.mark.django_db(transaction=True)
def test_a_full_disk_locks_although_nothing_can_be_written(gateway: Gateway) -> None:
    """R137 (a): the file says so at once, the database as soon as it can."""

    def full(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if sql.startswith(("INSERT", "UPDATE")):
            raise OperationalError("database or disk is full")
        return execute(sql, *rest)

    (gateway.state / "ballast").write_bytes(bytes(MIB))
    small = replace(gateway, storage_quota=MIB)
    with connection.execute_wrapper(full):
        storage.watch(small, now=NOW)
        assert device_state.is_locked(gateway)
        roomy = Storage(0, MIB)
        with pytest.raises(OperationalError):
            storage._take_sample(roomy, NOW)
    assert device_state.current().mode == "normal"
    lockdown.adopt(gateway, now=NOW)
    assert device_state.current().codes == [1900082]
    assert not device_state.setting_of(gateway).is_unrecorded
