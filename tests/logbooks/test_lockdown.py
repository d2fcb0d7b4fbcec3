"""Soft and hard lock-down: how they begin, what they need to end."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from hardware.clock import GatewayClock
from hardware.device_state_file import DEVICE_STATE_FILE
from hardware.gateway import Gateway
from hardware.last_run import restart_is_requested
from logbooks import checks, device_state, lockdown, selectors, self_test
from logbooks.alarms import AlarmKind, open_alarms
from logbooks.catalogue import Event, fault, fault_codes
from logbooks.certificates import ensure_signature_certificate
from logbooks.checks import Fault, register_check
from logbooks.device_state import Mode
from logbooks.lockdown import BootFinding, ReleaseRefused
from logbooks.models import DeviceState
from logbooks.self_test import Actor
from logbooks.services import log_event, log_fault, open_consumer_log

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
LOCKING = tuple(code for code in fault_codes() if fault(code).soft_lockdown)
FATAL = Event.FATAL_FAULT.value
Commits = Callable[..., AbstractContextManager[Any]]


@pytest.fixture(autouse=True)
def only_our_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the self-test looks at otherwise has tests of its own."""
    monkeypatch.setattr(checks, "_CHECKS", {})


@pytest.fixture
def commits(django_capture_on_commit_callbacks: Commits) -> Callable[[], Any]:
    """Runs what waits for a commit, at the end of its block."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def gateway(gateway: Gateway) -> Gateway:
    """With the certificate that signatures are checked with."""
    ensure_signature_certificate(gateway, NOW - timedelta(days=1))
    return gateway


@pytest.fixture
def locked(gateway: Gateway, commits: Commits) -> Iterator[Gateway]:
    """A gateway in soft lock-down because of 1900082."""
    with commits():
        log_fault(gateway, 1900082, now=NOW)
    yield gateway


def system_ids() -> list[tuple[int, int]]:
    return [(line.event_id, line.event_sub_id) for line in selectors.system_log()]


@pytest.mark.req("R137", "R141")
@pytest.mark.parametrize("code", LOCKING)
def test_each_code_with_the_mark_locks_the_device(
    gateway: Gateway, commits: Commits, code: int
) -> None:
    """R137: all 83 codes; R141: 4294948286/1 with the code and a hash of its text."""
    open_consumer_log("hks2")
    with commits():
        log_fault(gateway, code, now=NOW)
    assert device_state.setting_of(gateway).mode is Mode.SOFT
    assert device_state.setting_of(gateway).code == code
    assert open_alarms().get(kind=AlarmKind.LOCKDOWN).code == code
    assert system_ids() == [FATAL, (code, 1)]
    (line,) = selectors.consumer_log("hks2")
    assert f"der fatale Fehler {code} im System" in line.text


@pytest.mark.req("R137")
def test_there_are_eighty_three_of_them_and_no_other_locks(gateway: Gateway) -> None:
    """R137: the other 217 codes of the manual change no state."""
    assert len(LOCKING) == 83
    for code in set(fault_codes()) - set(LOCKING):
        log_fault(gateway, code, now=NOW)
    assert device_state.current().mode == Mode.NORMAL
    assert not open_alarms()


@pytest.mark.req("R137", "R157")
def test_no_valid_time_locks_the_device(gateway: Gateway, commits: Commits) -> None:
    """R137 (d), R157: 13001/1, then soft lock-down; the cause is the event's id."""
    with commits():
        log_event(gateway, Event.TIME_INVALID, now=NOW)
    assert device_state.setting_of(gateway).mode is Mode.SOFT
    assert device_state.setting_of(gateway).code == device_state.TIME_INVALID
    assert open_alarms().get().kind == AlarmKind.LOCKDOWN


@pytest.mark.req("R137", "R134")
def test_a_critical_finding_of_the_self_test_locks_the_device(
    gateway: Gateway, commits: Commits
) -> None:
    """R137 (b): the finding and 1900010 are the causes."""
    register_check("broken", lambda _gateway, _now: [Fault(1600174)])
    with commits():
        self_test.run(gateway, now=NOW, by=Actor.DEVICE)
    assert device_state.current().codes == [1600174, 1900010]
    assert device_state.is_locked(gateway)


