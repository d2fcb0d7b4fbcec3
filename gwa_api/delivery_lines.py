"""Recipients served side by side: whoever takes his time delays nobody but himself.

At most four deliveries at a time (rest-gwa.md 5), to one recipient one after the other,
so that values for billing stay in order. Threads of the worker, as in `beside`: what a
kill interrupts is still due in the database.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextvars import copy_context

from django.db import connections

MOST = 4
SLOW_S = 5.0
"""Who takes longer than this for one run leaves a place to the others."""

_log = logging.getLogger(__name__)


class DeliveryLines:
    """The recipients of one gateway who are being served, and those who wait.

    One of the places is kept from those who were slow last time: however many of them
    there are, whoever answers at once gets his values.
    """

    def __init__(self, *, most: int = MOST, slow_s: float = SLOW_S) -> None:
        self._most, self._slow_s = most, slow_s
        self._waiting: list[str] = []
        self._served: set[str] = set()
        self._slow: set[str] = set()
        self._changed = threading.Condition()

    def offer(self, recipients: Iterable[str], serve: Callable[[str], object]) -> None:
        """Serve these as places get free; who waits keeps his turn."""
        with self._changed:
            wanted = dict.fromkeys(recipients)
            turns = [one for one in self._waiting if one in wanted]
            new = [one for one in wanted if one not in {*turns, *self._served}]
            self._waiting = turns + new
            while (recipient := self._next()) is not None:
                self._begin(recipient, serve)

    def wait(self, timeout_s: float) -> bool:
        """Whether nobody is served or waits, at the latest after the time."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._served and not self._waiting, timeout_s
            )

    def _next(self) -> str | None:
        """Who is served next; None while there is no place. The lock is held."""
        if len(self._served) >= self._most:
            return None
        is_full = len(self._slow & self._served) >= self._most - 1
        for recipient in self._waiting:
            if not (is_full and recipient in self._slow):
                self._waiting.remove(recipient)
                self._served.add(recipient)
                return recipient
        return None

    def _begin(self, recipient: str, serve: Callable[[str], object]) -> None:
        # A daemon: the end of the worker does not wait for a partner's answer. In the
        # context of whoever offers, which may say whose tables are meant.
        threading.Thread(
            target=copy_context().run,
            args=(self._worked, recipient, serve),
            name=f"send {recipient}",
            daemon=True,
        ).start()

    def _worked(self, first: str, serve: Callable[[str], object]) -> None:
        recipient: str | None = first
        try:
            while recipient is not None:
                took_s = _served_once(recipient, serve)
                recipient = self._after(recipient, took_s > self._slow_s)
        finally:
            connections.close_all()

    def _after(self, recipient: str, is_slow: bool) -> str | None:
        with self._changed:
            self._served.discard(recipient)
            (self._slow.add if is_slow else self._slow.discard)(recipient)
            self._changed.notify_all()
            return self._next()


def _served_once(recipient: str, serve: Callable[[str], object]) -> float:
    """How long it took, in seconds."""
    begun = time.monotonic()
    try:
        serve(recipient)
    except Exception:  # the outermost loop of this thread
        _log.exception("sending to %s broke off", recipient)
    return time.monotonic() - begun
