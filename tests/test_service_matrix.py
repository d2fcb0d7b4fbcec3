"""The technician's listener: what docs/access-matrix.md says is what is answered."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hardware.gateway import Gateway
from meters.account_certificates import IssuedCertificate, issue_consumer_certificate
from meters.models import Account
from meters.service_roles import activate_service_role
from portal.models import InstallationReport
from tests.access_matrix import Row, rows_of
from tests.portal.conftest import NOW, han, han_gateway, installed
from tests.portal.service_client import (
    Browser,
    browser,
    connection_stays,
    der_of,
    issue,
    over_tls,
    service_server,
)
from tests.test_authorisation_matrix import ANOTHER, OWNER, self_signed, undone

__all__ = ["connection_stays", "han", "han_gateway", "installed"]
pytestmark = pytest.mark.usefixtures("connection_stays")

CONFIGURATOR, TECHNICIAN = Account.Role.CONFIGURATOR, Account.Role.TECHNICIAN
COLUMN = {
    TECHNICIAN: "technician's certificate",
    CONFIGURATOR: "first configurator's certificate",
}
FORM = "application/x-www-form-urlencoded"
SERVICE = rows_of("Service")


Parties = dict[str, IssuedCertificate | None]


@pytest.fixture
def parties(han: Gateway) -> Parties:
    """What each column shows; the technician is active."""
    accounts = [Account.objects.get(username=name) for name in (OWNER, ANOTHER)]
    owner, another = (issue_consumer_certificate(han, a, now=NOW) for a in accounts)
    return {
        "nobody": None,
        "owner": owner,
        "another consumer": another,
        COLUMN[TECHNICIAN]: issue(han, TECHNICIAN, NOW),
        COLUMN[CONFIGURATOR]: issue(han, CONFIGURATOR, NOW),
        "GWA's certificate": self_signed("gwa.example"),
        "unknown certificate": self_signed("somebody"),
    }


def test_the_table_has_a_column_for_every_party(parties: Parties) -> None:
    for row in SERVICE:
        assert row.cells.keys() == parties.keys()


@pytest.mark.req("R89", "R92", "R109")
@pytest.mark.parametrize("active", [TECHNICIAN, CONFIGURATOR])
def test_the_service_access_answers_as_the_table_says(
    han: Gateway, parties: Parties, active: Account.Role
) -> None:
    """R89, R92: every route by every method; R109: of the two roles the active one,
    the other is nobody."""
    activate_service_role(active)
    number = a_report(han, parties[COLUMN[active]])
    for party, issued in parties.items():
        with browser(han, der_of(issued) if issued else b"") as client:
            client.get("/einstellungen/")  # the cookie of its forms
            for row, method in each_request():
                with undone():
                    status = asked(client, method, row.route, number)
                expected = expected_of(row, party, active)
                assert str(status) == expected, (party, method, row.route)


def each_request() -> Iterator[tuple[Row, str]]:
    """Each method of each row; HEAD stands in the row of GET."""
    for row in SERVICE:
        for method in row.methods:
            yield row, method
            if method == "GET":
                yield row, "HEAD"


def expected_of(row: Row, party: str, active: Account.Role) -> str:
    """The cell of a party; 403 is what stands behind a handshake that is refused."""
    column = party
    if active == CONFIGURATOR:
        first, second = COLUMN.values()
        column = {first: second, second: first}.get(party, party)
    cell = row.cells[column]
    return "403" if cell == "TLS" else cell


def asked(client: Browser, method: str, route: str, number: int) -> int:
    """The status of a request without fields, with its token where there is one."""
    headers = {"Referer": str(client.base_url), "Content-Type": FORM}
    if token := client.cookies.get("__Host-csrf"):
        headers["X-CSRFToken"] = token
    path = route.format(number=number)
    return client.request(method, path, headers=headers).status_code


def a_report(han: Gateway, issued: IssuedCertificate | None) -> int:
    """The number of a check-list that somebody has sent off."""
    assert issued is not None
    with browser(han, der_of(issued)) as client:
        client.send_form("/pruefliste/", {"confirmed": ["seal"]})
    return InstallationReport.objects.get().pk


@pytest.mark.req("R89", "R95", "R99", "R109")
def test_the_service_listener_ends_the_handshake_of_everybody_else(
    han: Gateway, parties: Parties, tmp_path: Path
) -> None:
    """R89: what TLS means in the table; R109: the first configurator's too."""
    come_in = set()
    with service_server(han) as url:
        for party, issued in parties.items():
            with over_tls(url, tmp_path, issued) as client:
                try:
                    assert client.get("/").status_code == 200
                except httpx.HTTPError:
                    continue
                come_in.add(party)
    assert come_in == {COLUMN[TECHNICIAN]}
