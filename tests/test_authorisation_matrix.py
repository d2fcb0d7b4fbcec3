"""Every route x method x party: what docs/access-matrix.md says is what is answered."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from django.db import transaction
from django.test import Client
from django.urls import get_resolver

from gwa_api.urls import urlpatterns as gwa_patterns
from hardware.gateway import Gateway
from meters.account_certificates import IssuedCertificate, issue_technician_certificate
from meters.accounts import create_account
from meters.models import Account
from portal.service_urls import urlpatterns as service_patterns
from portal.urls import urlpatterns as han_patterns
from tests.access_matrix import METHODS, Row, routes_of, rows_of, written
from tests.casa_site.test_refused_clients import Listener, der
from tests.gwa_api.head_end import HeadEnd, head_end
from tests.portal.certificates import issued_der, showing
from tests.portal.conftest import NOW, browser, han, han_gateway, installed
from tests.portal.installation import METERS, PROFILES
from tests.portal.test_bill_page import ID as TAF2
from tests.portal.test_bill_page import contract
from tests.portal.test_cost_pages import give

__all__ = ["browser", "contract", "han", "han_gateway", "installed"]

OWNER, ANOTHER = "hks2", "nachbar"
STRANGERS = ("technician's certificate", "GWA's certificate", "unknown certificate")
IDS = {
    "profile_id": "hks2-taf7",
    "number": "0",
    "key": "2026-06-22T13:00:00Z",
    "meter": "1emh0000000001",
    "contract": "hks2-taf7.eemh0009264154.sm",
    "months_back": "0",
    "index": "0",
    "target_time": "2026-06-22T13:00:00Z",
    "device": "eemh0009264154",
}
OF_TAF2 = {"profile_id": TAF2, "number": "1"}
"""Only a contract with stages and prices has these files."""
NEEDS_TAF2 = ("/tarif/", "/trudi/", "/kosten/", "/kosten/csv/")
QUERIES = dict.fromkeys(("/live/", "/live/heute/"), "?zaehler=1emh0000000001")

HAN, SERVICE, GWA = rows_of("HAN"), rows_of("Service"), rows_of("GWA")


@pytest.fixture
def taf2(contract: Gateway) -> Gateway:
    """A contract with stages and prices of the owner's."""
    assert give(client_of(contract, OWNER, "/")).status_code == 303
    return contract


@contextmanager
def undone() -> Iterator[None]:
    """What is answered inside changes nothing for what comes after."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def address_of(row: Row) -> str:
    """The address of a route with the owner's ids."""
    ids = IDS | (OF_TAF2 if row.route.endswith(NEEDS_TAF2) else {})
    if row.route.startswith("/smgw/"):
        ids["contract"] = ids["profile_id"]
    path = row.route.replace("...", "nothing").format(**ids)
    return path + QUERIES.get(row.route, "")


def client_of(han: Gateway, user: str, route: str) -> Client:
    """A consumer's client, logged in as the page says."""
    return client_maker(han, user, route)()


def client_maker(han: Gateway, user: str, route: str) -> Callable[[], Client]:
    """Makes such clients; he gets one certificate for all of them."""
    if route.startswith("/smgw/"):
        return partial(showing, han, issued_der(han, user, now=NOW))
    account = Account.objects.get(username=user)

    def make() -> Client:
        client = showing(han, b"")
        client.force_login(account, backend="portal.backends.PasswordBackend")
        return client

    return make


def answer(client: Client, method: str, path: str) -> Any:
    form = "application/x-www-form-urlencoded"
    kind = "application/json" if path.startswith("/smgw/") else form
    return client.generic(method, path, b"", content_type=kind)


def cell(found: Any) -> str:
    """The answer in the words of the page."""
    is_login = found.status_code == 302 and found["Location"].startswith("/anmelden/")
    return "login" if is_login else str(found.status_code)


def strange_to(user: str) -> list[str]:
    """Ids that belong to others than this consumer."""
    others = [name for name in PROFILES if name != user]
    ids = [id_ for name in others for id_ in (name, *PROFILES[name])]
    return ids + [meter for meter, owner in METERS.items() if owner != user]


def test_every_route_stands_in_the_table_with_every_method_once() -> None:
    """A route that nobody has thought about fails here."""
    for rows, patterns in (
        (HAN, han_patterns),
        (SERVICE, service_patterns),
        (GWA, gwa_patterns),
    ):
        listed = {row.route for row in rows}
        assert listed == routes_of(patterns)
        for route in listed:
            methods = [m for row in rows if row.route == route for m in row.methods]
            assert sorted(methods) == sorted(METHODS), route


