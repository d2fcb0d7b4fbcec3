"""The proxy as the gateway runs it: its own certificates, database, log."""

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from cryptography.hazmat.primitives.asymmetric import ec

from gwa_api.cls import orders
from gwa_api.cls.service import ProxyService
from gwa_api.models import ProxyConnection
from gwa_api.proxy_profiles import (
    ProxySpec,
    delete_proxy_profile,
    save_proxy_profile,
)
from hardware.gateway import Gateway
from hardware.han_certificate import ensure_han_files
from logbooks.certificate_store import import_partner_certificate
from logbooks.key_renewal import own_certificate
from logbooks.models import Certificate, SystemLogEntry
from logbooks.selectors import consumer_log
from meters.configuration import create_consumer
from tariffs.services import create_participant
from tests.gwa_api.cls_parties import Device, Party, context, echo, request
from tests.logbooks.pki_gateway import Lab, personalised, trusting

CONNECTED = bytes.fromhex("05000001000000000000")
Course = Callable[["Installed", ProxyService], Coroutine[Any, Any, None]]


class Installed:
    """A gateway in operation with an EMT and a CLS, all certificates in place."""

    def __init__(self, gateway: Gateway, folder: Path) -> None:
        self.gateway = gateway
        now = gateway.clock.now()
        self.lab = lab = Lab(now - timedelta(minutes=1))
        trusting(gateway, lab)
        personalised(gateway, lab)
        self.han = ensure_han_files(gateway, now=now)
        self.cls = Party.made(folder, "cls", ec.SECP256R1())
        der, key = lab.partner("emt-1.EMT")
        self.emt = Party.of(folder, "emt", der, key)
        create_consumer(gateway, "meier")
        create_participant("emt-1")
        import_partner_certificate(
            gateway,
            der,
            kind=Certificate.Kind.TLS,
            holder=Certificate.Holder.EMT,
            holder_id="emt-1",
            now=now,
        )
        own = own_certificate(Certificate.Kind.TLS)
        assert own is not None
        self.own = bytes(own.der)

    def spec(self, emt_port: int) -> ProxySpec:
        return ProxySpec(
            id="wallbox",
            scenario="HKS3",
            consumer="meier",
            emt="emt-1",
            local_server_name="steuerbox",
            wan_addresses=(f"127.0.0.1:{emt_port}",),
            cls_certificate=self.cls.certificate,
        )

    def texts(self) -> list[str]:
        begin = datetime(2000, 1, 1, tzinfo=UTC)
        lines = consumer_log("meier", begin=begin)
        return [line.text for line in lines if line.event_id in (20018, 20020)]


@pytest.fixture
def installed(gateway: Gateway, tmp_path: Path, transactional_db: None) -> Installed:
    return Installed(gateway, tmp_path)


def serve(
    installed: Installed, course: Course, *, within_s: float = 60, **changes: object
) -> None:
    async def whole() -> None:
        tls = context(installed.emt, [installed.own], server=True)
        tls.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        emt = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=tls)
        spec = replace(installed.spec(emt.sockets[0].getsockname()[1]), **changes)  # type: ignore[arg-type]
        await sync_to_async(save_proxy_profile)(
            installed.gateway, spec, now=installed.gateway.clock.now()
        )
        service = ProxyService(
            installed.gateway, installed.han, host="127.0.0.1", ports=(0, 0)
        )
        stop = asyncio.Event()
        async with asyncio.timeout(within_s):
            running = asyncio.create_task(service.run(stop))
            try:
                await course(installed, service)
            finally:
                stop.set()
                await running
        emt.close()

    asyncio.run(whole())


async def greeted(installed: Installed, service: ProxyService) -> Device:
    """A CLS that has shaken hands and asked for nothing yet."""
    await service.listens.wait()
    port = service.servers[0].sockets[0].getsockname()[1]
    streams = await asyncio.open_connection("127.0.0.1", port)
    han = ssl.PEM_cert_to_DER_cert(installed.han.certificate.read_text())
    device = Device(*streams, context(installed.cls, [han], server=False))
    assert await device.greet() == b"\x05\x06"
    await device.shake_hands()
    return device


