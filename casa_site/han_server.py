"""The HAN web server: gunicorn in this process, TLS from our own context."""

import logging
import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Lock

from cryptography import x509

from casa_site.consumer_pins import ConsumerPins, Pins
from casa_site.han_worker import PatientSocket
from casa_site.refused_clients import RefusedClients
from casa_site.web_server import Listener, WebServer
from casa_site.wsgi import HanApplication
from hardware.gateway import Gateway
from hardware.han_certificate import TlsFiles
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


class HanServer(WebServer):
    """The web server of the HAN, with eight threads, for one gateway."""

    def __init__(
        self, gateway: Gateway, *, address: str, files: TlsFiles, tls: str
    ) -> None:
        context = CurrentContext(
            files,
            tls_max=tls,
            pins=ConsumerPins(),
            watch=RefusedClients(gateway).watch,
        )
        listener = Listener(
            role=ROLE,
            address=address,
            files=files,
            context=context,
            application=partial(HanApplication, gateway),
            threads=THREADS,
        )
        super().__init__(gateway.state, listener)
