"""Both entries of the proxy with its real certificates and clients from outside."""

import asyncio
import gc
import shutil
import ssl
import tracemalloc
from datetime import timedelta
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from gwa_api.cls import proxy
from gwa_api.cls.service import ProxyService
from gwa_api.proxy_profiles import delete_proxy_profile
from hardware.gateway import Gateway
from logbooks.certificate_store import (
    Holder,
    Kind,
    import_partner_certificate,
    revoke_certificate,
)
from tests.gwa_api.cls_parties import Device, Party, context, request
from tests.gwa_api.test_cls_service import (
    CONNECTED,
    Installed,
    connected,
    greeted,
    serve,
)

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
MEGABYTE = 1024 * 1024


@pytest.fixture
def installed(gateway: Gateway, tmp_path: Path, transactional_db: None) -> Installed:
    return Installed(gateway, tmp_path)


def port_of(service: ProxyService, entry: int) -> int:
    """0: SOCKS-TLS, 1: TLS with SNI."""
    port: int = service.servers[entry].sockets[0].getsockname()[1]
    return port


async def s_client(port: int, party: Party, *more: str) -> asyncio.subprocess.Process:
    words = ["s_client", "-connect", f"127.0.0.1:{port}", "-tls1_2", "-quiet"]
    words += ["-no_ign_eof", "-cert", str(party.file), "-key", str(party.file), *more]
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        "openssl", *words, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
    )


@needs_openssl
@pytest.mark.req("R161")
def test_openssl_reaches_the_emt_by_the_name_of_the_profile(installed: Installed):
    """`openssl s_client -servername`: the echo of the EMT comes back, 20018 and 20020
    stand once each."""

    async def course(installed: Installed, service: ProxyService) -> None:
        await service.listens.wait()
        port = port_of(service, 1)
        client = await s_client(port, installed.cls, "-servername", "steuerbox")
        assert client.stdin is not None and client.stdout is not None
        client.stdin.write(b"load 6 A\n")
        assert await client.stdout.readexactly(9) == b"load 6 A\n"
        client.stdin.close()
        await client.wait()
        await service.proxy.empty()

    serve(installed, course)
    assert len(installed.texts()) == 2


@needs_openssl
@pytest.mark.req("R161")
@pytest.mark.parametrize("who", ["other name", "no name", "stranger", "the EMT"])
def test_openssl_gets_no_byte_through_otherwise(
    installed: Installed, tmp_path: Path, who: str
):
    """The name of no profile, none at all, and certificates of others."""
    stranger = Party.made(tmp_path, "stranger", ec.SECP256R1())
    party = {"stranger": stranger, "the EMT": installed.emt}.get(who, installed.cls)
    names = {"other name": ["-servername", "wallbox"], "no name": ["-noservername"]}

    async def course(installed: Installed, service: ProxyService) -> None:
        await service.listens.wait()
        words = names.get(who, ["-servername", "steuerbox"])
        client = await s_client(port_of(service, 1), party, *words)
        said, _ = await client.communicate(b"load 6 A\n")
        assert said == b"" and client.returncode != 0

    serve(installed, course)
    assert installed.texts() == []


class Dripping:
    """Sends each byte in a segment of its own."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def write(self, data: bytes) -> None:
        for byte in data:
            self._writer.write(bytes((byte,)))

    async def drain(self) -> None:
        await self._writer.drain()


@pytest.mark.req("R161")
def test_socks_tls_byte_by_byte(installed: Installed):
    """Greeting, frames, handshake and CONNECT, one byte at a time, as DS 11 writes
    them: 05 01 06, 05 06, frames of state 1 and 3, 05 00 00 01 and six zeros."""

    async def course(installed: Installed, service: ProxyService) -> None:
        await service.listens.wait()
        streams = await asyncio.open_connection("127.0.0.1", port_of(service, 0))
        streams[1].get_extra_info("socket").setsockopt(6, 1, 1)  # TCP_NODELAY
        han = ssl.PEM_cert_to_DER_cert(installed.han.certificate.read_text())
        tls = context(installed.cls, [han], server=False)
        device = Device(streams[0], Dripping(streams[1]), tls)  # type: ignore[arg-type]
        assert await device.greet() == b"\x05\x06"
        await device.shake_hands(piece=1)
        await device.write(request("steuerbox"), piece=1)
        assert await device.read(10) == CONNECTED
        await device.write(b"load 6 A", piece=1)
        assert await device.read(8) == b"load 6 A"
        assert set(device.frames) == {1, 3}

    serve(installed, course)


@pytest.mark.req("R161", "R69")
def test_an_emt_may_show_each_of_its_certificates_in_force(installed: Installed):
    """While it changes: the newer one is imported, it still shows the older."""
    now = installed.gateway.clock.now()
    newer, _key = installed.lab.partner("emt-1.EMT", now=now, number=2)
    import_partner_certificate(
        installed.gateway,
        newer,
        kind=Kind.TLS,
        holder=Holder.EMT,
        holder_id="emt-1",
        now=now,
    )

    async def course(installed: Installed, service: ProxyService) -> None:
        device = await connected(installed, service)
        await device.write(b"load 6 A")
        assert await device.read(8) == b"load 6 A"

    serve(installed, course)


@pytest.mark.req("R161", "R69")
@pytest.mark.parametrize("flaw", ["authority revoked", "out of date"])
def test_an_emt_whose_certificate_is_no_longer_good_gets_no_byte(
    installed: Installed, monkeypatch: pytest.MonkeyPatch, flaw: str
):
    """REP 05: the path is looked at, and the time by the gateway's clock."""
    clock, now = installed.gateway.clock, installed.gateway.clock.now()
    if flaw == "out of date":
        later = now + timedelta(days=800)
        monkeypatch.setattr(type(clock), "now", lambda _self: later)
    else:
        authority = installed.lab.pki.sub.certificate.fingerprint(SHA256()).hex()
        revoke_certificate(authority, now=now)

    async def course(installed: Installed, service: ProxyService) -> None:
        device = await greeted(installed, service)
        assert (await device.connect(request("steuerbox")))[1] == 5

    serve(installed, course)
    assert installed.texts() == []