@pytest.mark.req("R137")
def test_an_uncritical_finding_of_the_self_test_does_not(
    gateway: Gateway, commits: Commits
) -> None:
    """R137 (b): only critical ones."""
    register_check("warned", lambda _gateway, _now: [Fault(1900501)])
    with commits():
        self_test.run(gateway, now=NOW, by=Actor.DEVICE)
    assert not device_state.is_locked(gateway)


def test_the_same_cause_again_is_one_episode(locked: Gateway) -> None:
    log_fault(locked, 1900082, now=LATER)
    assert system_ids().count(FATAL) == 1
    assert device_state.current().since == NOW
    log_fault(locked, 1500069, now=LATER)
    assert system_ids().count(FATAL) == 2
    assert device_state.current().codes == [1900082, 1500069]
    assert open_alarms().get().code == 1900082


def test_a_fault_that_is_rolled_back_locks_nothing(
    gateway: Gateway, commits: Commits
) -> None:
    with commits(), pytest.raises(ZeroDivisionError), transaction.atomic():
        log_fault(gateway, 1900082, now=NOW)
        raise ZeroDivisionError
    assert not device_state.is_locked(gateway)
    assert device_state.current().mode == Mode.NORMAL


@pytest.mark.req("R140")
def test_release_is_refused_while_the_cause_stands(
    locked: Gateway, commits: Commits
) -> None:
    """R140, D33: the self-test runs first and names what stands."""
    register_check("storage", lambda _gateway, _now: [Fault(1900082)])
    with commits(), pytest.raises(ReleaseRefused) as refused:
        lockdown.release(locked, now=LATER)
    assert refused.value.codes == (1900010, 1900082)
    assert device_state.is_locked(locked)
    assert Event.SELF_TEST_FAILED.value in system_ids()


@pytest.mark.req("R140", "R131")
def test_release_ends_it_when_the_cause_is_gone(
    locked: Gateway, commits: Commits
) -> None:
    """R140: the GWA's order after a passed self-test; R131: then results are seen."""
    with commits():
        ended = lockdown.release(locked, now=LATER)
    assert ended is not None
    assert (ended.codes, ended.since) == ((1900082,), NOW)
    assert not device_state.is_locked(locked)
    assert not (locked.state / DEVICE_STATE_FILE).exists()
    assert not open_alarms()
    assert lockdown.release(locked, now=LATER) is None


@pytest.mark.req("R140")
def test_without_a_valid_time_nothing_is_released(
    locked: Gateway, commits: Commits
) -> None:
    """R140: a cause that the self-test does not look at."""
    lost = replace(locked, clock=GatewayClock(is_valid=False))
    with commits(), pytest.raises(ReleaseRefused) as refused:
        lockdown.release(lost, now=LATER)
    assert refused.value.codes == (13001,)


@pytest.mark.req("R137")
def test_a_restart_in_lock_down_stays_locked(locked: Gateway) -> None:
    """R137: the row counts; somebody who takes the file away gains nothing."""
    (locked.state / DEVICE_STATE_FILE).unlink()
    lockdown.adopt(locked, now=LATER)
    assert device_state.setting_of(locked).code == 1900082
    assert device_state.setting_of(locked).since == NOW


def test_a_spoilt_file_locks_until_the_row_is_read(locked: Gateway) -> None:
    for content in (b"", b"[]", b'{"mode": "normal"}', b"x" * 2000):
        (locked.state / DEVICE_STATE_FILE).write_bytes(content)
        assert device_state.is_locked(locked)
    lockdown.adopt(locked, now=LATER)
    assert device_state.setting_of(locked).code == 1900082


def test_a_lock_down_without_the_database_is_made_up_for(
    gateway: Gateway, commits: Commits
) -> None:
    device_state.enter_without_database(gateway, 2500350, now=NOW)
    assert device_state.is_locked(gateway)
    with commits():
        lockdown.adopt(gateway, now=LATER)
    assert device_state.current().codes == [2500350]
    assert system_ids() == [FATAL, (2500350, 1)]


