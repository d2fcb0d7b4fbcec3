"""The proxy server: takes connections of CLS, checks both peers, carries the bytes.

Nothing passes without a profile in force, and both peers show exactly the certificate
that it names (cls-proxy of TR-03109-1 DS 11 and 13).
"""

import asyncio
import hashlib
import logging
import ssl
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from typing import Any, Protocol

from asgiref.sync import sync_to_async

from gwa_api.cls import socks
from gwa_api.cls.framing import FrameInvalid, NoFraming, SocksTlsFraming
from gwa_api.cls.profile import Profile, Scenario
from gwa_api.cls.relay import Relay, Stream
from gwa_api.cls.socks import Reply, RequestRefused, SocksInvalid, Target
from gwa_api.cls.tls_stream import TlsStream
from gwa_api.cls.wan_dial import Partner, Wire, dial
from hardware.certificate_path import CertificateRefused

GREETING_S, HANDSHAKE_S, REQUEST_S = 2.0, 10.0, 10.0
SOCKS_CLOSE_S, PLAIN_CLOSE_S = 5.0, 20.0
REFUSED_CLOSE_S = 10.0
MOST_CONNECTIONS = 256

_GONE = (OSError, ssl.SSLError, EOFError, FrameInvalid, SocksInvalid)
_log = logging.getLogger(__name__)


class Journal(Protocol):
    """Where connections are noted (events 20018 and 20020, system log)."""

    async def opened(self, profile: Profile, number: int | None) -> int:
        """Both handshakes are done; returns the number of the connection.

        `number` is that of the order that it was made for, None without one.
        """
        ...

    async def closed(self, number: int, profile: Profile) -> None:
        """A connection that was opened has ended."""
        ...

    async def refused(self, reason: str) -> None:
        """A connection did not come about; the reason names nobody."""
        ...


class Contexts(Protocol):
    """The TLS contexts of both sides (wan.md 2)."""

    def house(self, profiles: Sequence[Profile]) -> ssl.SSLContext:
        """For a CLS; trusts the certificates of these profiles, and no other."""
        ...

    def device(self, profile: Profile) -> ssl.SSLContext:
        """For calling the CLS of a profile; trusts its certificate, and no other."""
        ...

    def market(self, profile: Profile) -> ssl.SSLContext:
        """For the EMT of a profile; trusts its certificates in force, and no other."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a proxy gets from outside: profiles in force, contexts, journal, clocks."""

    profiles: Callable[[], Sequence[Profile]]
    contexts: Contexts
    journal: Journal
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    most_connections: int = MOST_CONNECTIONS


