"""A cause that comes back soon after a release, or never went, locks again (ch. 8)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from hardware.gateway import Gateway
from hardware.ntp import TimeSample
from logbooks import device_state, lockdown, retention, storage, time_rules
from logbooks.alarms import AlarmKind, open_alarms
from logbooks.certificates import ensure_signature_certificate
from logbooks.checks import Fault, registered_checks
from logbooks.device_state import Mode
from logbooks.integrity_alarm import report_broken_integrity
from logbooks.models import SystemLogEntry
from logbooks.services import open_consumer_log
from logbooks.storage import Storage
from logbooks.time_service import configure_time_service, take_sample

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Cause = Callable[[Gateway, datetime], object]


def storage_is_short(gateway: Gateway, now: datetime) -> None:
    storage.react(gateway, Storage(950, 1000), now=now)


def values_are_spoilt(gateway: Gateway, now: datetime) -> None:
    report_broken_integrity(gateway, [Fault(2500350, "list")], now=now)


def log_is_full(gateway: Gateway, now: datetime) -> None:
    retention.keep_logs(gateway, now=now, consumer_capacity=0)


CAUSES: dict[int, Cause] = {
    1900082: storage_is_short,
    2500350: values_are_spoilt,
    1400523: log_is_full,
}


@pytest.fixture
def home(gateway: Gateway) -> Gateway:
    ensure_signature_certificate(gateway, NOW - timedelta(days=1))
    open_consumer_log("hks2")
    return gateway


@pytest.mark.req("R137", "R140")
@pytest.mark.parametrize("code", CAUSES)
@pytest.mark.parametrize("is_over", [True, False])
def test_soon_after_a_release_the_same_cause_locks_again(
    home: Gateway, code: int, is_over: bool
) -> None:
    """R137, R140: one lock-down for each time, although it is one episode of alarms."""
    CAUSES[code](home, NOW)
    if is_over:
        open_alarms().exclude(kind=AlarmKind.LOCKDOWN).update(cleared_at=NOW + MINUTE)
    lockdown.release(home, now=NOW + MINUTE)
    assert device_state.current().mode == Mode.NORMAL
    for minutes in (2, 3):
        CAUSES[code](home, NOW + minutes * MINUTE)
        assert device_state.current().codes == [code]
    assert SystemLogEntry.objects.filter(event_id=code).count() == 2


@pytest.mark.req("R157", "R140")
def test_while_the_time_server_contradicts_nothing_is_released(home: Gateway) -> None:
    """R157, D33: 1500056 stands until the GWA has decided who is right."""
    configure_time_service(home, host="ntp", port=123, certificate=b"der", now=NOW)
    far = TimeSample(timedelta(hours=1), timedelta(milliseconds=20))
    limits = time_rules.limits([])
    for minutes in range(time_rules.AGREEING_ANSWERS):
        at = NOW + minutes * MINUTE
        take_sample(home, far, to=limits, now=at, chance=0.5)
    assert device_state.current().codes == [1500056]
    found = [each.code for each in registered_checks()["clock"](home, NOW)]
    assert found == [1500056]
    with pytest.raises(lockdown.ReleaseRefused, match="1500056"):
        lockdown.release(home, now=NOW + 5 * MINUTE)
