"""The partners of a simulated installation: GWA, participants, time server.

The programs are those of `gwa_api.peers` and of the simulated time server, on loopback
with real TLS; their time is the scenario's.
"""

import socket
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from casa_site.demo.time_server import server_certificate
from casa_site.lab_gateway import know_partner, personalise, trust
from casa_site.lab_pki import LabFolder, make_lab_pki
from casa_site.scenario.schema import Scenario, Wan
from casa_site.scenario.timeline import GivenTime
from gwa_api.communication_profiles import WaySpec, save_way
from gwa_api.peers.alarm_book import AlarmBook
from gwa_api.peers.emt import Emt
from gwa_api.peers.head_end import HeadEnd, add_recipient
from gwa_api.peers.https_server import Answer, PeerServer, Request, Route
from gwa_api.peers.peer_keys import PeerKeys, certificate_in
from hardware.certificate_path import Purpose
from hardware.gateway import Gateway
from hardware.private_files import replace
from hardware.simulator import time_server
from hardware.simulator.time_server import TimeServerState
from logbooks.certificate_store import Holder, Kind, parsed
from logbooks.key_renewal import own_certificate
from logbooks.models import Certificate
from logbooks.time_service import configure_time_service

HOST = "127.0.0.1"
GWA = "gwa-0001"
STRANGER = "gwa-0002"
"""Has a certificate of the same PKI, and the gateway does not know it."""
_LOOKS_EVERY_S = 0.02


@dataclass(slots=True)
class Partner:
    """A partner who can be reached or not, and may answer what a scenario says."""

    keys: PeerKeys
    routes: Mapping[str, Route]
    time: GivenTime
    port: int = 0
    answers: deque[int] = field(default_factory=deque)
    """The statuses of the next answers; after them, what the program says."""
    _server: PeerServer | None = None
    _thread: threading.Thread | None = None

    def listen(self) -> None:
        """Answer from now on, on the same port as before."""
        if self._server is not None:
            return
        routes = {path: self._answering(route) for path, route in self.routes.items()}
        self._server = PeerServer(
            self.keys, (HOST, self.port), routes, clock=self.time.true
        )
        self.port = self._server.port
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_LOOKS_EVERY_S,)
        )
        self._thread.start()

    def go_away(self) -> None:
        """Nobody listens on the port any more."""
        server, thread, self._server = self._server, self._thread, None
        if server is not None and thread is not None:
            server.shutdown()
            thread.join()
            server.server_close()

    def _answering(self, route: Route) -> Route:
        def answer(request: Request) -> Answer:
            if self.answers:
                return Answer(self.answers.popleft())
            return route(request)

        return answer