async def connected(installed: Installed, service: ProxyService) -> Device:
    """A CLS with its EMT at the other end."""
    device = await greeted(installed, service)
    assert await device.connect(request("steuerbox")) == CONNECTED
    return device


@pytest.mark.req("R161")
def test_a_cls_talks_with_its_emt_until_the_profile_is_deleted(installed: Installed):
    """Bytes pass only with a profile in force; begin and end stand in the log."""

    async def course(installed: Installed, service: ProxyService) -> None:
        device = await connected(installed, service)
        await device.write(b"load 6 A")
        assert await device.read(8) == b"load 6 A"
        now = installed.gateway.clock.now()
        await sync_to_async(delete_proxy_profile)("wallbox", now=now)
        assert await device.read(1) == b""

    serve(installed, course)
    assert len(installed.texts()) == 2
    assert "abgebaut" in installed.texts()[0] and "aufgebaut" in installed.texts()[1]


@pytest.mark.req("R161")
def test_the_gateway_calls_both_when_the_gwa_orders_it(
    installed: Installed, tmp_path: Path
):
    """HKS4: the CLS is called as a TLS server, then the EMT; the order can end it."""

    async def course(installed: Installed, service: ProxyService) -> None:
        order = await sync_to_async(orders.order_connection)(
            "wallbox", now=installed.gateway.clock.now()
        )
        assert await heard.get() == b"load 6 A"
        await sync_to_async(orders.end_connection)(order.pk)

    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def wallbox(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(b"load 6 A")
        heard.put_nowait(await reader.readexactly(8))
        assert await reader.read(1) == b""
        writer.close()

    async def with_device(installed: Installed, service: ProxyService) -> None:
        han = ssl.PEM_cert_to_DER_cert(installed.han.certificate.read_text())
        tls = context(installed.cls, [han], server=True)
        device = await asyncio.start_server(wallbox, "127.0.0.1", 0, ssl=tls)
        port = device.sockets[0].getsockname()[1]
        now = installed.gateway.clock.now()
        profile = await sync_to_async(saved_address)(installed, port, now)
        assert profile == "wallbox"
        await course(installed, service)
        device.close()

    serve(installed, with_device, scenario="HKS4", cls_address="127.0.0.1:9")
    connection = ProxyConnection.objects.get()
    assert connection.opened_at and connection.closed_at and not connection.problem
    assert len(installed.texts()) == 2


def saved_address(installed: Installed, port: int, now: datetime) -> str:
    from gwa_api.models import ProxyProfile

    ProxyProfile.objects.update(cls_address=f"127.0.0.1:{port}")
    return ProxyProfile.objects.get().id


def test_an_order_to_a_cls_that_does_not_answer_says_why(installed: Installed):
    async def course(installed: Installed, service: ProxyService) -> None:
        order = await sync_to_async(orders.order_connection)(
            "wallbox", now=installed.gateway.clock.now()
        )
        while not order.closed_at:
            await order.arefresh_from_db()
        assert order.problem and order.opened_at is None

    serve(installed, course, scenario="HKS4", cls_address="127.0.0.1:1")


@pytest.mark.req("R161")
def test_a_port_that_is_taken_is_told(installed: Installed):
    """Fault 1800200: the SOCKS server could not be started."""

    async def course(installed: Installed, service: ProxyService) -> None:
        taken = await asyncio.start_server(echo, "127.0.0.1", 0)
        port = taken.sockets[0].getsockname()[1]
        second = ProxyService(
            installed.gateway, installed.han, host="127.0.0.1", ports=(port, 0)
        )
        stop = asyncio.Event()
        running = asyncio.create_task(second.run(stop))
        await second.listens.wait()
        assert len(second.servers) == 1
        stop.set()
        await running
        taken.close()

    serve(installed, course)
    assert SystemLogEntry.objects.filter(event_id=1800200).count() == 1