def test_the_limits_of_closing_are_those_of_the_specification() -> None:
    """5 s with SOCKS-TLS (DS 11.4.5), 20 s with plain TLS (DS 13.3.2), 10 s after a
    refusal."""
    limits = (proxy.SOCKS_CLOSE_S, proxy.PLAIN_CLOSE_S, proxy.REFUSED_CLOSE_S)
    assert limits == (5.0, 20.0, 10.0)


@pytest.mark.req("R161")
def test_a_cls_that_takes_nothing_is_cut_off_within_the_limit(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
):
    """Megabytes wait for it when its profile goes: the goodbye cannot be sent, so the
    transport is cut."""
    monkeypatch.setattr(proxy, "SOCKS_CLOSE_S", 0.1)
    monkeypatch.setattr(proxy, "PLAIN_CLOSE_S", 0.1)

    async def course(installed: Installed, service: ProxyService) -> None:
        device = await connected(installed, service)
        sending = asyncio.create_task(flood(device, 64))
        await stalled(sending, device)
        now = installed.gateway.clock.now()
        await sync_to_async(delete_proxy_profile)("wallbox", now=now)
        await service.proxy.empty()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            while True:
                await device.receive()
        sending.cancel()

    serve(installed, course)
    assert len(installed.texts()) == 2


async def flood(device: Device, megabytes: int) -> None:
    """Send much without reading what comes back."""
    for _ in range(megabytes * 32):
        await device.write(bytes(32_768))


async def stalled(sending: "asyncio.Task[None]", device: Device) -> None:
    """Wait until the proxy takes no more, because its own buffers are full."""
    transport = device.writer.transport
    while transport.is_reading() and transport.get_write_buffer_size() < 65_536:
        assert not sending.done()
        await asyncio.wait([sending], timeout=0.05)


@pytest.mark.req("R161")
def test_what_a_slow_reader_does_not_take_is_not_piled_up(installed: Installed):
    """The EMT sends back 24 megabytes as fast as it may, the CLS reads them a kilobyte
    at a time: every byte arrives, and the proxy holds no more than its buffers."""
    whole = 24

    async def course(installed: Installed, service: ProxyService) -> None:
        device = await connected(installed, service)
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        sending = asyncio.create_task(flood(device, whole))
        taken = 0
        while taken < whole * MEGABYTE:
            taken += len(await device.read(1024))
        peak = tracemalloc.get_traced_memory()[1] - before
        tracemalloc.stop()
        await sending
        assert taken == whole * MEGABYTE
        assert peak < 4 * MEGABYTE, f"{peak} bytes"

    serve(installed, course)


@pytest.mark.slow
@pytest.mark.req("R161")
def test_200_channels_at_once_need_flat_memory(installed: Installed):
    """No byte is lost, and what the last round needs, the first one needed as well."""
    rounds, size = 6, 32_768

    async def course(installed: Installed, service: ProxyService) -> None:
        devices = [await connected(installed, service) for _ in range(200)]
        tracemalloc.start()
        held = []
        for number in range(rounds):
            await asyncio.gather(*(talk(device, number) for device in devices))
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        assert service.proxy.connections == 200
        assert max(held[2:]) - held[1] < MEGABYTE, held
        assert held[-1] < 200 * 128 * 1024, held

    async def talk(device: Device, number: int) -> None:
        data = bytes((number,)) * size
        await device.write(data)
        assert await device.read(size) == data

    serve(installed, course, within_s=600, max_parallel=200)
