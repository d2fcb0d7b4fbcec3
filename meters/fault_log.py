"""Faults of the meter side on their way to the system log, each once (D53)."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import Error, connection, transaction

from hardware.errors import LmnError
from hardware.gateway import Gateway
from logbooks.services import log_fault
from meters.interface import InterfaceSpec
from meters.kept_telegrams import TelegramKeeper
from meters.line_alarms import DueAlarm, LineAlarms

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

    def forget(self, where: str, code: int) -> None:
        """The fault could not be told: the next one is to be told as if new."""
        self._standing.discard((where, code))
        self._told_at.pop((where, code), None)

    def clear(self, where: str) -> None:
        """All is well at `where`: the next fault there is a new one."""
        self._standing = {fault for fault in self._standing if fault[0] != where}


class FaultLog:
    """Writes the faults of one interface; a database that fails does not stop it.

    `spec` gives what the interface is at present: with it, faults that last raise
    alarms, and telegrams that could not be decoded are kept.
    """

    def __init__(self, gateway: Gateway, spec: Callable[[], InterfaceSpec]) -> None:
        self._gateway = gateway
        self._memory = FaultMemory()
        self._alarms = LineAlarms(gateway, spec)
        self._keeper = TelegramKeeper(lambda: spec().port)

    def take(self, where: str, error: LmnError, now: datetime) -> None:
        """Report the fault and keep what came with it; never raises."""
        self._keeper.keep(error, now)
        self.report(where, error.code, now)

    def report(self, where: str, code: int, now: datetime) -> None:
        """Log `code` unless it stands at `where` already; never raises."""
        is_new = self._memory.is_new(where, code, now)
        due = self._alarms.due(where, code, now)
        if not is_new and due is None:
            return
        with _outlived(f"fault {code}", lambda: self._forget(where, code, due)):
            self._write(code, due, now, is_new=is_new)

    def clear(self, where: str) -> None:
        """All is well at `where` again; never raises."""
        self._memory.clear(where)
        with _outlived("the end of an alarm"):
            self._alarms.clear(where, self._gateway.clock.now())

    def note_supply(self, is_overloaded: bool, now: datetime) -> None:
        """Whether the supply of the bus is overloaded (R6); never raises."""
        with _outlived("the supply of the bus"):
            self._alarms.note_supply(is_overloaded, now)

    @transaction.atomic
    def _write(
        self, code: int, due: DueAlarm | None, now: datetime, *, is_new: bool
    ) -> None:
        told = self._alarms.begin(due, code, now) if due else []
        if is_new or told:
            log_fault(self._gateway, code, now=now, consumers=told)

    def _forget(self, where: str, code: int, due: DueAlarm | None) -> None:
        """Nothing was written: the fault and its alarm are still to be told."""
        self._memory.forget(where, code)
        if due is not None:
            self._alarms.forget(due)


def _nothing_to_undo() -> None:
    """What was tried leaves no trace in memory."""


@contextmanager
def _outlived(what: str, undo: Callable[[], None] = _nothing_to_undo) -> Iterator[None]:
    """Go on when the database fails, after `undo`."""
    try:
        yield
    except Error as error:
        undo()
        logger.error("%s could not be logged: %s", what, error)
        connection.close_if_unusable_or_obsolete()
