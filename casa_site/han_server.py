"""The HAN web server: gunicorn in this process, TLS from our own context."""

import logging
import os
import ssl
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

from cryptography import x509
from gunicorn.app.base import BaseApplication

from casa_site import processes, readiness
from casa_site.consumer_pins import ConsumerPins, Pins
from casa_site.han_worker import PatientSocket, PatientWorker
from casa_site.refused_clients import RefusedClients
from casa_site.wsgi import HanApplication
from hardware.gateway import Gateway
from hardware.han_certificate import TlsFiles
from hardware.sign_of_life import SignOfLife
from hardware.tls_profile import Clients, FileIdentity, server_context

logger = logging.getLogger(__name__)

ROLE = "han"
THREADS = 8

Watch = Callable[[ssl.SSLContext], None]


def tls_context(
    files: TlsFiles,
    *,
    tls_max: str,
    pins: Pins = (),
    clients: Clients = Clients.OPTIONAL,
    watch: Watch | None = None,
) -> ssl.SSLContext:
    """The server's TLS settings; clients may show one of the `pins` (DER), or none.

    With `Clients.REQUIRED` they must show one.
    """
    context = server_context(
        FileIdentity(files.certificate, files.key),
        clients=clients,
        pins=[x509.load_der_x509_certificate(der) for der in pins],
        tls_max=tls_max,
    )
    context.sslsocket_class = PatientSocket
    if watch is not None:
        watch(context)
    return context


class CurrentContext:
    """The TLS settings for each new connection, with the certificates as they are now.

    A renewed certificate and a consumer's new one count from the next connection on.
    While the files cannot be used, the last good settings stay.
    """

    def __init__(
        self,
        files: TlsFiles,
        *,
        tls_max: str,
        pins: Callable[[], Pins] = tuple,
        clients: Clients = Clients.OPTIONAL,
        watch: Watch | None = None,
    ) -> None:
        self._files = files
        self._tls_max = tls_max
        self._pins = pins
        self._clients = clients
        self._watch = watch
        self._stamp: object = None
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
        pins = self._pins()
        paths = (self._files.certificate, self._files.key)
        stamp = [_stamp(path) for path in paths], pins
        if self._context is None or stamp != self._stamp:
            self._stamp = stamp
            self._context = tls_context(
                self._files,
                tls_max=self._tls_max,
                pins=pins,
                clients=self._clients,
                watch=self._watch,
            )
        return self._context


def _stamp(path: Path) -> tuple[int, int]:
    """What differs after a file was replaced; cheap enough for each connection."""
    found = path.stat()
    return found.st_mtime_ns, found.st_ino


class HanServer(BaseApplication):  # type: ignore[misc]
    """gunicorn's master and one worker with eight threads, for one gateway.

    Other listeners are made of it: `role`, `load` and `current_context` differ.
    """

    role = ROLE

    def __init__(
        self, gateway: Gateway, *, address: str, files: TlsFiles, tls: str
    ) -> None:
        self._gateway = gateway
        self._address = address
        self._files = files
        self._tls_max = tls
        super().__init__()

    def load_config(self) -> None:
        """What gunicorn asks for its settings."""
        for name, value in {**self._listening(), **self._hooks()}.items():
            self.cfg.set(name, value)

    def load(self) -> HanApplication:
        """What gunicorn asks for the WSGI application, once in the worker."""
        return HanApplication(self._gateway)

    def current_context(self) -> Callable[[], ssl.SSLContext]:
        """The TLS settings for each new connection."""
        return CurrentContext(
            self._files,
            tls_max=self._tls_max,
            pins=ConsumerPins(),
            watch=RefusedClients(self._gateway).watch,
        )

    @property
    def run_state(self) -> Path:
        """The state folder in which it says that it is ready."""
        return self._gateway.state

    def _listening(self) -> dict[str, Any]:
        memory = Path("/dev/shm")
        return {
            "bind": [self._address],
            "worker_class": PatientWorker,
            "workers": 1,
            "threads": THREADS,
            "certfile": str(self._files.certificate),
            "keyfile": str(self._files.key),
            "do_handshake_on_connect": True,
            "control_socket_disable": True,
            "worker_tmp_dir": str(memory) if memory.is_dir() else None,
            "keepalive": 5,
            "timeout": 30,
            "graceful_timeout": 5,
            "loglevel": "warning",
            "proc_name": self.role,
        }

    def _hooks(self) -> dict[str, Callable[..., Any]]:
        state, role = self.run_state, self.role
        master = os.getpid()

        context = self.current_context()

        def ssl_context(_config: Any, _default: Any) -> ssl.SSLContext:
            return context()

        def post_fork(_server: Any, worker: PatientWorker) -> None:
            processes.die_with_parent(master)
            worker.life = SignOfLife(readiness.life_file(state, role))

        def post_worker_init(_worker: Any) -> None:
            readiness.announce(state, role)

        def child_exit(_server: Any, _worker: Any) -> None:
            readiness.withdraw(state, role)

        return {
            "ssl_context": ssl_context,
            "post_fork": post_fork,
            "post_worker_init": post_worker_init,
            "child_exit": child_exit,
        }
