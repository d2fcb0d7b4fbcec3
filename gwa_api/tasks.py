"""Tasks of queue `delivery`: each begins its work beside the worker and returns."""

from collections import defaultdict
from typing import Any

from celery import shared_task

from gwa_api import alarm_reports, han_network, sender
from gwa_api.beside import Beside
from gwa_api.delivery_lines import DeliveryLines
from hardware.gateway import Gateway
from logbooks import device_state

BESIDE = Beside()
LINES: defaultdict[str, DeliveryLines] = defaultdict(DeliveryLines)
"""By the id of a gateway: who is being served."""


@shared_task(bind=True, expires=55)
def send_due(self: Any, gateway_id: str) -> None:
    """Hand over what is due in the outbox; a hint, so it may come late or twice.

    In a lock-down nothing is sent (manual ch. 8); the outbox stays as it is.
    """
    gateway: Gateway = self.app.gateways[gateway_id]
    if not device_state.is_locked(gateway):
        LINES[gateway_id].offer(
            sender.recipients(now=gateway.clock.now()),
            lambda one: sender.send_to(gateway, one, now=gateway.clock.now()),
        )


@shared_task(bind=True, expires=55)
def report_alarms(self: Any, gateway_id: str) -> None:
    """Tell the administrator what stands (R162); in a lock-down too."""
    gateway: Gateway = self.app.gateways[gateway_id]
    if alarm_reports.is_due(now=gateway.clock.now()):
        BESIDE.run(
            f"alarms {gateway_id}",
            lambda: alarm_reports.report_alarms(gateway, now=gateway.clock.now()),
        )


@shared_task(bind=True, expires=15)
def watch_han_network(self: Any, gateway_id: str) -> None:
    """Take back a change of the HAN's network that did not prove itself."""
    gateway: Gateway = self.app.gateways[gateway_id]
    han_network.return_when_due(gateway, now=gateway.clock.now())
