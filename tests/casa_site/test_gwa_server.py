"""The administrator's listener over real TLS: who comes in, and who does not."""

import http.client
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509 import load_der_x509_certificate
from django.db import connections

from casa_site.gwa_server import GwaServer
from hardware.certificate_path import Purpose
from hardware.gateway import Gateway
from hardware.han_certificate import GWA_LISTENER, ensure_server_files
from logbooks.certificate_store import (
    Holder,
    Kind,
    Stage,
    end_certificate,
    import_partner_certificate,
    revoke_certificate,
    store_certificate,
)
from logbooks.models import SystemLogEntry
from tests.logbooks.pki_gateway import Lab, trusting

HOST = "127.0.0.1"
Party = tuple[bytes, ec.EllipticCurvePrivateKey]


class Handler(WSGIRequestHandler):
    """Hands the connection down as gunicorn does, and says nothing on the screen."""

    protocol_version = "HTTP/1.1"

    def get_environ(self) -> dict[str, Any]:
        return super().get_environ() | {"gunicorn.socket": self.connection}

    def handle(self) -> None:
        try:
            super().handle()
        finally:
            connections.close_all()

    def log_message(self, *args: object) -> None:
        pass


class Server(ThreadingMixIn, WSGIServer):
    """Secures each connection with the settings of that moment."""

    daemon_threads = True
    context: Callable[[], ssl.SSLContext]

    def get_request(self) -> Any:
        plain, address = self.socket.accept()
        secured = self.context().wrap_socket(
            plain, server_side=True, do_handshake_on_connect=False
        )
        secured.do_handshake()
        return secured, address

    def handle_error(self, *args: object) -> None:
        pass


@contextmanager
def listening(
    gateway: Gateway,
    server: type[Server] = Server,
    handler: type[Handler] = Handler,
) -> Iterator[int]:
    """The listener's own settings and application; gives the port."""
    files = ensure_server_files(
        gateway, GWA_LISTENER, addresses=[HOST], now=datetime.now(UTC)
    )
    made = GwaServer(gateway, address=f"{HOST}:0", files=files, tls="1.3", per_minute=0)
    with make_server(HOST, 0, made.load(), server, handler) as open_:
        open_.context = made.current_context()
        thread = threading.Thread(
            target=lambda: (open_.serve_forever(0.01), connections.close_all())
        )
        thread.start()
        yield open_.server_port
        open_.shutdown()
        thread.join()


def context_of(folder: Path, party: Party | None, **more: Any) -> ssl.SSLContext:
    """A client that trusts the listener and shows this certificate."""
    context = ssl.create_default_context(cafile=more["ca"])
    if party is not None:
        der, key = party
        pem = load_der_x509_certificate(der).public_bytes(Encoding.PEM)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / "client.pem").write_bytes(pem + private)
        context.load_cert_chain(folder / "client.pem")
    return context


@pytest.fixture
def place(
    gateway: Gateway, tmp_path: Path, transactional_db: None
) -> Iterator[tuple[Lab, Callable[[Party | None], http.client.HTTPSConnection]]]:
    """A listening gateway; makes connections that show a certificate."""
    lab = Lab(gateway.clock.now())
    trusting(gateway, lab)
    ca = str(gateway.state / "tls" / "gwa.pem")
    with listening(gateway) as port:

        def connection(party: Party | None) -> http.client.HTTPSConnection:
            context = context_of(tmp_path, party, ca=ca)
            return http.client.HTTPSConnection(HOST, port, timeout=5, context=context)

        yield lab, connection


def known(gateway: Gateway, party: Party, name: str, now: datetime) -> str:
    """Put a certificate into the store as the GWA's; gives its fingerprint."""
    made = import_partner_certificate(
        gateway,
        party[0],
        kind=Kind.TLS,
        holder=Holder.GWA,
        holder_id=name,
        now=now,
    )
    return made.fingerprint


def asked(connection: http.client.HTTPSConnection) -> tuple[int, dict[str, Any]]:
    connection.request("GET", "/gwa/v1/device/nowhere")
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


