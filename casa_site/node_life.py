"""How each kind of loop shows life: asyncio, Celery's consumer, beat, and a long task.

What is shown comes from the loop that does the work, not from a thread beside it
(`hardware.sign_of_life`).
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from asgiref.sync import sync_to_async
from celery import beat, bootsteps

from hardware.sign_of_life import EVERY_S, SignOfLife


async def show_life(life: SignOfLife, *, stop: asyncio.Event) -> None:
    """Show life until `stop` is set.

    By way of the thread in which this loop looks into the database: when one of the
    two hangs, nothing is shown.
    """
    while not stop.is_set():
        await sync_to_async(life.show)()
        with suppress(TimeoutError):
            async with asyncio.timeout(EVERY_S):
                await stop.wait()


class NodeLife(bootsteps.StartStopStep):
    """Lets the loop of a Celery node that waits for messages show life.

    With a broker that Celery asks itself, as often as it does; with one that wakes it,
    by a timer of that loop.
    """

    requires = ("celery.worker.consumer:Connection",)

    def start(self, parent: Any) -> None:
        """Once for each connection to the broker."""
        show = parent.app.life.show
        if parent.hub is not None:
            self._timer = parent.hub.call_repeatedly(EVERY_S, show)
        else:
            parent.perform_pending_operations = _showing(show, parent)

    def stop(self, parent: Any) -> None:
        """The connection is gone."""
        if parent.hub is not None:
            self._timer.cancel()


def _showing(show: Callable[[], None], consumer: Any) -> Callable[[], None]:
    """What the consumer does in each round, and a sign of life."""
    perform = type(consumer).perform_pending_operations

    def performed() -> None:
        show()
        perform(consumer)

    return performed


class LivingScheduler(beat.Scheduler):
    """beat's schedule; `each_tick` is called with each of its ticks."""

    def __init__(
        self, *args: Any, each_tick: Callable[[], None], **kwargs: Any
    ) -> None:
        self._each_tick = each_tick
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due; the seconds until the next tick."""
        self._each_tick()
        pause_s: float = super().tick(*args, **kwargs)
        return pause_s


def shows_with_queries(life: SignOfLife) -> Callable[..., Any]:
    """For `connection.execute_wrappers`: a long task that gets on asks the database."""

    def ask(execute: Callable[..., Any], *arguments: Any) -> Any:
        life.show()
        return execute(*arguments)

    return ask
