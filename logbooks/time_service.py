"""Legal time: what the gateway does with what its time service says (R155-R158)."""

from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction

from hardware.gateway import Gateway
from hardware.host_clock import set_host_clock
from hardware.ntp import TimeSample
from hardware.ntp_tls import TimeServer
from hardware.record import zulu
from hardware.time_file import TIME_FILE, TimeFile, TimeSetting
from logbooks import device_state, time_rules
from logbooks.alarms import AlarmKind, clear_alarms, raise_alarm
from logbooks.catalogue import Event
from logbooks.models import TimeState
from logbooks.services import log_event, log_fault
from logbooks.time_rules import Action, Limits

TIME_RUN_OUT = 1500069
TIME_TOO_FAR = 1500056
_MILLISECOND = timedelta(milliseconds=1)
_MICROSECOND = timedelta(microseconds=1)
_ALARMS = (
    AlarmKind.TIME_SERVICE,
    AlarmKind.TIME_TOO_FAR_OFF,
    AlarmKind.TIME_RUN_OUT,
)


def configure_time_service(
    gateway: Gateway, *, host: str, port: int, certificate: bytes, now: datetime
) -> None:
    """From now on the time comes from this server; `certificate` is DER.

    What the clock shows stays valid; the first answer is asked for at once. Raises
    ValueError when the port is none.
    """
    if not host or not 0 < port < 65_536:
        raise ValueError("a time server has a host and a port of 1 to 65535")
    TimeState.objects.update_or_create(
        pk=1,
        defaults={
            "host": host,
            "port": port,
            "certificate": certificate,
            "configured_at": now,
            "next_poll_at": now,
            "failures": 0,
            "far_offsets_us": [],
        },
    )


def forget_time_service(gateway: Gateway, *, now: datetime) -> None:
    """The time is the host's again, and valid."""
    with transaction.atomic():
        TimeState.objects.all().delete()
        for kind in _ALARMS:
            clear_alarms(kind, now=now)
        transaction.on_commit(lambda: _file(gateway).write(TimeSetting()))


def begin_time(
    gateway: Gateway, *, shown: datetime, last_alive: datetime | None, now: datetime
) -> bool:
    """At each start: whether the time may be taken from the clock that ran on.

    `shown` is what that clock shows now (the RTC, else the host with the kept offset),
    `last_alive` the gateway time of the last sign of life, `now` the gateway time. An
    RTC is believed for 48 hours (R157); else the time is invalid until a server
    answers, and the device locked until the GWA releases it (13001/1, manual ch. 8):
    also when nobody knows since when, as with a file of the time that was spoilt.
    Without a time service nothing is done.
    """
    if not TimeState.objects.exists():
        return True
    file = _file(gateway)
    setting = file.read()
    was_valid = setting.is_valid
    is_good = was_valid and time_rules.is_bridged(last_alive, shown)
    with transaction.atomic():
        TimeState.objects.update(next_poll_at=now, far_offsets_us=[])
        if is_good:
            host = now - gateway.clock.offset
            setting = replace(setting.stepped(shown - now, host), source="rtc")
            log_event(gateway, Event.TIME_SET_FROM_RTC, zulu(shown), now=shown)
        else:
            setting = replace(setting, is_valid=False)
            if was_valid or not device_state.is_kept_locked():
                log_event(gateway, Event.TIME_INVALID, now=now)
        transaction.on_commit(lambda: file.write(setting))
    return is_good


def server_to_ask(gateway: Gateway, *, now: datetime) -> TimeServer | None:
    """The time server when it is to be asked now, else None."""
    state = TimeState.objects.first()
    if state is None:
        return None
    # A clock that was set back must not make the gateway wait for that long.
    waits = now < state.next_poll_at <= now + 2 * time_rules.POLL_EVERY
    if waits:
        return None
    return TimeServer(state.host, state.port, bytes(state.certificate))


@transaction.atomic
def note_failure(gateway: Gateway, code: int, *, now: datetime) -> None:
    """No time could be had: try again soon; the fault is logged once an episode."""
    state = _locked()
    if state is None:
        return
    state.failures += 1
    state.last_fault = code
    state.next_poll_at = now + time_rules.pause_after_failures(state.failures)
    state.save()
    if raise_alarm(AlarmKind.TIME_SERVICE, code=code, now=now):
        log_fault(gateway, code, now=now)


@transaction.atomic
def take_sample(
    gateway: Gateway, sample: TimeSample, *, to: Limits, now: datetime, chance: float
) -> Action | None:
    """Bring the clock to legal time as the rules say; returns what was done.

    `chance` (0.0 to 1.0) moves the next poll a little. None when the time service was
    taken away in between.
    """
    state = _locked()
    if state is None:
        return None
    far = [timedelta(microseconds=one) for one in state.far_offsets_us]
    setting = _file(gateway).read()
    todo = time_rules.action(sample.offset, far, valid=setting.is_valid, to=to)
    if todo in {Action.ASK_AGAIN, Action.REFUSE}:
        _put_off(gateway, state, sample, todo, now)
    else:
        _set_clock(gateway, setting, sample.offset, todo, now)
        _note_success(state, sample, now + sample.offset, chance)
    return todo


