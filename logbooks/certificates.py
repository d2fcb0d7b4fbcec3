"""The certificate store, and the gateway's signature certificate in it.

The certificate of the HAN web server is a pair of files: `hardware.han_certificate`.
"""

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from django.db import transaction
from django.db.models import Q

from hardware.gateway import Gateway
from hardware.security_module import SIGNATURE_SLOT
from logbooks.certificate_store import store_certificate
from logbooks.key_renewal import settle_certificates
from logbooks.models import Certificate

VALIDITY = timedelta(days=730)
"""SM-PKI end certificates live two years at most (TR-03109-4)."""
RENEWED_BEFORE_END = timedelta(days=30)


def ensure_signature_certificate(gateway: Gateway, now: datetime) -> Certificate:
    """The certificate of the signature key; made when missing, renewed near its end.

    Self-signed until the SM-PKI issues one: subject `<huid>.smgw`, with a
    serialNumber attribute that counts the renewals from 1. A renewal certifies the
    same key, so the SKI in stored rows stays right. One of the SM-PKI is renewed by
    the administrator (`logbooks.key_renewal`), never replaced here.
    """
    ski = gateway.security_module.key_identifier(SIGNATURE_SLOT)
    with transaction.atomic():
        settle_certificates(gateway, now=now)
        earlier = Certificate.objects.filter(
            kind=Certificate.Kind.SIG, key_slot=SIGNATURE_SLOT
        )
        in_force = earlier.filter(state=Certificate.State.ACTIVE)
        good = in_force.filter(ski=ski).filter(_needs_no_renewal(now)).first()
        if good is not None:
            return good
        own = earlier.filter(stage=Certificate.Stage.SELF_SIGNED)
        made = _self_signed(gateway, now, renewal=own.count() + 1)
        in_force.update(state=Certificate.State.EXPIRED, ended_at=now)
        return store_certificate(
            made,
            kind=Certificate.Kind.SIG,
            stage=Certificate.Stage.SELF_SIGNED,
            holder=Certificate.Holder.SMGW,
            key_slot=SIGNATURE_SLOT,
        )


def signature_certificate() -> Certificate:
    """The active certificate of the gateway's signature key (R65).

    Raises Certificate.DoesNotExist before `ensure_signature_certificate`.
    """
    return Certificate.objects.filter(
        kind=Certificate.Kind.SIG,
        key_slot=SIGNATURE_SLOT,
        state=Certificate.State.ACTIVE,
    ).latest("not_before")


def certificate_by_ski(ski: str) -> Certificate:
    """The best certificate with this subject key identifier (40 hex digits).

    One of the SM-PKI before a self-signed one, then the newest. Raises
    Certificate.DoesNotExist.
    """
    found = Certificate.objects.filter(ski=ski)
    issued = found.exclude(stage=Certificate.Stage.SELF_SIGNED)
    return (issued.order_by("-not_before").first()) or found.latest("not_before")


def certificate_pem(certificate: Certificate) -> str:
    """The certificate as PEM text, as it is downloaded."""
    return _parsed(certificate).public_bytes(Encoding.PEM).decode()


def public_key(certificate: Certificate) -> EllipticCurvePublicKey:
    """The key that the certificate certifies; raises ValueError when it is not EC."""
    return _public_key(_parsed(certificate))


def _self_signed(gateway: Gateway, now: datetime, *, renewal: int) -> x509.Certificate:
    module = gateway.security_module
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, f"{gateway.huid}.smgw"),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, str(renewal)),
        ]
    )
    ski = x509.SubjectKeyIdentifier.from_public_key(module.public_key(SIGNATURE_SLOT))
    begin = now.replace(microsecond=0)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + VALIDITY)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_only_signatures(), critical=True)
        .add_extension(ski, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski),
            critical=False,
        )
    )
    return module.self_signed(SIGNATURE_SLOT, builder)


def _needs_no_renewal(now: datetime) -> Q:
    lasting = Q(not_before__lte=now, not_after__gt=now + RENEWED_BEFORE_END)
    return lasting | ~Q(stage=Certificate.Stage.SELF_SIGNED)


def _only_signatures() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _parsed(certificate: Certificate) -> x509.Certificate:
    return x509.load_der_x509_certificate(bytes(certificate.der))


def _public_key(certificate: x509.Certificate) -> EllipticCurvePublicKey:
    key = certificate.public_key()
    if not isinstance(key, EllipticCurvePublicKey):
        raise ValueError("not a certificate of an elliptic curve key")
    return key
