"""Strict path validation of SM-PKI certificates (TR-03109-4, RFC 5280 ch. 6).

Every refusal says why and carries its fault code of ch. 9.4; nothing is returned that
was not checked. Only what the profile of the SM-PKI knows is accepted: an unknown
critical extension, algorithm or curve refuses the path.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

LONGEST_DER = 8192
LONGEST_PATH = 4
"""Certificates from the end certificate to the root, both counted."""

ROOT_CURVES = frozenset({"brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1"})
CURVES = ROOT_CURVES | {"secp256r1", "secp384r1"}
"""Groups of wan.md 2; P-256 and P-384 for end certificates of TLS (decisions D30)."""

HASHES = (SHA256, SHA384, SHA512)
_FOR_TLS = frozenset(
    {
        ExtendedKeyUsageOID.CLIENT_AUTH,
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    }
)
_KNOWN_CRITICAL = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    }
)
READ_ERRORS = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


class Purpose(Enum):
    """What a certificate's key is for; the value is the kind in the store."""

    TLS = "TLS"
    ENC = "ENC"
    SIG = "SIG"


class Refusal(Enum):
    """Why a certificate is refused, with the fault code of ch. 9.4."""

    UNREADABLE = 1600068
    EXPIRED = 2200041
    NOT_YET_VALID = 2200042
    NOT_PINNED = 2200044
    ISSUER_INVALID = 2300305
    ISSUER_UNTRUSTED = 2300306
    SIGNATURE = 1600069
    ALGORITHM = 1600143
    ROOT_CURVE = 1600028
    NAME = 1600107
    EXTENSION = 1600115
    KEY_USAGE = 1600115, "usage"
    REVOKED = 2300306, "revoked"

    @property
    def code(self) -> int:
        """The fault code; several reasons may share one."""
        value = self.value
        return value[0] if isinstance(value, tuple) else int(value)


class CertificateRefused(ValueError):
    """A certificate that is not accepted; `refusal` says why, `code` in the log."""

    def __init__(self, refusal: Refusal, reason: str) -> None:
        super().__init__(reason)
        self.refusal = refusal
        self.code = refusal.code


@dataclass(frozen=True, slots=True)
class Revoked:
    """A certificate on a revocation list: issuer's name (DER) and serial number."""

    issuer: bytes
    serial: int


def read_certificate(data: bytes) -> x509.Certificate:
    """A certificate from DER or PEM bytes; raises CertificateRefused(UNREADABLE)."""
    if len(data) > LONGEST_DER:
        raise CertificateRefused(Refusal.UNREADABLE, "too long for a certificate")
    try:
        if data.lstrip().startswith(b"-----BEGIN"):
            certificate = x509.load_pem_x509_certificate(data)
        else:
            certificate = x509.load_der_x509_certificate(data)
        _touch(certificate)
    except READ_ERRORS as error:
        raise CertificateRefused(Refusal.UNREADABLE, f"unreadable: {error}") from None
    return certificate


def check_root(root: x509.Certificate) -> x509.Certificate:
    """A root certificate, when it is one: self-signed, CA, on a curve of the SM-PKI.

    Its validity is not looked at. Raises CertificateRefused.
    """
    if root.subject != root.issuer:
        raise CertificateRefused(Refusal.ISSUER_INVALID, "a root certifies itself")
    key = _key(root)
    if key.curve.name not in ROOT_CURVES:
        raise CertificateRefused(Refusal.ROOT_CURVE, f"a root on {key.curve.name}")
    _check_extensions(root)
    _check_issuer(root, below=0)
    _check_signature(root, key)
    return root


def check_path(
    certificate: x509.Certificate,
    intermediates: Iterable[x509.Certificate],
    anchors: Iterable[x509.Certificate],
    *,
    purpose: Purpose,
    now: datetime | None,
    revoked: Iterable[Revoked] = (),
    common_name: str | None = None,
) -> list[x509.Certificate]:
    """The path from an end certificate to a trust anchor, both included.

    `now` None leaves the validity out (wan.md 2: only while no valid time exists, and
    then only for the time service). `common_name` is compared without case. Raises
    CertificateRefused with the first reason, nearest to the end certificate.
    """
    _check_end(certificate, purpose, common_name)
    path = _path(certificate, list(intermediates), list(anchors))
    gone = frozenset(revoked)
    for each in path:
        _check_validity(each, now)
        if revoked_entry(each) in gone:
            reason = f"{_name_text(each.subject)} is revoked"
            raise CertificateRefused(Refusal.REVOKED, reason)
    return path


