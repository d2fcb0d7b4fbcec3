"""The checklist of the HAN JSON interface (han-json-api.md 9) for certificate logins.

The same for digest: `test_han_json`, `test_digest`, `test_isolation`.
"""

import socket
import ssl
import threading
from datetime import UTC, datetime

import pytest
from django.test import Client

from casa_site.han_server import tls_context
from hardware.gateway import Gateway
from hardware.han_certificate import ensure_han_files
from tests.portal.certificates import issued_der, showing
from tests.portal.conftest import NOW
from tests.portal.han_client import MISSING, PATHS, body, fetch

TRUDI_SUITES = (
    "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
)


@pytest.fixture
def program(han: Gateway) -> Client:
    return showing(han, issued_der(han, "hks2", now=NOW))


@pytest.mark.req("R97", "R99")
@pytest.mark.parametrize("path", PATHS)
def test_a_certificate_gives_what_digest_gives_in_both_slash_forms(
    program: Client, browser: Client, path: str
) -> None:
    """R99; checklist 1: the same bytes, and nothing redirects."""
    by_digest = body(fetch(browser, path))
    if path.startswith("/json/conlogbook/0"):
        program.get(path)  # the login itself becomes an entry, once
        by_digest = body(fetch(browser, path))
    for form in (path, f"{path}/"):
        answer = program.get(form)
        assert answer.status_code == 200
        assert body(answer) == by_digest


@pytest.mark.req("R93")
@pytest.mark.parametrize("path", MISSING)
def test_what_does_not_exist_is_404_and_no_json(program: Client, path: str) -> None:
    """R93; checklist 9: as with digest."""
    answer = program.get(path)
    assert answer.status_code == 404
    assert not answer["Content-Type"].startswith("application/json")


@pytest.mark.req("R93")
@pytest.mark.parametrize("path", PATHS)
def test_anothers_certificate_finds_nothing_of_mine(han: Gateway, path: str) -> None:
    """R93; checklist 9: his own lists, 404 for what is mine."""
    other = showing(han, issued_der(han, "nachbar", now=NOW))
    answer = other.get(path)
    named = "1emh0000000001" in path or "hks2" in path
    assert answer.status_code == (404 if named else 200)
    text = body(answer).decode()
    assert not [id_ for id_ in ("hks2", "1emh0000000001") if id_ in text]


@pytest.mark.req("R112")
@pytest.mark.parametrize("suite", TRUDI_SUITES)
def test_tls_1_2_with_an_ecdsa_certificate_and_a_suite_of_trudi(
    gateway: Gateway, suite: str
) -> None:
    """R112; checklist 10: each suite that TRuDI and the gateway have in common, P-256
    only, no name sent."""
    files = ensure_han_files(gateway, now=datetime.now(UTC))
    context = tls_context(files, tls_max="1.3")
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.check_hostname = False
    client_context.verify_mode = ssl.CERT_NONE
    client_context.maximum_version = ssl.TLSVersion.TLSv1_2
    client_context.set_ciphers(suite)
    client_context.set_ecdh_curve("prime256v1")
    ours, theirs = socket.socketpair()
    server = context.wrap_socket(ours, server_side=True, do_handshake_on_connect=False)
    client = client_context.wrap_socket(theirs, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.do_handshake)
    thread.start()
    client.do_handshake()
    thread.join()
    with server, client:
        assert (client.cipher() or ("",))[0] == suite
        assert client.version() == "TLSv1.2"