@pytest.mark.req("R142")
def test_hard_lock_down_comes_in_two_steps(gateway: Gateway, commits: Commits) -> None:
    """R142: found in operation: GWA informed, restart; again at the start: the end."""
    assert not restart_is_requested(gateway.state)
    with commits():
        log_fault(gateway, 1900109, now=NOW)
    assert restart_is_requested(gateway.state)
    assert device_state.setting_of(gateway).mode is Mode.SOFT
    assert open_alarms().get().kind == AlarmKind.LOCKDOWN
    with commits():
        found = lockdown.check_at_start(gateway, [1900109], now=LATER)
    assert found is BootFinding.AGAIN
    assert device_state.setting_of(gateway).mode is Mode.HARD
    with pytest.raises(ReleaseRefused, match="exchanged"):
        lockdown.release(gateway, now=LATER)
    with pytest.raises(ReleaseRefused, match="exchanged"):
        lockdown.confirm_integrity(gateway, now=LATER, by=Actor.GWA)
    log_fault(gateway, 1900082, now=LATER)
    assert device_state.current().mode == Mode.HARD


@pytest.mark.req("R142")
def test_an_error_that_is_gone_at_the_start_is_no_hard_lock_down(
    gateway: Gateway, commits: Commits
) -> None:
    """R142, R140: it stays locked softly until the GWA releases it."""
    with commits():
        log_fault(gateway, 1900109, now=NOW)
        assert lockdown.check_at_start(gateway, [], now=LATER) is BootFinding.GONE
    assert device_state.setting_of(gateway).mode is Mode.SOFT
    register_check(lockdown.SOFTWARE_CHECK, lambda _gateway, _now: [Fault(1900113)])
    codes = lockdown.software_codes(gateway, now=LATER)
    with commits():
        # The next start is a first one again.
        found = lockdown.check_at_start(gateway, codes, now=LATER)
    assert found is BootFinding.FOUND
    assert device_state.setting_of(gateway).mode is Mode.SOFT
    assert device_state.current().boot_code == 1900113


@pytest.mark.parametrize(
    ("noted", "found", "meaning"),
    [
        (None, [], BootFinding.WELL),
        (None, [1900082, 1600174], BootFinding.WELL),
        (None, [1900110], BootFinding.FOUND),
        (1900109, [], BootFinding.GONE),
        (1900109, [1900082], BootFinding.GONE),
        (1900109, [1900109], BootFinding.AGAIN),
        (1900109, [1900113], BootFinding.AGAIN),
    ],
)
def test_what_a_start_finds(
    noted: int | None, found: list[int], meaning: BootFinding
) -> None:
    assert lockdown.judged(noted, found) is meaning


@pytest.mark.req("R144", "R169")
def test_a_violated_integrity_marks_values(gateway: Gateway, commits: Commits) -> None:
    """R144: 19001/1; R169, D37: while it stands values are not for billing."""
    with commits():
        log_event(gateway, Event.INTEGRITY_VIOLATED, "300033", now=NOW)
    assert device_state.setting_of(gateway).marks_values
    assert not device_state.is_locked(gateway)
    with commits():
        assert lockdown.confirm_integrity(gateway, now=LATER, by=Actor.GWA)
    assert not device_state.setting_of(gateway).marks_values


@pytest.mark.req("R169")
def test_a_damaged_seal_marks_values_until_it_is_whole(
    gateway: Gateway, commits: Commits
) -> None:
    """R169: by the GWA; released lock-downs do not touch it."""
    with commits():
        assert lockdown.mark_seal_damaged(gateway, now=NOW)
        assert not lockdown.mark_seal_damaged(gateway, now=LATER)
    assert DeviceState.objects.get().seal_damaged_at == NOW
    assert device_state.setting_of(gateway).marks_values
    assert open_alarms().get().kind == AlarmKind.SEAL_DAMAGED
    register_check("broken", lambda _gateway, _now: [Fault(1900501)])
    with commits(), pytest.raises(ReleaseRefused, match="1900501"):
        lockdown.confirm_integrity(gateway, now=LATER, by=Actor.GWA)
    register_check("broken", lambda _gateway, _now: [])
    with commits():
        assert lockdown.confirm_integrity(gateway, now=LATER, by=Actor.GWA)
        assert not lockdown.confirm_integrity(gateway, now=LATER, by=Actor.GWA)
    assert not device_state.setting_of(gateway).marks_values
    assert not open_alarms()
