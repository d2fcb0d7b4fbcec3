"""Tasks of queue `tariff`, and the clean-up of the lists."""

from datetime import UTC, datetime
from typing import Any

from celery import shared_task
from django.conf import settings

from hardware.gateway import Gateway
from logbooks import device_state
from tariffs import retention, services
from tariffs.kept import Kept


@shared_task(bind=True, expires=55)
def evaluate_due(self: Any, gateway_id: str) -> None:
    """Compute what is due in every profile; a hint, so it may come late or twice.

    In a lock-down nothing is tariffed (manual ch. 8).
    """
    gateway: Gateway = self.app.gateways[gateway_id]
    if not device_state.is_locked(gateway):
        services.evaluate_due(gateway, now=gateway.clock.now())


@shared_task(bind=True, expires=3600)
def prune_values(self: Any, gateway_id: str) -> None:
    """Delete values that have had their time (queue `maintenance`)."""
    gateway: Gateway = self.app.gateways[gateway_id]
    # The database goes by its own clock: a gateway clock that is ahead deletes nothing.
    now = min(gateway.clock.now(), datetime.now(UTC))
    kept = Kept(
        months=settings.KEPT_MONTHS,
        billing_months=settings.KEPT_BILLING_MONTHS,
        days=settings.KEPT_DAYS,
    )
    retention.prune(gateway, kept, now=now)
