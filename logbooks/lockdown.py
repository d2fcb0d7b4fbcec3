"""Out of the lock-down, and into the hard one: what the GWA orders, what a start finds.

Manual ch. 8: only the gateway administrator ends a soft lock-down (decisions D33). A
hard one ends nothing; it comes when an integrity error of the software is found in
operation and again in the test at the next start.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from django.db import transaction

from hardware.gateway import Gateway
from logbooks import device_state, self_test
from logbooks.alarms import AlarmKind, clear_alarms, open_alarms, raise_alarm
from logbooks.catalogue import Event
from logbooks.checks import registered_checks
from logbooks.device_state import SOFTWARE_CODES, Mode
from logbooks.models import DeviceState
from logbooks.self_test import Actor
from logbooks.services import log_event, log_fault

SOFTWARE_CHECK = "software"
"""The name under which the check of the installed software is registered."""

SEAL = "Plombe"


class ReleaseRefused(Exception):
    """The lock-down goes on; the text says why, `codes` what still stands."""

    def __init__(self, reason: str, codes: Collection[int] = ()) -> None:
        self.codes = tuple(sorted(codes))
        listed = ", ".join(map(str, self.codes))
        super().__init__(f"{reason}: {listed}" if listed else reason)


class BootFinding(Enum):
    """What the integrity test at a start means."""

    WELL = auto()
    GONE = auto()
    """An error that was found in operation is gone: no hard lock-down."""
    FOUND = auto()
    """Found for the first time: soft lock-down, the next start decides."""
    AGAIN = auto()
    """Found in operation and again at the start: hard lock-down."""


@dataclass(frozen=True, slots=True)
class Released:
    """A lock-down that has ended: what it was for, since when."""

    codes: tuple[int, ...]
    since: datetime | None


def release(
    gateway: Gateway, *, now: datetime, by: Actor = Actor.GWA
) -> Released | None:
    """End the soft lock-down by the GWA's order; None when there is none.

    Runs the self-test first. Raises ReleaseRefused while something stands that forces
    a lock-down, and for ever in a hard one; SelfTestRefused while a test is running.
    """
    _refuse_hard()
    if device_state.current().mode == Mode.NORMAL:
        device_state.publish(gateway)
        return None
    _refuse_standing(gateway, now, by)
    with transaction.atomic():
        row = device_state.locked_row()
        ended = Released(tuple(row.codes), row.since)
        row.mode, row.codes, row.since, row.boot_code = Mode.NORMAL, [], None, None
        row.save()
        clear_alarms(AlarmKind.LOCKDOWN, now=now)
        _end_integrity_alarms(now)
        device_state.publish_when_kept(gateway, row)
    return ended


def judged(noted: int | None, found: Collection[int]) -> BootFinding:
    """The rule of the two steps: `noted` in operation, `found` at the start."""
    if not SOFTWARE_CODES.intersection(found):
        return BootFinding.WELL if noted is None else BootFinding.GONE
    return BootFinding.FOUND if noted is None else BootFinding.AGAIN


def check_at_start(
    gateway: Gateway, found: Collection[int], *, now: datetime
) -> BootFinding:
    """Draw the conclusion from the integrity test at a start (R142, second step).

    An error that is gone ends the danger of the hard lock-down; the soft one goes on
    until the GWA releases it (R140).
    """
    row = device_state.current()
    finding = judged(row.boot_code, found)
    if finding is BootFinding.AGAIN:
        enter_hard(gateway, min(SOFTWARE_CODES.intersection(found)), now=now)
    elif finding is BootFinding.FOUND:
        log_fault(gateway, min(SOFTWARE_CODES.intersection(found)), now=now)
    elif finding is BootFinding.GONE:
        DeviceState.objects.filter(pk=1).update(boot_code=None)
    return finding


def software_codes(gateway: Gateway, *, now: datetime) -> set[int]:
    """What the check of the installed software finds; nothing where there is none."""
    look = registered_checks().get(SOFTWARE_CHECK)
    return {found.code for found in look(gateway, now)} if look else set()


def enter_hard(gateway: Gateway, code: int, *, now: datetime) -> None:
    """Out of service for good: the device must be exchanged. Nothing ends this."""
    with transaction.atomic():
        log_fault(gateway, code, now=now)
        log_event(gateway, Event.INTEGRITY_VIOLATED, str(code), now=now)
        row = device_state.locked_row()
        row.mode, row.since = Mode.HARD, now
        row.codes = [code, *(other for other in row.codes if other != code)]
        row.save()
        device_state.publish_when_kept(gateway, row)


def adopt(gateway: Gateway, *, now: datetime) -> None:
    """Bring database and file together; done at each start and now and then.

    A lock-down that began while the database could not be written is made up for.
    """
    code = device_state.adopt_file(gateway)
    if code is not None:
        log_fault(gateway, code, now=now)
    device_state.publish(gateway)


def mark_seal_damaged(gateway: Gateway, *, now: datetime) -> bool:
    """The seal is damaged: values are not for billing any more (R169, D37).

    False when that was known. Logged for all as 19001/1.
    """
    with transaction.atomic():
        row = device_state.locked_row()
        if row.seal_damaged_at is not None:
            return False
        log_event(gateway, Event.INTEGRITY_VIOLATED, SEAL, now=now)
        row.refresh_from_db()
        row.seal_damaged_at = now
        row.save()
        raise_alarm(AlarmKind.SEAL_DAMAGED, code=19001, now=now)
        device_state.publish_when_kept(gateway, row)
    return True


def confirm_integrity(gateway: Gateway, *, now: datetime, by: Actor) -> bool:
    """The seal is whole again and nothing is broken: new values are for billing.

    Runs the self-test first; raises ReleaseRefused when it finds anything at all.
    False when nothing was marked.
    """
    _refuse_hard()
    if not device_state.setting_in(device_state.current()).marks_values:
        return False
    found = self_test.run(gateway, now=now, by=by)
    if not found.has_passed:
        raise ReleaseRefused("the self-test has failed", found.codes)
    with transaction.atomic():
        row = device_state.locked_row()
        row.seal_damaged_at = row.integrity_broken_at = None
        row.save()
        clear_alarms(AlarmKind.SEAL_DAMAGED, now=now)
        _end_integrity_alarms(now)
        device_state.publish_when_kept(gateway, row)
    return True


def _refuse_hard() -> None:
    if device_state.current().mode == Mode.HARD:
        raise ReleaseRefused("hard lock-down: the device must be exchanged")


def _refuse_standing(gateway: Gateway, now: datetime, by: Actor) -> None:
    standing = set(self_test.run(gateway, now=now, by=by).critical_codes)
    if not gateway.clock.is_valid:
        standing.add(device_state.TIME_INVALID)
    if standing:
        raise ReleaseRefused("the cause still stands", standing)


def _end_integrity_alarms(now: datetime) -> None:
    """The self-test has seen everything and found nothing."""
    open_alarms().filter(kind=AlarmKind.INTEGRITY).update(cleared_at=now)
