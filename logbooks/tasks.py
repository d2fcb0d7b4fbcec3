"""Tasks of queue `maintenance`: the self-test and the cyclic check of stored rows."""

from typing import Any

from celery import shared_task

from hardware.gateway import Gateway
from logbooks import (
    configuration_seal,
    cyclic_check,
    lockdown,
    retention,
    self_test,
    storage,
)

STEP_S = 1.0
"""A self-test gives way to other work after so long, then goes on."""


@shared_task(bind=True, expires=50)
def check_stored_rows(self: Any, gateway_id: str) -> None:
    """Check the next slice of all stored rows (R146)."""
    gateway: Gateway = self.app.gateways[gateway_id]
    configuration_seal.seal_changes(gateway)
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


@shared_task(bind=True, expires=3600)
def keep_logs(self: Any, gateway_id: str) -> None:
    """Let go entries that are old enough; say so when a log is full (R83, R84)."""
    gateway: Gateway = self.app.gateways[gateway_id]
    retention.keep_logs(gateway, now=gateway.clock.now())


@shared_task(bind=True, expires=9)
def keep_device_state(self: Any, gateway_id: str) -> None:
    """Keep the file that all processes look at like the database."""
    gateway: Gateway = self.app.gateways[gateway_id]
    lockdown.adopt(gateway, now=gateway.clock.now())


@shared_task(bind=True, expires=55)
def watch_storage(self: Any, gateway_id: str) -> None:
    """Measure the storage, warn and lock when it runs out (R151)."""
    gateway: Gateway = self.app.gateways[gateway_id]
    storage.watch(gateway, now=gateway.clock.now())
