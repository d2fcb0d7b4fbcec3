"""The Celery application: queues, routes, rhythm, and the gateways of its tasks.

A message is only a hint that something may be due; what is due stands in the
database, and every task may run twice or never without harm (decisions D3).
"""

import importlib
import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import celeryd_init
from kombu import Queue

from casa_site import fsbroker
from casa_site.broker import FILE_BROKER_URL
from casa_site.node_life import NodeLife
from casa_site.task_connections import keep_connections
from hardware.gateway import Gateway
from hardware.sign_of_life import SignOfLife

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "casa_site.settings")

LMN, TARIFF, DELIVERY, MAINTENANCE = "lmn", "tariff", "delivery", "maintenance"
QUEUES = (LMN, TARIFF, DELIVERY, MAINTENANCE)
NODES = {"lmn": (LMN,), "worker": (TARIFF, DELIVERY, MAINTENANCE)}
"""Which node consumes which queues; a busy tariff queue never delays a read-out."""

ROUTES = {
    "tariffs.tasks.prune_values": {"queue": MAINTENANCE},
    "tariffs.tasks.*": {"queue": TARIFF},
    "gwa_api.tasks.*": {"queue": DELIVERY},
    "logbooks.tasks.*": {"queue": MAINTENANCE},
    "casa_site.tasks.*": {"queue": MAINTENANCE},
}
"""Only tasks that wait for a meter may go to queue lmn, none that compute."""

RHYTHM = {
    "tariffs.tasks.evaluate_due": timedelta(seconds=10),
    "gwa_api.tasks.send_due": timedelta(seconds=10),
    "gwa_api.tasks.report_alarms": timedelta(seconds=10),
    "gwa_api.tasks.watch_han_network": timedelta(seconds=15),
    "tariffs.tasks.prune_values": timedelta(hours=1),
    "casa_site.tasks.keep_time": timedelta(minutes=1),
    "casa_site.tasks.carry_on_update": timedelta(minutes=1),
    "logbooks.tasks.carry_on_self_test": timedelta(seconds=10),
    "logbooks.tasks.keep_device_state": timedelta(seconds=10),
    "logbooks.tasks.watch_storage": timedelta(minutes=1),
    "logbooks.tasks.check_stored_rows": timedelta(minutes=1),
    "logbooks.tasks.keep_logs": timedelta(hours=6),
    "logbooks.tasks.start_self_test": timedelta(days=1),
    "casa_site.tasks.forget_ended_logins": timedelta(hours=1),
    "casa_site.tasks.renew_certificates": timedelta(days=1),
}
"""How often beat sends which task; each takes the gateway id as its argument."""

TASK_MODULES = ("logbooks.tasks", "tariffs.tasks", "gwa_api.tasks", "casa_site.tasks")
ACQUISITION = "meters.acquisition"
"""Holds the worker step that owns the meters' wires (decisions D2)."""


class CasaCelery(Celery):
    """Celery with the gateways that its tasks work for, by id (decisions D50).

    `announce_ready` is called with a gateway when its meters' ports have been opened;
    `han_addresses` are what the certificate of the web server has to name; `life` is
    the sign of life of the process.
    """

    gateways: dict[str, Gateway]
    announce_ready: Callable[[Gateway], None]
    han_addresses: Sequence[str]
    life: SignOfLife


def beat_schedule(gateway_ids: list[str]) -> dict[str, dict[str, Any]]:
    """The rhythm for these gateways; a tick that waits too long is dropped."""
    return {
        f"{task} {gateway_id}": {
            "task": task,
            "schedule": every,
            "args": [gateway_id],
            "options": {"expires": every.total_seconds()},
        }
        for task, every in RHYTHM.items()
        for gateway_id in gateway_ids
    }


def _configured() -> CasaCelery:
    app = CasaCelery("casa")
    app.gateways = {}
    app.han_addresses = ()
    app.life = SignOfLife(None)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.conf.update(
        task_queues=[Queue(name) for name in QUEUES],
        task_default_queue=MAINTENANCE,
        task_routes=ROUTES,
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        beat_max_loop_interval=5,
        timezone="UTC",
        imports=[name for name in TASK_MODULES if find_spec(name)],
    )
    keep_connections(app)
    return app


app = _configured()


@celeryd_init.connect
def prepare_node(sender: str, conf: Any, **_: Any) -> None:
    """Before a node starts: what it left in flight, its gateway, its step."""
    node = sender.partition("@")[0]
    if conf.broker_url == FILE_BROKER_URL:
        options = {**conf.broker_transport_options, "node": node}
        conf.broker_transport_options = options
        fsbroker.recover(Path(options["folder"]), node)
    if not app.gateways:
        from casa_site.gateways import open_configured_gateway

        gateway = open_configured_gateway()
        app.gateways[gateway.huid] = gateway
    if find_spec(ACQUISITION):
        step = importlib.import_module(ACQUISITION).LmnAcquisition
        app.steps["worker"].add(step)
    app.steps["consumer"].add(NodeLife)
