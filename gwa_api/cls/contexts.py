"""The TLS contexts of the proxy (wan.md 2): who is trusted is exactly who is named."""

import ssl
from collections.abc import Sequence
from datetime import datetime

from cryptography import x509

from gwa_api.cls.profile import Profile
from hardware.certificate_path import CertificateRefused, Refusal
from hardware.gateway import Gateway
from hardware.han_certificate import TlsFiles
from hardware.key_slots import TLS_SLOT
from hardware.tls_profile import (
    Clients,
    FileIdentity,
    ModuleIdentity,
    client_context,
    server_context,
)
from logbooks.certificate_store import Holder, check_peer
from logbooks.key_renewal import own_chain
from logbooks.models import Certificate


class GatewayContexts:
    """Of one gateway: its HAN certificate towards the CLS, its WAN one to EMTs.

    The validity of a CLS's certificate is not looked at (DS 4.2), that of an EMT's by
    the gateway's time.
    """

    def __init__(self, gateway: Gateway, han: TlsFiles) -> None:
        self._gateway = gateway
        self._han = FileIdentity(han.certificate, han.key)

    def house(self, profiles: Sequence[Profile]) -> ssl.SSLContext:
        """For a CLS; trusts the certificates of these profiles, and no other."""
        pins = [_parsed(profile.cls_certificate) for profile in profiles]
        return server_context(
            self._han, clients=Clients.REQUIRED, pins=pins, tls_max="1.2"
        )

    def device(self, profile: Profile) -> ssl.SSLContext:
        """For calling the CLS of a profile (HKS4, HKS5)."""
        return client_context(self._han, pins=[_parsed(profile.cls_certificate)])

    def market(self, profile: Profile) -> ssl.SSLContext:
        """For the EMT of a profile; trusts its certificates in force, and no other.

        Raises CertificateRefused while none of them is good by path, revocation and
        time, or the gateway has none of the SM-PKI.
        """
        gateway, now = self._gateway, self._gateway.clock.now()
        pins = self._good(profile.emt_certificates, now)
        chain = own_chain(gateway, Certificate.Kind.TLS, now=now)
        own = ModuleIdentity(gateway.security_module, chain, TLS_SLOT)
        return client_context(own, pins=pins)

    def _good(
        self, certificates: Sequence[bytes], now: datetime
    ) -> list[x509.Certificate]:
        refused = CertificateRefused(Refusal.NOT_PINNED, "the EMT has no certificate")
        found = []
        for der in certificates:
            try:
                check_peer(self._gateway, der, holder=Holder.EMT, now=now)
            except CertificateRefused as reason:
                refused = reason
            else:
                found.append(_parsed(der))
        if not found:
            raise refused
        return found


def _parsed(der: bytes) -> x509.Certificate:
    return x509.load_der_x509_certificate(der)
