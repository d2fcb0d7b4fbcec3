"""The self-test: triggered, carried out step by step, its result logged (R128-R135).

What is tested are the checks of `logbooks.checks`, then every stored row in slices.
The device runs it by itself, a consumer once in 24 hours, the gateway administrator
and the release of a lock-down whenever they want; never two at once (R133).
"""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction

from hardware.gateway import Gateway
from logbooks import list_check
from logbooks.catalogue import Event, fault
from logbooks.checks import Fault, registered_checks
from logbooks.integrity_alarm import is_integrity_code, report_broken_integrity
from logbooks.models import SelfTestRun
from logbooks.services import log_event, log_fault

ALREADY_RUNNING = 1900502
CHECK_NOT_STARTED = 1900008
CRITICAL_FOUND = 1900010

CONSUMER_PAUSE = timedelta(hours=24)
"""A consumer may trigger it again so long after the last time (R129)."""
ABANDONED_AFTER = timedelta(minutes=15)
"""A run that a caller began and did not end is carried on by the worker then."""

_BERLIN = ZoneInfo("Europe/Berlin")
_log = logging.getLogger(__name__)


class Actor(StrEnum):
    """Who triggered a run, in the words of the log; nobody's name."""

    CONSUMER = "Letztverbraucher"
    GWA = "Gateway-Administrator"
    DEVICE = "SMGW"


class SelfTestRefused(Exception):
    """The self-test was not started; the text says why, as the log does."""


class SelfTestRunning(SelfTestRefused):
    """One is running already (fault 1900502)."""

    code = ALREADY_RUNNING


class SelfTestTooEarly(SelfTestRefused):
    """The consumer has to wait; the text is the sentence of manual ch. 7.4."""

    def __init__(self, possible_at: datetime) -> None:
        self.possible_at = possible_at
        local = possible_at.astimezone(_BERLIN)
        super().__init__(
            "Es kann nur ein Selbsttest alle 24 Stunden ausgelöst werden. Der nächste "
            f"Selbsttest ist am {local:%Y-%m-%d} um {local:%H:%M:%S} Uhr möglich."
        )


@dataclass(frozen=True, slots=True)
class SelfTestResult:
    """What a run found: fault codes, ascending, each once; () when all is well."""

    codes: tuple[int, ...]
    started_at: datetime
    ended_at: datetime

    @property
    def has_passed(self) -> bool:
        """Whether nothing was found."""
        return not self.codes

    @property
    def critical_codes(self) -> tuple[int, ...]:
        """Those that force the soft lock-down (manual ch. 9.4, mark x)."""
        return tuple(code for code in self.codes if fault(code).soft_lockdown)


def run(gateway: Gateway, *, now: datetime, by: Actor) -> SelfTestResult:
    """Run the whole self-test at once and say what it found.

    Logs that it was triggered and its result. Raises SelfTestRunning, logged as
    15002/1, while another one runs.
    """
    started = begin(gateway, now=now, by=by, is_queued=False)
    while not advance(gateway, started, now=now, budget_s=1.0):
        pass
    return result_of(started)


def trigger_by_consumer(
    gateway: Gateway, consumer: str, *, now: datetime
) -> SelfTestRun:
    """Queue a run that this consumer asks for (R128, R129).

    Raises SelfTestTooEarly within 24 hours of the last consumer's run, SelfTestRunning
    while another one runs; both are logged in his log as 15002/1.
    """
    return begin(gateway, now=now, by=Actor.CONSUMER, consumer=consumer)


def begin(
    gateway: Gateway,
    *,
    now: datetime,
    by: Actor,
    consumer: str = "",
    is_queued: bool = True,
) -> SelfTestRun:
    """Note a run and log who triggered it; raises SelfTestRefused (logged 15002/1)."""
    try:
        with transaction.atomic():
            started = _noted(by, consumer, now, is_queued=is_queued)
            log_event(gateway, Event.SELF_TEST_TRIGGERED, by, now=now)
    except SelfTestRefused as refused:
        _log_refusal(gateway, refused, by, consumer, now)
        raise
    return started


def start_by_device(gateway: Gateway, *, now: datetime) -> None:
    """Queue the device's own run, unless one runs already (R132)."""
    if not SelfTestRun.objects.filter(ended_at__isnull=True).exists():
        begin(gateway, now=now, by=Actor.DEVICE)


def carry_on(gateway: Gateway, *, now: datetime, budget_s: float) -> bool:
    """Carry the run that is due on for about `budget_s`; whether more is to be done."""
    due = due_run(now)
    return due is not None and not advance(gateway, due, now=now, budget_s=budget_s)


def latest_run(consumer: str) -> SelfTestRun | None:
    """The last run that this consumer triggered."""
    return SelfTestRun.objects.filter(consumer=consumer).order_by("-started_at").first()


