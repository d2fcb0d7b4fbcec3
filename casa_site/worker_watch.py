"""Who watches the watcher: beat looks whether the worker, which tests all, is alive.

The worker carries out the self-test, so one that hangs would never be found by it.
"""

import logging

from django.db import Error, connection, transaction

from casa_site import readiness
from casa_site.service_checks import NOT_ALL_STARTED, codes_of, not_answering
from hardware.gateway import Gateway
from hardware.sign_of_life import silence_s
from logbooks.services import log_fault

WORKER = "worker"
PATIENCE_S = 300.0
"""The longest that a task may take without asking the database: an update is tried
out in another process (`casa_site.firmware`)."""

_log = logging.getLogger(__name__)


class WorkerWatch:
    """Says once in the system log that the worker hangs."""

    def __init__(self, gateway: Gateway, *, patience_s: float = PATIENCE_S) -> None:
        self._gateway = gateway
        self._patience_s = patience_s
        self._is_told = False

    def look(self) -> None:
        """Look now; never raises, what cannot be logged is tried again."""
        hangs = self._hangs()
        if not hangs or self._is_told:
            self._is_told = hangs
            return
        try:
            self._tell()
            self._is_told = True
        except Error as error:
            _log.error("that the worker hangs could not be logged: %s", error)
            connection.close_if_unusable_or_obsolete()

    def _hangs(self) -> bool:
        state, patience_s = self._gateway.state, self._patience_s
        silent_s = silence_s(readiness.life_file(state, WORKER))
        if silent_s is None or silent_s <= patience_s:
            return False
        # What has ended is started again by the supervisor, which says so itself.
        return dict(not_answering(state, patience_s)).get(WORKER) == "ready"

    def _tell(self) -> None:
        now = self._gateway.clock.now()
        with transaction.atomic():
            for code in (*codes_of([WORKER]), NOT_ALL_STARTED):
                log_fault(self._gateway, code, now=now)
