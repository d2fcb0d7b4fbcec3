"""What each process of the gateway runs (decisions D48).

Every role opens the gateway for itself after the fork; nothing of it is inherited.
"""

import asyncio
import importlib
import signal
import threading
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from types import ModuleType

from celery import signals
from django.conf import settings
from django.db import connection

from casa_site import readiness
from casa_site.celery import LMN, NODES, app
from casa_site.gateways import open_configured_gateway
from casa_site.han_server import HanServer
from casa_site.node_life import show_life, shows_with_queries
from casa_site.service import Role
from casa_site.start_and_end import is_out_of_service
from hardware.gateway import Gateway
from hardware.han_certificate import (
    GWA_LISTENER,
    SERVICE_LISTENER,
    ensure_han_files,
    ensure_server_files,
    han_files,
)
from hardware.sign_of_life import SignOfLife

BEAT, HOUSE, CLS, LEDS, WAKEUP = "beat", "house", "cls", "leds", "wakeup"
_DEMO_MODULE = "casa_site.demo"


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the gateway listens, and what the demo is to be like.

    `with_demo` stands for a demo that is installed already or will be now.
    """

    host: str
    han_port: int
    with_demo: bool
    history_days: int
    cls_ports: tuple[int, int] = (1080, 1443)
    gwa_port: int = 8445
    wakeup_port: int = 8446
    service_port: int = 8444

    @property
    def han_address(self) -> str:
        """The address as gunicorn and URLs write it."""
        return _written(self.host, self.han_port)

    @property
    def service_address(self) -> str:
        """The same for the technician's listener."""
        return _written(self.host, self.service_port)

    @property
    def gwa_address(self) -> str:
        """The same for the administrator's listener."""
        return _written(settings.GWA_HOST, self.gwa_port)


def _written(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def roles(listening: Listening) -> list[Role]:
    """Every process of the gateway, in the order of their start.

    In the hard lock-down nothing listens and nothing is read (R142): only the lights
    are left.
    """
    lights = [Role(LEDS, run_leds, needed=False)]
    if is_out_of_service(settings.STATE):
        return lights
    wanted = [Role("han", partial(run_han, listening))]
    wanted.append(Role("service", partial(run_service, listening)))
    wanted.append(Role("gwa", partial(run_gwa, listening)))
    wanted += [Role(name, partial(run_node, listening, name)) for name in NODES]
    light = partial(run_light_services, listening)
    wanted.append(Role(BEAT, light, beside=(HOUSE, WAKEUP)))
    wanted.append(Role(CLS, partial(run_cls, listening), needed=False))
    if settings.LEDS:
        wanted += lights
    if listening.with_demo and (demo := demo_module()):
        wanted += demo.roles(settings.STATE)
    return wanted


def demo_module() -> ModuleType | None:
    """The demo installation, where there is one."""
    return importlib.import_module(_DEMO_MODULE) if find_spec(_DEMO_MODULE) else None


def run_han(listening: Listening) -> None:
    """The consumer's web pages and the HAN JSON interface."""
    gateway = open_configured_gateway()
    # Clients check the certificate by their own clock, so it goes by the host's.
    files = ensure_han_files(gateway, addresses=[listening.host], now=datetime.now(UTC))
    HanServer(
        gateway,
        address=listening.han_address,
        files=files,
        tls=settings.TLS_MAX,
    ).run()


def run_gwa(listening: Listening) -> None:
    """The REST interface of the gateway administrator."""
    # Imported here: memory that no other role needs.
    from casa_site.gwa_server import GwaServer

    gateway = open_configured_gateway()
    files = ensure_server_files(
        gateway, GWA_LISTENER, addresses=[settings.GWA_HOST], now=datetime.now(UTC)
    )
    GwaServer(
        gateway,
        address=listening.gwa_address,
        files=files,
        tls=settings.TLS_MAX,
        per_minute=settings.GWA_RATE,
    ).run()


def run_service(listening: Listening) -> None:
    """The technician's pages."""
    # Imported here: memory that no other role needs.
    from casa_site.service_server import ServiceServer

    gateway = open_configured_gateway()
    files = ensure_server_files(
        gateway, SERVICE_LISTENER, addresses=[listening.host], now=datetime.now(UTC)
    )
    ServiceServer(
        gateway,
        address=listening.service_address,
        files=files,
        tls=settings.TLS_MAX,
        listening={
            "HAN": listening.han_address,
            "Service": listening.service_address,
            "GWA": listening.gwa_address,
        },
    ).run()


def run_node(listening: Listening, name: str) -> int:
    """A Celery node; the one of queue lmn also owns the meters' wires."""
    gateway = open_configured_gateway()
    app.gateways[gateway.huid] = gateway
    app.han_addresses = (listening.host,)
    app.life = _life(gateway, name)
    connection.execute_wrappers.append(shows_with_queries(app.life))

    def announce(*_: object, **__: object) -> None:
        readiness.announce(gateway.state, name)

    if LMN in NODES[name]:
        app.announce_ready = announce  # called when the ports have been opened
    else:
        signals.worker_ready.connect(announce, weak=False)
    # Celery warns root because of pickled messages; ours are JSON only.
    warnings.filterwarnings("ignore", message=".*superuser privileges")
    worker = app.Worker(
        hostname=f"{name}@{gateway.huid}",
        queues=list(NODES[name]),
        pool="solo",
        concurrency=1,
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


def run_light_services(listening: Listening) -> None:
    """What mostly waits, in one process: the rhythm, the house, wake-up."""
    # Imported here: memory that no other role needs.
    from casa_site import light_services

    light_services.run(
        open_configured_gateway(),
        host=listening.host,
        han_port=listening.han_port,
        wakeup_port=listening.wakeup_port,
    )


def run_leds() -> None:
    """Drives the lights of the device (CASA_LEDS); without any it only waits."""
    from casa_site.led_role import LedLoop
    from hardware.led_devices import LedDevices, parse_mapping

    gateway = open_configured_gateway()
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: ending.set())
    readiness.announce(gateway.state, LEDS)
    lights = LedDevices(parse_mapping(settings.LEDS))
    LedLoop(gateway, lights, _life(gateway, LEDS)).run(ending)


def run_cls(listening: Listening) -> None:
    """The CLS proxy, a process of its own (SOCKS-TLS and TLS with SNI)."""
    # Imported here: memory that no other role needs.
    from gwa_api.cls.service import ProxyService

    gateway = open_configured_gateway()
    files, ports = han_files(gateway), listening.cls_ports

    async def serve() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        service = ProxyService(gateway, files, host=listening.host, ports=ports)
        life = _life(gateway, CLS)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(show_life(life, stop=stop))
            await service.run(stop, lambda: readiness.announce(gateway.state, CLS))

    asyncio.run(serve())


def _life(gateway: Gateway, role: str) -> SignOfLife:
    return SignOfLife(readiness.life_file(gateway.state, role))
