"""The proxy as a process: its two listeners, and what it looks up within a second."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime

from asgiref.sync import sync_to_async

from gwa_api.cls import orders
from gwa_api.cls.contexts import GatewayContexts
from gwa_api.cls.journal import LogJournal, close_connections
from gwa_api.cls.profile import Profile
from gwa_api.cls.proxy import MOST_CONNECTIONS, Proxy, Surroundings
from gwa_api.cls.socks import RequestRefused
from gwa_api.proxy_profiles import profiles_in_force
from hardware.gateway import Gateway
from hardware.han_certificate import TlsFiles
from logbooks import device_state
from logbooks.database_watch import DatabaseWatch
from logbooks.services import log_fault

NOT_STARTED, NO_CERTIFICATE = 1800200, 1800202
_LOOK_EVERY_S = 1.0
_LOOK_ANYWAY_S = 10.0
"""Also when nothing was written: the validity of a profile may have begun."""
_LEAVE_WITHIN_S = 5.0
_log = logging.getLogger(__name__)

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class ProxyService:
    """Listens on the [HAN] CLS interface until it is stopped.

    `ports` are those of SOCKS-TLS and of TLS with SNI; 0 takes a free one. What
    cannot listen is logged as 1800200, a missing HAN certificate as 1800202.
    """

    def __init__(
        self,
        gateway: Gateway,
        han: TlsFiles,
        *,
        host: str,
        ports: tuple[int, int],
        most_connections: int = MOST_CONNECTIONS,
    ) -> None:
        self._gateway, self._han = gateway, han
        self._host, self._ports = host, ports
        self._profiles: list[Profile] = []
        self._calls: set[asyncio.Task[None]] = set()
        self._called: set[int] = set()
        self._has_begun = False
        self._watch = DatabaseWatch()
        self._looked_at = -_LOOK_ANYWAY_S
        self._was_locked = False
        self.servers: list[asyncio.Server] = []
        self.listens = asyncio.Event()
        self.proxy = Proxy(
            Surroundings(
                profiles=lambda: self._profiles,
                contexts=GatewayContexts(gateway, han),
                journal=LogJournal(gateway),
                now=gateway.clock.now,
                monotonic=time.monotonic,
                most_connections=most_connections,
            )
        )

    async def run(
        self, stop: asyncio.Event, when_ready: Callable[[], None] = lambda: None
    ) -> None:
        """Serve until `stop` is set; nothing listens before the first profile."""
        await sync_to_async(close_connections)(self._gateway, now=self._now())
        when_ready()
        while not stop.is_set():
            if await sync_to_async(self._has_news)():
                await self.look()
            self.proxy.profiles_changed()
            if self._profiles and not self._has_begun:
                await self._begin()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_S):
                    await stop.wait()
        await self._leave()

    async def look(self) -> None:
        """Take in changed profiles, orders and ends."""
        # Orders first: the profiles they are carried out by are not older than they.
        waiting = await sync_to_async(orders.waiting_orders)()
        self._profiles = await sync_to_async(self._in_force)(self._now())
        self.proxy.profiles_changed()
        self.proxy.end(await sync_to_async(orders.ending_connections)())
        for order in waiting:
            if order.pk not in self._called:
                self._called.add(order.pk)
                call = asyncio.create_task(self._carry_out(order.pk, order.profile_id))
                self._calls.add(call)
                call.add_done_callback(self._calls.discard)

    def _has_news(self) -> bool:
        """Whether there may be something to take in; most seconds there is not."""
        was_locked, self._was_locked = self._was_locked, self._is_locked()
        is_time = time.monotonic() - self._looked_at >= _LOOK_ANYWAY_S
        has_changed = self._watch.has_changed()
        if has_changed or is_time or was_locked != self._was_locked:
            self._looked_at = time.monotonic()
            return True
        return False

    def _is_locked(self) -> bool:
        return device_state.is_locked(self._gateway)

    def _in_force(self, now: datetime) -> list[Profile]:
        """In a lock-down nothing is connected and nothing kept."""
        if self._is_locked():
            return []
        return profiles_in_force(now=now)

    async def _carry_out(self, number: int, profile_id: str) -> None:
        profile = next((one for one in self._profiles if one.id == profile_id), None)
        try:
            if profile is None:
                problem = "the profile is not in force"
            else:
                await self.proxy.call(profile, number)
                return
        except RequestRefused as refused:
            problem = str(refused)
        await sync_to_async(orders.give_up)(number, problem, now=self._now())

    async def _begin(self) -> None:
        self._has_begun = True
        if not self._han.certificate.is_file():
            await self._fault(NO_CERTIFICATE)
        await self._listen()
        self.listens.set()

    async def _listen(self) -> None:
        handlers: list[Handler] = [self.proxy.take_socks, self.proxy.take_sni]
        for handler, port in zip(handlers, self._ports, strict=True):
            try:
                server = await asyncio.start_server(handler, self._host, port)
            except OSError as error:
                _log.error("port %d: %s", port, error.strerror)
                await self._fault(NOT_STARTED)
            else:
                self.servers.append(server)

    async def _leave(self) -> None:
        for server in self.servers:
            server.close()
        self._profiles = []
        self.proxy.profiles_changed()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEAVE_WITHIN_S):
                await self.proxy.empty()
        for call in self._calls:
            call.cancel()
        await sync_to_async(close_connections)(self._gateway, now=self._now())

    async def _fault(self, code: int) -> None:
        await sync_to_async(log_fault)(self._gateway, code, now=self._now())

    def _now(self) -> datetime:
        return self._gateway.clock.now()
