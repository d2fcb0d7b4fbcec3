"""The administrator's listener: gunicorn with mutual TLS, his certificate alone.

Only the certificates of the GWA that are in force come through the handshake; who was
let in is looked at again with each request (`gwa_api.rest.identity`).
"""

import ssl
from collections.abc import Callable
from typing import Any

from cryptography import x509

from casa_site.consumer_pins import ConsumerPins, Pins
from casa_site.han_server import HanServer
from casa_site.led_role import facts_of
from casa_site.refused_clients import RefusedClients
from gwa_api.wsgi import GwaApplication
from hardware.gateway import Gateway
from hardware.han_certificate import TlsFiles
from hardware.last_run import LAST_RUN_FILE
from hardware.leds import Leds, leds
from hardware.tls_profile import Clients, FileIdentity, server_context, tls_fault
from logbooks.certificate_store import Holder, Kind, active_certificates
from logbooks.services import log_fault

ROLE = "gwa"


class GwaServer(HanServer):
    """gunicorn's master and one worker with eight threads, for the administrator."""

    role = ROLE

    def __init__(
        self,
        gateway: Gateway,
        *,
        address: str,
        files: TlsFiles,
        tls: str,
        per_minute: int,
    ) -> None:
        self._per_minute = per_minute
        super().__init__(gateway, address=address, files=files, tls=tls)

    def load(self) -> GwaApplication:
        """What gunicorn asks for the WSGI application, once in the worker."""
        gateway = self._gateway
        facts: dict[str, Callable[[], Any]] = {
            "uptime_s": lambda: uptime_s(gateway),
            "leds": lambda: _lights(gateway),
        }
        return GwaApplication(gateway, per_minute=self._per_minute, facts=facts)

    def current_context(self) -> Callable[[], ssl.SSLContext]:
        """The TLS settings for each new connection."""
        return AdministratorContext(self._gateway, self._files, tls_max=self._tls_max)


class AdministratorContext:
    """Lets in the certificates of the GWA as they are now, and nobody else.

    A change counts from the next connection on, within two seconds.
    """

    def __init__(self, gateway: Gateway, files: TlsFiles, *, tls_max: str) -> None:
        self._files = files
        self._tls_max = tls_max
        self._pins = ConsumerPins(administrator_pins)
        self._refused = RefusedAdministrators(gateway)
        self._made_of: object = None
        self._context: ssl.SSLContext | None = None

    def __call__(self) -> ssl.SSLContext:
        """The settings; raises OSError while the files cannot be used."""
        pins = self._pins()
        made_of = pins, self._files.certificate.stat().st_mtime_ns
        context = self._context
        if context is None or made_of != self._made_of:
            context = server_context(
                FileIdentity(self._files.certificate, self._files.key),
                clients=Clients.REQUIRED,
                pins=[x509.load_der_x509_certificate(der) for der in pins],
                tls_max=self._tls_max,
            )
            self._refused.watch(context)
            self._made_of, self._context = made_of, context
        return context


class RefusedAdministrators(RefusedClients):
    """Says by their fault code in the system log which handshakes were refused."""

    def _log(self, certificate: x509.Certificate, error: ssl.SSLError) -> None:
        log_fault(self._gateway, tls_fault(error), now=self._gateway.clock.now())


def administrator_pins() -> Pins:
    """The TLS certificates of the GWA in force (DER); of the next one too, while a
    change is announced."""
    return tuple(
        bytes(entry.der) for entry in active_certificates(Holder.GWA, Kind.TLS)
    )


def uptime_s(gateway: Gateway) -> int:
    """How many seconds ago the gateway began to run."""
    try:
        begun = (gateway.state / LAST_RUN_FILE).stat().st_mtime
    except FileNotFoundError:
        return 0
    host = gateway.clock.now() - gateway.clock.offset
    return max(0, int(host.timestamp() - begun))


def _lights(gateway: Gateway) -> Leds:
    return leds(
        facts_of(
            gateway.state,
            time_is_valid=gateway.clock.is_valid,
            supply_input=gateway.supply_input,
        )
    )
