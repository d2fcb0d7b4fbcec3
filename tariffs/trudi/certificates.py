"""Certificates as they occur in files: DER, or the text of a PEM file."""

import base64
import re

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

_PEM = re.compile(
    rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----"
)


class CertificateUnusable(Exception):
    """Not an X.509 certificate with a key on an elliptic curve."""


def parsed(content: bytes) -> x509.Certificate:
    """The certificate; of several in a PEM text the first. Raises ValueError."""
    if match := _PEM.search(content):
        # Some gateways write line ends that PEM readers refuse.
        content = base64.b64decode(b"".join(match.group(1).split()), validate=True)
    return x509.load_der_x509_certificate(content)


def ec_key(certificate: x509.Certificate | None) -> EllipticCurvePublicKey | None:
    """The key of a certificate; None when it is not on a curve that is known."""
    try:
        key = certificate.public_key() if certificate else None
    except ValueError:
        return None
    return key if isinstance(key, EllipticCurvePublicKey) else None


def signer_certificate(content: bytes) -> x509.Certificate:
    """A certificate to check signatures with; raises CertificateUnusable."""
    try:
        certificate = parsed(content)
    except ValueError:
        raise CertificateUnusable from None
    if ec_key(certificate) is None:
        raise CertificateUnusable
    return certificate
