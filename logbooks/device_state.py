"""The state of the device: normal, soft lock-down, hard lock-down (manual ch. 8).

Who wants to know asks `setting_of`, which looks at a small file and at no table. What
is written here is the database row and, once that is sure to stay, the file; the log
entries are written by `logbooks.services` and `logbooks.lockdown`.
"""

import logging
from datetime import datetime

from django.db import transaction

from hardware import device_state_file, last_run
from hardware.device_state_file import DeviceSetting, Mode
from hardware.gateway import Gateway
from logbooks.alarms import AlarmKind, raise_alarm
from logbooks.catalogue import fault
from logbooks.models import DeviceState

__all__ = [
    "SOFTWARE_CODES",
    "TIME_INVALID",
    "DeviceSetting",
    "Mode",
    "adopt_file",
    "current",
    "enter_soft",
    "enter_without_database",
    "is_kept_locked",
    "is_locked",
    "locked_row",
    "must_lock_again",
    "note_integrity_broken",
    "publish",
    "publish_when_kept",
    "setting_of",
]

TIME_INVALID = 13001
"""A cause without a fault code: no valid time any more (event 13001/1)."""

SOFTWARE_CODES = frozenset({1900109, 1900110, 1900112, 1900113, 1900114, 1900115})
"""Integrity errors of the installed software: those with the two-step rule (R142)."""

_log = logging.getLogger(__name__)


def setting_of(gateway: Gateway) -> DeviceSetting:
    """The state as all processes see it; costs no query."""
    return device_state_file.read(gateway.state)


def is_locked(gateway: Gateway) -> bool:
    """Whether nothing may be collected, tariffed, sent or shown to a consumer."""
    return setting_of(gateway).is_locked


def is_kept_locked() -> bool:
    """The same by the database, inside of a transaction that may change it."""
    return current().mode != Mode.NORMAL


def current() -> DeviceState:
    """The row of the database; a new one, not stored, while there is none."""
    return DeviceState.objects.first() or DeviceState()


def locked_row() -> DeviceState:
    """The row for a change; call it inside a transaction."""
    DeviceState.objects.get_or_create(pk=1)
    return DeviceState.objects.select_for_update().get(pk=1)


def enter_soft(gateway: Gateway, code: int, *, now: datetime) -> bool:
    """Enter the soft lock-down; True when this cause was not known before.

    `code` is a fault code of ch. 9.4 or `TIME_INVALID`. The GWA is told by an alarm.
    An integrity error of the software is remembered for the test at the next start,
    and that start is asked for (R142). A hard lock-down stays what it is.
    """
    with transaction.atomic():
        row = locked_row()
        if row.mode == Mode.HARD or code in row.codes:
            return False
        if row.mode != Mode.SOFT:
            row.mode, row.since, row.codes = Mode.SOFT, now, []
        row.codes = [*row.codes, code]
        if code in SOFTWARE_CODES and row.boot_code is None:
            row.boot_code = code
            transaction.on_commit(lambda: last_run.request_restart(gateway.state))
        row.save()
        raise_alarm(AlarmKind.LOCKDOWN, code=row.codes[0], now=now)
        publish_when_kept(gateway, row)
    return True


def must_lock_again(code: int) -> bool:
    """Whether the code locks and the device is not locked.

    For what is reported once an episode: a cause that comes back after a release, or
    has never gone, locks anew however short the time between was (manual ch. 8).
    """
    return fault(code).soft_lockdown and current().mode == Mode.NORMAL


def enter_without_database(gateway: Gateway, code: int, *, now: datetime) -> None:
    """Enter the soft lock-down although the database cannot be written.

    `adopt_file` makes up for the row, the alarm and the log entry later.
    """
    found = setting_of(gateway)
    if not found.is_locked:
        changed = DeviceSetting(
            Mode.SOFT, code, now, found.marks_values, is_unrecorded=True
        )
        device_state_file.write(gateway.state, changed)


def adopt_file(gateway: Gateway) -> int | None:
    """The code of a lock-down that only the file knows of, else None."""
    found = setting_of(gateway)
    return found.code if found.is_unrecorded else None


def note_integrity_broken(gateway: Gateway, *, now: datetime) -> None:
    """From now on values are not for billing: 19001 stands (decisions D37)."""
    with transaction.atomic():
        row = locked_row()
        if row.integrity_broken_at is None:
            row.integrity_broken_at = now
            row.save()
            publish_when_kept(gateway, row)


def publish(gateway: Gateway) -> None:
    """Make the file say what the database says; done at each start and now and then."""
    wanted = setting_in(current())
    if setting_of(gateway) != wanted:
        _log.info("the state of the device is %s", wanted.mode)
        device_state_file.write(gateway.state, wanted)


def publish_when_kept(gateway: Gateway, row: DeviceState) -> None:
    """Write the file when the transaction has been committed."""
    wanted = setting_in(row)
    transaction.on_commit(lambda: device_state_file.write(gateway.state, wanted))


def setting_in(row: DeviceState) -> DeviceSetting:
    """What a row means for the processes."""
    is_broken = row.seal_damaged_at is not None or row.integrity_broken_at is not None
    return DeviceSetting(
        mode=Mode(row.mode),
        code=row.codes[0] if row.codes else 0,
        since=row.since,
        marks_values=is_broken,
    )
