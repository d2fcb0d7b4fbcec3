"""The bootstep that makes the Celery node of queue `lmn` own the meter side (D2).

The worker is a solo one: the threads of the step share its process. Only tasks that
wait may run beside them, none that compute. The module imports no models, so that the
Celery application can name the step before Django is set up.
"""

import logging
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

from celery import bootsteps

from hardware.gateway import Gateway

QUEUE = "lmn"
EVALUATE = "tariffs.tasks.evaluate_due"
EVALUATION_QUEUE = "tariff"

_SWITCH_INTERVAL_S = 0.001
"""How long a computing thread may keep a deadline waiting (measured: 1.4 ms then)."""

logger = logging.getLogger(__name__)


class Part(Protocol):
    """Something that runs with the worker."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End, within seconds."""


class Acquisition:
    """The collectors of all gateways of this process."""

    def __init__(self, collectors: Sequence[Part]) -> None:
        self._collectors = collectors

    def start(self) -> None:
        """Begin to read all meters."""
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        for collector in self._collectors:
            collector.start()

    def stop(self) -> None:
        """End all threads."""
        for collector in self._collectors:
            collector.stop()

    terminate = stop


class LmnAcquisition(bootsteps.StartStopStep):
    """Starts with the worker after its pool and ends with it.

    The application carries `gateways` by id, and may carry `announce_ready`, which is
    called with a gateway once its ports are open, and `life`, its sign of life.
    """

    requires = ("celery.worker.components:Pool",)

    def include_if(self, parent: Any) -> bool:
        """Only in the node that consumes queue `lmn`."""
        return QUEUE in parent.app.amqp.queues.consume_from

    def create(self, parent: Any) -> Acquisition:  # type: ignore[override]
        """Make the collectors; Django is set up by now."""
        from meters.collector import Collector

        announce = getattr(parent.app, "announce_ready", _say_nothing)
        return Acquisition(
            [
                Collector(
                    gateway,
                    send_hint=partial(send_hint, parent.app.send_task, gateway),
                    announce=partial(announce, gateway),
                    fail=_end_node,
                    life=getattr(parent.app, "life", None),
                )
                for gateway in parent.app.gateways.values()
            ]
        )


def send_hint(send_task: Callable[..., object], gateway: Gateway) -> None:
    """Tell queue `tariff` that there are new records; failing does no harm.

    The records are committed, and the tick of beat finds them too (decisions D3).
    """
    try:
        send_task(EVALUATE, args=[gateway.huid], queue=EVALUATION_QUEUE)
    except Exception as error:  # whatever a broker can raise
        logger.warning("the hint to queue tariff was lost: %s", error)


def _end_node() -> None:
    """End the process at once: the supervisor starts it anew, nothing is lost."""
    os._exit(70)


def _say_nothing(_gateway: Gateway) -> None:
    """Nobody waits for the announcement."""
