"""The gateway's own authority for the HAN: client certificates of people (D30).

Browsers speak P-256 only. The certificates stand outside the SM-PKI; each is accepted
because it is pinned, the authority only shows where it comes from.
"""

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hardware.certificate_path import Purpose
from hardware.gateway import Gateway
from hardware.pki import key_usage
from logbooks.certificate_store import (
    Holder,
    Kind,
    Stage,
    State,
    parsed,
    store_certificate,
)
from logbooks.models import Certificate

HAN_SLOT = "han-ca"
CURVE = "secp256r1"
AUTHORITY_LIFETIME = timedelta(days=20 * 365)
LIFETIME = timedelta(days=730)
VALID_BEFORE = timedelta(days=1)
"""Dated back, because the clock of a consumer's computer may be behind ours."""

FUNCTION_OF = {Holder.CONSUMER: "con", Holder.TECHNICIAN: "srv", Holder.CLS: "cls"}
"""The second part of the common name of participants in the HAN."""


def han_authority(gateway: Gateway, *, now: datetime) -> Certificate:
    """The authority's certificate; key and certificate are made when missing."""
    module = gateway.security_module
    if not module.has_key(HAN_SLOT):
        module.generate(HAN_SLOT, CURVE)
    found = Certificate.objects.filter(
        kind=Kind.CA,
        key_slot=HAN_SLOT,
        state=State.ACTIVE,
        ski=module.key_identifier(HAN_SLOT),
        not_after__gt=now + LIFETIME,
    )
    return found.first() or store_certificate(
        _authority(gateway, now),
        kind=Kind.CA,
        stage=Stage.HAN,
        holder=Holder.AUTHORITY,
        key_slot=HAN_SLOT,
    )


def issue_han_certificate(
    gateway: Gateway,
    key: EllipticCurvePublicKey,
    *,
    holder: Certificate.Holder,
    holder_id: str,
    now: datetime,
) -> Certificate:
    """A client certificate for somebody's key, stored and in force at once.

    Common name `<id>.<func>`; two years. Those he had before stay in force.
    """
    authority = parsed(han_authority(gateway, now=now))
    name = f"{holder_id}.{FUNCTION_OF[holder]}"
    number = Certificate.objects.filter(holder=holder, holder_id=holder_id).count() + 1
    builder = _builder(_name(name, number), authority.subject, now, LIFETIME)
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    builder = (
        builder.public_key(key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage(Purpose.TLS), critical=True)
        .add_extension(purpose, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
    return store_certificate(
        gateway.security_module.issued(HAN_SLOT, builder),
        kind=Kind.TLS,
        stage=Stage.HAN,
        holder=holder,
        holder_id=holder_id,
    )


def _authority(gateway: Gateway, now: datetime) -> x509.Certificate:
    module = gateway.security_module
    name = _name(f"{gateway.huid}.han", 1)
    ski = x509.SubjectKeyIdentifier.from_public_key(module.public_key(HAN_SLOT))
    builder = (
        _builder(name, name, now, AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(None), critical=True)
        .add_extension(ski, critical=False)
    )
    return module.self_signed(HAN_SLOT, builder)


def _name(common_name: str, number: int) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, str(number)),
        ]
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    begin = now.replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - VALID_BEFORE)
        .not_valid_after(begin + lifetime)
    )
