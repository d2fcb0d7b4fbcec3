"""Who the gateway administrator is, and how another one takes over (R90).

There is exactly one. A change is announced by the one in office with the certificate
that the next one will come with; it is complete with his first request, which ends
every certificate of the one before. Until then it can be cancelled (700034).
"""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from gwa_api.models import AdministratorChange
from hardware.certificate_path import CertificateRefused, Refusal
from hardware.gateway import Gateway
from logbooks.certificate_store import (
    Holder,
    Kind,
    State,
    active_certificates,
    end_certificate,
    import_partner_certificate,
)
from logbooks.models import Certificate
from logbooks.services import log_fault

CANCELLED = 700034


class ChangeRefused(Exception):
    """There is another change under way, or none."""


def open_change() -> AdministratorChange | None:
    """The change that was announced and is neither complete nor cancelled."""
    return AdministratorChange.objects.filter(
        completed_at=None, cancelled_at=None
    ).first()


@transaction.atomic
def announce(
    gateway: Gateway, data: bytes, holder_id: str, *, now: datetime
) -> AdministratorChange:
    """Announce the next GWA with his TLS certificate (DER or PEM).

    Raises ChangeRefused, CertificateRefused.
    """
    current = active_certificates(Holder.GWA, Kind.TLS)
    if current.filter(holder_id=holder_id).exists():
        raise CertificateRefused(Refusal.NAME, "this is the GWA in office")
    entry = import_partner_certificate(
        gateway,
        data,
        kind=Kind.TLS,
        holder=Holder.GWA,
        holder_id=holder_id,
        now=now,
    )
    try:
        with transaction.atomic():
            return AdministratorChange.objects.create(
                holder_id=holder_id, fingerprint=entry.fingerprint, announced_at=now
            )
    except IntegrityError:
        raise ChangeRefused("a change is announced already") from None


def cancel(gateway: Gateway, *, now: datetime) -> AdministratorChange:
    """Cancel the announced change; its certificates end. Raises ChangeRefused."""
    with transaction.atomic():
        change = AdministratorChange.objects.select_for_update().filter(
            completed_at=None, cancelled_at=None
        )
        found = change.first()
        if found is None:
            raise ChangeRefused("no change is announced")
        found.cancelled_at = now
        found.save(update_fields=["cancelled_at"])
        _end(Certificate.objects.filter(holder_id=found.holder_id), now)
        log_fault(gateway, CANCELLED, now=now)
    return found


def note_access(gateway: Gateway, entry: Certificate, *, now: datetime) -> None:
    """Complete the announced change when it is the next GWA who came."""
    change = open_change()
    if change is None or change.holder_id != entry.holder_id:
        return
    with transaction.atomic():
        open_rows = AdministratorChange.objects.filter(
            pk=change.pk, completed_at=None, cancelled_at=None
        )
        if open_rows.update(completed_at=now):
            _end(Certificate.objects.exclude(holder_id=change.holder_id), now)


def _end(entries: QuerySet[Certificate], now: datetime) -> None:
    for entry in entries.filter(holder=Holder.GWA, state=State.ACTIVE):
        end_certificate(entry.fingerprint, now=now)
