"""The technician's listener: gunicorn with mutual TLS, for the active service role.

Only the certificates of the active role come through the handshake (R92, R109); who
was let in is looked at again with each request (`portal.service_middleware`).
"""

import ssl
from collections.abc import Callable, Mapping

from casa_site.consumer_pins import ConsumerPins
from casa_site.han_server import CurrentContext, HanServer
from casa_site.refused_clients import RefusedClients
from casa_site.service_facts import service_facts
from hardware.gateway import Gateway
from hardware.han_certificate import TlsFiles
from hardware.tls_profile import Clients
from meters.service_roles import service_pins
from portal.service_wsgi import ServiceApplication

ROLE = "service"


class ServiceServer(HanServer):
    """gunicorn's master and one worker with eight threads, for the technician."""

    role = ROLE

    def __init__(
        self,
        gateway: Gateway,
        *,
        address: str,
        files: TlsFiles,
        tls: str,
        listening: Mapping[str, str],
    ) -> None:
        self._listening_at = listening
        super().__init__(gateway, address=address, files=files, tls=tls)

    def load(self) -> ServiceApplication:  # type: ignore[override]
        """What gunicorn asks for the WSGI application, once in the worker."""
        facts = service_facts(self._gateway, self._listening_at)
        return ServiceApplication(self._gateway, facts)

    def current_context(self) -> Callable[[], ssl.SSLContext]:
        """The TLS settings for each new connection."""
        return service_context(self._gateway, self._files, tls_max=self._tls_max)


def service_context(
    gateway: Gateway, files: TlsFiles, *, tls_max: str
) -> CurrentContext:
    """Lets in the certificates of the active service role as they are now."""
    return CurrentContext(
        files,
        tls_max=tls_max,
        pins=ConsumerPins(service_pins),
        clients=Clients.REQUIRED,
        watch=RefusedClients(gateway).watch,
    )
