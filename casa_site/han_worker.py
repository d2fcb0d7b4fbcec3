"""gunicorn's thread worker, made patient: a silent client never holds a thread.

A browser opens TLS connections ahead and sends nothing on them; a phone falls asleep
in the middle of a request. gunicorn would wait for each in one of its few threads, for
the request without any limit.
"""

import errno
import ssl
from typing import Any

from gunicorn.workers.gthread import _DEFER, ThreadWorker

_GLANCE_S = 0.2
"""How long a thread looks whether something comes; then the main loop watches."""
_HANDSHAKE_S = 10.0
_SILENCE_S = 20.0
"""How long a client may pause within a request or while it takes the answer."""


class PatientSocket(ssl.SSLSocket):
    """A TLS socket on which nothing blocks for ever."""

    def do_handshake(self, block: bool = False) -> None:
        """Shake hands within ten seconds."""
        self.settimeout(_HANDSHAKE_S)
        super().do_handshake(block)

    def setblocking(self, flag: bool) -> None:
        """Blocking means: for twenty seconds at most."""
        self.settimeout(_SILENCE_S if flag else 0.0)

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """What has come; a client that stays silent counts as gone."""
        try:
            return super().recv(buflen, flags)
        except TimeoutError:
            raise ConnectionResetError(errno.ECONNRESET, "silent client") from None


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """Gives a thread to a connection only when there is something to do on it."""

    def handle(self, conn: Any) -> Any:
        """Shake hands when the client begins to; read when a request has come."""
        if not conn.initialized:
            if not conn.wait_for_data(_GLANCE_S):
                return _DEFER
            if not self._shakes_hands(conn):
                return False
            conn.data_ready = False
            if not conn.wait_for_data(_GLANCE_S):
                return _DEFER
        return super().handle(conn)

    def _shakes_hands(self, conn: Any) -> bool:
        try:
            conn.init()
        except OSError as error:  # ssl.SSLError and TimeoutError are of this kind
            self.log.debug("no handshake with %s: %s", conn.client, error)
            return False
        return True
