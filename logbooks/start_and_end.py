"""What is logged at each start and at an orderly end of the gateway (R152)."""

from datetime import datetime

from django.db import transaction

from hardware.gateway import Gateway
from hardware.last_run import Reason, Traces, power_returned, reason_of
from logbooks.catalogue import Event
from logbooks.services import ALL_CONSUMERS, log_event, log_fault


def log_start(gateway: Gateway, traces: Traces, *, now: datetime) -> Reason | None:
    """Log why the gateway starts: 6001/0, 4294948266/2 with its code, 19004/0.

    Returns the reason of an unexpected start, None after an orderly end.
    """
    reason = reason_of(traces)
    with transaction.atomic():
        if power_returned(traces):
            _log(gateway, Event.POWER_RETURNED, now=now)
        if reason is not None:
            _log(gateway, Event.UNEXPECTED_START, str(int(reason)), now=now)
            log_fault(gateway, reason, now=now)
        _log(gateway, Event.FIRMWARE_STARTED, now=now)
    return reason


def log_end(gateway: Gateway, *, now: datetime) -> None:
    """Log 4294948285/0: the gateway ends in order."""
    _log(gateway, Event.RESTARTING, now=now)


def _log(gateway: Gateway, event: Event, *arguments: str, now: datetime) -> None:
    log_event(gateway, event, *arguments, now=now, consumers=ALL_CONSUMERS)
