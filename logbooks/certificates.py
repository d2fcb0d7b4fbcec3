"""The certificate store, and the gateway's signature certificate in it.

The certificate of the HAN web server is a pair of files: `hardware.han_certificate`.
"""

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from django.db import transaction

from hardware.gateway import Gateway
from hardware.security_module import SIGNATURE_SLOT, key_identifier
from logbooks.models import Certificate

VALIDITY = timedelta(days=730)
"""SM-PKI end certificates live two years at most (TR-03109-4)."""
RENEWED_BEFORE_END = timedelta(days=30)


def ensure_signature_certificate(gateway: Gateway, now: datetime) -> Certificate:
    """The certificate of the signature key; made when missing, renewed near its end.

    Self-signed, because no SM-PKI issues one here: subject `<huid>.smgw`, with a
    serialNumber attribute that counts the renewals from 1. A renewal certifies the
    same key, so the SKI in stored rows stays right.
    """
    ski = gateway.security_module.key_identifier(SIGNATURE_SLOT)
    with transaction.atomic():
        earlier = Certificate.objects.filter(
            kind=Certificate.Kind.SIG, key_slot=SIGNATURE_SLOT
        )
        good = earlier.filter(
            state=Certificate.State.ACTIVE,
            ski=ski,
            not_before__lte=now,
            not_after__gt=now + RENEWED_BEFORE_END,
        ).first()
        if good is not None:
            return good
        made = _self_signed(gateway, now, renewal=earlier.count() + 1)
        earlier.update(state=Certificate.State.EXPIRED)
        return store_certificate(
            made,
            kind=Certificate.Kind.SIG,
            stage="self-signed",
            holder="SMGW",
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
    """The newest certificate with this subject key identifier (40 hex digits).

    Raises Certificate.DoesNotExist.
    """
    return Certificate.objects.filter(ski=ski).latest("not_before")


def certificate_pem(certificate: Certificate) -> str:
    """The certificate as PEM text, as it is downloaded."""
    return _parsed(certificate).public_bytes(Encoding.PEM).decode()


def public_key(certificate: Certificate) -> EllipticCurvePublicKey:
    """The key that the certificate certifies; raises ValueError when it is not EC."""
    return _public_key(_parsed(certificate))


def store_certificate(
    certificate: x509.Certificate,
    *,
    kind: Certificate.Kind,
    stage: str,
    holder: str,
    key_slot: str = "",
) -> Certificate:
    """Put a certificate into the store as active."""
    key = _public_key(certificate)
    return Certificate.objects.create(
        fingerprint=certificate.fingerprint(SHA256()).hex(),
        subject_cn=_common_name(certificate.subject),
        issuer_cn=_common_name(certificate.issuer),
        serial=f"{certificate.serial_number:x}",
        ski=key_identifier(key),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        der=certificate.public_bytes(Encoding.DER),
        kind=kind,
        stage=stage,
        holder=holder,
        curve=key.curve.name,
        key_slot=key_slot,
    )


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


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value)[:64] if found else ""
