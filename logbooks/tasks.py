"""Tasks of queue `maintenance`: the self-test and the cyclic check of stored rows."""

from typing import Any

from celery import shared_task

from hardware.gateway import Gateway
from logbooks import cyclic_check, self_test

STEP_S = 1.0
"""A self-test gives way to other work after so long, then goes on."""


@shared_task(bind=True, expires=50)
def check_stored_rows(self: Any, gateway_id: str) -> None:
    """Check the next slice of all stored rows (R146)."""
    gateway: Gateway = self.app.gateways[gateway_id]
    cyclic_check.check_next_slice(gateway, now=gateway.clock.now())


@shared_task(bind=True, expires=3600)
def start_self_test(self: Any, gateway_id: str) -> None:
    """The device's own self-test, once a day (R132)."""
    gateway: Gateway = self.app.gateways[gateway_id]
    self_test.start_by_device(gateway, now=gateway.clock.now())


@shared_task(bind=True, expires=9)
def carry_on_self_test(self: Any, gateway_id: str) -> None:
    """Carry on the self-test that runs, if one does, and ask to come again."""
    gateway: Gateway = self.app.gateways[gateway_id]
    if self_test.carry_on(gateway, now=gateway.clock.now(), budget_s=STEP_S):
        self.apply_async(args=[gateway_id], expires=60)
