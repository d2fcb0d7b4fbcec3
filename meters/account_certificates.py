"""Client certificates of accounts: the exact one that logs in (R98, HKS1).

The gateway issues them from its own authority, with a key that it hands over once and
does not keep; or an administrator pins one that its holder has already.
"""

from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from django.db import transaction

from hardware.certificate_path import CertificateRefused, Refusal
from hardware.gateway import Gateway
from logbooks.certificate_store import (
    Holder,
    Kind,
    active_certificates,
    check_peer,
    end_certificate,
    parsed,
    pin_certificate,
)
from logbooks.han_authority import han_authority, issue_han_certificate
from logbooks.models import Certificate
from meters.accounts import AccountInvalid, new_password
from meters.models import Account
from meters.service_roles import SERVICE_ROLES

HOLDER_OF = {
    Account.Role.CONSUMER: Holder.CONSUMER,
    Account.Role.CONFIGURATOR: Holder.TECHNICIAN,
    Account.Role.TECHNICIAN: Holder.TECHNICIAN,
}


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A certificate with its private key, for its holder alone.

    `certificate` and `key` are PEM; `p12` is what browsers import, `pin` opens it.
    """

    certificate: bytes
    key: bytes = field(repr=False)
    p12: bytes = field(repr=False)
    pin: str = field(repr=False)


def issue_consumer_certificate(
    gateway: Gateway, account: Account, *, now: datetime, pin: str | None = None
) -> IssuedCertificate:
    """A client certificate for a consumer; from now on it alone logs him in so.

    The consumer's access is opened for certificates. Without `pin` one is made.
    Raises AccountInvalid for an account that is not a consumer's.
    """
    if account.role != Account.Role.CONSUMER or account.consumer is None:
        raise AccountInvalid("role", "not a consumer's account")
    with transaction.atomic():
        issued = _issued(gateway, account, now=now, pin=pin)
        account.consumer.certificate_login = True
        account.consumer.save(update_fields=["certificate_login"])
    return issued


def issue_technician_certificate(
    gateway: Gateway, account: Account, *, now: datetime, pin: str | None = None
) -> IssuedCertificate:
    """A client certificate for a technician or configurator; from now on his only one.

    Raises AccountInvalid for an account that has no service role.
    """
    if account.role not in SERVICE_ROLES:
        raise AccountInvalid("role", "not a technician's account")
    with transaction.atomic():
        return _issued(gateway, account, now=now, pin=pin)


@transaction.atomic
def set_account_certificate(
    gateway: Gateway, account: Account, data: bytes, *, now: datetime
) -> Certificate:
    """Pin a certificate (DER or PEM) that a consumer or technician has already.

    Self-signed ones are allowed in the HAN. Raises CertificateRefused.
    """
    entry = pin_certificate(
        data, holder=_holder(account), holder_id=account.username, now=now
    )
    _pin(account, entry, now)
    return entry


@transaction.atomic
def withdraw_account_certificate(account: Account, *, now: datetime) -> bool:
    """Let no certificate log in any more; False when none did."""
    if not account.certificate:
        return False
    end_certificate(account.certificate, now=now)
    account.certificate = ""
    account.save(update_fields=["certificate"])
    return True


def account_by_certificate(
    gateway: Gateway, der: bytes, role: Account.Role, *, now: datetime
) -> Account:
    """The active account that the certificate of a connection belongs to.

    To be asked with each request: a connection may outlive its certificate. Raises
    CertificateRefused; 2200044 when there is no such user.
    """
    entry = check_peer(gateway, der, holder=HOLDER_OF[role], now=now)
    account = (
        Account.objects.select_related("consumer")
        .filter(certificate=entry.fingerprint, role=role, is_active=True)
        .first()
    )
    if account is None or not _may_use_certificate(account):
        raise CertificateRefused(Refusal.NOT_PINNED, "no user has this certificate")
    return account


def consumer_pins() -> tuple[bytes, ...]:
    """The certificates (DER) with which consumers may connect, in a fixed order."""
    used = Account.objects.filter(
        role=Account.Role.CONSUMER, is_active=True, consumer__certificate_login=True
    )
    found = active_certificates(Holder.CONSUMER, Kind.TLS).filter(
        fingerprint__in=used.values("certificate")
    )
    return tuple(bytes(der) for der in found.values_list("der", flat=True))


def holder_of(fingerprint: str) -> Account | None:
    """The consumer's account that a certificate was issued for, in force or not."""
    entry = Certificate.objects.filter(
        fingerprint=fingerprint, holder=Holder.CONSUMER
    ).first()
    if entry is None:
        return None
    return Account.objects.filter(username=entry.holder_id).first()


def _may_use_certificate(account: Account) -> bool:
    return account.consumer is None or account.consumer.certificate_login


def _issued(
    gateway: Gateway, account: Account, *, now: datetime, pin: str | None
) -> IssuedCertificate:
    key = ec.generate_private_key(ec.SECP256R1())
    entry = issue_han_certificate(
        gateway,
        key.public_key(),
        holder=_holder(account),
        holder_id=account.username,
        now=now,
    )
    _pin(account, entry, now)
    return _handed_over(gateway, entry, key, pin or new_password(gateway), now)


def _handed_over(
    gateway: Gateway,
    entry: Certificate,
    key: EllipticCurvePrivateKey,
    pin: str,
    now: datetime,
) -> IssuedCertificate:
    certificate = parsed(entry)
    return IssuedCertificate(
        certificate=certificate.public_bytes(Encoding.PEM),
        key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        p12=pkcs12.serialize_key_and_certificates(
            entry.subject_cn.encode(),
            key,
            certificate,
            [parsed(han_authority(gateway, now=now))],
            BestAvailableEncryption(pin.encode()),
        ),
        pin=pin,
    )


def _holder(account: Account) -> Certificate.Holder:
    try:
        return HOLDER_OF[Account.Role(account.role)]
    except KeyError:
        raise AccountInvalid("role", "certificates of the HAN only") from None


def _pin(account: Account, entry: Certificate, now: datetime) -> None:
    if account.certificate not in ("", entry.fingerprint):
        end_certificate(account.certificate, now=now)
    account.certificate = entry.fingerprint
    account.save(update_fields=["certificate"])
