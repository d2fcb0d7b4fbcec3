"""A PKI in the shape of the SM-PKI, for development, tests and laboratories (wan.md 3).

Root, sub-CA, and end certificates by three purposes; names, usages, extensions and
lifetimes after TR-03109-4. The private keys are with whoever holds an `Authority`; a
gateway in the field has none of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hardware.certificate_path import Purpose

ORGANISATION, COUNTRY = "SM-Test-PKI-DE", "DE"
ROOT_NAME, SUB_NAME = "CASA-Test-Root.CA", "CASA-Test-Sub.CA"

ROOT_LIFETIME = timedelta(days=6 * 365)
SUB_LIFETIME = timedelta(days=5 * 365)
END_LIFETIME = timedelta(days=730)
"""End certificates of the SM-PKI live two years at most."""
QUALITY_SEAL_LIFETIME = timedelta(days=7 * 365)
"""Gütesiegel certificates last from the factory to the first contact."""
LIST_LIFETIME = timedelta(days=30)

POLICY = x509.ObjectIdentifier("0.4.0.127.0.7.3.4.1.1.1")
"""The certificate policy of the SM-PKI."""
_PURPOSES = x509.ExtendedKeyUsage(
    [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
)


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority with its private key."""

    certificate: x509.Certificate
    key: EllipticCurvePrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class LabPki:
    """A root and a sub-CA; `chain` is what stands between an end and the root."""

    root: Authority
    sub: Authority

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The certificates above an end certificate, without the root."""
        return (self.sub.certificate,)


def make_pki(now: datetime, *, curve: ec.EllipticCurve | None = None) -> LabPki:
    """A new root and a new sub-CA below it, valid from `now` on."""
    root = make_root(now, curve=curve)
    return LabPki(root, make_sub_authority(root, now, curve=curve))


def make_root(
    now: datetime, *, number: int = 1, curve: ec.EllipticCurve | None = None
) -> Authority:
    """A root authority; `number` counts the roots of one PKI."""
    key = ec.generate_private_key(curve or ec.BrainpoolP256R1())
    name = distinguished_name(ROOT_NAME, number)
    builder = _begun(name, key.public_key(), now, ROOT_LIFETIME).issuer_name(name)
    certificate = _as_authority(builder, 1, key.public_key()).sign(key, SHA256())
    return Authority(certificate, key)


def make_sub_authority(
    root: Authority,
    now: datetime,
    *,
    number: int = 1,
    curve: ec.EllipticCurve | None = None,
) -> Authority:
    """A sub-CA below `root` that may issue end certificates only."""
    key = ec.generate_private_key(curve or ec.BrainpoolP256R1())
    name = distinguished_name(SUB_NAME, number)
    builder = _begun(name, key.public_key(), now, SUB_LIFETIME).issuer_name(
        root.certificate.subject
    )
    builder = _as_authority(builder, 0, root.key.public_key())
    return Authority(builder.sign(root.key, SHA256()), key)


def link_certificate(old: Authority, new: Authority) -> x509.Certificate:
    """The new root's key and name, signed by the old root: trust is handed over."""
    begin = new.certificate.not_valid_before_utc
    lifetime = old.certificate.not_valid_after_utc - begin
    subject, key = new.certificate.subject, new.key.public_key()
    builder = _begun(subject, key, begin, lifetime).issuer_name(old.certificate.subject)
    return _as_authority(builder, 1, old.key.public_key()).sign(old.key, SHA256())


def issue(
    authority: Authority,
    key: EllipticCurvePublicKey,
    *,
    common_name: str,
    purpose: Purpose,
    now: datetime,
    number: int = 1,
    lifetime: timedelta = END_LIFETIME,
    names: Sequence[x509.GeneralName] = (),
) -> x509.Certificate:
    """An end certificate for a key; `number` counts the renewals from 1.

    TLS certificates are for clients and servers; `names` are what a server is called.
    """
    subject = distinguished_name(common_name, number)
    builder = _begun(subject, key, now, lifetime).issuer_name(
        authority.certificate.subject
    )
    builder = (
        builder.add_extension(
            x509.BasicConstraints(ca=False, path_length=None), critical=True
        )
        .add_extension(key_usage(purpose), critical=True)
        .add_extension(_authority_key(authority.key.public_key()), critical=False)
        .add_extension(
            x509.CertificatePolicies([x509.PolicyInformation(POLICY, None)]),
            critical=False,
        )
    )
    if purpose is Purpose.TLS:
        builder = builder.add_extension(_PURPOSES, critical=False)
    if names:
        alternative = x509.SubjectAlternativeName(names)
        builder = builder.add_extension(alternative, critical=False)
    return builder.sign(authority.key, SHA256())


def revocation_list(
    authority: Authority,
    revoked: Iterable[x509.Certificate],
    *,
    now: datetime,
    number: int = 1,
    lifetime: timedelta = LIST_LIFETIME,
) -> x509.CertificateRevocationList:
    """The authority's list of revoked certificates (RFC 5280, version 2)."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(now)
        .next_update(now + lifetime)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(_authority_key(authority.key.public_key()), critical=False)
    )
    for certificate in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(
            certificate.serial_number
        )
        builder = builder.add_revoked_certificate(entry.revocation_date(now).build())
    return builder.sign(authority.key, SHA256())


def distinguished_name(common_name: str, number: int) -> x509.Name:
    """A name of the SM-PKI: country, organisation, common name, renewal number."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, COUNTRY),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, str(number)),
        ]
    )


def key_usage(purpose: Purpose | None) -> x509.KeyUsage:
    """The key usage of an end certificate; None is that of an authority."""
    return x509.KeyUsage(
        digital_signature=purpose in (Purpose.TLS, Purpose.SIG),
        key_agreement=purpose is Purpose.ENC,
        key_cert_sign=purpose is None,
        crl_sign=purpose is None,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        encipher_only=False,
        decipher_only=False,
    )


def _begun(
    subject: x509.Name, key: EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    begin = now.replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _as_authority(
    builder: x509.CertificateBuilder, path_length: int, issuer: EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    constraints = x509.BasicConstraints(ca=True, path_length=path_length)
    return (
        builder.add_extension(constraints, critical=True)
        .add_extension(key_usage(None), critical=True)
        .add_extension(_authority_key(issuer), critical=False)
    )


def _authority_key(key: EllipticCurvePublicKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)
