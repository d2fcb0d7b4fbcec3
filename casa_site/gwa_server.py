"""The administrator's listener: gunicorn with mutual TLS, his certificate alone.

Only the certificates of the GWA that are in force come through the handshake; who was
let in is looked at again with each request (`gwa_api.rest.identity`).
"""

import ssl
from collections.abc import Callable
from functools import partial
from typing import Any

from cryptography import x509

from casa_site.consumer_pins import ConsumerPins, Pins
from casa_site.han_server import CurrentContext, HanServer
from casa_site.led_role import facts_of
from casa_site.refused_clients import RefusedClients
from gwa_api.wsgi import GwaApplication
from hardware.gateway import Gateway
from hardware.han_certificate import TlsFiles
from hardware.last_run import LAST_RUN_FILE
from hardware.leds import Leds, leds
from hardware.tls_profile import Clients, tls_fault
from logbooks.certificate_store import Holder, Kind, active_certificates
from logbooks.services import log_fault

ROLE = "gwa"


class GwaServer(HanServer):
    """The web server of the administrator's interface, for one gateway."""

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

    def load(self) -> GwaApplication:  # type: ignore[override]
        """What gunicorn asks for the WSGI application, once in the worker."""
        facts = facts_about(self._gateway)
        return GwaApplication(self._gateway, per_minute=self._per_minute, facts=facts)

    def current_context(self) -> Callable[[], ssl.SSLContext]:
        """The TLS settings for each new connection: only the GWA comes in."""
        return CurrentContext(
            self._files,
            tls_max=self._tls_max,
            pins=ConsumerPins(administrator_pins),
            clients=Clients.REQUIRED,
            watch=RefusedAdministrators(self._gateway).watch,
        )


def facts_about(gateway: Gateway) -> dict[str, Callable[[], Any]]:
    """What the roof knows of the device and the interface shows."""
    return {
        "uptime_s": partial(uptime_s, gateway),
        "leds": partial(_lights, gateway),
    }


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
