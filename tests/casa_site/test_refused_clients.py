"""The HAN listener and client certificates: exact pins, refusals named in the logs."""

import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.db import OperationalError

from casa_site.consumer_pins import FRESH_S, ConsumerPins
from casa_site.han_server import CurrentContext
from casa_site.refused_clients import MOST_A_MINUTE, QUIET_S, RefusedClients
from casa_site.wsgi import HanApplication
from hardware.gateway import Gateway
from hardware.han_certificate import ensure_han_files
from logbooks import selectors
from meters.account_certificates import (
    IssuedCertificate,
    consumer_pins,
    issue_consumer_certificate,
    issue_technician_certificate,
    withdraw_account_certificate,
)
from meters.accounts import create_account
from meters.configuration import create_consumer
from meters.models import Account

NOW = datetime(2026, 6, 22, 13, 7, tzinfo=UTC)


@dataclass
class Listener:
    """The contexts of the HAN web server; `connect` shakes hands on a socket pair."""

    gateway: Gateway
    folder: Path
    seconds: list[float] = field(default_factory=lambda: [100.0])
    pins: Callable[[], tuple[bytes, ...]] = consumer_pins

    def __post_init__(self) -> None:
        files = ensure_han_files(self.gateway, now=datetime.now(UTC))
        refused = RefusedClients(self.gateway, monotonic=lambda: self.seconds[0])
        self.context = CurrentContext(
            files, tls_max="1.3", pins=lambda: self.pins(), watch=refused.watch
        )

    def connect(
        self, client: IssuedCertificate | None, *, version: str = "1.3"
    ) -> bytes | None:
        """The certificate that the server accepted, b"" for none, None when refused."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            server = self.context().wrap_socket(
                ours, server_side=True, do_handshake_on_connect=False
            )
            thread = threading.Thread(
                target=_shake, args=(self._client(client, version), theirs)
            )
            thread.start()
            try:
                server.do_handshake()
                accepted = server.getpeercert(binary_form=True) or b""
            except ssl.SSLError:
                accepted = None
            finally:
                server.close()
                thread.join()
        return accepted

    def _client(self, client: IssuedCertificate | None, version: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if version == "1.2":
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        if client:
            file = self.folder / "client.pem"
            file.write_bytes(client.certificate + client.key)
            context.load_cert_chain(file)
        return context


def _shake(context: ssl.SSLContext, end: socket.socket) -> None:
    try:
        with context.wrap_socket(end) as client:
            client.recv(1)  # in TLS 1.3 the server's refusal comes afterwards
    except OSError:
        pass


@pytest.fixture
def listener(gateway: Gateway, db: None, tmp_path: Path) -> Listener:
    return Listener(gateway, tmp_path)


@pytest.fixture
def account(gateway: Gateway, db: None) -> Account:
    return create_account(
        gateway,
        username="meier",
        role=Account.Role.CONSUMER,
        consumer=create_consumer(gateway, "meier"),
    )


@pytest.fixture
def technician(gateway: Gateway, db: None) -> IssuedCertificate:
    account = create_account(gateway, username="t", role=Account.Role.TECHNICIAN)
    return issue_technician_certificate(gateway, account, now=NOW)


def der(issued: IssuedCertificate) -> bytes:
    certificate = x509.load_pem_x509_certificate(issued.certificate)
    return certificate.public_bytes(Encoding.DER)


def system() -> list[tuple[int, int]]:
    log = selectors.system_log()
    return [(line.event_id, line.event_sub_id) for line in log]


@pytest.mark.req("R99")
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_consumers_certificate_connects_and_so_does_none(
    listener: Listener, account: Account, version: str
) -> None:
    """R99: issued while the listener runs, it counts from the next connection on."""
    assert listener.connect(None, version=version) == b""
    issued = issue_consumer_certificate(listener.gateway, account, now=NOW)
    assert listener.connect(issued, version=version) == der(issued)
    assert listener.connect(None, version=version) == b""
    assert system() == []


@pytest.mark.req("R99", "R101", "R102")
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_certificate_of_our_authority_that_is_no_consumers_is_refused(
    listener: Listener, technician: IssuedCertificate, version: str
) -> None:
    """R99: the exact certificate, not its issuer; R101: 2200044; R102: 5002/1."""
    assert listener.connect(technician, version=version) is None
    assert system() == [(5002, 1), (2200044, 1)]
    assert listener.connect(None, version=version) == b"", "without it he comes in"


@pytest.mark.req("R102")
def test_the_holder_reads_that_his_withdrawn_certificate_was_shown(
    listener: Listener, account: Account
) -> None:
    """R102: subject and issuer in his log; the system log names nobody (D32)."""
    issued = issue_consumer_certificate(listener.gateway, account, now=NOW)
    withdraw_account_certificate(account, now=NOW)
    assert listener.connect(issued) is None
    line = selectors.consumer_log("meier")[0]
    assert (line.event_id, line.event_sub_id) == (5002, 1)
    assert "CN=meier.con" in line.text
    assert "meier" not in selectors.system_log()[0].text


@pytest.mark.req("R102")
def test_a_refused_certificate_is_named_once_a_minute(
    listener: Listener, technician: IssuedCertificate
) -> None:
    """R102: browsers try again by themselves."""
    for _ in range(3):
        listener.connect(technician)
    assert system().count((5002, 1)) == 1
    listener.seconds[0] += QUIET_S
    listener.connect(technician)
    assert system().count((5002, 1)) == 2


def test_a_stranger_with_ever_new_certificates_cannot_fill_the_log(
    gateway: Gateway, db: None
) -> None:
    refused = RefusedClients(gateway, monotonic=lambda: 5.0)
    account = create_account(gateway, username="t", role=Account.Role.TECHNICIAN)
    due = [
        refused._is_due(x509.load_pem_x509_certificate(issued.certificate))
        for issued in (
            issue_technician_certificate(gateway, account, now=NOW)
            for _ in range(MOST_A_MINUTE + 2)
        )
    ]
    assert due.count(True) == MOST_A_MINUTE


@pytest.mark.req("R102")
def test_a_client_without_the_key_of_its_certificate_is_5002_2(
    listener: Listener, account: Account, technician: IssuedCertificate
) -> None:
    """R102: the certificate is good, the signature of the handshake is not."""
    issued = issue_consumer_certificate(listener.gateway, account, now=NOW)
    refusals = RefusedClients(listener.gateway)
    certificate = x509.load_pem_x509_certificate(issued.certificate)
    error = ssl.SSLError(1, "[SSL: BAD_SIGNATURE] bad signature")
    error.reason = "BAD_SIGNATURE"
    refusals._log(certificate, error)
    line = selectors.consumer_log("meier")[0]
    assert (line.event_id, line.event_sub_id) == (5002, 2)
    assert "BAD_SIGNATURE" in line.text


def test_nothing_is_logged_of_a_client_that_hangs_up(listener: Listener) -> None:
    ours, theirs = socket.socketpair()
    with ours:
        server = listener.context().wrap_socket(
            ours, server_side=True, do_handshake_on_connect=False
        )
        theirs.close()
        with pytest.raises(OSError):
            server.do_handshake()
        server.close()
    assert system() == []


@pytest.mark.django_db(transaction=True)
def test_the_pins_are_read_again_after_two_seconds_and_kept_without_a_database() -> (
    None
):
    seconds, answers = [0.0], [(b"a",), (b"b",)]

    def look_up() -> tuple[bytes, ...]:
        if not answers:
            raise OperationalError("away")
        return answers.pop(0)

    pins = ConsumerPins(look_up, monotonic=lambda: seconds[0])
    assert [pins(), pins()] == [(b"a",)] * 2
    seconds[0] = FRESH_S
    assert pins() == (b"b",)
    seconds[0] = 2 * FRESH_S
    assert pins() == (b"b",)


def test_the_certificate_comes_from_the_connection_and_never_from_a_header(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []
    application = HanApplication(gateway)

    def keep(environ: dict[str, object], _start: object) -> list[bytes]:
        seen.append(environ["casa.peer_certificate"])  # type: ignore[arg-type]
        return []

    monkeypatch.setattr(application, "_django", keep)
    header = {"HTTP_CASA_PEER_CERTIFICATE": "x", "HTTP_X_SSL_CERT": "x"}
    application(dict(header), lambda *_: None)
    assert seen == [b""]


def test_an_expired_pin_still_connects_so_that_the_page_can_say_why(
    listener: Listener, account: Account
) -> None:
    """Validity goes by gateway time, which the handshake does not know."""
    long_ago = datetime.now(UTC) - timedelta(days=3000)
    issued = issue_consumer_certificate(listener.gateway, account, now=long_ago)
    assert listener.connect(issued) == der(issued)
