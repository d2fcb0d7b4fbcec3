"""Broken integrity: event 19001/1, fault codes, alarm (R82, R144)."""

import logging
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from hardware.gateway import Gateway
from logbooks import device_state
from logbooks.alarms import AlarmKind, raise_alarm
from logbooks.catalogue import Event, fault
from logbooks.checks import Fault
from logbooks.services import log_event, log_fault

_log = logging.getLogger(__name__)

LOG_CUT = 1400011

_LOG_NAMES = {
    "log:consumer": "Letztverbraucher-Log",
    "log:system": "System-Log",
    "log:calibration": "Eich-Log",
}

_GROUPS = (
    range(1400002, 1400600),
    range(2500350, 2500354),
    range(600214, 600216),
    range(1900109, 1900116),
)
"""Codes that say that stored data or installed software are not what they were."""


def is_integrity_code(code: int) -> bool:
    """Whether the code speaks of broken integrity."""
    return any(code in group for group in _GROUPS)


def _log_incomplete(gateway: Gateway, found: Fault, now: datetime) -> None:
    """The last entry of a log is gone or torn (R85); which log, without a name."""
    chain = found.detail.split(" ")[0]
    kind = next((kind for kind in _LOG_NAMES if chain.startswith(kind)), "")
    log = _LOG_NAMES.get(kind, "-")
    log_event(gateway, Event.LOG_ENTRY_INCOMPLETE, log, now=now)


def report_broken_integrity(
    gateway: Gateway, faults: Iterable[Fault], *, now: datetime
) -> list[int]:
    """Log each code of broken integrity once per episode and raise its alarm.

    Returns the codes that begin an episode. Other codes are left alone.
    """
    begun = []
    by_code = {each.code: each for each in faults if is_integrity_code(each.code)}
    for code, first in sorted(by_code.items()):
        _log.error("integrity: fault %s at %s", code, first.detail)
        with transaction.atomic():
            is_new = raise_alarm(
                AlarmKind.INTEGRITY, code=code, subject=str(code), now=now
            )
            if not is_new and not device_state.must_lock_again(code):
                continue
            log_fault(gateway, code, now=now)
            words = f"{code} {fault(code).description}"
            log_event(gateway, Event.INTEGRITY_VIOLATED, words, now=now)
            if code == LOG_CUT:
                _log_incomplete(gateway, first, now)
        begun.append(code)
    return begun
