"""Who logged in by certificate and who failed to, in the logs: event 5002 (R102).

Subject and issuer stand in the log of the consumer whose certificate it is; the system
log names nobody (decisions D32), it keeps the fault code of ch. 9.4 beside the event.
"""

from datetime import datetime, timedelta
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from django.db import transaction

from hardware.certificate_path import CertificateRefused
from hardware.gateway import Gateway
from logbooks.catalogue import Event
from logbooks.services import log_event, log_fault
from meters.account_certificates import holder_of
from portal import local_time
from portal.models import CertificateUse
from portal.request import PortalRequest

_LONGEST_NAME = 200
_LONGEST_ADDRESS = 45
_UNREADABLE = "-"


def log_certificate_login(request: PortalRequest, der: bytes, consumer: str) -> None:
    """5002/0 into the consumer's log."""
    log_event(
        request.gateway,
        Event.CERTIFICATE_LOGIN_DONE,
        *names_of(_parsed(der)),
        now=request.received_at,
        consumers=(consumer,),
    )


def log_certificate_use(request: PortalRequest, der: bytes, consumer: str) -> None:
    """5002/0 once per certificate, address and local day, as for digest (D54)."""
    if _is_first_today(request, der, was_accepted=True):
        log_certificate_login(request, der, consumer)


def log_refused_use(
    request: PortalRequest, der: bytes, refused: CertificateRefused
) -> None:
    """5002/1 once per certificate, address and local day."""
    if _is_first_today(request, der, was_accepted=False):
        log_refused_login(request, der, refused)


def log_refused_login(
    request: PortalRequest, der: bytes, refused: CertificateRefused
) -> None:
    """5002/1 with subject and issuer, and the fault code, 2200041 and following."""
    log_refused_certificate(
        request.gateway, _parsed(der), code=refused.code, now=request.received_at
    )


@transaction.atomic
def log_refused_certificate(
    gateway: Gateway,
    certificate: x509.Certificate | None,
    *,
    code: int,
    now: datetime,
    other_error: str = "",
) -> None:
    """5002/1, or 5002/2 when `other_error` says what else went wrong; and the code."""
    account = None
    if certificate is not None:
        account = holder_of(certificate.fingerprint(SHA256()).hex())
    consumers = (account.consumer_id,) if account and account.consumer_id else ()
    log_fault(gateway, code, now=now)
    names = names_of(certificate)
    if other_error:
        event, arguments = Event.CERTIFICATE_LOGIN_FAILED, (*names, other_error)
    else:
        event, arguments = Event.CERTIFICATE_LOGIN_REFUSED, names
    log_event(gateway, event, *arguments, now=now, consumers=consumers)


def names_of(certificate: x509.Certificate | None) -> tuple[str, ...]:
    """Subject and issuer as RFC 4514 writes them, each "-" when it is empty."""
    if certificate is None:
        return _UNREADABLE, _UNREADABLE
    return written(certificate.subject), written(certificate.issuer)


def written(name: x509.Name) -> str:
    """A name as RFC 4514 writes it, at most 200 characters; "-" for an empty one."""
    text = name.rfc4514_string({x509.NameOID.SERIAL_NUMBER: "serialNumber"})
    return text[:_LONGEST_NAME] or _UNREADABLE


def _parsed(der: bytes) -> x509.Certificate | None:
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError:
        return None


def _is_first_today(request: PortalRequest, der: bytes, *, was_accepted: bool) -> bool:
    day = local_time.day(request.received_at)
    key = {
        "fingerprint": sha256(der).hexdigest(),
        "address": request.META.get("REMOTE_ADDR", "")[:_LONGEST_ADDRESS],
        "day": day,
        "was_accepted": was_accepted,
    }
    if CertificateUse.objects.filter(**key).exists():
        return False
    _row, is_first = CertificateUse.objects.get_or_create(**key)
    CertificateUse.objects.filter(day__lt=day - timedelta(days=1)).delete()
    return is_first