def check_pinned_certificate(
    certificate: x509.Certificate, *, now: datetime | None
) -> None:
    """A TLS certificate of the HAN: name, constraints, usage, curve, validity.

    Devices there make their own, often without key usage or key identifier, so these
    may be missing (DS 3.4 to 4.5). Raises CertificateRefused.
    """
    _key(certificate)
    _check_extensions(certificate)
    _check_common_name(certificate, None)
    _refuse_authority(certificate)
    if _extension(certificate, x509.KeyUsage) is not None:
        _check_usage(certificate, Purpose.TLS)
    _refuse_other_purposes(certificate)
    _check_validity(certificate, now)


def revoked_entry(certificate: x509.Certificate) -> Revoked:
    """How a certificate would stand on a revocation list."""
    return Revoked(certificate.issuer.public_bytes(), certificate.serial_number)


def check_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> None:
    """Name, authority key identifier and signature fit the issuer.

    Raises CertificateRefused.
    """
    if certificate.issuer != issuer.subject:
        raise CertificateRefused(Refusal.ISSUER_UNTRUSTED, "issued by somebody else")
    _check_signature(certificate, _key(issuer))


def check_authority(
    certificate: x509.Certificate,
    anchors: Iterable[x509.Certificate],
    *,
    now: datetime,
) -> x509.Certificate:
    """A sub-CA that a trust anchor issued; raises CertificateRefused."""
    _key(certificate)
    anchors = list(anchors)
    issuer = _issuer_of(certificate, (), anchors)
    _check_issuer(certificate, below=0)
    _check_issuer(issuer, below=1)
    for each in (certificate, issuer):
        _check_validity(each, now)
    return certificate


def _touch(certificate: x509.Certificate) -> None:
    """Parse what is parsed late, so that errors show here."""
    if certificate.version is not x509.Version.v3 or certificate.serial_number <= 0:
        raise ValueError("not X.509 v3 with a positive serial number")
    for _extension_found in certificate.extensions:
        pass
    for name in (certificate.subject, certificate.issuer):
        name.rfc4514_string()
    certificate.public_key()


def _path(
    certificate: x509.Certificate,
    intermediates: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
) -> list[x509.Certificate]:
    path = [certificate]
    while path[-1] not in anchors:
        if len(path) >= LONGEST_PATH:
            raise CertificateRefused(Refusal.ISSUER_UNTRUSTED, "the path is too long")
        issuer = _issuer_of(path[-1], intermediates, anchors)
        if issuer in path:
            raise CertificateRefused(Refusal.ISSUER_UNTRUSTED, "a root not trusted")
        _check_issuer(issuer, below=len(path) - 1)
        path.append(issuer)
    if len(path) == 1:
        raise CertificateRefused(Refusal.ISSUER_INVALID, "a root is no end certificate")
    return path


def _issuer_of(
    certificate: x509.Certificate,
    intermediates: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
) -> x509.Certificate:
    """The issuer among those at hand whose key made the signature."""
    wanted = _authority_key(certificate)
    candidates = [
        each
        for each in (*anchors, *intermediates)
        if each.subject == certificate.issuer and wanted in (None, _own_key(each))
    ]
    if not candidates:
        reason = f"the issuer {_name_text(certificate.issuer)} is not trusted"
        raise CertificateRefused(Refusal.ISSUER_UNTRUSTED, reason)
    refused: CertificateRefused | None = None
    for issuer in candidates:
        try:
            _check_signature(certificate, _key(issuer))
        except CertificateRefused as refusal:
            refused = refusal
        else:
            return issuer
    assert refused is not None
    raise refused


def _check_end(
    certificate: x509.Certificate, purpose: Purpose, common_name: str | None
) -> None:
    _key(certificate)
    _check_extensions(certificate)
    _check_common_name(certificate, common_name)
    _refuse_authority(certificate)
    if _extension(certificate, x509.SubjectKeyIdentifier) is None:
        raise CertificateRefused(Refusal.EXTENSION, "no subject key identifier")
    _check_usage(certificate, purpose)
    if purpose is Purpose.TLS:
        _refuse_other_purposes(certificate)


def _refuse_authority(certificate: x509.Certificate) -> None:
    constraints = _extension(certificate, x509.BasicConstraints)
    if constraints is not None and constraints.ca:
        raise CertificateRefused(Refusal.EXTENSION, "an authority's certificate")


