"""Sends the consumers' values to their brokers, as long as they want it.

One connection per order; every few seconds the orders are read anew, so a revoked one
ends within that time: what the broker keeps is removed first.
"""

import asyncio
import logging
import ssl
from collections.abc import Iterable
from contextlib import suppress

from aiomqtt import Client, MqttError, Will
from asgiref.sync import sync_to_async

from hardware.gateway import Gateway
from logbooks import device_state
from meters import selectors
from meters.selectors import LatestReading
from portal import home_assistant, house_push
from portal.home_assistant import OFFLINE, ONLINE, Message
from portal.models import HousePush

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 5.0, 300.0
_GOODBYE_S = 5.0
_log = logging.getLogger(__name__)


class Order:
    """One order while it is carried out."""

    def __init__(self, gateway: Gateway, push: HousePush, period_s: float) -> None:
        self._gateway, self._push, self._period_s = gateway, push, period_s
        self._told: dict[str, LatestReading] = {}
        self.revoked = asyncio.Event()
        self.task = asyncio.create_task(self._run())

    @property
    def version(self) -> int:
        """Of the order; another one in the database means that it was changed."""
        return self._push.version

    async def _run(self) -> None:
        """Connect, send, and connect again after a break."""
        pause_s = _FIRST_PAUSE_S
        while not self.revoked.is_set():
            try:
                await self._connection()
                pause_s = _FIRST_PAUSE_S
            except (MqttError, OSError, ssl.SSLError, ValueError) as error:
                await self._note(_reason(error))
                await self._rest(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _connection(self) -> None:
        async with self._client() as client:
            await self._note("")
            self._told.clear()
            while True:
                await self._publish(client)
                if await self._rest(self._period_s):
                    with suppress(MqttError, TimeoutError):
                        async with asyncio.timeout(_GOODBYE_S):
                            await self._remove(client)
                    return

    async def _publish(self, client: Client) -> None:
        huid, consumer = self._gateway.huid, self._push.pk
        readings = await sync_to_async(selectors.latest_readings)(consumer)
        for latest in readings:
            if self._is_news(latest):
                config = home_assistant.discovery(huid, consumer, latest)
                await _send(client, config)
            self._told[latest.meter.id] = latest
            await _send(client, [home_assistant.state(huid, latest)])
        await _send(client, [self._availability(ONLINE)])

    def _is_news(self, latest: LatestReading) -> bool:
        """Whether the broker has not been told of all registers of this meter."""
        told = self._told.get(latest.meter.id)
        known = {register.obis for register in told.registers} if told else set()
        return any(register.obis not in known for register in latest.registers)

    async def _remove(self, client: Client) -> None:
        told = self._told.values()
        await _send(client, home_assistant.removal(self._gateway.huid, told))
        await _send(client, [self._availability("")])

    def _availability(self, payload: str) -> Message:
        topic = home_assistant.availability_topic(self._gateway.huid, self._push.pk)
        return Message(topic, payload, retain=True)

    def _client(self) -> Client:
        push, will = self._push, self._availability(OFFLINE)
        return Client(
            push.host,
            push.port,
            username=push.username or None,
            password=house_push.password_of(self._gateway, push) or None,
            identifier=f"casa-{self._gateway.huid}-{push.pk}",
            will=Will(will.topic, will.payload, retain=True),
            tls_context=_tls(push),
            timeout=10,
        )

    async def _note(self, problem: str) -> None:
        now = self._gateway.clock.now()
        await sync_to_async(house_push.note_connection)(self._push, problem, now=now)

    async def _rest(self, seconds: float) -> bool:
        """Wait; whether the order was revoked meanwhile."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.revoked.wait()
        return self.revoked.is_set()


async def publish(gateway: Gateway, *, stop: asyncio.Event, period_s: float) -> None:
    """Carry out all orders until `stop` is set; values every `period_s` seconds."""
    running: dict[str, Order] = {}
    while not stop.is_set():
        wanted = {push.pk: push for push in await _orders(gateway)}
        for consumer, order in list(running.items()):
            push = wanted.get(consumer)
            if push is None or push.version != order.version:
                await _ended(running.pop(consumer))
        for consumer, push in wanted.items():
            if consumer not in running:
                running[consumer] = Order(gateway, push, period_s)
        with suppress(TimeoutError):
            async with asyncio.timeout(min(period_s, _FIRST_PAUSE_S)):
                await stop.wait()
    for order in running.values():
        order.task.cancel()
    await asyncio.gather(
        *(order.task for order in running.values()), return_exceptions=True
    )


async def _orders(gateway: Gateway) -> list[HousePush]:
    """All orders; none in a lock-down, in which nothing is sent (manual ch. 8)."""
    if device_state.is_locked(gateway):
        return []
    return list(await sync_to_async(house_push.orders)())


async def _ended(order: Order) -> None:
    order.revoked.set()
    with suppress(TimeoutError, asyncio.CancelledError):
        await asyncio.wait_for(order.task, 2 * _GOODBYE_S)


async def _send(client: Client, messages: Iterable[Message]) -> None:
    for one in messages:
        await client.publish(one.topic, one.payload, qos=1, retain=one.retain)


def _tls(push: HousePush) -> ssl.SSLContext | None:
    """TLS to the broker; with a certificate of the consumer's own choice its name is
    not compared, because brokers in houses are called by their address."""
    if not push.tls:
        return None
    context = ssl.create_default_context(cadata=push.ca or None)
    context.check_hostname = not push.ca
    return context


def _reason(error: Exception) -> str:
    """What the consumer reads on his page; names no address and no password."""
    cause = error.__cause__ or error
    if isinstance(cause, ssl.SSLError):
        return f"TLS: {cause.reason or 'failed'}"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return str(error)