@transaction.atomic
def check_age(gateway: Gateway, *, now: datetime) -> bool:
    """Whether the time is still good; without a success for 24 h it is not (D35)."""
    state = TimeState.objects.first()
    if state is None:
        return True
    since = state.last_success_at or state.configured_at
    if not time_rules.has_run_out(since, now):
        return _is_valid_or_told(gateway, now)
    begins = raise_alarm(AlarmKind.TIME_RUN_OUT, code=TIME_RUN_OUT, now=now)
    if begins or device_state.must_lock_again(TIME_RUN_OUT):
        _make_invalid(gateway, now)
        log_fault(gateway, TIME_RUN_OUT, now=now)
    return False


def accept_next_time(gateway: Gateway, *, now: datetime) -> None:
    """The GWA says that the server is right: its next answer sets the clock.

    Until then the own time is not valid. Raises TimeState.DoesNotExist without a
    time service.
    """
    with transaction.atomic():
        state = TimeState.objects.get()
        state.next_poll_at, state.far_offsets_us = now, []
        state.save()
        _make_invalid(gateway, now)


def _file(gateway: Gateway) -> TimeFile:
    return TimeFile(gateway.state / TIME_FILE)


def _locked() -> TimeState | None:
    return TimeState.objects.select_for_update().first()


def _make_invalid(gateway: Gateway, now: datetime) -> None:
    setting = _file(gateway).read()
    if setting.is_valid:
        log_event(gateway, Event.TIME_INVALID, now=now)
        invalid = replace(setting, is_valid=False)
        transaction.on_commit(lambda: _file(gateway).write(invalid))


def _is_valid_or_told(gateway: Gateway, now: datetime) -> bool:
    """Whether the time is valid; when nobody has said that it is not, it is said now.

    Nobody has when the file of the time was spoilt while the gateway ran.
    """
    is_valid = _file(gateway).read().is_valid
    if not is_valid and not device_state.is_kept_locked():
        log_event(gateway, Event.TIME_INVALID, now=now)
    return is_valid


def _put_off(
    gateway: Gateway, state: TimeState, sample: TimeSample, todo: Action, now: datetime
) -> None:
    """Not to be believed yet, or not at all: the clock stays as it is."""
    far = [*state.far_offsets_us, sample.offset // _MICROSECOND]
    state.far_offsets_us = far[-time_rules.AGREEING_ANSWERS :]
    state.next_poll_at = now + time_rules.POLL_AGAIN
    state.save()
    if todo is Action.REFUSE:
        state.next_poll_at = now + time_rules.LONGEST_PAUSE_AFTER_FAILURE
        state.save()
        begins = raise_alarm(AlarmKind.TIME_TOO_FAR_OFF, code=TIME_TOO_FAR, now=now)
        if begins or device_state.must_lock_again(TIME_TOO_FAR):
            _log_too_far(gateway, sample.offset, now)
            log_fault(gateway, TIME_TOO_FAR, now=now)


def _set_clock(
    gateway: Gateway,
    setting: TimeSetting,
    difference: timedelta,
    todo: Action,
    now: datetime,
) -> None:
    """Log what is done, then do it when that is sure to stay in the log."""
    if todo is Action.SET:
        _log_too_far(gateway, difference, now)
    new, old = zulu(now + difference), zulu(now)
    milliseconds = str(difference // _MILLISECOND)
    if todo in {Action.SET, Action.SET_FIRST}:
        event, told = Event.TIME_SET, milliseconds
    else:
        event, told = Event.TIME_SYNCHRONISED, f"{milliseconds} ms"
    log_event(gateway, event, new, old, told, now=now + difference)
    host = now - gateway.clock.offset
    good = replace(setting, source="ntp_tls", is_valid=True)
    if todo is Action.SLEW:
        slewed = good.slewed(difference, host)
        transaction.on_commit(lambda: _file(gateway).write(slewed))
    else:
        transaction.on_commit(lambda: _step(gateway, good, difference, host))


def _step(
    gateway: Gateway, setting: TimeSetting, difference: timedelta, host: datetime
) -> None:
    """Set the host's clock where that is wanted and allowed, else the own offset."""
    wanted = setting.offset_at(host) + difference
    if gateway.sets_host_clock and set_host_clock(wanted):
        host_has_it = replace(
            setting, offset=timedelta(), slew=timedelta(), slew_from=None
        )
        _file(gateway).write(host_has_it)
    else:
        _file(gateway).write(setting.stepped(difference, host))


def _note_success(
    state: TimeState, sample: TimeSample, now: datetime, chance: float
) -> None:
    state.last_success_at = now
    state.last_offset_us = sample.offset // _MICROSECOND
    state.last_round_trip_us = sample.round_trip // _MICROSECOND
    state.failures, state.last_fault, state.far_offsets_us = 0, None, []
    state.next_poll_at = now + time_rules.pause_after_success(chance)
    state.save()
    for kind in _ALARMS:
        clear_alarms(kind, now=now)


def _log_too_far(gateway: Gateway, difference: timedelta, now: datetime) -> None:
    seconds = f"{difference / timedelta(seconds=1):.1f}"
    log_event(gateway, Event.TIME_TOO_FAR_OFF, seconds, now=now)
