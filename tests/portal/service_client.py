"""Browsers at the service access: over the real listener, and without wires."""

import re
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connections

from casa_site.han_server import CurrentContext
from casa_site.service_network import ServiceNetwork
from casa_site.service_server import service_context
from hardware.gateway import Gateway
from hardware.han_certificate import SERVICE_LISTENER, ensure_server_files
from hardware.leds import Channel, LedFacts
from meters.account_certificates import IssuedCertificate, issue_technician_certificate
from meters.accounts import create_account
from meters.models import Account
from portal.service_facts import ProcessFact, ServiceFacts
from portal.service_wsgi import ServiceApplication

HOST = "127.0.0.1"
PAGES = {
    "/": "Gerätezustand",
    "/telegramme/": "Nicht lesbare Telegramme",
    "/log/": "System-Log",
    "/typenschild/": "Typenschild",
    "/einstellungen/": "Grundeinstellungen",
    "/pruefliste/": "Prüfliste der Installation",
}
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


def facts(**changes: Any) -> ServiceFacts:
    """Of a gateway that runs well."""
    values: dict[str, Any] = {
        "led_facts": lambda: LedFacts(channel=Channel.OPERATIONAL, has_addresses=True),
        "processes": lambda: [ProcessFact("han", "ready", 1)],
        "queues": lambda: {"lmn": 0, "tariff": 3},
        "oldest_due": lambda now: now,
        "is_encrypted": lambda: True,
        "listening": {"HAN": "192.0.2.7:8443"},
        "han_network": ServiceNetwork(),
    }
    return ServiceFacts(**(values | changes))


def issue(
    gateway: Gateway, role: Account.Role, now: datetime, name: str = ""
) -> IssuedCertificate:
    """A new account of a service role, with a certificate."""
    account = create_account(gateway, username=name or f"st-{role}", role=role)
    return issue_technician_certificate(gateway, account, now=now)


def der_of(issued: IssuedCertificate) -> bytes:
    parsed = x509.load_pem_x509_certificate(issued.certificate)
    return parsed.public_bytes(Encoding.DER)


class Browser(httpx.Client):
    """Sends forms as browsers do: with their token, and where they come from."""

    def send_form(self, path: str, data: dict[str, Any]) -> httpx.Response:
        """Open the page, fill in its form and send it off."""
        token = _TOKEN.search(self.get(path).text)
        assert token is not None, path
        return self.post(
            path,
            data={"csrfmiddlewaretoken": token[1], **data},
            headers={"Referer": f"{self.base_url}{path}"},
        )


def browser(gateway: Gateway, der: bytes, **changes: Any) -> Browser:
    """A browser whose connection carries this certificate, without a network."""
    application = ServiceApplication(gateway, facts(**changes))

    def with_certificate(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        environ["casa.peer_certificate"] = der
        return application(environ, start)

    transport = httpx.WSGITransport(app=with_certificate)
    return Browser(transport=transport, base_url="https://gateway")


def over_tls(url: str, folder: Path, issued: IssuedCertificate | None) -> Browser:
    """A browser at the real listener, with a certificate or without."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if issued is not None:
        file = folder / "client.pem"
        file.write_bytes(issued.certificate + issued.key)
        context.load_cert_chain(file)
    return Browser(verify=context, base_url=url)


class _Handler(WSGIRequestHandler):
    def setup(self) -> None:
        self.request.do_handshake()
        super().setup()

    def get_environ(self) -> dict[str, Any]:
        more = {"HTTPS": "on", "gunicorn.socket": self.request}
        return super().get_environ() | more

    def log_message(self, *args: object) -> None:
        pass


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    context: CurrentContext

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        connections["default"] = self.shared
        wrapped = self.context().wrap_socket(
            connection, server_side=True, do_handshake_on_connect=False
        )
        return wrapped, address

    def finish_request(self, request: Any, client_address: Any) -> None:
        with self.lock:
            connections["default"] = self.shared
            super().finish_request(request, client_address)

    lock = threading.Lock()
    shared: Any = None

    def handle_error(self, *args: object) -> None:
        """A handshake that is refused is what some tests want."""


@contextmanager
def service_server(gateway: Gateway) -> Iterator[str]:
    """Serve the pages with the TLS settings of the product; gives the address."""
    files = ensure_server_files(gateway, SERVICE_LISTENER, now=datetime.now(UTC))
    application: Callable[..., Iterable[bytes]]
    application = ServiceApplication(gateway, facts())
    connections["default"].inc_thread_sharing()
    with make_server(HOST, 0, application, _Server, _Handler) as server:
        server.context = service_context(gateway, files, tls_max="1.3")
        server.shared = connections["default"]
        thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        thread.start()
        yield f"https://{HOST}:{server.server_port}"
        server.shutdown()
        thread.join()
    connections["default"].dec_thread_sharing()


@pytest.fixture
def connection_stays() -> Iterator[None]:
    """The connection of the test outlives a request, as with Django's own client."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)
