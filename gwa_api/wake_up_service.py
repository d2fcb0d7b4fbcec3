"""The wake-up service as a process: its UDP listener, and when the channel is opened.

It listens while there is an administrator to be woken for. What cannot listen is a
fault that locks the device (1000011 to 1000013, R163).
"""

import asyncio
import errno
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from asgiref.sync import sync_to_async

from gwa_api import management_channel
from gwa_api.channel_server import Application
from gwa_api.mobile_log_offs import watch
from gwa_api.partners import way_to_gwa
from gwa_api.wake_up_guard import WakeUpGuard
from hardware.gateway import Gateway
from logbooks.services import log_fault

TAKES_NOTHING, WRONG_PORT, CLOSED = 1000011, 1000012, 1000013
MOST_WAITING = 16
_LOOK_EVERY_S = 10.0
_log = logging.getLogger(__name__)


class WakeUpService:
    """Listens at `host`:`port`; port 0 takes a free one, which `port` then tells.

    A good message, a new alarm or the schedule opens the management channel, on which
    `application` answers; one at a time. Beside it the log-offs of a `modem`
    (CASA_MODEM) are written down: another thing that comes in from the WAN.
    """

    def __init__(
        self,
        gateway: Gateway,
        application: Application,
        *,
        host: str,
        port: int,
        modem: str = "",
    ) -> None:
        self._gateway, self._application, self._modem = gateway, application, modem
        self._host, self.port = host, port
        self.guard = WakeUpGuard(gateway, time.monotonic)
        self.listens = asyncio.Event()
        self.opened = asyncio.Semaphore(0)
        """Released for each channel that has ended."""
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(MOST_WAITING)
        self._transport: asyncio.DatagramTransport | None = None
        self._channel: asyncio.Task[None] | None = None
        self._is_told = False

    async def run(
        self, stop: asyncio.Event, when_ready: Callable[[], None] = lambda: None
    ) -> None:
        """Serve until `stop` is set."""
        await sync_to_async(self.guard.load)()
        checking = asyncio.create_task(self._check_messages())
        watching = asyncio.create_task(watch(self._gateway, self._modem))
        when_ready()
        try:
            while not stop.is_set():
                await self._look()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_EVERY_S):
                        await stop.wait()
        finally:
            checking.cancel()
            watching.cancel()
            self._stop_listening()

    def datagram(self, data: bytes, source: str) -> None:
        """Drop it without a word, or let it be checked."""
        if self.guard.is_worth_a_check(data, source, self._now()):
            with suppress(asyncio.QueueFull):
                self._waiting.put_nowait(data)

    async def _look(self) -> None:
        """Listen as long as there is a way to the GWA; open the channel when due."""
        is_wanted = await sync_to_async(way_to_gwa)() is not None
        if is_wanted and self._transport is None:
            await self._listen()
        elif not is_wanted:
            self._stop_listening()
        if await sync_to_async(management_channel.is_due)(self._now()):
            self._open_channel()

    async def _check_messages(self) -> None:
        while True:
            data = await self._waiting.get()
            try:
                if await sync_to_async(self.guard.is_good)(data, self._now()):
                    self._open_channel()
            except Exception:  # the listener outlives whatever a message does
                _log.exception("a wake-up could not be checked")

    def _open_channel(self) -> None:
        """In a thread of its own; a channel that is open already is enough."""
        if self._channel is None or self._channel.done():
            self._channel = asyncio.create_task(self._serve_channel())

    async def _serve_channel(self) -> None:
        try:
            await asyncio.to_thread(self._served)
        except Exception:
            _log.exception("the management channel broke off")
        self.opened.release()

    def _served(self) -> None:
        answered = management_channel.serve_administrator(
            self._gateway, self._application, now=self._now()
        )
        if answered is not None:
            _log.info("management channel: %d requests", answered)

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._transport, _ = await loop.create_datagram_endpoint(
                lambda: _Listener(self), local_addr=(self._host, self.port)
            )
        except OSError as error:
            _log.error("wake-up port %d: %s", self.port, error.strerror)
            await self._tell_once(fault_of(error))
            return
        self._is_told = False
        self.port = self._transport.get_extra_info("sockname")[1]
        self.listens.set()

    def _stop_listening(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None
            self.listens.clear()

    def lost(self) -> None:
        """The socket is gone: bound again at the next look."""
        self._transport = None
        self.listens.clear()

    async def _tell_once(self, code: int) -> None:
        if not self._is_told:
            self._is_told = True
            await sync_to_async(log_fault)(self._gateway, code, now=self._now())

    def _now(self) -> datetime:
        return self._gateway.clock.now()


def fault_of(error: OSError) -> int:
    """The fault code for a listener that cannot listen."""
    if error.errno in (errno.EACCES, errno.EADDRNOTAVAIL, errno.EPERM):
        return WRONG_PORT
    return TAKES_NOTHING if error.errno == errno.EADDRINUSE else CLOSED


class _Listener(asyncio.DatagramProtocol):
    def __init__(self, service: WakeUpService) -> None:
        self._service = service

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._service.datagram(data, str(addr[0]))

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self._service.lost()