@pytest.mark.req("R99", "R159", "R97")
def test_the_administrator_comes_in_by_his_exact_certificate(
    gateway: Gateway, place: Any
) -> None:
    """And is out with the next request when it ends, on a connection that stands."""
    lab, connection = place
    party = lab.partner("gwa-0001")
    fingerprint = known(gateway, party, "gwa-0001", lab.now)
    standing = connection(party)
    assert asked(standing)[0] == 404
    end_certificate(fingerprint, now=lab.now)
    status, problem = asked(standing)
    assert (status, problem["type"]) == (403, "urn:casa:problem:not-authenticated")
    standing.close()


@pytest.mark.req("R99", "R159", "R95")
@pytest.mark.parametrize("who", ["nobody", "foreign", "same name", "emt", "consumer"])
def test_nobody_else_comes_through_the_handshake(
    gateway: Gateway, place: Any, who: str
) -> None:
    """No certificate, another PKI's, another one of the right PKI, an EMT's."""
    lab, connection = place
    office = lab.partner("gwa-0001")
    known(gateway, office, "gwa-0001", lab.now)
    emt = lab.partner("emt-0001")
    import_partner_certificate(
        gateway,
        emt[0],
        kind=Kind.TLS,
        holder=Holder.EMT,
        holder_id="emt-0001",
        now=lab.now,
    )
    parties: dict[str, Party | None] = {
        "nobody": None,
        "foreign": Lab(lab.now).partner("gwa-0001"),
        "same name": lab.partner("gwa-0001"),
        "emt": emt,
        "consumer": lab.partner("meier.con"),
    }
    with pytest.raises(OSError):
        asked(connection(parties[who]))
    assert asked(connection(office))[0] == 404  # and now the refusal was noted
    if who != "nobody":
        found = SystemLogEntry.objects.filter(event_id=2200044)
        assert found.exists()


@pytest.mark.req("R99", "R159")
@pytest.mark.parametrize(
    ("days", "code"), [(-4000, 2200041), (400, 2200042)], ids=["expired", "not yet"]
)
def test_a_certificate_out_of_its_time_is_refused_with_each_request(
    gateway: Gateway, place: Any, days: int, code: int
) -> None:
    """By gateway time: the handshake leaves the validity to the check behind it."""
    lab, connection = place
    then = lab.now + timedelta(days=days)
    other = Lab(lab.now)
    other.pki = lab.pki
    party = other.partner("gwa-0001", now=then)
    _put_in(gateway, party)
    status, _problem = asked(connection(party))
    assert status == 403
    assert SystemLogEntry.objects.filter(event_id=code).exists()


@pytest.mark.req("R99", "R159", "R97")
@pytest.mark.parametrize("flaw", ["for encryption", "its sub-CA"])
def test_a_certificate_in_force_that_is_no_good_opens_nothing(
    gateway: Gateway, place: Any, flaw: str
) -> None:
    """Not made for TLS, or of an authority that was revoked: whatever the pins say."""
    lab, connection = place
    purpose = Purpose.ENC if flaw == "for encryption" else Purpose.TLS
    party = lab.partner("gwa-0001", purpose)
    _put_in(gateway, party)
    if flaw == "its sub-CA":
        assert asked(connection(party))[0] == 404
        authority = lab.pki.sub.certificate.fingerprint(SHA256()).hex()
        revoke_certificate(authority, now=lab.now)
    status = None
    with suppress(OSError):
        status, _problem = asked(connection(party))
    assert status in (None, 403)


def _put_in(gateway: Gateway, party: Party) -> None:
    """As it stands in the store when its time is over: an import refuses it."""
    store_certificate(
        load_der_x509_certificate(party[0]),
        kind=Kind.TLS,
        stage=Stage.OPERATIONAL,
        holder=Holder.GWA,
        holder_id="gwa-0001",
    )


@pytest.mark.req("R159")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_versions_of_tls_are_refused(gateway: Gateway, place: Any) -> None:
    """TLS 1.1 with every cipher allowed does not come through."""
    lab, connection = place
    party = lab.partner("gwa-0001")
    known(gateway, party, "gwa-0001", lab.now)
    made = connection(party)
    context: ssl.SSLContext = made._context
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(OSError):
        asked(made)
