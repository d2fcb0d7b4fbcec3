"""gunicorn's thread worker, made patient: a silent client never holds a thread.

A browser opens TLS connections ahead and sends nothing on them; a phone falls asleep
in the middle of a request. gunicorn would wait for each in one of its few threads, for
the request without any limit. One that drips its request byte by byte has no more time
than any other, and no address holds more than its share of the threads. The worker
shows life for its loop and its threads.
"""

import errno
import ssl
import time
from collections.abc import Hashable
from concurrent.futures import Future
from typing import Any

from gunicorn.workers.gthread import _DEFER, ThreadWorker

from casa_site.peer_limit import PeerLimit
from hardware.sign_of_life import SignOfLife
from hardware.tls_profile import LONGEST_CONNECTION_S

_GLANCE_S = 0.2
"""How long a thread looks whether something comes; then the main loop watches."""
_HANDSHAKE_S = 5.0
REQUEST_S = 5.0
"""How long a request may take to come, head and body."""
_SILENCE_S = 20.0
"""How long a client may pause while it takes the answer."""


class PatientSocket(ssl.SSLSocket):
    """A TLS socket on which nothing blocks for ever."""

    monotonic = staticmethod(time.monotonic)
    _deadline: float | None = None
    _keyed_at: float | None = None

    @property
    def is_worn(self) -> bool:
        """Whether it has lived as long as a TLS connection may (wan.md 2)."""
        if self._keyed_at is None:
            return False
        return self.monotonic() - self._keyed_at >= LONGEST_CONNECTION_S

    def begin_request(self) -> None:
        """From now on there are `REQUEST_S` for all that the client sends."""
        self._deadline = self.monotonic() + REQUEST_S

    def do_handshake(self, block: bool = False) -> None:
        """Shake hands within five seconds."""
        self.settimeout(_HANDSHAKE_S)
        super().do_handshake(block)
        self._keyed_at = self.monotonic()

    def setblocking(self, flag: bool) -> None:
        """Blocking means: for twenty seconds at most."""
        self.settimeout(_SILENCE_S if flag else 0.0)

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """What has come; a client that is silent or too slow counts as gone."""
        timeout_s = self.gettimeout()
        self.settimeout(self._until_deadline(timeout_s))
        try:
            return super().recv(buflen, flags)
        except TimeoutError:
            raise ConnectionResetError(errno.ECONNRESET, "silent client") from None
        finally:
            self.settimeout(timeout_s)

    def _until_deadline(self, timeout_s: float | None) -> float | None:
        """The timeout, but no longer than is left of the request's time."""
        if self._deadline is None:
            return timeout_s
        left_s = self._deadline - self.monotonic()
        if left_s <= 0:
            raise ConnectionResetError(errno.ECONNRESET, "slow client")
        return left_s if timeout_s is None else min(timeout_s, left_s)


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """Gives a thread to a connection only when there is something to do on it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._peers: PeerLimit[Any] = PeerLimit()
        self.life = SignOfLife(None)
        self._sign: Future[None] | None = None

    def notify(self) -> None:
        """The main loop has come round: let a thread of the pool show life.

        So neither a loop that stands still nor a pool whose threads all hang is taken
        for alive.
        """
        super().notify()
        if self.life.is_due and (self._sign is None or self._sign.done()):
            self._sign = self.tpool.submit(self.life.show)

    def enqueue_req(self, conn: Any) -> None:
        """Hand the connection to a thread, or let it wait for others of its peer."""
        if self._peers.enter(_peer(conn), conn):
            super().enqueue_req(conn)

    def finish_request(self, conn: Any, fs: "Future[Any]") -> None:
        """The thread is done with it; whoever waited for that comes next."""
        following = self._peers.leave(_peer(conn))
        if following is not None:
            super().enqueue_req(following)
        super().finish_request(conn, fs)

    def handle(self, conn: Any) -> Any:
        """Shake hands when the client begins to; read when a request has come."""
        if not conn.initialized:
            if not conn.wait_for_data(_GLANCE_S):
                return _DEFER
            if not self._shakes_hands(conn):
                self._close(conn, graceful=False)
                return False
            conn.data_ready = False
            if not conn.wait_for_data(_GLANCE_S):
                return _DEFER
        conn.sock.begin_request()
        keeps_alive = super().handle(conn) and not conn.sock.is_worn
        if not keeps_alive:
            self._close(conn)
        return keeps_alive

    def _close(self, conn: Any, *, graceful: bool = True) -> None:
        """Close here: the main loop, which would do it, must not wait for a client."""
        try:
            conn.close(graceful=graceful)
        except OSError as error:
            self.log.debug("not closed in peace %s: %s", conn.client, error)
        conn.close = _is_closed

    def _shakes_hands(self, conn: Any) -> bool:
        try:
            conn.init()
        except OSError as error:  # ssl.SSLError and TimeoutError are of this kind
            self.log.debug("no handshake with %s: %s", conn.client, error)
            return False
        return True


def _peer(conn: Any) -> Hashable:
    """The address of the client, whatever its port."""
    return conn.client[0] if conn.client else ""


def _is_closed(graceful: bool = False) -> None:
    """Nothing is left to close."""
