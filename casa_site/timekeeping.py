"""The gateway's edge to legal time: reads the clock, asks, tells the service."""

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from hardware import ntp_tls, rtc
from hardware.gateway import Gateway
from hardware.ntp import TimeSample
from hardware.ntp_tls import TimeServiceFailed
from logbooks import time_rules, time_service
from logbooks.time_rules import Action
from tariffs.models import EvaluationProfile

logger = logging.getLogger(__name__)

_MOVES_THE_CLOCK = {Action.STEP, Action.SET, Action.SET_FIRST}


def keep_time(
    gateway: Gateway, ask: Callable[..., TimeSample] = ntp_tls.ask
) -> Action | None:
    """Ask the time server when it is due and follow it; returns what was done.

    Also the sign of life that shows at the next start how long the gateway was off.
    """
    clock = gateway.clock
    rtc.beat(gateway.state, clock.now())
    server = time_service.server_to_ask(gateway, now=clock.now())
    done = None
    if server is not None:
        try:
            sample = ask(server, now=clock.now(), is_valid=clock.is_valid)
        except TimeServiceFailed as failure:
            logger.info("time service: %s", failure)
            time_service.note_failure(gateway, failure.code, now=clock.now())
        else:
            done = _follow(gateway, sample)
    time_service.check_age(gateway, now=clock.now())
    return done


def begin_time(gateway: Gateway) -> bool:
    """At each start of the gateway: whether its time may be used.

    A time that may be used is noted at once as the sign of life: a gateway that is
    killed right after its start does not lose it.
    """
    now = gateway.clock.now()
    is_good = time_service.begin_time(
        gateway,
        shown=_shown(gateway, now),
        last_alive=rtc.last_beat(gateway.state),
        now=now,
    )
    if is_good:
        rtc.beat(gateway.state, gateway.clock.now())
    return is_good


def registration_periods() -> list[timedelta]:
    """Of all active evaluation profiles."""
    active = EvaluationProfile.objects.filter(state=EvaluationProfile.State.ACTIVE)
    seconds = active.values_list("registration_period_s", flat=True).distinct()
    return [timedelta(seconds=one) for one in seconds]


def _follow(gateway: Gateway, sample: TimeSample) -> Action | None:
    done = time_service.take_sample(
        gateway,
        sample,
        to=time_rules.limits(registration_periods()),
        now=gateway.clock.now(),
        chance=random.random(),
    )
    if done in _MOVES_THE_CLOCK:
        rtc.beat(gateway.state, gateway.clock.now())
        _set_rtc(gateway)
    return done


def _shown(gateway: Gateway, now: datetime) -> datetime:
    """What the clock that ran on shows: the RTC, else the host with the kept offset."""
    if gateway.rtc is None:
        return now
    try:
        return rtc.read(gateway.rtc)
    except rtc.RtcUnusable as reason:
        logger.warning("%s", reason)
        return datetime.fromtimestamp(0, now.tzinfo)


def _set_rtc(gateway: Gateway) -> None:
    if gateway.rtc is not None:
        try:
            rtc.set_time(gateway.rtc, gateway.clock.now())
        except rtc.RtcUnusable as reason:
            logger.warning("%s", reason)
