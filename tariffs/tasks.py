"""Tasks of queue `tariff`."""

from typing import Any

from celery import shared_task

from hardware.gateway import Gateway
from tariffs import services


@shared_task(bind=True, expires=55)
def evaluate_due(self: Any, gateway_id: str) -> None:
    """Compute what is due in every profile; a hint, so it may come late or twice."""
    gateway: Gateway = self.app.gateways[gateway_id]
    services.evaluate_due(gateway, now=gateway.clock.now())
