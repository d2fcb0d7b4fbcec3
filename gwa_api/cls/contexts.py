"""The TLS contexts of the proxy (wan.md 2): who is trusted is exactly who is named."""

import ssl
from collections.abc import Sequence

from gwa_api.cls.profile import Profile
from hardware.gateway import Gateway
from hardware.han_certificate import TlsFiles
from hardware.key_slots import TLS_SLOT
from logbooks.key_renewal import own_chain
from logbooks.models import Certificate

_CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384"
)
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME; `ssl` has no name for it


class GatewayContexts:
    """Of one gateway: its HAN certificate towards the CLS, its WAN one to EMTs."""

    def __init__(self, gateway: Gateway, han: TlsFiles) -> None:
        self._gateway, self._han = gateway, han

    def house(self, profiles: Sequence[Profile]) -> ssl.SSLContext:
        """For a CLS; trusts the certificates of these profiles, and no other."""
        context = _mutual(ssl.PROTOCOL_TLS_SERVER)
        context.verify_flags |= _NO_CHECK_TIME
        for profile in profiles:
            _trust(context, profile.cls_certificate)
        context.load_cert_chain(self._han.certificate, self._han.key)
        return context

    def device(self, profile: Profile) -> ssl.SSLContext:
        """For calling the CLS of a profile (HKS4, HKS5)."""
        context = _mutual(ssl.PROTOCOL_TLS_CLIENT)
        context.verify_flags |= _NO_CHECK_TIME
        _trust(context, profile.cls_certificate)
        context.load_cert_chain(self._han.certificate, self._han.key)
        return context

    def market(self, profile: Profile) -> ssl.SSLContext:
        """For the EMT of a profile; trusts its certificate, and no other.

        Raises CertificateRefused while the gateway has none of the SM-PKI.
        """
        context = _mutual(ssl.PROTOCOL_TLS_CLIENT)
        _trust(context, profile.emt_certificate)
        now = self._gateway.clock.now()
        chain = own_chain(self._gateway, Certificate.Kind.TLS, now=now)
        slot = self._gateway.security_module.active_slot(TLS_SLOT)
        self._gateway.security_module.use_for_tls(slot, context, chain)
        return context


def _mutual(side: int) -> ssl.SSLContext:
    context = ssl.SSLContext(side)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.options |= ssl.OP_NO_TICKET
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.set_ciphers(_CIPHERS)
    return context


def _trust(context: ssl.SSLContext, certificate: bytes) -> None:
    context.load_verify_locations(cadata=certificate)
