"""Revocation lists of the SM-PKI (RFC 5280 ch. 5): read, and who is on them."""

from collections.abc import Iterable
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from hardware.certificate_path import (
    HASHES,
    READ_ERRORS,
    CertificateRefused,
    Refusal,
    Revoked,
)

LONGEST_LIST = 4 * 1024 * 1024


def check_revocation_list(
    data: bytes, issuers: Iterable[x509.Certificate], *, now: datetime
) -> tuple[x509.Certificate, x509.CertificateRevocationList]:
    """A revocation list (DER or PEM) and the certificate of its issuer.

    It must be signed by one of `issuers` that may sign lists, and be of today:
    issued, and not outdated. Raises CertificateRefused.
    """
    crl = _read_list(data)
    for issuer in issuers:
        if issuer.subject == crl.issuer and _may_sign(issuer) and _fits(crl, issuer):
            break
    else:
        reason = "the list is not signed by an issuer that is trusted"
        raise CertificateRefused(Refusal.ISSUER_UNTRUSTED, reason)
    if crl.last_update_utc > now:
        raise CertificateRefused(Refusal.NOT_YET_VALID, "the list is of tomorrow")
    if crl.next_update_utc is None or crl.next_update_utc <= now:
        raise CertificateRefused(Refusal.EXPIRED, "the list is outdated")
    return issuer, crl


def _read_list(data: bytes) -> x509.CertificateRevocationList:
    if len(data) > LONGEST_LIST:
        raise CertificateRefused(Refusal.UNREADABLE, "too long for a list")
    try:
        if data.lstrip().startswith(b"-----BEGIN"):
            return x509.load_pem_x509_crl(data)
        return x509.load_der_x509_crl(data)
    except READ_ERRORS as error:
        raise CertificateRefused(Refusal.UNREADABLE, f"unreadable: {error}") from None


def _may_sign(issuer: x509.Certificate) -> bool:
    try:
        usage = issuer.extensions.get_extension_for_class(x509.KeyUsage)
    except x509.ExtensionNotFound:
        return False
    return usage.value.crl_sign


def _fits(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    key = issuer.public_key()
    if not isinstance(key, EllipticCurvePublicKey):
        return False
    if not isinstance(crl.signature_hash_algorithm, HASHES):
        return False
    return crl.is_signature_valid(key)


def list_number(crl: x509.CertificateRevocationList) -> int:
    """The number that counts the lists of an issuer; 0 without one."""
    try:
        found = crl.extensions.get_extension_for_class(x509.CRLNumber)
    except x509.ExtensionNotFound:
        return 0
    return found.value.crl_number


def entries(der: bytes) -> frozenset[Revoked]:
    """Who is on a list (DER) that was checked before."""
    crl = x509.load_der_x509_crl(der)
    issuer = crl.issuer.public_bytes()
    return frozenset(Revoked(issuer, entry.serial_number) for entry in crl)
