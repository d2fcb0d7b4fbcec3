"""Legal time and the logbooks: what is set, what is said, what is refused."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hardware.gateway import Gateway
from hardware.ntp import TimeSample
from hardware.time_file import TIME_FILE, TimeFile
from logbooks import device_state, lockdown, time_rules, time_service
from logbooks.alarms import AlarmKind, open_alarms
from logbooks.catalogue import Event
from logbooks.certificates import ensure_signature_certificate
from logbooks.models import (
    CalibrationLogEntry,
    ConsumerLogEntry,
    SystemLogEntry,
    TimeState,
)
from logbooks.services import open_consumer_log
from logbooks.time_rules import Action, Limits

pytestmark = pytest.mark.django_db(transaction=True)

DEFAULT = time_rules.limits([])
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def locked_by(code: int) -> list[tuple[int, int]]:
    """A locking fault in the system log, and the lock-down that it began."""
    return [(code, 1), (Event.FATAL_FAULT.value)]


def only_locked() -> bool:
    """A good time ends what it can; the lock-down waits for the GWA (D33)."""
    return {one.kind for one in open_alarms()} <= {AlarmKind.LOCKDOWN}


class Site:
    """A gateway with a time server; `host` is a fixed time of the host."""

    def __init__(self, gateway: Gateway, now: datetime) -> None:
        self.gateway = gateway
        self.now = now
        open_consumer_log("meier")
        time_service.configure_time_service(
            gateway, host="127.0.0.1", port=123, certificate=b"der", now=now
        )

    def hears(self, difference: timedelta, to: Limits = DEFAULT) -> Action | None:
        sample = TimeSample(difference, s(0.02))
        done = time_service.take_sample(
            self.gateway, sample, to=to, now=self.now, chance=0.5
        )
        return done

    @property
    def clock(self) -> Any:
        return TimeFile(self.gateway.state / TIME_FILE).read()


@pytest.fixture
def site(gateway: Gateway) -> Site:
    return Site(gateway, datetime.now(UTC))


def told(model: type[Any]) -> list[tuple[int, int, list[str]]]:
    rows = model.objects.order_by("number")
    return [(row.event_id, row.event_sub_id, row.arguments) for row in rows]


def alarms() -> list[tuple[str, int]]:
    standing = open_alarms().exclude(kind=AlarmKind.LOCKDOWN)
    return [(alarm.kind, alarm.code) for alarm in standing]


def zulu(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.req("R155", "R156", "R158")
def test_a_small_difference_is_synchronised_and_logged(site: Site) -> None:
    """13003/0 with new time, old time, difference; consumer and calibration log."""
    assert site.hears(s(26.9)) is Action.STEP
    wanted = (13003, 0, [zulu(site.now + s(26.9)), zulu(site.now), "26900 ms"])
    assert told(ConsumerLogEntry) == [wanted]
    assert told(CalibrationLogEntry) == [wanted]
    assert told(SystemLogEntry) == []
    assert CalibrationLogEntry.objects.get().signature
    assert (site.clock.source, site.clock.is_valid) == ("ntp_tls", True)
    assert abs(site.gateway.clock.offset - s(26.9)) < s(0.001)
    state = TimeState.objects.get()
    assert state.last_offset_us == 26_900_000
    assert state.next_poll_at == site.now + s(26.9) + time_rules.POLL_EVERY


@pytest.mark.req("R156", "R158")
@pytest.mark.parametrize(
    ("seconds", "to", "told_s"),
    [(27.1, DEFAULT, "27.1"), (-1.9, time_rules.limits([MINUTE]), "-1.9")],
)
def test_more_than_three_percent_is_said_before_the_clock_is_set(
    site: Site, seconds: float, to: Limits, told_s: str
) -> None:
    """13005/1 with the seconds, then 13002/0 with new, old and milliseconds."""
    assert site.hears(s(seconds), to) is Action.SET
    new, old = zulu(site.now + s(seconds)), zulu(site.now)
    wanted = [
        (13005, 1, [told_s]),
        (13002, 0, [new, old, str(round(seconds * 1000))]),
    ]
    assert told(CalibrationLogEntry) == wanted
    assert told(ConsumerLogEntry) == wanted
    assert abs(site.gateway.clock.offset - s(seconds)) < s(0.001)


@pytest.mark.req("R156")
def test_below_a_second_the_clock_does_not_jump(site: Site) -> None:
    """13003/0; the clock runs a little faster until the difference is made up for."""
    assert site.hears(s(0.4)) is Action.SLEW
    assert told(CalibrationLogEntry)[0][:2] == (13003, 0)
    assert abs(site.gateway.clock.offset) < s(0.1)
    assert site.clock.slew == s(0.4)


@pytest.mark.req("R157")
def test_three_answers_that_are_too_far_off_are_a_fault_and_set_nothing(
    site: Site,
) -> None:
    """1500056 (soft lock-down) once; the clock stays until the GWA decides."""
    assert site.hears(s(1000)) is Action.ASK_AGAIN
    assert site.hears(s(1001)) is Action.ASK_AGAIN
    assert told(CalibrationLogEntry) == told(SystemLogEntry) == []
    for _again in range(3):
        assert site.hears(s(1002)) is Action.REFUSE
    assert told(CalibrationLogEntry) == [(13005, 1, ["1002.0"])]
    assert [entry[:2] for entry in told(SystemLogEntry)] == locked_by(1500056)
    assert SystemLogEntry.objects.earliest("number").level == "fatal"
    assert site.gateway.clock.offset == s(0)
    kinds = (AlarmKind.TIME_TOO_FAR_OFF, AlarmKind.LOCKDOWN)
    assert {(one.kind, one.code) for one in open_alarms()} == {
        (kind, 1500056) for kind in kinds
    }


@pytest.mark.req("R157")
def test_the_gwa_can_say_that_the_server_is_right(site: Site) -> None:
    """The next authentic answer sets the clock, however far off it was."""
    for _three in range(3):
        site.hears(s(5000))
    time_service.accept_next_time(site.gateway, now=site.now)
    assert not site.gateway.clock.is_valid
    assert site.hears(s(5000)) is Action.SET_FIRST
    assert site.gateway.clock.is_valid
    assert abs(site.gateway.clock.offset - s(5000)) < s(0.001)
    assert [entry[0] for entry in told(CalibrationLogEntry)] == [13005, 13001, 13002]
    assert only_locked()


def test_one_good_answer_between_two_far_ones_begins_the_count_anew(
    site: Site,
) -> None:
    site.hears(s(1000))
    site.hears(s(1000))
    assert site.hears(s(0)) is Action.SLEW
    assert site.hears(s(1000)) is Action.ASK_AGAIN


@pytest.mark.req("R157", "R158")
def test_without_a_success_for_a_day_the_time_is_invalid(site: Site) -> None:
    """13001/1 and 1500069 (soft lock-down), once; new values get bit 9."""
    site.hears(s(0))
    assert time_service.check_age(site.gateway, now=site.now + DAY - s(1))
    for later in (DAY, DAY + MINUTE, 2 * DAY):
        assert not time_service.check_age(site.gateway, now=site.now + later)
    assert not site.gateway.clock.is_valid
    assert told(CalibrationLogEntry)[1:] == [(13001, 1, [])]
    assert told(ConsumerLogEntry)[1] == (13001, 1, [])
    assert [entry[:2] for entry in told(SystemLogEntry)] == locked_by(1500069)
    assert SystemLogEntry.objects.earliest("number").level == "fatal"


@pytest.mark.req("R157")
def test_the_first_authentic_time_ends_an_invalid_one(site: Site) -> None:
    """13002/0; no human is needed for the time itself."""
    time_service.check_age(site.gateway, now=site.now + DAY)
    assert site.hears(s(100_000)) is Action.SET_FIRST
    assert site.gateway.clock.is_valid
    assert told(CalibrationLogEntry)[-1][:2] == (13002, 0)
    assert only_locked()


@pytest.mark.req("R155")
def test_a_server_that_fails_is_a_fault_once_and_asked_again_soon(site: Site) -> None:
    """1, 2, 4, 8 minutes; one entry for an episode."""
    pauses = []
    for _time in range(5):
        time_service.note_failure(site.gateway, 1500014, now=site.now)
        next_poll = TimeState.objects.get().next_poll_at
        pauses.append((next_poll - site.now) // MINUTE)
    assert pauses == [1, 2, 4, 8, 8]
    assert told(SystemLogEntry) == [(1500014, 1, [])]
    site.hears(s(0))
    assert alarms() == []
    assert TimeState.objects.get().failures == 0


@pytest.mark.req("R7", "R157", "R158")
@pytest.mark.parametrize(
    ("off_for", "is_good", "event"),
    [
        (timedelta(minutes=1), True, (4294954294, 0)),
        (timedelta(hours=48), True, (4294954294, 0)),
        (timedelta(hours=49), False, (13001, 1)),
        (None, False, (13001, 1)),
    ],
)
def test_at_the_start_the_rtc_is_believed_for_48_hours(
    site: Site, off_for: timedelta | None, is_good: bool, event: tuple[int, int]
) -> None:
    """R7: 4294954294/0 with the time, or an invalid time until a server answers;
    R157: locked at once then, and not by a time that is valid."""
    last_alive = None if off_for is None else site.now - off_for
    began = time_service.begin_time(
        site.gateway, shown=site.now, last_alive=last_alive, now=site.now
    )
    assert began is is_good is site.gateway.clock.is_valid
    arguments = [zulu(site.now)] if is_good else []
    assert told(CalibrationLogEntry) == [(*event, arguments)]
    assert told(ConsumerLogEntry) == [(*event, arguments)]
    assert site.clock.source == ("rtc" if is_good else "host")
    assert device_state.is_locked(site.gateway) is not is_good
    assert device_state.current().codes == ([] if is_good else [13001])


@pytest.mark.req("R157")
@pytest.mark.parametrize("while_running", [False, True])
def test_a_spoilt_file_of_the_time_locks_at_the_next_look(
    site: Site, while_running: bool
) -> None:
    """R157: nobody knows the time any more: 13001/1 once, soft lock-down."""
    (site.gateway.state / TIME_FILE).write_text("{")
    for _ in range(2):
        if while_running:
            assert not time_service.check_age(site.gateway, now=site.now)
        else:
            alive = site.now - MINUTE
            assert not time_service.begin_time(
                site.gateway, shown=site.now, last_alive=alive, now=site.now
            )
    assert [entry[0] for entry in told(CalibrationLogEntry)] == [13001]
    assert device_state.is_locked(site.gateway)
    site.hears(s(3))
    assert site.gateway.clock.is_valid
    assert device_state.is_locked(site.gateway)


@pytest.mark.req("R138", "R157")
def test_the_lock_down_for_an_invalid_time_ends_when_the_time_is_good_again(
    site: Site,
) -> None:
    """R157: the GWA cannot release it before a server answered (13001), then he can."""
    ensure_signature_certificate(site.gateway, site.now)
    time_service.begin_time(site.gateway, shown=site.now, last_alive=None, now=site.now)
    with pytest.raises(lockdown.ReleaseRefused):
        lockdown.release(site.gateway, now=site.now)
    assert site.hears(timedelta(days=3)) is Action.SET_FIRST
    lockdown.release(site.gateway, now=site.now + timedelta(days=3))
    assert not device_state.is_locked(site.gateway)


def test_the_rtc_may_show_another_time_than_the_host(site: Site) -> None:
    """A host without a battery starts in the past; the RTC knows better."""
    shown = site.now + timedelta(hours=5)
    time_service.begin_time(
        site.gateway, shown=shown, last_alive=shown - MINUTE, now=site.now
    )
    assert abs(site.gateway.clock.offset - timedelta(hours=5)) < s(1)


def test_an_invalid_time_stays_invalid_over_a_restart(site: Site) -> None:
    time_service.check_age(site.gateway, now=site.now + DAY)
    began = time_service.begin_time(
        site.gateway, shown=site.now, last_alive=site.now, now=site.now
    )
    assert not began
    assert [entry[0] for entry in told(CalibrationLogEntry)] == [13001]


@pytest.mark.req("R157")
def test_without_a_time_service_nothing_is_logged_and_nothing_runs_out(
    gateway: Gateway,
) -> None:
    """decisions.md D5: the source is the host, valid, and 1500069 never arises."""
    now = datetime.now(UTC)
    assert time_service.begin_time(gateway, shown=now, last_alive=None, now=now)
    assert time_service.check_age(gateway, now=now + 100 * DAY)
    assert time_service.server_to_ask(gateway, now=now) is None
    assert gateway.clock.is_valid
    assert told(CalibrationLogEntry) == []


def test_a_server_is_asked_when_it_is_due_and_not_before(site: Site) -> None:
    def due(at: datetime) -> bool:
        return time_service.server_to_ask(site.gateway, now=at) is not None

    assert due(site.now)
    site.hears(s(0))
    assert not due(site.now + timedelta(minutes=14))
    assert due(site.now + timedelta(minutes=15))
    assert due(site.now - timedelta(hours=2))  # the clock was set back


def test_without_the_time_service_the_hosts_time_holds_again(site: Site) -> None:
    site.hears(s(20))
    time_service.forget_time_service(site.gateway, now=site.now)
    assert site.gateway.clock.offset == s(0)
    assert site.gateway.clock.source == "host"


def test_a_host_clock_that_cannot_be_set_leaves_the_offset(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Setting the host's clock is an option (D5); without the right to, as before."""
    asked: list[timedelta] = []

    def refuse(by: timedelta) -> bool:
        asked.append(by)
        return False

    monkeypatch.setattr(time_service, "set_host_clock", refuse)
    site.gateway = replace(site.gateway, sets_host_clock=True)
    site.hears(s(20))
    assert asked == [s(20)]
    assert abs(site.gateway.clock.offset - s(20)) < s(0.001)
    monkeypatch.setattr(time_service, "set_host_clock", lambda by: True)
    site.hears(s(5))
    assert site.gateway.clock.offset == s(0)


@pytest.mark.parametrize(("host", "port"), [("", 1), ("x", 0), ("x", 65536)])
def test_a_time_server_needs_a_host_and_a_port(
    gateway: Gateway, host: str, port: int
) -> None:
    with pytest.raises(ValueError, match="time server"):
        time_service.configure_time_service(
            gateway, host=host, port=port, certificate=b"", now=datetime.now(UTC)
        )
