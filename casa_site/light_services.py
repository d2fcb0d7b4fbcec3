"""The services that mostly wait share one process: the rhythm, the house, wake-up.

Each would cost 11 to 15 MiB of its own for a handful of wake-ups a minute. They are
tasks of one asyncio loop; each says for itself that it is ready and shows its own life.
The rhythm ends the process when it breaks off, so that the supervisor starts it anew;
the others are started again beside it.
"""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from typing import Any

from celery import beat
from django.conf import settings
from django.db import connection

from casa_site import readiness
from casa_site.celery import app, beat_schedule
from casa_site.gwa_server import facts_about
from casa_site.node_life import LivingScheduler, show_life
from casa_site.service import Role, Service
from casa_site.worker_watch import WorkerWatch
from gwa_api.wake_up_service import WakeUpService
from gwa_api.wsgi import GwaApplication
from hardware.gateway import Gateway
from hardware.sign_of_life import SignOfLife
from portal.announcement import announce
from portal.house_publisher import publish

BEAT, HOUSE, WAKEUP = "beat", "house", "wakeup"

_WELL_AFTER_S = 60.0
"""What ran so long may start again quickly."""

Part = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
"""Serves until the event is set."""

logger = logging.getLogger(__name__)


def run(gateway: Gateway, *, host: str, han_port: int, wakeup_port: int) -> None:
    """All of them, until a signal ends the process."""
    asyncio.run(
        serve(
            partial(serve_rhythm, gateway),
            {
                HOUSE: partial(serve_house, gateway, host, han_port),
                WAKEUP: partial(serve_wakeup, gateway, wakeup_port),
            },
            withdraw=partial(readiness.withdraw, gateway.state),
        )
    )


async def serve(
    first: Part, beside: Mapping[str, Part], *, withdraw: Callable[[str], None]
) -> None:
    """Until a stop signal. What `first` raises ends all, what the others raise only
    themselves: they are withdrawn by name and start again."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(first(stop))
        for name, part in beside.items():
            tasks.create_task(_kept_up(name, part, stop, withdraw))


async def _kept_up(
    name: str, part: Part, stop: asyncio.Event, withdraw: Callable[[str], None]
) -> None:
    """Start it again when it breaks off, after pauses like those of a process."""
    book = Service(Role(name, lambda: None))
    while not stop.is_set():
        book.has_started(os.getpid(), now=time.monotonic())
        try:
            await part(stop)
            return
        except Exception:  # the outermost loop of this service
            logger.exception("%s broke off and starts again", name)
        withdraw(name)
        now = time.monotonic()
        if now - book.started_at > _WELL_AFTER_S:
            book.has_announced()
        book.has_ended(1, now=now)
        await _rest(stop, (book.restart_at or now) - now)


async def serve_rhythm(gateway: Gateway, stop: asyncio.Event) -> None:
    """Send the ticks of `casa_site.celery.RHYTHM`.

    In a thread of their own: a broker that does not answer holds up nothing else. The
    schedule lives in memory: there is no file that a kill could tear, and a tick too
    many does no harm.
    """
    app.conf.beat_schedule = beat_schedule([gateway.huid])
    life, watch = _life(gateway, BEAT), WorkerWatch(gateway)

    def each_tick() -> None:
        life.show()
        watch.look()
        connection.close()  # it is hardly ever needed

    scheduler: Any = partial(LivingScheduler, each_tick=each_tick)
    service = beat.Service(app, scheduler_cls=scheduler)
    thread = ThreadPoolExecutor(1, "beat")
    readiness.announce(gateway.state, BEAT)

    def send_due() -> float:
        """All that is due, one a tick; the seconds until the next."""
        while (pause_s := float(service.scheduler.tick())) <= 0:
            pass
        return pause_s

    while not stop.is_set():
        loop = asyncio.get_running_loop()
        await _rest(stop, await loop.run_in_executor(thread, send_due))


async def serve_house(
    gateway: Gateway, host: str, han_port: int, stop: asyncio.Event
) -> None:
    """What goes out into the house by itself: mDNS, and values to MQTT brokers."""
    life, period_s = _life(gateway, HOUSE), gateway.live_period.total_seconds()
    readiness.announce(gateway.state, HOUSE)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(show_life(life, stop=stop))
        tasks.create_task(publish(gateway, stop=stop, period_s=period_s))
        if _is_seen_in_the_house(host):
            announcing = announce(gateway.huid, host=host, port=han_port, stop=stop)
            tasks.create_task(announcing)


async def serve_wakeup(gateway: Gateway, port: int, stop: asyncio.Event) -> None:
    """Wait for wake-up messages, serve the administrator's channel, hear modems."""
    application = GwaApplication(
        gateway, per_minute=settings.GWA_RATE, facts=facts_about(gateway)
    )
    service = WakeUpService(
        gateway, application, host=settings.GWA_HOST, port=port, modem=settings.MODEM
    )
    life = _life(gateway, WAKEUP)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(show_life(life, stop=stop))
        await service.run(stop, lambda: readiness.announce(gateway.state, WAKEUP))


def _is_seen_in_the_house(host: str) -> bool:
    """Whether others than this machine can reach it; a name is not announced."""
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return False


async def _rest(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, seconds)):
            await stop.wait()


def _life(gateway: Gateway, name: str) -> SignOfLife:
    return SignOfLife(readiness.life_file(gateway.state, name))
