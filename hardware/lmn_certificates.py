"""Certificates of the wired LMN: made by the gateway for itself and for its meters.

Self-signed X.509 v3, outside the SM-PKI (lmn-wired.md 5.1, BSI detail specifications
ch. 3). Each side trusts exactly the one certificate of the other that it holds.
"""

import calendar
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

OWN_CERTIFICATE_ENDS = 100704
"""Fault: the gateway's LMN certificate expires within six months."""
METER_CERTIFICATE_ENDS = 100705
"""Fault: a meter's LMN certificate expires within six months."""

LIFETIME_YEARS = 7
LONGEST_DER = 600
"""What a certificate should not be longer than, in bytes."""

_WARNED_MONTHS = 6
_RENEWED_MONTHS = 9
_SERIAL_BYTES = 16
_SERIAL_LENGTHS = range(8, 21)
_PURPOSES = x509.ExtendedKeyUsage(
    [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
)
_READ_ERRORS = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
_NO_AUTHORITY = x509.BasicConstraints(ca=False, path_length=None)
_SIGNS_ONLY = x509.KeyUsage(
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


class CertificateUnfit(ValueError):
    """A certificate that is not made as the LMN demands; the text says why."""


@dataclass(frozen=True, slots=True)
class LmnCurve:
    """An elliptic curve of the LMN: its names, and its id as a TLS group (IANA)."""

    name: str
    tls_name: str
    """What OpenSSL calls it."""
    group: int
    curve: ec.EllipticCurve
    hash: SHA256 | SHA384


BRAINPOOL_P256 = LmnCurve(
    "brainpoolP256r1", "brainpoolP256r1", 26, ec.BrainpoolP256R1(), SHA256()
)
P256 = LmnCurve("secp256r1", "prime256v1", 23, ec.SECP256R1(), SHA256())
BRAINPOOL_P384 = LmnCurve(
    "brainpoolP384r1", "brainpoolP384r1", 27, ec.BrainpoolP384R1(), SHA384()
)

LMN_CURVES = (BRAINPOOL_P256, P256, BRAINPOOL_P384)
"""The required ones, in the order in which the gateway prefers them."""


@dataclass(frozen=True, slots=True)
class LmnIdentity:
    """A certificate (DER, RFC 5280) and its private key (DER, RFC 5915)."""

    certificate: bytes
    private_key: bytes = field(repr=False)


def new_identity(
    device_id: str, curve: LmnCurve, *, now: datetime, years: int = LIFETIME_YEARS
) -> LmnIdentity:
    """A new key pair with a self-signed certificate `CN=<id>.sm`, valid from now on.

    `device_id` has 14 characters, `now` is gateway time.
    """
    key = ec.generate_private_key(curve.curve)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{device_id}.sm")])
    begin = now.replace(microsecond=0)
    certificate = (
        x509.CertificateBuilder()
        .serial_number(_serial_number())
        .issuer_name(name)
        .subject_name(name)
        .not_valid_before(begin)
        .not_valid_after(_months_later(begin, 12 * years))
        .public_key(key.public_key())
        .add_extension(_SIGNS_ONLY, critical=True)
        .add_extension(_NO_AUTHORITY, critical=False)
        .add_extension(_PURPOSES, critical=False)
        .sign(key, curve.hash)
    )
    return LmnIdentity(
        certificate.public_bytes(Encoding.DER),
        key.private_bytes(
            Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        ),
    )


def checked_certificate(der: bytes, device_id: str) -> x509.Certificate:
    """The certificate of this device; raises CertificateUnfit.

    Its validity is not looked at: an expired one still secures the line until it is
    renewed (BSI, REQ.TA.TLS.Handshake.170).
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        _check_head(certificate)
        _check_names(certificate, f"{device_id}.sm".lower())
        _check_extensions(certificate)
        _check_signature(certificate)
    except CertificateUnfit:
        raise
    except (*_READ_ERRORS, InvalidSignature) as error:
        raise CertificateUnfit("no certificate that can be read") from error
    return certificate


def curve_of(der: bytes) -> LmnCurve:
    """The curve of a certificate's key; raises CertificateUnfit for any other key."""
    key = x509.load_der_x509_certificate(der).public_key()
    for curve in LMN_CURVES:
        if isinstance(key, ec.EllipticCurvePublicKey) and (
            key.curve.name == curve.curve.name
        ):
            return curve
    raise CertificateUnfit("the key is on no curve of the LMN")


def curve_for(groups: Iterable[int]) -> LmnCurve | None:
    """The curve to use with a meter that has these TLS groups; None without one."""
    offered = set(groups)
    return next((curve for curve in LMN_CURVES if curve.group in offered), None)


def expiry_warnings(
    *, gateway: Iterable[bytes], meters: Iterable[bytes], now: datetime
) -> list[int]:
    """Fault codes for certificates (DER) that expire within six months, to be logged.

    100704 when it is one of the gateway's, 100705 when it is one of a meter's.
    """
    limit = _months_later(now, _WARNED_MONTHS)
    kinds = ((OWN_CERTIFICATE_ENDS, gateway), (METER_CERTIFICATE_ENDS, meters))
    return [code for code, group in kinds if any(_ends(der) <= limit for der in group)]


def is_renewal_due(der: bytes, now: datetime) -> bool:
    """Whether a certificate is to be renewed: nine months before it expires.

    So the warnings of the last six months tell of a renewal that did not succeed.
    """
    return _ends(der) <= _months_later(now, _RENEWED_MONTHS)


def _ends(der: bytes) -> datetime:
    return x509.load_der_x509_certificate(der).not_valid_after_utc


def _serial_number() -> int:
    """Random and positive, with the full number of bytes."""
    return secrets.randbits(8 * _SERIAL_BYTES - 2) | 1 << (8 * _SERIAL_BYTES - 2)


def _months_later(instant: datetime, months: int) -> datetime:
    """The same day so many months later, or the last one of a shorter month."""
    month = instant.year * 12 + instant.month - 1 + months
    year, month = month // 12, month % 12 + 1
    day = min(instant.day, calendar.monthrange(year, month)[1])
    return instant.replace(year=year, month=month, day=day)


def _check_head(certificate: x509.Certificate) -> None:
    if certificate.version is not x509.Version.v3:
        raise CertificateUnfit("not X.509 version 3")
    serial = certificate.serial_number
    if serial <= 0 or (serial.bit_length() // 8 + 1) not in _SERIAL_LENGTHS:
        raise CertificateUnfit("the serial number is not positive, of 8 to 20 bytes")
    if not isinstance(certificate.signature_hash_algorithm, SHA256 | SHA384):
        raise CertificateUnfit("not signed with SHA-256 or SHA-384")


def _check_names(certificate: x509.Certificate, common_name: str) -> None:
    for name in (certificate.issuer, certificate.subject):
        parts = list(name)
        if len(parts) != 1 or parts[0].oid != NameOID.COMMON_NAME:
            raise CertificateUnfit("the name is more or less than a common name")
        if cast(str, parts[0].value).lower() != common_name:
            raise CertificateUnfit("the name is that of another device")


def _check_extensions(certificate: x509.Certificate) -> None:
    """The three recommended ones as they must be; two may be there; no others."""
    for found in certificate.extensions:
        fits = {
            x509.KeyUsage.oid: found.value == _SIGNS_ONLY and found.critical,
            x509.BasicConstraints.oid: found.value == _NO_AUTHORITY
            and not found.critical,
            x509.ExtendedKeyUsage.oid: _has_purposes(found.value),
            x509.SubjectKeyIdentifier.oid: not found.critical,
            x509.SubjectAlternativeName.oid: found.critical,
        }
        if not fits.get(found.oid, False):
            raise CertificateUnfit(f"the extension {found.oid.dotted_string}")


def _has_purposes(value: x509.ExtensionType) -> bool:
    return isinstance(value, x509.ExtendedKeyUsage) and set(value) == set(_PURPOSES)


def _check_signature(certificate: x509.Certificate) -> None:
    """Its own key made the signature, and is given as an uncompressed point."""
    key = certificate.public_key()
    der = certificate.public_bytes(Encoding.DER)
    curve_of(der)
    if not der.endswith(b"\x00" + certificate.signature):
        raise CertificateUnfit("the signature is not a whole number of bytes")
    algorithm = certificate.signature_hash_algorithm
    if not isinstance(key, ec.EllipticCurvePublicKey) or algorithm is None:
        raise CertificateUnfit("not signed with an elliptic curve")
    key.verify(
        certificate.signature, certificate.tbs_certificate_bytes, ec.ECDSA(algorithm)
    )
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    if point not in certificate.tbs_certificate_bytes:
        raise CertificateUnfit("the point of the key is compressed")
