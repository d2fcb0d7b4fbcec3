"""Every log-off of the modem goes into the system log, with its reason (R164)."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from asgiref.sync import sync_to_async

from hardware import modem_manager
from hardware.gateway import Gateway
from hardware.mobile_network import LogOff
from hardware.simulator.log_offs import PlanInvalid, planned, read_plan
from logbooks.services import log_fault

MODEM_MANAGER = "modemmanager"
"""The setting for the real modems of this machine; else it names a file."""

AGAIN_S = 60.0

_log = logging.getLogger(__name__)

Source = Callable[[], AsyncIterator[LogOff | None]]


def source_of(modem: str) -> Source:
    """Where log-offs come from, by CASA_MODEM; raises PlanInvalid for a bad file."""
    if modem == MODEM_MANAGER:
        return modem_manager.log_offs
    plan = read_plan(Path(modem))
    return lambda: planned(plan, asyncio.sleep)


async def watch(gateway: Gateway, modem: str) -> None:
    """Write down every log-off of the modem (CASA_MODEM, "" for none)."""
    if not modem:
        return
    try:
        await record(gateway, source_of(modem))
    except PlanInvalid as invalid:
        _log.error("CASA_MODEM: %s", invalid)
    except Exception:  # whatever the modem does, the others here go on
        _log.exception("the modem is not watched any more")


async def record(gateway: Gateway, source: Source, *, again_s: float = AGAIN_S) -> None:
    """Write down what the source tells, until it has no more to tell.

    A bus that is not there is asked for again every `again_s` seconds.
    """
    is_told = False
    while True:
        try:
            async for reason in source():
                is_told = False
                if reason is not None:
                    await _written(gateway, reason)
            return
        except modem_manager.BusFailed as failed:
            if not is_told:
                _log.warning("the modem cannot be watched: %s", failed)
            is_told = True
        await asyncio.sleep(again_s)


async def _written(gateway: Gateway, reason: LogOff) -> None:
    now = gateway.clock.now()
    await sync_to_async(log_fault)(gateway, reason.value, now=now)
