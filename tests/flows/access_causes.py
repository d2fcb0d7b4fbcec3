"""Causes of the events of logins by certificate and of a full consumer log."""

import socket
import ssl
import tempfile
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.test import Client

from casa_site.refused_clients import RefusedClients
from hardware.gateway import Gateway
from hardware.han_certificate import ensure_han_files
from logbooks import retention
from logbooks.catalogue import Event
from meters.account_certificates import (
    consumer_pins,
    issue_consumer_certificate,
    withdraw_account_certificate,
)
from meters.models import Account, Consumer
from tests.portal.certificates import issued_der, showing
from tests.portal.conftest import NOW
from tests.portal.installation import PASSWORDS

Cause = Callable[[Gateway], list[str]]

_CLICK = "/anmelden/zertifikat/"
LONG_AGO = datetime.now(UTC).replace(microsecond=0) - timedelta(days=600)
"""An entry of that time may go when the log is full; the database asks the host."""


def login_not_opened(gateway: Gateway) -> list[str]:
    Consumer.objects.filter(pk="hks2").update(password_login=False)
    browser = Client(**{"casa.gateway": gateway})
    login = {"username": "hks2", "password": PASSWORDS["hks2"]}
    assert browser.post("/anmelden/", login).status_code == 401
    return ["hks2", "Die Anmeldung mit Passwort ist nicht freigegeben."]


def _names(der: bytes) -> list[str]:
    certificate = x509.load_der_x509_certificate(der)
    spelled = {x509.NameOID.SERIAL_NUMBER: "serialNumber"}
    return [
        certificate.subject.rfc4514_string(spelled),
        certificate.issuer.rfc4514_string(spelled),
    ]


def certificate_shown(gateway: Gateway) -> list[str]:
    der = issued_der(gateway, "hks2", now=NOW)
    assert showing(gateway, der).post(_CLICK).status_code == 303
    return _names(der)


def certificate_withdrawn(gateway: Gateway) -> list[str]:
    der = issued_der(gateway, "hks2", now=NOW)
    withdraw_account_certificate(Account.objects.get(username="hks2"), now=NOW)
    assert showing(gateway, der).post(_CLICK).status_code == 401
    return _names(der)


def handshake_failed(gateway: Gateway) -> list[str]:
    """The certificate is good; what proves that its key is there arrives spoilt."""
    account = Account.objects.get(username="hks2")
    issued = issue_consumer_certificate(gateway, account, now=NOW, pin="1")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    files = ensure_han_files(gateway, now=datetime.now(UTC))
    server.load_cert_chain(files.certificate, files.key)
    server.verify_mode = ssl.CERT_OPTIONAL
    server.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    for pin in consumer_pins():
        server.load_verify_locations(cadata=pin)
    RefusedClients(gateway).watch(server)
    ours, theirs = socket.socketpair()
    with ours, theirs, tempfile.NamedTemporaryFile() as file:
        file.write(issued.certificate + issued.key)
        file.flush()
        client = threading.Thread(target=_spoil, args=(theirs, file.name))
        client.start()
        listening = server.wrap_socket(
            ours, server_side=True, do_handshake_on_connect=False
        )
        with pytest.raises(ssl.SSLError) as refusal:
            listening.do_handshake()
        listening.close()
        client.join()
    certificate = x509.load_pem_x509_certificate(issued.certificate)
    return [*_names(certificate.public_bytes(Encoding.DER)), refusal.value.reason]


def _spoil(end: socket.socket, file: str) -> None:
    """A TLS 1.3 client whose last message has a changed byte."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(file)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing)
    while True:
        try:
            client.do_handshake()
            break
        except ssl.SSLWantReadError:
            end.sendall(outgoing.read())
            incoming.write(end.recv(65536))
    last = bytearray(outgoing.read())
    last[-1] ^= 1
    end.sendall(last)


def consumer_log_full(gateway: Gateway) -> list[str]:
    now = LONG_AGO + timedelta(days=600)
    retention.keep_logs(gateway, now=now, consumer_capacity=1)
    return ["hks2"]


ACCESS_CAUSES: dict[Event, Cause] = {
    Event.PASSWORD_LOGIN_FAILED: login_not_opened,
    Event.CERTIFICATE_LOGIN_DONE: certificate_shown,
    Event.CERTIFICATE_LOGIN_REFUSED: certificate_withdrawn,
    Event.CERTIFICATE_LOGIN_FAILED: handshake_failed,
    Event.CONSUMER_LOG_FULL: consumer_log_full,
}
