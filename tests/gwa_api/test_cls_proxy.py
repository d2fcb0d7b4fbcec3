"""The CLS proxy over real sockets: both entries, both peers, every limit."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from gwa_api.cls.profile import Profile, Scenario
from gwa_api.cls.proxy import Proxy, Surroundings
from tests.gwa_api.cls_parties import (
    NOW,
    Contexts,
    Device,
    Journal,
    Party,
    context,
    echo,
    profile_of,
    request,
)

CONNECTED = bytes.fromhex("05000001000000000000")


@dataclass
class House:
    """A running proxy with one EMT and one CLS."""

    cls: Party
    emt: Party
    gateway: Party
    profiles: list[Profile] = field(default_factory=list)
    journal: Journal = field(default_factory=Journal)
    proxy: Proxy | None = None
    port: int = 0
    sni_port: int = 0
    emt_port: int = 0
    most: int = 256

    async def device(self, party: Party | None = None) -> Device:
        """A CLS that has a TCP connection."""
        streams = await asyncio.open_connection("127.0.0.1", self.port)
        own = context(party or self.cls, [self.gateway.certificate], server=False)
        return Device(*streams, own)

    async def connected(self) -> Device:
        """A CLS that talks with its EMT."""
        device = await self.device()
        assert await device.greet() == b"\x05\x06"
        await device.shake_hands()
        assert await device.connect(request("steuerbox")) == CONNECTED
        return device


@pytest.fixture(scope="module")
def parties(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Party]:
    folder: Path = tmp_path_factory.mktemp("parties")
    names = ("cls", "emt", "gateway", "stranger")
    return {name: Party.made(folder, name, ec.BrainpoolP256R1()) for name in names}


Run = Callable[[Callable[[House], Coroutine[Any, Any, None]]], None]


@pytest.fixture
def run(parties: dict[str, Party]) -> Run:
    """Runs a course of events with a proxy that serves."""

    def run_course(course: Callable[[House], Coroutine[Any, Any, None]]) -> None:
        async def whole() -> None:
            async with serving(parties) as house:
                async with asyncio.timeout(20):
                    await course(house)

        asyncio.run(whole())

    return run_course


@asynccontextmanager
async def serving(parties: dict[str, Party]) -> AsyncIterator[House]:
    house = House(parties["cls"], parties["emt"], parties["gateway"])
    tls = context(house.emt, [house.gateway.certificate], server=True)
    market = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=tls)
    house.emt_port = market.sockets[0].getsockname()[1]
    house.profiles.append(profile_of(house.cls, house.emt, house.emt_port))
    house.proxy = proxy = Proxy(
        Surroundings(
            profiles=lambda: house.profiles,
            contexts=Contexts(house.gateway),
            journal=house.journal,
            now=lambda: NOW,
            monotonic=time.monotonic,
            most_connections=2,
        )
    )
    socks = await asyncio.start_server(proxy.take_socks, "127.0.0.1", 0)
    sni = await asyncio.start_server(proxy.take_sni, "127.0.0.1", 0)
    house.port = socks.sockets[0].getsockname()[1]
    house.sni_port = sni.sockets[0].getsockname()[1]
    async with _closing(market), _closing(socks), _closing(sni):
        yield house


def _closing(server: asyncio.Server) -> AbstractAsyncContextManager[None]:
    @asynccontextmanager
    async def closing() -> AsyncIterator[None]:
        yield
        server.close()

    return closing()


def change(house: House, **changes: object) -> None:
    house.profiles[0] = replace(house.profiles[0], **changes)  # type: ignore[arg-type]


@pytest.mark.req("R161")
def test_bytes_pass_both_ways_and_the_connection_is_noted_once(run: Run):
    """A CLS reaches its EMT; 20018 and 20020 stand for one connection each."""

    async def course(house: House) -> None:
        device = await house.connected()
        for size in (1, 70_000, 300_000):
            data = bytes(size)
            await device.write(data)
            assert await device.read(size) == data
        assert set(device.frames) == {1, 3}
        try:
            device.tls.unwrap()
        except ssl.SSLError:
            device.send(4, 65535)  # type: ignore[arg-type]
        await house.journal.until(lambda: house.journal.closed_of == ["wallbox"])
        await device.receive()
        assert device.frames[-1] == 4
        assert house.journal.opened_of == ["wallbox"]

    run(course)


@pytest.mark.parametrize("piece", [1, 7, 100])
def test_records_may_be_split_over_any_frames(run: Run, piece: int):
    async def course(house: House) -> None:
        device = await house.device()
        await device.greet(b"\x00\x06\x02")
        await device.shake_hands(piece=piece)
        await device.write(request("steuerbox"), piece=piece)
        assert await device.read(10) == CONNECTED

    run(course)


def test_a_client_without_the_method_tls_is_turned_away(run: Run):
    async def course(house: House) -> None:
        device = await house.device()
        assert await device.greet(b"\x00\x02") == b"\x05\xff"
        assert await device.reader.read(1) == b""

    run(course)


@pytest.mark.parametrize(
    "greeting", [b"\x04\x01\x06", b"\x05\x00", b"GET / HTTP/1.1\r\n\r\n"]
)
def test_what_is_no_greeting_ends_the_connection(run: Run, greeting: bytes):
    async def course(house: House) -> None:
        device = await house.device()
        device.writer.write(greeting)
        assert await device.reader.read(10) == b""
        assert house.journal.reasons

    run(course)


@pytest.mark.parametrize(
    "frame",
    [
        b"\x01\x01\x00\x00",
        b"\x02\x01\x00\x01a",
        b"\x01\x02\x00\x01a",
        b"\x01\x09\x00\x01a",
    ],
)
def test_what_is_no_frame_ends_the_connection(run: Run, frame: bytes):
    async def course(house: House) -> None:
        device = await house.device()
        await device.greet()
        device.writer.write(frame)
        assert await device.reader.read(10) == b""

    run(course)


@pytest.mark.parametrize(
    ("asked", "reply"),
    [
        (request("other"), 2),
        (request("Steuerbox"), 2),
        (request("a" * 64), 2),
        (request("steuerbox", command=2), 7),
        (request("steuerbox", kind=2), 8),
        (b"\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x01", 2),
    ],
)
def test_a_request_that_no_profile_answers_gets_its_code(
    run: Run, asked: bytes, reply: int
):
    async def course(house: House) -> None:
        device = await house.device()
        await device.greet()
        await device.shake_hands()
        assert (await device.connect(asked))[:2] == bytes((5, reply))
        assert house.journal.opened_of == []

    run(course)


def test_the_address_of_the_emt_names_the_profile_too(run: Run):
    async def course(house: House) -> None:
        device = await house.device()
        await device.greet()
        await device.shake_hands()
        port = house.emt_port.to_bytes(2, "big")
        asked = b"\x05\x01\x00\x01\x7f\x00\x00\x01" + port
        assert await device.connect(asked) == CONNECTED

    run(course)


@pytest.mark.req("R161")
def test_a_strange_device_does_not_get_through_the_handshake(
    run: Run, parties: dict[str, Party]
):
    """Only the certificate that a profile names is accepted."""

    async def course(house: House) -> None:
        device = await house.device(parties["stranger"])
        await device.greet()
        with pytest.raises((ssl.SSLError, EOFError)):
            await device.shake_hands()
            await device.connect(request("steuerbox"))
        await house.journal.until(lambda: bool(house.journal.reasons))
        assert house.journal.opened_of == []

    run(course)


def test_the_certificate_of_another_profile_does_not_open_this_one(
    run: Run, parties: dict[str, Party]
):
    async def course(house: House) -> None:
        stranger = parties["stranger"]
        other = replace(
            house.profiles[0],
            id="pv",
            local_server_name="pv",
            cls_certificate=stranger.certificate,
        )
        house.profiles.append(other)
        device = await house.device(stranger)
        await device.greet()
        await device.shake_hands()
        assert (await device.connect(request("steuerbox")))[1] == 2

    run(course)


@pytest.mark.req("R161")
def test_an_emt_with_another_certificate_is_refused(
    run: Run, parties: dict[str, Party]
):
    """The certificate must be the configured one."""

    async def course(house: House) -> None:
        change(house, emt_certificates=(parties["stranger"].certificate,))
        device = await house.device()
        await device.greet()
        await device.shake_hands()
        assert (await device.connect(request("steuerbox")))[1] == 5

    run(course)


def test_the_next_address_is_tried_when_one_does_not_answer(run: Run):
    async def course(house: House) -> None:
        closed = "127.0.0.1:1"
        change(house, wan_addresses=(closed, *house.profiles[0].wan_addresses))
        device = await house.connected()
        await device.write(b"hello")
        assert await device.read(5) == b"hello"

    run(course)


def test_an_emt_that_is_down_is_told(run: Run):
    async def course(house: House) -> None:
        change(house, wan_addresses=("127.0.0.1:1",))
        device = await house.device()
        await device.greet()
        await device.shake_hands()
        assert (await device.connect(request("steuerbox")))[1] == 5

    run(course)


@pytest.mark.parametrize(
    "limit",
    [
        {"idle_timeout": timedelta(milliseconds=20)},
        {"max_duration": timedelta(milliseconds=20)},
    ],
)
def test_a_connection_ends_at_its_limits(run: Run, limit: dict[str, object]):
    async def course(house: House) -> None:
        change(house, **limit)
        device = await house.connected()
        assert await device.read(1) == b""
        await house.journal.until(lambda: house.journal.closed_of == ["wallbox"])

    run(course)


@pytest.mark.parametrize(
    "changes",
    [None, {"valid_to": NOW - timedelta(seconds=1)}],
)
def test_a_profile_that_goes_takes_its_connections_along(
    run: Run, changes: dict[str, object] | None
):
    """Deleted or expired: closed at once, and no new one is opened."""

    async def course(house: House) -> None:
        device = await house.connected()
        if changes is None:
            house.profiles.clear()
        else:
            change(house, **changes)
        assert house.proxy is not None
        house.proxy.profiles_changed()
        assert await device.read(1) == b""
        await house.journal.until(lambda: house.journal.closed_of == ["wallbox"])
        again = await house.device()
        await again.greet()
        with pytest.raises((ssl.SSLError, EOFError)):
            await again.shake_hands()
            await again.connect(request("steuerbox"))

    run(course)


def test_a_second_connection_of_one_profile_is_refused(run: Run):
    async def course(house: House) -> None:
        first = await house.connected()
        second = await house.device()
        await second.greet()
        await second.shake_hands()
        assert (await second.connect(request("steuerbox")))[1] == 2
        await first.write(b"still here")
        assert await first.read(10) == b"still here"

    run(course)


def test_more_connections_than_allowed_are_turned_away(run: Run):
    async def course(house: House) -> None:
        held = [await house.device() for _ in range(2)]
        for device in held:
            await device.greet()
        third = await house.device()
        assert await third.greet() == b"\x05\xff"

    run(course)


@pytest.mark.req("R161")
def test_a_client_that_names_its_profile_by_sni_gets_through(run: Run):
    """The other entry: plain TLS, the name selects the profile."""

    async def course(house: House) -> None:
        tls = context(house.cls, [house.gateway.certificate], server=False)
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", house.sni_port, ssl=tls, server_hostname="steuerbox"
        )
        writer.write(b"before the EMT is there")
        assert await reader.readexactly(23) == b"before the EMT is there"
        writer.close()
        await house.journal.until(lambda: house.journal.closed_of == ["wallbox"])

    run(course)


@pytest.mark.parametrize("name", ["other", ""])
def test_an_unknown_or_missing_sni_is_refused(run: Run, name: str):
    async def course(house: House) -> None:
        tls = context(house.cls, [house.gateway.certificate], server=False)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection(
                "127.0.0.1", house.sni_port, ssl=tls, server_hostname=name
            )

    run(course)


def test_a_profile_for_another_scenario_is_not_for_a_cls(run: Run):
    async def course(house: House) -> None:
        change(house, scenario=Scenario.EMT)
        device = await house.device()
        await device.greet()
        with pytest.raises((ssl.SSLError, EOFError)):
            await device.shake_hands()
            await device.connect(request("steuerbox"))

    run(course)