class Partners:
    """All partners of a scenario; a context that ends them."""

    def __init__(self, gateway: Gateway, told: Scenario, time: GivenTime) -> None:
        self._gateway, self._told, self._time = gateway, told, time
        self._folder = gateway.state.parent / f"{gateway.state.name}-partners"
        self._lab: LabFolder | None = None
        self._foreign: LabFolder | None = None
        self.by_name: dict[str, Partner] = {}
        self.time_server: TimeServer | None = None

    def __enter__(self) -> Self:
        """Set up what the scenario needs; `make_known` tells the gateway of it."""
        uses_gwa = any(c.word == "gwa" for s in self._told.steps for c in s.actions)
        if self._told.wan is not None or uses_gwa:
            self._personalise(self._told.wan or Wan())
        if self._told.has_time_server:
            files = self._folder / "time.pem", self._folder / "time.key"
            self._folder.mkdir(exist_ok=True)
            self.time_server = TimeServer(files, self._time)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """End all servers."""
        for partner in self.by_name.values():
            partner.go_away()
        if self.time_server is not None:
            self.time_server.go_away()

    def make_known(self) -> None:
        """Tell a running gateway how its partners are reached, and who has the time."""
        if self.time_server is not None:
            self.time_server.install(self._gateway)
        wan = self._told.wan
        if wan is None:
            return
        self._make_way(GWA, "", "direct")
        for name in wan.participants:
            self._make_way(name, name, wan.route)

    def identity(self, which: str) -> bytes:
        """A GWA's TLS certificate (DER): own, unknown, foreign (other PKI), none."""
        if which == "none" or self._lab is None:
            return b""
        lab = self._foreign_lab() if which == "foreign" else self._lab
        party = STRANGER if which == "unknown" else GWA
        certificate = certificate_in(lab.certificate(party, Purpose.TLS))
        return certificate.public_bytes(Encoding.DER)

    def show(self, name: str, which: str) -> None:
        """From the next connection on a partner shows this certificate."""
        lab = self._foreign_lab() if which == "foreign" else self._lab
        assert lab is not None
        own = self.by_name[name].keys.state / "own"
        for kind, path in (
            ("pem", lab.certificate(name, Purpose.TLS)),
            ("key", lab.key(name, Purpose.TLS)),
        ):
            replace(own / f"tls.{kind}", path.read_bytes())

    def received(self, name: str) -> Path:
        """The folder of what a partner has got."""
        return self.by_name[name].keys.state

    def _personalise(self, wan: Wan) -> None:
        now, gateway = self._time.true(), self._gateway
        self._lab = self._new_lab("pki")
        trust(gateway, self._lab, now=now)
        personalise(gateway, self._lab, now=now)
        know_partner(gateway, self._lab, GWA, Holder.GWA, now=now)
        for name in wan.participants:
            know_partner(gateway, self._lab, name, Holder.EMT, now=now)
            emt = Emt(self._keys(name), self._time.true, _quiet)
            emt.received.prepare()
            self._add(name, emt.keys, {"/deliveries": emt.take})
        if self._told.wan is not None:
            self._add_gwa(wan)

    def _add_gwa(self, wan: Wan) -> None:
        keys = self._keys(GWA)
        head = HeadEnd(keys, self._time.true, _quiet)
        book = AlarmBook(keys, self._time.true, _quiet)
        head.prepare()
        book.prepare()
        own = certificate_in(keys.state / "own" / "tls.pem")
        for name in wan.participants:
            emt = self.by_name[name]
            emt.keys.trust_client("gwa", own)
            pem = (emt.keys.state / "own" / "tls.pem").read_bytes()
            add_recipient(keys.state, name, host=HOST, port=emt.port, certificate=pem)
        self._add(GWA, keys, {"/deliveries": head.forward, "/alarms": book.take})

    def _add(self, name: str, keys: PeerKeys, routes: Mapping[str, Route]) -> None:
        self.by_name[name] = Partner(keys, routes, self._time)
        self.by_name[name].listen()

    def _keys(self, name: str) -> PeerKeys:
        assert self._lab is not None
        keys = PeerKeys(self._folder / name)
        keys.state.mkdir(parents=True, exist_ok=True)
        keys.take_keys(self._lab.folder / name)
        keys.trust_client("gateway", _own(Kind.TLS))
        keys.trust_signer("gateway", _own(Kind.SIG))
        return keys

    def _make_way(self, name: str, participant: str, route: str) -> None:
        spec = WaySpec(
            id=f"way-{name}",
            participant=participant,
            addresses=(f"{HOST}:{self.by_name[name].port}",),
            route=route,
        )
        save_way(self._gateway, spec, now=self._time.true())

    def _new_lab(self, folder: str) -> LabFolder:
        wan = self._told.wan or Wan()
        return make_lab_pki(
            self._folder / folder,
            gwa=GWA,
            emts=(*wan.participants, STRANGER),
            now=self._time.true(),
        )

    def _foreign_lab(self) -> LabFolder:
        if self._foreign is None:
            self._foreign = self._new_lab("foreign-pki")
        return self._foreign


class TimeServer:
    """The GWA's time server, which can be made to fail in many ways."""

    def __init__(self, files: tuple[Path, Path], time: GivenTime) -> None:
        self.state = TimeServerState(time.true)
        self._files, self._time = files, time
        self._port = 0
        self._stop: threading.Event | None = None
        self._thread: threading.Thread | None = None

    def install(self, gateway: Gateway) -> None:
        """Listen, and let the gateway take its time from here."""
        certificate = server_certificate(*self._files, self._time.true())
        self.listen()
        configure_time_service(
            gateway,
            host=HOST,
            port=self._port,
            certificate=certificate.public_bytes(Encoding.DER),
            now=gateway.clock.now(),
        )

    def listen(self) -> None:
        """Answer from now on, on the same port as before."""
        if self._stop is not None:
            return
        listener = socket.create_server((HOST, self._port))
        self._port = int(listener.getsockname()[1])
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(listener, self._stop))
        self._thread.start()

    def go_away(self) -> None:
        """Nobody listens any more."""
        stop, thread, self._stop = self._stop, self._thread, None
        if stop is not None and thread is not None:
            stop.set()
            thread.join()

    def _serve(self, listener: socket.socket, stop: threading.Event) -> None:
        with listener:
            time_server.serve(self.state, listener, self._files, stop)


def _own(kind: Certificate.Kind) -> x509.Certificate:
    entry = own_certificate(kind)
    assert entry is not None
    return parsed(entry)


def _quiet(_line: str) -> None:
    """What came lies in the folders."""
