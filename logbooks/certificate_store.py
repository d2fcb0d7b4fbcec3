"""The certificate store: who is known by which certificates, and what is revoked.

A partner's certificate is accepted when it is one of his active ones, to the byte,
and its path to a root in the security module is good (wan.md 2). Every refusal is a
`CertificateRefused` with the fault code of ch. 9.4.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from django.db import transaction
from django.db.models import QuerySet

from hardware.certificate_path import (
    CertificateRefused,
    Purpose,
    Refusal,
    Revoked,
    check_authority,
    check_path,
    check_pinned_certificate,
    read_certificate,
    revoked_entry,
)
from hardware.gateway import Gateway
from hardware.revocation_list import check_revocation_list, entries, list_number
from hardware.root_certificates import root_certificates
from hardware.security_faults import SecurityModuleFault
from hardware.security_module import key_identifier
from logbooks.models import Certificate, RevocationList
from logbooks.services import log_fault

Kind, Stage, State = Certificate.Kind, Certificate.Stage, Certificate.State
Holder = Certificate.Holder

WITHOUT_PATH = frozenset({Stage.HAN, Stage.SELF_SIGNED})
"""Known by the exact certificate alone: no SM-PKI stands behind these (wan.md 2)."""


@contextmanager
def logged_refusals(gateway: Gateway, now: datetime) -> Iterator[None]:
    """Write the fault code of a refusal into the system log, then let it go on.

    Around the outermost transaction, which the refusal undoes.
    """
    try:
        yield
    except (CertificateRefused, SecurityModuleFault) as refused:
        log_fault(gateway, refused.code, now=now)
        raise


def import_authority(gateway: Gateway, data: bytes, *, now: datetime) -> Certificate:
    """Put a sub-CA's certificate (DER or PEM) into the store.

    Raises CertificateRefused unless a root in the security module issued it.
    """
    certificate = read_certificate(data)
    check_authority(certificate, root_certificates(gateway.security_module), now=now)
    _refuse_revoked(certificate)
    return store_certificate(
        certificate, kind=Kind.CA, stage=Stage.SUB_CA, holder=Holder.AUTHORITY
    )


def import_partner_certificate(
    gateway: Gateway,
    data: bytes,
    *,
    kind: Certificate.Kind,
    holder: Certificate.Holder,
    holder_id: str,
    now: datetime,
    common_name: str | None = None,
) -> Certificate:
    """Put a certificate of the GWA or an EMT (DER or PEM) into the store as active.

    Those he has already stay active beside it, for the time of a change, until
    `end_certificate`. Importing one again changes nothing. Raises CertificateRefused.
    """
    certificate = read_certificate(data)
    path_of(gateway, certificate, kind=kind, now=now, common_name=common_name)
    return store_certificate(
        certificate,
        kind=kind,
        stage=Stage.OPERATIONAL,
        holder=holder,
        holder_id=holder_id,
    )


def pin_certificate(
    data: bytes,
    *,
    holder: Certificate.Holder,
    holder_id: str,
    now: datetime | None,
) -> Certificate:
    """Pin a TLS certificate of the HAN as it is: self-signed ones are allowed there.

    For consumers, technicians and CLS. `now` None leaves its validity out (cls-proxy.md
    4). Raises CertificateRefused when it is no end certificate for TLS, or when the
    store knows it as somebody else's.
    """
    certificate = read_certificate(data)
    check_pinned_certificate(certificate, now=now)
    return store_certificate(
        certificate,
        kind=Kind.TLS,
        stage=Stage.HAN,
        holder=holder,
        holder_id=holder_id,
    )


def path_of(
    gateway: Gateway,
    certificate: x509.Certificate,
    *,
    kind: Certificate.Kind,
    now: datetime | None,
    common_name: str | None = None,
) -> list[x509.Certificate]:
    """The path of an end certificate up to its root; raises CertificateRefused."""
    return check_path(
        certificate,
        authorities(),
        root_certificates(gateway.security_module),
        purpose=Purpose(kind.value),
        now=now,
        revoked=revoked(),
        common_name=common_name,
    )


def check_peer(
    gateway: Gateway,
    der: bytes,
    *,
    holder: Certificate.Holder,
    now: datetime | None,
    kind: Certificate.Kind = Kind.TLS,
    holder_id: str | None = None,
) -> Certificate:
    """The store's entry of the certificate that a peer showed, when it is good.

    It must be active, of this holder (and of `holder_id`), of this kind, valid, and
    its path too. `now` None leaves validity out: only for the time service while there
    is no valid time. Raises CertificateRefused; unknown ones with 2200044.
    """
    found = active_certificates(holder, kind, holder_id).filter(
        fingerprint=sha256(der).hexdigest()
    )
    entry = found.first()
    if entry is None:
        raise CertificateRefused(Refusal.NOT_PINNED, "not a certificate in force")
    certificate = read_certificate(der)
    if entry.stage in WITHOUT_PATH:
        check_pinned_certificate(certificate, now=now)
    else:
        path_of(gateway, certificate, kind=kind, now=now)
    return entry


def active_certificates(
    holder: Certificate.Holder,
    kind: Certificate.Kind,
    holder_id: str | None = None,
) -> QuerySet[Certificate]:
    """The certificates in force of a kind of holder, newest first; of one of them."""
    found = Certificate.objects.filter(holder=holder, kind=kind, state=State.ACTIVE)
    if holder_id is not None:
        found = found.filter(holder_id=holder_id)
    return found.order_by("-not_before", "fingerprint")


def encryption_certificate(
    gateway: Gateway, holder: Certificate.Holder, holder_id: str, *, now: datetime
) -> x509.Certificate:
    """What to encrypt with for a recipient: his newest good ENC certificate.

    Raises CertificateRefused with the reason why the newest is none.
    """
    refused = CertificateRefused(Refusal.NOT_PINNED, "no ENC certificate is known")
    for entry in active_certificates(holder, Kind.ENC, holder_id):
        certificate = parsed(entry)
        try:
            path_of(gateway, certificate, kind=Kind.ENC, now=now)
        except CertificateRefused as reason:
            refused = reason
        else:
            return certificate
    raise refused


@transaction.atomic
def end_certificate(fingerprint: str, *, now: datetime) -> bool:
    """Take a certificate out of force; False when it was not in force."""
    found = Certificate.objects.filter(
        fingerprint=fingerprint, state__in=(State.ACTIVE, State.PENDING)
    )
    return found.update(state=State.EXPIRED, ended_at=now) == 1


def revoke_certificate(fingerprint: str, *, now: datetime) -> bool:
    """Revoke a certificate at once; it never comes back. False when it is unknown."""
    found = Certificate.objects.filter(fingerprint=fingerprint)
    return (
        found.exclude(state=State.REVOKED).update(state=State.REVOKED, ended_at=now)
        == 1
    )


@transaction.atomic
def import_revocation_list(
    gateway: Gateway, data: bytes, *, now: datetime
) -> list[Certificate]:
    """Take an issuer's revocation list; returns the certificates that it ended.

    Raises CertificateRefused for one that is foreign, outdated or older than the one
    that is known.
    """
    issuers = [*root_certificates(gateway.security_module), *authorities()]
    _issuer, crl = check_revocation_list(data, issuers, now=now)
    key, number = sha256(crl.issuer.public_bytes()).hexdigest(), list_number(crl)
    known = RevocationList.objects.filter(pk=key).first()
    if known is not None and int(known.number) > number:
        raise CertificateRefused(Refusal.EXPIRED, "a newer list is known")
    RevocationList.objects.update_or_create(
        pk=key,
        defaults={
            "number": str(number),
            "next_update": crl.next_update_utc or now,
            "der": crl.public_bytes(Encoding.DER),
        },
    )
    return _revoke_listed(now)


def authorities() -> list[x509.Certificate]:
    """The sub-CAs that the store knows and that are not revoked."""
    found = Certificate.objects.filter(
        kind=Kind.CA, stage=Stage.SUB_CA, state=State.ACTIVE
    )
    return [parsed(entry) for entry in found]


def revoked() -> frozenset[Revoked]:
    """Everyone on a revocation list, or revoked by hand."""
    gone: set[Revoked] = set()
    for each in RevocationList.objects.all():
        gone |= entries(bytes(each.der))
    by_hand = Certificate.objects.filter(state=State.REVOKED)
    return frozenset(gone | {revoked_entry(parsed(entry)) for entry in by_hand})


def store_certificate(
    certificate: x509.Certificate,
    *,
    kind: Certificate.Kind,
    stage: str,
    holder: str,
    holder_id: str = "",
    key_slot: str = "",
    state: Certificate.State = State.ACTIVE,
) -> Certificate:
    """Put a certificate into the store; one that it has already stays as it is.

    Raises CertificateRefused when it is known as another holder's, for something
    else, or as not in force any more.
    """
    key = _public_key(certificate)
    entry, made = Certificate.objects.get_or_create(
        fingerprint=certificate.fingerprint(SHA256()).hex(),
        defaults={
            "subject_cn": _common_name(certificate.subject),
            "issuer_cn": _common_name(certificate.issuer),
            "serial": f"{certificate.serial_number:x}",
            "ski": key_identifier(key),
            "not_before": certificate.not_valid_before_utc,
            "not_after": certificate.not_valid_after_utc,
            "der": certificate.public_bytes(Encoding.DER),
            "kind": kind,
            "stage": stage,
            "holder": holder,
            "holder_id": holder_id,
            "curve": key.curve.name,
            "key_slot": key_slot,
            "state": state,
        },
    )
    if not made:
        _refuse_another(entry, (kind, stage, holder, holder_id))
    return entry


def parsed(entry: Certificate) -> x509.Certificate:
    """The certificate of an entry."""
    return x509.load_der_x509_certificate(bytes(entry.der))


def _refuse_another(entry: Certificate, wanted: tuple[str, ...]) -> None:
    if (entry.kind, entry.stage, entry.holder, entry.holder_id) != wanted:
        raise CertificateRefused(Refusal.NAME, "this certificate is another holder's")
    if entry.state == State.REVOKED:
        raise CertificateRefused(Refusal.REVOKED, "this certificate was revoked")
    if entry.state == State.EXPIRED:
        raise CertificateRefused(Refusal.EXPIRED, "this certificate was ended")


def _refuse_revoked(certificate: x509.Certificate) -> None:
    if revoked_entry(certificate) in revoked():
        raise CertificateRefused(Refusal.REVOKED, "this certificate was revoked")


def _revoke_listed(now: datetime) -> list[Certificate]:
    gone = revoked()
    ended = [
        entry
        for entry in Certificate.objects.exclude(state=State.REVOKED)
        if revoked_entry(parsed(entry)) in gone
    ]
    for entry in ended:
        revoke_certificate(entry.fingerprint, now=now)
    return ended


def _public_key(certificate: x509.Certificate) -> EllipticCurvePublicKey:
    key = certificate.public_key()
    if not isinstance(key, EllipticCurvePublicKey):
        raise ValueError("not a certificate of an elliptic curve key")
    return key


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value)[:64] if found else ""


def pins(entries_found: Iterable[Certificate]) -> list[x509.Certificate]:
    """The certificates of entries, for a TLS context that accepts exactly these."""
    return [parsed(entry) for entry in entries_found]
