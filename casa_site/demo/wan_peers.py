"""The demo's partners on the WAN: a head-end and two recipients, own processes.

Each has its keys and what it got in a folder of its own, and a port that was free at
the first start. The first recipient is reached by the GWA, the second directly.
"""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from cryptography import x509
from django.conf import settings

from casa_site import readiness
from casa_site.demo import parties
from casa_site.demo.plan import EMT, EMTS, GWA, peer_folder
from casa_site.demo.time_server import HOST, free_port
from casa_site.service import Role
from gwa_api.communication_profiles import WaySpec, save_way
from gwa_api.models import CommunicationProfile
from gwa_api.peers import emt as emt_peer
from gwa_api.peers import head_end
from gwa_api.peers.alarm_book import AlarmBook
from gwa_api.peers.emt import Emt
from gwa_api.peers.head_end import HeadEnd
from gwa_api.peers.https_server import PeerServer
from gwa_api.peers.management_server import ManagementServer, look_at_device
from gwa_api.peers.peer_keys import PeerKeys, certificate_in
from hardware.certificate_path import Purpose
from hardware.clock import GatewayClock
from hardware.gateway import Gateway
from hardware.private_files import make_once
from hardware.simulator.process import stop_on_signals
from logbooks.certificate_store import Kind, parsed
from logbooks.key_renewal import own_certificate
from logbooks.models import Certificate
from tariffs.models import MarketParticipant
from tariffs.participants import change_participant, create_participant

_PORT, _MANAGEMENT_PORT, _COMPLETE = "port", "management-port", "complete"
_LOOKS_EVERY_S = 0.5
_ROUTES = {EMT: CommunicationProfile.Route.VIA_GWA}


def install(gateway: Gateway) -> None:
    """Let everybody know each other, and the gateway its ways; running again is well.

    The certificates of the gateway are handed over each time: they may be new.
    """
    know_gateway(gateway, gateway.state)
    know_each_other(gateway.state)
    set_ways(gateway, gateway.state)


def know_each_other(state: Path) -> None:
    """Let GWA and recipients of this folder know each other; then they begin."""
    lab = parties.lab_folder(state)
    for name in (GWA, *EMTS):
        PeerKeys(peer_folder(state, name)).take_keys(lab.folder / name)
    for name in EMTS:
        certificate = lab.certificate(name, Purpose.TLS).read_bytes()
        gwa_tls = certificate_in(lab.certificate(GWA, Purpose.TLS))
        PeerKeys(peer_folder(state, name)).trust_client("gwa", gwa_tls)
        head_end.add_recipient(
            peer_folder(state, GWA),
            name,
            host=HOST,
            port=_port(state, name),
            certificate=certificate,
        )
    for name in (GWA, *EMTS):
        make_once(peer_folder(state, name) / _COMPLETE, b"")


def complete(gateway: Gateway) -> None:
    """The same for a demo of an older version, which has no ways yet."""
    now = gateway.clock.now()
    parties.complete(gateway, now=now)
    for name in EMTS:
        if not MarketParticipant.objects.filter(pk=name).exists():
            create_participant(name, name=title(name))
        change_participant(name, name=title(name), inbox="")
    install(gateway)


def title(name: str) -> str:
    """What a market participant is called in the demo."""
    return f"Demo-Marktteilnehmer {EMTS.index(name) + 1}"


def roles(state: Path) -> list[Role]:
    """A process for each; they wait until they have been set up."""
    serve: list[tuple[str, Callable[[], None]]] = [
        ("demo-gwa", partial(serve_gwa, state)),
        *((f"demo-{name}", partial(serve_emt, state, name)) for name in EMTS),
    ]
    return [Role(name, run, needed=False) for name, run in serve]


def serve_emt(state: Path, name: str, clock: GatewayClock | None = None) -> None:
    """Take deliveries until SIGTERM; the time is the host's where none is given."""
    folder, clock = peer_folder(state, name), clock or _clock()
    peer = Emt(PeerKeys(folder), clock.now, _quiet)
    peer.received.prepare()
    routes = {emt_peer.PATH: peer.take}

    def servers() -> list[PeerServer]:
        address = HOST, _port(state, name)
        return [PeerServer(peer.keys, address, routes, clock=clock.now)]

    _serve(state, f"demo-{name}", folder, servers)


def serve_gwa(state: Path, clock: GatewayClock | None = None) -> None:
    """Forward deliveries, take alarms and management channels until SIGTERM."""
    folder, clock = peer_folder(state, GWA), clock or _clock()
    keys = PeerKeys(folder)
    head = HeadEnd(keys, clock.now, _quiet)
    book = AlarmBook(keys, clock.now, _quiet)
    head.prepare()
    book.prepare()
    routes = {"/deliveries": head.forward, "/alarms": book.take}

    def servers() -> list[PeerServer]:
        use = look_at_device(keys, clock.now)
        address, management = (HOST, _port(state, GWA)), (HOST, _management_port(state))
        return [
            PeerServer(keys, address, routes, clock=clock.now),
            ManagementServer(keys, management, use, clock=clock.now),
        ]

    _serve(state, "demo-gwa", folder, servers)


def _serve(
    state: Path, role: str, folder: Path, servers: Callable[[], list[PeerServer]]
) -> None:
    stop = stop_on_signals()
    readiness.announce(state, role)
    while not (folder / _COMPLETE).exists():
        if stop.wait(_LOOKS_EVERY_S):
            return
    with ExitStack() as stack:
        running = [stack.enter_context(server) for server in servers()]
        for server in running:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        stop.wait()
        for server in running:
            server.shutdown()


def know_gateway(gateway: Gateway, state: Path) -> None:
    """Let the partners of this folder take what the gateway sends."""
    for name in (GWA, *EMTS):
        keys = PeerKeys(peer_folder(state, name))
        keys.trust_client(gateway.huid, _own(Kind.TLS))
        keys.trust_signer(gateway.huid, _own(Kind.SIG))


def _own(kind: Certificate.Kind) -> x509.Certificate:
    entry = own_certificate(kind)
    if entry is None:
        raise RuntimeError(f"the demo's gateway has no certificate for {kind}")
    return parsed(entry)


def set_ways(gateway: Gateway, state: Path) -> None:
    """How the gateway reaches the partners of this folder.

    Ways that are there stay: somebody may have changed them.
    """
    now = gateway.clock.now()
    management = (f"{HOST}:{_management_port(state)}",)
    for name in ("", *EMTS):
        way_id = f"way-{name or GWA}"
        if CommunicationProfile.objects.filter(pk=way_id).exists():
            continue
        spec = WaySpec(
            id=way_id,
            participant=name,
            addresses=(f"{HOST}:{_port(state, name or GWA)}",),
            route=_ROUTES.get(name, CommunicationProfile.Route.DIRECT),
            management_addresses=() if name else management,
        )
        save_way(gateway, spec, now=now)


def _port(state: Path, name: str, file: str = _PORT) -> int:
    folder = peer_folder(state, name)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (folder / file).exists():
        return int((folder / file).read_text())
    return int(make_once(folder / file, str(free_port()).encode()))


def _management_port(state: Path) -> int:
    return _port(state, GWA, _MANAGEMENT_PORT)


def _clock() -> GatewayClock:
    """Their time is the host's, moved with the gateway's (D39)."""
    return GatewayClock(settings.CLOCK_OFFSET)


def _quiet(_line: str) -> None:
    """What came lies in the folders; the gateway's output is not for it."""
