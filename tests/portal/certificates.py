"""Client certificates for tests of the portal, and browsers that show one."""

from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.test import Client

from hardware.gateway import Gateway
from meters.account_certificates import issue_consumer_certificate
from meters.models import Account


def issued_der(gateway: Gateway, user: str, *, now: datetime) -> bytes:
    """A certificate (DER) issued to a consumer of the installation."""
    account = Account.objects.get(username=user)
    issued = issue_consumer_certificate(gateway, account, now=now, pin="1")
    certificate = x509.load_pem_x509_certificate(issued.certificate)
    return certificate.public_bytes(Encoding.DER)


def showing(gateway: Gateway, der: bytes, **more: Any) -> Client:
    """A browser whose connection carries this certificate, b"" for none."""
    environ: dict[str, Any] = {"casa.gateway": gateway, "casa.peer_certificate": der}
    return Client(**environ, **more)
