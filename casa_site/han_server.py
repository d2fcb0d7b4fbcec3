"""The HAN web server: gunicorn in this process, TLS from our own context."""

import logging
import os
import ssl
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

from gunicorn.app.base import BaseApplication

from casa_site import processes, readiness
from casa_site.han_worker import PatientSocket, PatientWorker
from casa_site.wsgi import HanApplication
from hardware.gateway import Gateway

logger = logging.getLogger(__name__)

ROLE = "han"
THREADS = 8
CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA384"
)
"""The suites of TLS 1.2 that clients of a SMGW offer (han-json-api.md 2.1)."""

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def tls_context(certificate: Path, key: Path, *, tls_max: str) -> ssl.SSLContext:
    """The server's TLS settings: 1.2 up to `tls_max`, ECDHE with ECDSA only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = _VERSIONS[tls_max]
    context.set_ciphers(CIPHERS)
    context.load_cert_chain(certificate, key)
    context.sslsocket_class = PatientSocket
    return context


class CurrentContext:
    """The TLS settings for each new connection, with the certificate as it is now.

    A renewed certificate counts from the next connection on. While the files cannot
    be used, the last good settings stay.
    """

    def __init__(self, certificate: Path, key: Path, *, tls_max: str) -> None:
        self._files = (certificate, key)
        self._tls_max = tls_max
        self._stamp: list[tuple[int, int]] = []
        self._context: ssl.SSLContext | None = None
        self._lock = Lock()

    def __call__(self) -> ssl.SSLContext:
        """The settings; raises OSError when the files were never usable."""
        with self._lock:
            try:
                return self._refreshed()
            except OSError as error:  # ssl.SSLError is one
                if self._context is None:
                    raise
                logger.error("the certificate files cannot be used: %s", error)
                return self._context

    def _refreshed(self) -> ssl.SSLContext:
        stamp = [_stamp(path) for path in self._files]
        if self._context is None or stamp != self._stamp:
            self._stamp = stamp
            self._context = tls_context(*self._files, tls_max=self._tls_max)
        return self._context


def _stamp(path: Path) -> tuple[int, int]:
    """What differs after a file was replaced; cheap enough for each connection."""
    found = path.stat()
    return found.st_mtime_ns, found.st_ino


class HanServer(BaseApplication):  # type: ignore[misc]
    """gunicorn's master and one worker with eight threads, for one gateway."""

    def __init__(
        self, gateway: Gateway, *, address: str, certificate: Path, key: Path, tls: str
    ) -> None:
        self._gateway = gateway
        self._address = address
        self._certificate = certificate
        self._key = key
        self._tls_max = tls
        super().__init__()

    def load_config(self) -> None:
        """What gunicorn asks for its settings."""
        for name, value in {**self._listening(), **self._hooks()}.items():
            self.cfg.set(name, value)

    def load(self) -> HanApplication:
        """What gunicorn asks for the WSGI application, once in the worker."""
        return HanApplication(self._gateway)

    def _listening(self) -> dict[str, Any]:
        memory = Path("/dev/shm")
        return {
            "bind": [self._address],
            "worker_class": PatientWorker,
            "workers": 1,
            "threads": THREADS,
            "certfile": str(self._certificate),
            "keyfile": str(self._key),
            "do_handshake_on_connect": True,
            "control_socket_disable": True,
            "worker_tmp_dir": str(memory) if memory.is_dir() else None,
            "keepalive": 5,
            "timeout": 30,
            "graceful_timeout": 5,
            "loglevel": "warning",
            "proc_name": ROLE,
        }

    def _hooks(self) -> dict[str, Callable[..., Any]]:
        state = self._gateway.state
        master = os.getpid()

        context = CurrentContext(self._certificate, self._key, tls_max=self._tls_max)

        def ssl_context(_config: Any, _default: Any) -> ssl.SSLContext:
            return context()

        def post_fork(_server: Any, _worker: Any) -> None:
            processes.die_with_parent(master)

        def post_worker_init(_worker: Any) -> None:
            readiness.announce(state, ROLE)

        def child_exit(_server: Any, _worker: Any) -> None:
            readiness.withdraw(state, ROLE)

        return {
            "ssl_context": ssl_context,
            "post_fork": post_fork,
            "post_worker_init": post_worker_init,
            "child_exit": child_exit,
        }