def possible_at(now: datetime) -> datetime | None:
    """When a consumer may trigger the next one; None when he may do so now."""
    last = SelfTestRun.objects.filter(actor=Actor.CONSUMER)
    started = last.order_by("-started_at").values_list("started_at", flat=True).first()
    if started is None or now >= started + CONSUMER_PAUSE:
        return None
    return started + CONSUMER_PAUSE


def advance(
    gateway: Gateway, started: SelfTestRun, *, now: datetime, budget_s: float
) -> bool:
    """Carry a run on for about `budget_s` seconds, one slice at least; True at its end.

    The first step runs the registered checks; each later one checks stored rows.
    """
    begun = time.monotonic()
    codes = set(started.codes)
    if not started.checks_done:
        codes |= {found.code for found in run_checks(gateway, now=now)}
        started.checks_done = True
    has_ended, is_out_of_time = False, False
    while not has_ended and not is_out_of_time:
        found = list_check.check_slice(gateway, started.position)
        codes |= {each.code for each in found.faults}
        started.position, has_ended = found.position, found.is_end
        is_out_of_time = time.monotonic() - begun >= budget_s
    started.codes = sorted(codes)
    if has_ended:
        _end(gateway, started, now)
    started.save()
    return has_ended


def due_run(now: datetime) -> SelfTestRun | None:
    """The run that the worker has to carry on, if there is one."""
    running = SelfTestRun.objects.filter(ended_at__isnull=True).first()
    if running is None or running.is_queued:
        return running
    return running if now - running.started_at >= ABANDONED_AFTER else None


def result_of(ended: SelfTestRun) -> SelfTestResult:
    """The result of a run that has ended (ValueError before)."""
    if ended.ended_at is None:
        raise ValueError("the self-test is still running")
    return SelfTestResult(tuple(ended.codes), ended.started_at, ended.ended_at)


def run_checks(gateway: Gateway, *, now: datetime) -> list[Fault]:
    """All registered checks, one after the other; what each found.

    A check that raises is itself a finding (1900008), and the others go on.
    """
    faults: list[Fault] = []
    for name, look in registered_checks().items():
        try:
            faults.extend(look(gateway, now))
        except Exception:  # whatever it is, the self-test must come to its end
            _log.exception("the check %r could not be carried out", name)
            faults.append(Fault(CHECK_NOT_STARTED, name))
    return faults


def _noted(by: Actor, consumer: str, now: datetime, *, is_queued: bool) -> SelfTestRun:
    """The row of the new run. Inserted before the time is looked at, so that of many
    at once only one passes."""
    earlier = SelfTestRun.objects.filter(actor=Actor.CONSUMER).order_by("-started_at")
    try:
        with transaction.atomic():
            made = SelfTestRun.objects.create(
                actor=by, consumer=consumer, started_at=now, is_queued=is_queued
            )
    except IntegrityError:
        if by is Actor.CONSUMER:
            _refuse_early(earlier.values_list("started_at", flat=True), now)
        raise SelfTestRunning(fault(ALREADY_RUNNING).description) from None
    if by is Actor.CONSUMER:
        others = earlier.exclude(pk=made.pk)
        _refuse_early(others.values_list("started_at", flat=True), now)
    return made


def _refuse_early(started: Iterable[datetime], now: datetime) -> None:
    last = next(iter(started), None)
    if last is not None and now < last + CONSUMER_PAUSE:
        raise SelfTestTooEarly(last + CONSUMER_PAUSE)


def _log_refusal(
    gateway: Gateway, refused: SelfTestRefused, by: Actor, consumer: str, now: datetime
) -> None:
    """15002/1 for who asked; for all when it was not a consumer."""
    named = [consumer] if consumer else []
    with transaction.atomic():
        event = Event.SELF_TEST_NOT_TRIGGERED
        log_event(gateway, event, by, str(refused), now=now, consumers=named)
        if isinstance(refused, SelfTestRunning):
            log_fault(gateway, ALREADY_RUNNING, now=now)


def _end(gateway: Gateway, started: SelfTestRun, now: datetime) -> None:
    """Log the result: 15001/0, or 15001/1 with each code in the system log (R130)."""
    started.ended_at = now
    if not started.codes:
        log_event(gateway, Event.SELF_TEST_PASSED, now=now)
        return
    if result_of(started).critical_codes:
        started.codes = sorted({*started.codes, CRITICAL_FOUND})
    count, codes = str(len(started.codes)), ", ".join(map(str, started.codes))
    report_broken_integrity(gateway, map(Fault, started.codes), now=now)
    with transaction.atomic():
        for code in started.codes:
            if not is_integrity_code(code):
                log_fault(gateway, code, now=now)
        log_event(gateway, Event.SELF_TEST_FAILED, count, codes, now=now)
