"""The gateway's partners on loopback: EMTs and a GWA as the programs that people use.

And a receiver that gives any answer one likes.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from gwa_api.communication_profiles import WaySpec, save_way
from gwa_api.models import CommunicationProfile
from gwa_api.peers import head_end
from gwa_api.peers.alarm_book import AlarmBook
from gwa_api.peers.emt import Emt
from gwa_api.peers.head_end import HeadEnd
from gwa_api.peers.https_server import Answer, PeerServer, Request, Route
from gwa_api.peers.peer_keys import PeerKeys
from hardware.certificate_path import Purpose
from hardware.gateway import Gateway
from hardware.pki import issue
from logbooks.certificate_store import Holder, Kind, import_partner_certificate
from logbooks.key_renewal import own_certificate
from logbooks.models import Certificate
from tests.logbooks.pki_gateway import Lab, personalised, trusting

KINDS = {Purpose.TLS: "tls", Purpose.ENC: "enc", Purpose.SIG: "sig"}
GWA = "gwa-0001"


@dataclass
class Wan:
    """A gateway with certificates, and its partners' folders."""

    gateway: Gateway
    folder: Path
    lab: Lab
    now: Callable[[], datetime]
    told: list[str] = field(default_factory=list)

    @classmethod
    def around(cls, gateway: Gateway, folder: Path, now: datetime) -> "Wan":
        """Trust and certificates are there, no partners yet."""
        lab = Lab(now)
        trusting(gateway, lab)
        personalised(gateway, lab)
        return cls(gateway, folder, lab, lambda: now)

    def party(self, name: str, holder: Holder = Holder.EMT) -> PeerKeys:
        """Keys and certificates of a partner, known to the gateway and knowing it."""
        source = self.folder / f"{name}-keys"
        source.mkdir(parents=True)
        for purpose, kind in KINDS.items():
            der, key = self.issued(f"{name}.{holder.value}", purpose)
            write_pair(source, kind, der, key)
            import_partner_certificate(
                self.gateway,
                der,
                kind=Kind(purpose.value),
                holder=holder,
                holder_id=name,
                now=self.now(),
            )
        keys = PeerKeys(self.folder / name)
        keys.take_keys(source)
        keys.trust_client("gateway", own(Kind.TLS))
        keys.trust_signer("gateway", own(Kind.SIG))
        return keys

    def issued(
        self, common_name: str, purpose: Purpose = Purpose.TLS, lab: Lab | None = None
    ) -> tuple[bytes, ec.EllipticCurvePrivateKey]:
        """A certificate (DER) and its key, on the gateway's own curve."""
        lab = lab or self.lab
        key = ec.generate_private_key(ec.BrainpoolP256R1())
        made = issue(
            lab.pki.sub,
            key.public_key(),
            common_name=common_name,
            purpose=purpose,
            now=lab.now,
        )
        return made.public_bytes(Encoding.DER), key

    def emt(self, name: str) -> Emt:
        """A recipient that stores."""
        made = Emt(self.party(name), self.now, self.told.append)
        made.received.prepare()
        return made

    def head_end(self) -> tuple[HeadEnd, AlarmBook]:
        """The GWA with its book of alarms."""
        keys = self.party(GWA, Holder.GWA)
        head = HeadEnd(keys, self.now, self.told.append)
        book = AlarmBook(keys, self.now, self.told.append)
        head.prepare()
        book.prepare()
        return head, book

    def way(
        self, port: int, participant: str = "", route: str = "direct", **more: object
    ) -> CommunicationProfile:
        """The gateway's way to a partner on this machine."""
        spec = WaySpec(
            id=f"way-{participant or 'gwa'}",
            addresses=(f"127.0.0.1:{port}",),
            participant=participant,
            route=route,
            **more,  # type: ignore[arg-type]
        )
        return save_way(self.gateway, spec, now=self.now())

    @contextmanager
    def listening(self, keys: PeerKeys, **routes: Route) -> Iterator[PeerServer]:
        """A server of a partner; `deliveries=` answers POST /deliveries."""
        paths = {f"/{name}": route for name, route in routes.items()}
        with serving(PeerServer(keys, ("127.0.0.1", 0), paths, clock=self.now)) as it:
            yield it

    def let_forward(self, head: HeadEnd, emt: Emt, port: int, name: str) -> None:
        """GWA and recipient know each other."""
        pem = (emt.keys.state / "own" / "tls.pem").read_bytes()
        head_end.add_recipient(
            head.keys.state, name, host="127.0.0.1", port=port, certificate=pem
        )
        own_pem = (head.keys.state / "own" / "tls.pem").read_bytes()
        emt.keys.trust_client("gwa", x509.load_pem_x509_certificate(own_pem))


@dataclass
class Scripted:
    """A receiver that answers what it is told, and notes what came."""

    answers: list[Answer | Callable[[Request], Answer]] = field(default_factory=list)
    came: list[Request] = field(default_factory=list)

    def take(self, request: Request) -> Answer:
        """The next answer; the last one again and again."""
        self.came.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer if isinstance(answer, Answer) else answer(request)


@contextmanager
def serving(server: PeerServer) -> Iterator[PeerServer]:
    """It answers in a thread."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    with server:
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def own(kind: Certificate.Kind) -> x509.Certificate:
    """The gateway's certificate for a purpose."""
    entry = own_certificate(kind)
    assert entry is not None
    return x509.load_der_x509_certificate(bytes(entry.der))


def write_pair(
    folder: Path, kind: str, der: bytes, key: ec.EllipticCurvePrivateKey
) -> None:
    """A certificate and its key as PEM files."""
    certificate = x509.load_der_x509_certificate(der)
    (folder / f"{kind}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / f"{kind}.key").write_bytes(key.private_bytes(*form))
