"""Tasks of the roof itself (queue maintenance)."""

from datetime import UTC, datetime
from typing import Any

from celery import shared_task
from django.core.management import call_command

from casa_site import firmware, timekeeping
from hardware.gateway import Gateway
from hardware.han_certificate import ensure_han_files
from logbooks.certificate_expiry import check_certificates
from logbooks.certificates import ensure_signature_certificate


@shared_task(expires=3600)
def forget_ended_logins(_gateway_id: str) -> None:
    """Delete the rows of logins that have ended by time."""
    call_command("clearsessions")


@shared_task(bind=True, expires=86_400)
def renew_certificates(self: Any, gateway_id: str) -> None:
    """Renew what ends soon, and warn of what others have to renew.

    A gateway may run longer than a certificate lives.
    """
    gateway: Gateway = self.app.gateways[gateway_id]
    now = gateway.clock.now()
    ensure_signature_certificate(gateway, now)
    check_certificates(gateway, now=now)
    # Browsers go by the time of the host, not by a moved gateway time (D39).
    addresses = self.app.han_addresses
    ensure_han_files(gateway, addresses=addresses, now=datetime.now(UTC))


@shared_task(bind=True, expires=55)
def keep_time(self: Any, gateway_id: str) -> None:
    """Follow legal time when the time server is to be asked."""
    timekeeping.keep_time(self.app.gateways[gateway_id])


@shared_task(bind=True, expires=55)
def carry_on_update(self: Any, gateway_id: str) -> None:
    """Install the released update whose time has come."""
    firmware.carry_on(self.app.gateways[gateway_id])
