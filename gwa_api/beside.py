"""Work that waits for the WAN, in a thread beside the worker's own.

A slow partner must not delay tariffs, which the same worker computes; a process of its
own for that would cost memory. What a kill interrupts is still due in the database.
"""

import logging
import threading
from collections.abc import Callable
from contextvars import copy_context

from django.db import connections

_log = logging.getLogger(__name__)


class Beside:
    """Threads by name: of each at most one at a time."""

    def __init__(self) -> None:
        self._threads: dict[str, threading.Thread] = {}

    def run(self, name: str, work: Callable[[], object]) -> bool:
        """Begin the work unless the last of this name goes on; whether it began."""
        last = self._threads.get(name)
        if last is not None and last.is_alive():
            return False
        # A daemon: the end of the worker does not wait for a partner's answer. In the
        # context of whoever asks, which may say whose tables are meant.
        thread = threading.Thread(
            target=copy_context().run,
            args=(_worked, name, work),
            name=name,
            daemon=True,
        )
        self._threads[name] = thread
        thread.start()
        return True

    def wait(self, name: str, timeout_s: float) -> bool:
        """Whether the work of this name is done, at the latest after the time."""
        thread = self._threads.get(name)
        if thread is not None:
            thread.join(timeout_s)
        return thread is None or not thread.is_alive()


def _worked(name: str, work: Callable[[], object]) -> None:
    try:
        work()
    except Exception:  # the outermost loop of this thread
        _log.exception("%s broke off", name)
    finally:
        connections.close_all()