class Proxy:
    """Serves connections; its methods are handlers for `asyncio.start_server`."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings
        self._waiting = 0
        self._emptied = asyncio.Event()
        self._running: dict[Relay, tuple[int, Profile]] = {}
        self._of_profile: Counter[str] = Counter()

    @property
    def connections(self) -> int:
        """How many connections are open or being opened."""
        return self._waiting + len(self._running)

    async def empty(self) -> None:
        """Wait until no connection is left."""
        while self.connections:
            self._emptied.clear()
            await self._emptied.wait()

    def profiles_changed(self) -> None:
        """Close at once what runs by a profile that is no longer in force."""
        now = self._around.now()
        valid = {given.id for given in self._around.profiles() if given.is_valid(now)}
        for relay, (_number, profile) in self._running.items():
            if profile.id not in valid:
                relay.stop.set()

    def end(self, numbers: Collection[int]) -> None:
        """End the connections with these numbers."""
        for relay, (number, _profile) in self._running.items():
            if number in numbers:
                relay.stop.set()

    async def call(self, profile: Profile, number: int) -> None:
        """Connect the CLS and the EMT of a profile on an order (HKS4, HKS5).

        Returns when the connection has ended. Raises RequestRefused when it did not
        come about.
        """
        if self._is_full():
            raise RequestRefused(Reply.NOT_ALLOWED, "too many connections")
        with self._counted(), self._counted_of(profile):
            context = await sync_to_async(self._around.contexts.device)(profile)
            within_s = profile.connect_timeout.total_seconds()
            device = await dial(Partner.device(profile), context, within_s)
            try:
                await self._to_market(profile, device, number=number)
            finally:
                await _ended(device, PLAIN_CLOSE_S)

    async def take_socks(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One connection of a SOCKS-TLS client, from its greeting to its end."""
        wire = Wire(reader, writer)
        await self._taken(wire, self._socks(wire), SOCKS_CLOSE_S)

    async def take_sni(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One connection of a client that names its profile by SNI."""
        wire = Wire(reader, writer)
        await self._taken(wire, self._sni(wire), PLAIN_CLOSE_S)

    async def _taken(
        self, wire: Wire, course: Coroutine[Any, Any, None], close_s: float
    ) -> None:
        with self._counted():  # until its end: who is slow to go takes a place too
            try:
                await course
            except RequestRefused as refused:
                await self._around.journal.refused(str(refused))
            except (TimeoutError, *_GONE) as error:
                await self._around.journal.refused(_reason(error))
            finally:
                await _ended(wire, close_s)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            if not self.connections:
                self._emptied.set()

    async def _socks(self, wire: Wire) -> None:
        async with asyncio.timeout(GREETING_S):
            head = await wire.reader.readexactly(2)
            rest = await wire.reader.readexactly(socks.greeting_size(head) - 2)
        if self._is_full() or not socks.offers_tls(head + rest):
            wire.writer.write(socks.method_chosen(socks.NO_METHOD))
            raise SocksInvalid("no method TLS, or too many connections")
        wire.writer.write(socks.method_chosen(socks.METHOD_TLS))
        profiles = self._offered()
        context = self._around.contexts.house(profiles)
        device = TlsStream(wire.reader, wire.writer, SocksTlsFraming(), context)
        async with asyncio.timeout(HANDSHAKE_S):
            await device.shake_hands()
        try:
            async with asyncio.timeout(REQUEST_S):
                target = await _target(device)
            profile = _chosen(profiles, device, target)
            await self._connect(profile, device, reply=True)
        except RequestRefused as refused:
            await device.write(socks.reply(refused.reply))
            async with asyncio.timeout(REFUSED_CLOSE_S):
                await device.close()
            raise

    async def _sni(self, wire: Wire) -> None:
        if self._is_full():
            raise SocksInvalid("too many connections")
        profiles = self._offered()
        names: list[str] = []
        context = self._around.contexts.house(profiles)
        context.sni_callback = _name_taker(profiles, names)
        device = TlsStream(wire.reader, wire.writer, NoFraming(), context)
        async with asyncio.timeout(HANDSHAKE_S):
            await device.shake_hands()
        try:
            profile = _chosen(profiles, device, Target(name=names[-1] if names else ""))
            await self._connect(profile, device, reply=False)
        except RequestRefused:
            await device.close()
            raise

    async def _connect(self, profile: Profile, device: TlsStream, reply: bool) -> None:
        with self._counted_of(profile):
            answer = socks.reply(Reply.CONNECTED) if reply else b""
            await self._to_market(profile, device, answer=answer)

    async def _to_market(
        self,
        profile: Profile,
        device: Stream,
        *,
        answer: bytes = b"",
        number: int | None = None,
    ) -> None:
        try:
            context = await sync_to_async(self._around.contexts.market)(profile)
        except CertificateRefused as error:
            raise RequestRefused(Reply.REFUSED, str(error)) from None
        within_s = profile.connect_timeout.total_seconds()
        market = await dial(Partner.market(profile), context, within_s)
        try:
            if answer:
                await device.write(answer)
            await self._relayed(profile, device, market, number)
        finally:
            await _ended(market, PLAIN_CLOSE_S)

    @contextmanager
    def _counted_of(self, profile: Profile) -> Iterator[None]:
        """Keeps to the profile's own limit."""
        if self._of_profile[profile.id] >= profile.max_parallel:
            raise RequestRefused(Reply.NOT_ALLOWED, "too many of one profile")
        self._of_profile[profile.id] += 1
        try:
            yield
        finally:
            self._of_profile[profile.id] -= 1

    async def _relayed(
        self, profile: Profile, device: Stream, market: Wire, order: int | None
    ) -> None:
        number = await self._around.journal.opened(profile, order)
        relay = Relay(profile, device, market, self._around.monotonic)
        self._running[relay] = number, profile
        self._waiting -= 1
        try:
            self.profiles_changed()  # it may have gone while we were dialling
            end = await relay.run()
            _log.info("connection of a proxy profile ended: %s", end)
            with suppress(*_GONE, TimeoutError):
                async with asyncio.timeout(SOCKS_CLOSE_S):
                    await device.close()
        finally:
            self._waiting += 1
            del self._running[relay]
            await self._around.journal.closed(number, profile)

    def _offered(self) -> list[Profile]:
        """The profiles that a CLS may use now."""
        now = self._around.now()
        return [
            profile
            for profile in self._around.profiles()
            if profile.scenario is Scenario.CLS and profile.is_valid(now)
        ]

    def _is_full(self) -> bool:
        return self.connections > self._around.most_connections


async def _target(device: TlsStream) -> Target:
    head = await device.read_exactly(5)
    rest = await device.read_exactly(socks.request_size(head) - len(head))
    return socks.target_of(head + rest)


def _chosen(profiles: Sequence[Profile], device: TlsStream, target: Target) -> Profile:
    shown = hashlib.sha256(device.peer_certificate).digest()
    for profile in profiles:
        own = hashlib.sha256(profile.cls_certificate).digest()
        if compare_digest(shown, own) and profile.is_meant(target):
            return profile
    raise RequestRefused(Reply.NOT_ALLOWED, "no profile for this name and certificate")


def _name_taker(
    profiles: Sequence[Profile], names: list[str]
) -> Callable[[ssl.SSLObject, str | None, ssl.SSLContext], int | None]:
    """Notes the name that a client asks for; refuses one that no profile has."""
    known = {profile.local_server_name for profile in profiles}

    def take(
        _tls: ssl.SSLObject, name: str | None, _context: ssl.SSLContext
    ) -> int | None:
        if name not in known:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        names.append(name or "")
        return None

    return take


async def _ended(wire: Wire, within_s: float) -> None:
    """Close the transport; when the other side does not follow in time, cut it."""
    wire.writer.close()
    try:
        async with asyncio.timeout(within_s):
            await wire.writer.wait_closed()
    except TimeoutError:
        wire.abort()
    except (OSError, ssl.SSLError):
        pass


def _reason(error: BaseException) -> str:
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason}"
    return str(error) or type(error).__name__
