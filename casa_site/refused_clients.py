"""Client certificates that the TLS handshake refused, for the logs (R102, event 5002).

Python lets nobody look at a certificate that is not pinned: the connection ends. A
browser then offers its user the choice anew, and without a certificate the login page
comes. What is left to do here is to say in the logs who tried.
"""

import logging
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from django.db import close_old_connections

from casa_site.han_worker import PatientSocket
from hardware.gateway import Gateway
from hardware.shown_certificate import ShownCertificates
from hardware.tls_profile import tls_fault
from portal.certificate_log import log_refused_certificate

logger = logging.getLogger(__name__)

QUIET_S = 60.0
"""A browser tries again by itself: the same certificate is named once a minute."""
MOST_A_MINUTE = 20
"""A stranger can make certificates without end; so many entries a minute are enough."""


class RefusedClients:
    """Watches the handshakes of a listener and logs the certificates it refused."""

    def __init__(
        self, gateway: Gateway, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._gateway = gateway
        self._monotonic = monotonic
        self._shown = ShownCertificates()
        self._lately: OrderedDict[str, float] = OrderedDict()
        self._socket_class = _telling(self._refused)

    def watch(self, context: ssl.SSLContext) -> None:
        """Look at every connection of the context from now on."""
        self._shown.watch(context)
        context.sslsocket_class = self._socket_class

    def _refused(self, connection: ssl.SSLSocket, error: ssl.SSLError) -> None:
        certificate = self._shown.of(connection)
        if certificate is None or isinstance(error, ssl.SSLEOFError):
            return
        if not self._is_due(certificate):
            return
        try:
            self._log(certificate, error)
        except Exception:
            logger.exception("a refused certificate could not be logged")
            close_old_connections()

    def _log(self, certificate: x509.Certificate, error: ssl.SSLError) -> None:
        is_about_it = isinstance(error, ssl.SSLCertVerificationError)
        log_refused_certificate(
            self._gateway,
            certificate,
            code=tls_fault(error),
            other_error="" if is_about_it else str(error.reason),
            now=self._gateway.clock.now(),
        )

    def _is_due(self, certificate: x509.Certificate) -> bool:
        now = self._monotonic()
        while self._lately and now - next(iter(self._lately.values())) >= QUIET_S:
            self._lately.popitem(last=False)
        name = certificate.fingerprint(SHA256()).hex()
        if name in self._lately or len(self._lately) >= MOST_A_MINUTE:
            return False
        self._lately[name] = now
        return True


def _telling(
    refused: Callable[[ssl.SSLSocket, ssl.SSLError], None],
) -> type[PatientSocket]:
    """A class of sockets that tell when a handshake went wrong."""

    class TellingSocket(PatientSocket):
        def do_handshake(self, block: bool = False) -> None:
            try:
                super().do_handshake(block)
            except ssl.SSLError as error:
                refused(self, error)
                raise

    return TellingSocket
