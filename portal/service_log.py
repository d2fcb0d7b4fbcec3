"""That somebody of the service roles came in, in the system log (R80, R102)."""

from datetime import timedelta
from hashlib import sha256

from logbooks.catalogue import Event
from logbooks.services import log_event, log_service_change
from meters.service_roles import GERMAN_ROLES
from portal import local_time
from portal.models import CertificateUse
from portal.service_request import ServiceRequest

_LONGEST_ADDRESS = 45
_NOBODY = "-"


def log_service_login(request: ServiceRequest, der: bytes) -> None:
    """5002/0 once per certificate, address and local day; the system log names nobody.

    As for programs of the consumers (decisions D54): a browser opens many connections.
    """
    day = local_time.day(request.received_at)
    key = {
        "fingerprint": sha256(der).hexdigest(),
        "address": request.META.get("REMOTE_ADDR", "")[:_LONGEST_ADDRESS],
        "day": day,
        "was_accepted": True,
    }
    if CertificateUse.objects.filter(**key).exists():
        return
    _row, is_first = CertificateUse.objects.get_or_create(**key)
    CertificateUse.objects.filter(day__lt=day - timedelta(days=1)).delete()
    if is_first:
        event = Event.CERTIFICATE_LOGIN_DONE
        now = request.received_at
        log_event(request.gateway, event, _NOBODY, _NOBODY, now=now)


def log_change(request: ServiceRequest, change: str) -> None:
    """What the role of this request changed; `change` is a German sentence part."""
    role = GERMAN_ROLES[request.account.role]
    log_service_change(request.gateway, role, change, now=request.received_at)
