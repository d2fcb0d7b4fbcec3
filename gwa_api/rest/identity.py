"""Who asks: the gateway administrator, by the exact certificate of his connection."""

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from gwa_api import administrator, han_network
from hardware.certificate_path import CertificateRefused
from hardware.gateway import Gateway
from logbooks.access import Access, Network, Role
from logbooks.certificate_store import Holder, check_peer
from logbooks.services import log_fault

PEER = "casa.peer_certificate"
"""Where the listener puts the certificate (DER) of the connection into the environ."""


def connection_of(environ: Mapping[str, Any]) -> str:
    """The address and port that the connection comes from."""
    return f"{environ.get('REMOTE_ADDR', '')} {environ.get('REMOTE_PORT', '')}"[:64]


class Administrator:
    """The GWA as the REST framework wants its user; `access` is who he is (R98)."""

    is_authenticated: ClassVar[bool] = True

    def __init__(self, name: str) -> None:
        self.access = Access(name, True, Network.WAN, Role.ADMINISTRATOR)


class GwaCertificate(BaseAuthentication):
    """Looks at path, revocation and validity with each request.

    A connection may outlive its certificate. Each refusal is logged with its code.
    """

    def authenticate(self, request: Request) -> tuple[Administrator, str]:
        """The administrator and the fingerprint of his certificate."""
        try:
            return administrator_of(request._request.META)
        except CertificateRefused:
            raise exceptions.PermissionDenied from None


def administrator_of(environ: Mapping[str, Any]) -> tuple[Administrator, str]:
    """The administrator by the certificate of the connection, and its fingerprint.

    Raises CertificateRefused; its code stands in the system log then.
    """
    gateway: Gateway = environ["casa.gateway"]
    now = gateway.clock.now()
    der: bytes = environ.get(PEER) or b""
    try:
        entry = check_peer(gateway, der, holder=Holder.GWA, now=now)
    except CertificateRefused as refused:
        log_fault(gateway, refused.code, now=now)
        raise
    administrator.note_access(gateway, entry, now=now)
    han_network.note_access(connection_of(environ))
    return Administrator(entry.holder_id), entry.fingerprint
