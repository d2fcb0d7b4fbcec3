"""New keys come into force only after a connection with them succeeded."""

import socket
import ssl
from datetime import datetime

from gwa_api.cls.profile import split_address
from gwa_api.models import CommunicationProfile
from gwa_api.partners import way_to_gwa
from hardware.certificate_path import CertificateRefused
from hardware.gateway import Gateway
from hardware.key_slots import TLS_SLOT
from hardware.tls_profile import ModuleIdentity, client_context, peer_certificate
from logbooks.certificate_store import (
    Holder,
    Kind,
    active_certificates,
    check_peer,
    parsed,
    path_of,
)
from logbooks.key_renewal import activate_certificates, check_activation

CONNECT_S = 10.0


class NotConnected(Exception):
    """The GWA could not be reached with the new keys; those in force stay."""


def activate_after_test(gateway: Gateway, *, now: datetime) -> None:
    """Connect to the GWA with the new TLS key, then put all new keys in force.

    Raises NotConnected, BanksOccupied, CertificateRefused: then nothing changed.
    """
    context = _next_context(gateway, now)
    way = way_to_gwa()
    if way is None:
        raise NotConnected("there is no communication profile of the GWA")
    _connect(gateway, way, context, now)
    activate_certificates(gateway, now=now)


def _next_context(gateway: Gateway, now: datetime) -> ssl.SSLContext:
    module = gateway.security_module
    pending = check_activation(gateway, now=now)[TLS_SLOT]
    chain = path_of(gateway, parsed(pending), kind=Kind.TLS, now=now)[:-1]
    identity = ModuleIdentity(module, chain, module.next_slot(TLS_SLOT))
    pins = active_certificates(Holder.GWA, Kind.TLS)
    return client_context(identity, pins=[parsed(pin) for pin in pins])


def _connect(
    gateway: Gateway,
    way: CommunicationProfile,
    context: ssl.SSLContext,
    now: datetime,
) -> None:
    """To the first of the addresses where the GWA proves who he is."""
    problem = "no address"
    for address in way.addresses:
        try:
            with (
                socket.create_connection(split_address(address), CONNECT_S) as plain,
                context.wrap_socket(plain, server_hostname=way.sni or None) as secured,
            ):
                der = peer_certificate(secured)
                check_peer(gateway, der, holder=Holder.GWA, now=now)
                return
        except (OSError, CertificateRefused) as error:
            problem = str(error)
    raise NotConnected(problem)
