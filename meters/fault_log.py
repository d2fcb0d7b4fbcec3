"""Faults of the meter side on their way to the system log, each once (D53)."""

import logging
from datetime import datetime, timedelta

from django.db import Error, connection

from hardware.gateway import Gateway
from logbooks.services import log_fault

REPEATED_AFTER = timedelta(minutes=1)
"""A fault that comes and goes is logged once in this time (lmn-wired.md 8)."""

logger = logging.getLogger(__name__)


class FaultMemory:
    """Knows which faults stand, so that each is told once per occurrence."""

    def __init__(self) -> None:
        self._standing: set[tuple[str, int]] = set()
        self._told_at: dict[tuple[str, int], datetime] = {}

    def is_new(self, where: str, code: int, now: datetime) -> bool:
        """Note the fault; whether it is to be told."""
        fault = (where, code)
        told_at = self._told_at.get(fault)
        rests = told_at is not None and abs(now - told_at) < REPEATED_AFTER
        if fault in self._standing or rests:
            return False
        self._standing.add(fault)
        self._told_at[fault] = now
        return True

    def clear(self, where: str) -> None:
        """All is well at `where`: the next fault there is a new one."""
        self._standing = {fault for fault in self._standing if fault[0] != where}


class FaultLog:
    """Writes the faults of one interface; a database that fails does not stop it."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._memory = FaultMemory()

    def report(self, where: str, code: int, now: datetime) -> None:
        """Log `code` unless it stands at `where` already; never raises."""
        if not self._memory.is_new(where, code, now):
            return
        try:
            log_fault(self._gateway, code, now=now)
        except Error as error:
            logger.error("fault %s could not be logged: %s", code, error)
            connection.close_if_unusable_or_obsolete()

    def clear(self, where: str) -> None:
        """All is well at `where` again."""
        self._memory.clear(where)