@pytest.mark.req("R89", "R93", "R94", "R97")
@pytest.mark.parametrize("part", ["/json/", "/smgw/", "/messwertliste/", "/"])
def test_the_han_answers_as_the_table_says(taf2: Gateway, part: str) -> None:
    """R89, R93, R94, R97: nobody, the owner, another consumer; HEAD as GET."""
    parts = ("/json/", "/smgw/", "/messwertliste/")
    rows = [row for row in HAN if row.route.startswith(part)]
    if part == "/":
        rows = [row for row in rows if not row.route.startswith(parts)]
    clients = {
        "nobody": lambda: showing(taf2, b""),
        "owner": client_maker(taf2, OWNER, part),
        "another consumer": client_maker(taf2, ANOTHER, part),
    }
    for row, (party, client) in product(rows, clients.items()):
        with undone():
            _compare(row, party, client())


def _compare(row: Row, party: str, client: Client) -> None:
    path, expected = address_of(row), row.cells[party].replace("own", "200")
    for method in row.methods:
        found = answer(client, method, path)
        assert cell(found) == expected, (method, row.route, party)
        if method == "GET":
            found_by_head = cell(answer(client, "HEAD", path))
            assert found_by_head == expected, (row.route, party)
        if row.cells[party] == "own":
            text = found.getvalue().decode("utf-8", "replace")
            user = OWNER if party == "owner" else ANOTHER
            assert not [id_ for id_ in strange_to(user) if id_ in text], row.route


@pytest.mark.req("R89", "R91", "R95", "R99")
@pytest.mark.parametrize("party", STRANGERS)
def test_a_foreign_certificate_that_got_through_would_be_nobody(
    taf2: Gateway, party: str
) -> None:
    """R89, R99: behind the handshake that refuses them, each request refuses too."""
    shown = strangers(taf2)[party]
    for row in HAN:
        assert row.cells[party] == "TLS"
        with undone():
            for method in row.methods:
                found = answer(showing(taf2, shown), method, address_of(row))
                assert cell(found) == row.cells["nobody"], (method, row.route)


def strangers(gateway: Gateway) -> dict[str, bytes]:
    """A technician's certificate, and two that the HAN does not know (DER)."""
    technician, gwa, unknown = strange_certificates(gateway)
    return dict(zip(STRANGERS, map(der, (technician, gwa, unknown)), strict=True))


def strange_certificates(gateway: Gateway) -> list[IssuedCertificate]:
    account = Account.objects.filter(username="technik").first() or create_account(
        gateway, username="technik", role=Account.Role.TECHNICIAN
    )
    technician = issue_technician_certificate(gateway, account, now=NOW)
    return [technician, self_signed("gwa.example"), self_signed("somebody")]


def self_signed(name: str) -> IssuedCertificate:
    """A client certificate that nobody pinned, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=9))
        .sign(key, SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return IssuedCertificate(certificate.public_bytes(Encoding.PEM), pem, b"", "")


@pytest.mark.req("R89", "R95", "R96", "R99")
def test_the_han_listener_ends_the_handshake_of_every_foreign_certificate(
    gateway: Gateway, db: None, tmp_path: Path
) -> None:
    """R89, R99: what TLS means in the table; without one the same client comes in."""
    listener = Listener(gateway, tmp_path)
    for certificate in strange_certificates(gateway):
        assert listener.connect(certificate) is None
    assert listener.connect(None) == b""


@pytest.mark.req("R89", "R90", "R91", "R97")
@pytest.mark.parametrize("party", ["nobody", *STRANGERS])
def test_the_administrators_listener_answers_as_the_table_says(
    gateway: Gateway, db: None, party: str
) -> None:
    """R89, R91: the GWA reaches each of his resources and nobody else one, not even
    a certificate that got through the handshake."""
    gwa = head_end(gateway)
    if party != "GWA's certificate":
        gwa.certificate = strangers(gateway).get(party, b"")
    for row in GWA:
        path = administrators_address(row.route)
        expected = row.cells[party]
        for method in row.methods:
            with undone():
                status = asked(gwa, method, path)
            if expected == "yes":
                assert status not in (401, 403, 405), (method, row.route)
            else:
                refused = "403" if expected in ("TLS", "form") else expected
                assert str(status) == refused, (method, row.route)


def administrators_address(route: str) -> str:
    """An address of the route, with an id of the form that it takes."""
    forms: tuple[str, ...] = (
        "1",
        "00000000-0000-4000-8000-000000000001",
        "1emh0000000001",
    )
    forms += ("0" * 64, "0" * 16, "casa.css")
    for form in forms:
        path = re.sub(r"{\w+}", form, route.replace("...", "nothing"))
        if route_behind(path) == route:
            return path
    raise AssertionError(f"no id fits {route}")


def route_behind(path: str) -> str:
    """The route, as the table writes it, that an address leads to."""
    found = get_resolver("gwa_api.urls").resolve(path).route
    return f"/{written(found)}" if found else "/..."


def asked(gwa: HeadEnd, method: str, path: str) -> int:
    """The status of one request without a body."""
    transport = httpx.WSGITransport(app=gwa.wsgi)
    with httpx.Client(transport=transport, base_url="https://gwa") as client:
        return client.request(method, path).status_code
