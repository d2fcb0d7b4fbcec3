"""The certificates: those of the listeners, and those in force in the store."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from casa_site.doctor.finding import Finding, Level, ok, warning, wrong
from logbooks.models import Certificate

_SOON = timedelta(days=30)
LISTENERS = ("han", "gwa", "service")


def of_listeners(folder: Path, *, host_now: datetime) -> Iterator[Finding]:
    """The files of each listener, by the clock of the host as its clients see it."""
    for name in LISTENERS:
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        if not certificate.exists() and not key.exists():
            continue
        subject = f"TLS {name}"
        remedy = f"move {certificate} away and start again: a new one is made"
        try:
            found = x509.load_pem_x509_certificate(certificate.read_bytes())
            own = load_pem_private_key(key.read_bytes(), None).public_key()
        except (OSError, ValueError) as error:
            yield wrong(subject, f"cannot be read: {error}", remedy)
            continue
        if found.public_key() != own:
            yield wrong(subject, "certificate and key do not belong together", remedy)
            continue
        begin, end = found.not_valid_before_utc, found.not_valid_after_utc
        yield _span(subject, begin, end, host_now, "restart the gateway: it renews it")


def of_store(entries: Iterable[Certificate], *, now: datetime) -> Iterator[Finding]:
    """The certificates in force, by the gateway's clock; good ones as one line."""
    good = 0
    for entry in entries:
        own = entry.holder == Certificate.Holder.SMGW
        who = " ".join(filter(None, (entry.holder, entry.holder_id, entry.kind)))
        remedy = "renew it: docs/certificates.md" if own else f"a new one from {who}"
        found = _span("certificate", entry.not_before, entry.not_after, now, remedy)
        if found.level is Level.OK:
            good += 1
        else:
            say = wrong if own and found.level is Level.WRONG else warning
            yield say("certificate", f"{who}: {found.text}", remedy)
    yield ok("certificates", f"{good} in force are valid")


def in_force() -> list[Certificate]:
    """What the gateway uses now."""
    found = Certificate.objects.filter(state=Certificate.State.ACTIVE)
    return list(found.order_by("holder", "holder_id", "kind"))


def _span(
    subject: str, begin: datetime, end: datetime, now: datetime, remedy: str
) -> Finding:
    if now < begin:
        return wrong(subject, f"is valid only from {begin:%Y-%m-%d}", remedy)
    if now >= end:
        return wrong(subject, f"ended on {end:%Y-%m-%d}", remedy)
    if now >= end - _SOON:
        return warning(subject, f"ends on {end:%Y-%m-%d}", remedy)
    return ok(subject, f"valid until {end:%Y-%m-%d}")
