"""The gateway's partners on the WAN as connections see them: GWA and EMTs."""

import ssl
from datetime import datetime

from gwa_api.models import CommunicationProfile
from gwa_api.wan_client import Peer
from hardware.gateway import Gateway
from hardware.key_slots import TLS_SLOT
from hardware.tls_profile import ModuleIdentity, client_context
from logbooks.certificate_store import (
    Holder,
    Kind,
    active_certificates,
    check_peer,
    parsed,
)
from logbooks.key_renewal import own_chain


def way_to_gwa() -> CommunicationProfile | None:
    """How the GWA is reached; None while that is not configured."""
    return CommunicationProfile.objects.filter(participant=None).first()


def way_to(participant: str) -> CommunicationProfile | None:
    """How a market participant is reached; None without a communication profile."""
    return CommunicationProfile.objects.filter(participant_id=participant).first()


def peer_of(gateway: Gateway, way: CommunicationProfile, *, now: datetime) -> Peer:
    """The partner at the other end of a way."""
    holder = Holder.GWA if way.participant_id is None else Holder.EMT
    holder_id = way.participant_id

    def context() -> ssl.SSLContext:
        pins = active_certificates(holder, Kind.TLS, holder_id)
        chain = own_chain(gateway, Kind.TLS, now=now)
        identity = ModuleIdentity(gateway.security_module, chain, TLS_SLOT)
        return client_context(identity, pins=[parsed(pin) for pin in pins])

    def check(der: bytes) -> object:
        return check_peer(gateway, der, holder=holder, holder_id=holder_id, now=now)

    return Peer(way.addresses, way.sni, context, check)