def _check_common_name(certificate: x509.Certificate, wanted: str | None) -> None:
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if len(found) != 1 or not found[0].value:
        raise CertificateRefused(Refusal.NAME, "not exactly one common name")
    if wanted is not None and str(found[0].value).lower() != wanted.lower():
        raise CertificateRefused(Refusal.NAME, f"not made out to {wanted}")


def _check_usage(certificate: x509.Certificate, purpose: Purpose) -> None:
    usage = _extension(certificate, x509.KeyUsage)
    if usage is None:
        raise CertificateRefused(Refusal.KEY_USAGE, "without a key usage")
    fits = usage.key_agreement if purpose is Purpose.ENC else usage.digital_signature
    mixed = usage.digital_signature and usage.key_agreement
    if not fits or mixed or usage.key_cert_sign or usage.crl_sign:
        raise CertificateRefused(Refusal.KEY_USAGE, f"not a key for {purpose.value}")


def _refuse_other_purposes(certificate: x509.Certificate) -> None:
    """Of a certificate for TLS: where purposes are named, it is for TLS."""
    named = _extension(certificate, x509.ExtendedKeyUsage)
    if named is not None and not _FOR_TLS & set(named):
        raise CertificateRefused(Refusal.KEY_USAGE, "its purposes do not include TLS")


def _check_issuer(issuer: x509.Certificate, *, below: int) -> None:
    """Whether it may issue, with `below` authorities between it and the end."""
    _check_extensions(issuer)
    constraints = _extension(issuer, x509.BasicConstraints)
    usage = _extension(issuer, x509.KeyUsage)
    text = _name_text(issuer.subject)
    if constraints is None or not constraints.ca:
        raise CertificateRefused(Refusal.ISSUER_INVALID, f"{text} is no authority")
    if usage is None or not usage.key_cert_sign:
        reason = f"{text} may not sign certificates"
        raise CertificateRefused(Refusal.ISSUER_INVALID, reason)
    if constraints.path_length is not None and constraints.path_length < below:
        reason = f"{text} may not have authorities below"
        raise CertificateRefused(Refusal.ISSUER_INVALID, reason)


def _check_extensions(certificate: x509.Certificate) -> None:
    for found in certificate.extensions:
        if found.critical and found.oid not in _KNOWN_CRITICAL:
            reason = f"the critical extension {found.oid.dotted_string}"
            raise CertificateRefused(Refusal.EXTENSION, reason)


def _check_validity(certificate: x509.Certificate, now: datetime | None) -> None:
    if now is None:
        return
    text = _name_text(certificate.subject)
    if now < certificate.not_valid_before_utc:
        raise CertificateRefused(Refusal.NOT_YET_VALID, f"{text} is not yet valid")
    if now > certificate.not_valid_after_utc:
        raise CertificateRefused(Refusal.EXPIRED, f"{text} is expired")


def _check_signature(
    certificate: x509.Certificate, key: EllipticCurvePublicKey
) -> None:
    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        algorithm = None
    if not isinstance(algorithm, HASHES):
        raise CertificateRefused(Refusal.ALGORITHM, "not signed with ECDSA and SHA-2")
    try:
        key.verify(
            certificate.signature,
            certificate.tbs_certificate_bytes,
            ec.ECDSA(algorithm),
        )
    except InvalidSignature:
        text = _name_text(certificate.subject)
        reason = f"the signature of {text} is wrong"
        raise CertificateRefused(Refusal.SIGNATURE, reason) from None


def _key(certificate: x509.Certificate) -> EllipticCurvePublicKey:
    key = certificate.public_key()
    if not isinstance(key, EllipticCurvePublicKey) or key.curve.name not in CURVES:
        raise CertificateRefused(Refusal.ALGORITHM, "a key on no curve of the SM-PKI")
    return key


def _authority_key(certificate: x509.Certificate) -> bytes | None:
    found = _extension(certificate, x509.AuthorityKeyIdentifier)
    return None if found is None else found.key_identifier


def _own_key(certificate: x509.Certificate) -> bytes | None:
    found = _extension(certificate, x509.SubjectKeyIdentifier)
    return None if found is None else found.digest


Extension = TypeVar("Extension", bound=x509.ExtensionType)


def _extension(
    certificate: x509.Certificate, kind: type[Extension]
) -> Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _name_text(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()
