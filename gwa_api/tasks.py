"""Tasks of queue `delivery`."""

from typing import Any

from celery import shared_task

from gwa_api import sender
from hardware.gateway import Gateway


@shared_task(bind=True, expires=55)
def send_due(self: Any, gateway_id: str) -> None:
    """Hand over what is due in the outbox; a hint, so it may come late or twice."""
    gateway: Gateway = self.app.gateways[gateway_id]
    sender.send_due(gateway, now=gateway.clock.now())
