"""Carries bytes between a CLS and its EMT until one of the limits is reached."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Any, Protocol

from gwa_api.cls.framing import FrameInvalid
from gwa_api.cls.profile import Profile

_AT_ONCE = 64 * 1024
_BROKEN = (OSError, ssl.SSLError, EOFError, FrameInvalid)


class End(StrEnum):
    """Why a connection ended."""

    CLOSED = "closed"
    IDLE = "idle"
    TOO_LONG = "too long"
    STOPPED = "stopped"


class Stream(Protocol):
    """One side of a connection."""

    async def read(self, size: int) -> bytes:
        """Some bytes; b"" at the end."""
        ...

    async def write(self, data: bytes) -> None:
        """Send bytes; waits while the other side does not take them."""
        ...

    async def close(self) -> None:
        """Say goodbye."""
        ...


class Relay:
    """One connection with both sides connected; `stop` may be set from outside.

    `monotonic` measures the limits of the profile.
    """

    def __init__(
        self,
        profile: Profile,
        device: Stream,
        market: Stream,
        monotonic: Callable[[], float],
    ) -> None:
        self._profile, self._device, self._market = profile, device, market
        self._monotonic = monotonic
        self._begun_at = self._active_at = monotonic()
        self.stop = asyncio.Event()

    async def run(self) -> End:
        """Carry bytes both ways until the end; neither side is closed here."""
        stopped = asyncio.ensure_future(self.stop.wait())
        pumps = [asyncio.ensure_future(p) for p in (self._upward(), self._downward())]
        try:
            while True:
                await asyncio.wait(
                    [stopped, *pumps],
                    timeout=self._longest_wait(),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if end := self._end(stopped, pumps):
                    return end
        finally:
            for task in (stopped, *pumps):
                task.cancel()
            await asyncio.gather(stopped, *pumps, return_exceptions=True)

    def _end(
        self, stopped: asyncio.Future[Any], pumps: Sequence[asyncio.Future[None]]
    ) -> End | None:
        if stopped.done():
            return End.STOPPED
        if any(pump.done() for pump in pumps):
            return End.CLOSED
        now = self._monotonic()
        if now - self._begun_at >= self._profile.max_duration.total_seconds():
            return End.TOO_LONG
        if now - self._active_at >= self._profile.idle_timeout.total_seconds():
            return End.IDLE
        return None

    def _longest_wait(self) -> float:
        """Until a limit may be reached."""
        idle = self._active_at + self._profile.idle_timeout.total_seconds()
        whole = self._begun_at + self._profile.max_duration.total_seconds()
        return max(min(idle, whole) - self._monotonic(), 0.001)

    async def _upward(self) -> None:
        with suppress(*_BROKEN):
            while data := await self._device.read(_AT_ONCE):
                self._active_at = self._monotonic()
                await self._market.write(data)

    async def _downward(self) -> None:
        with suppress(*_BROKEN):
            while data := await self._market.read(_AT_ONCE):
                self._active_at = self._monotonic()
                await self._device.write(data)
