"""The GWA says which service role is active; never both are (R109)."""

import pytest

from hardware.gateway import Gateway
from logbooks import selectors
from meters.account_certificates import issue_technician_certificate
from meters.accounts import create_account
from meters.models import Account
from meters.service_roles import active_service_roles, service_pins
from tests.gwa_api.head_end import HeadEnd, head_end
from tests.portal.service_client import der_of, issue

PATH = "/service-role"
CONFIGURATOR, TECHNICIAN = Account.Role.CONFIGURATOR, Account.Role.TECHNICIAN


@pytest.fixture
def gwa(gateway: Gateway, db: None) -> HeadEnd:
    return head_end(gateway)


def put(gwa: HeadEnd, role: str, etag: str) -> int:
    headers = {"If-Match": etag}
    return gwa("PUT", PATH, json={"active": role}, headers=headers).status_code


@pytest.mark.req("R109")
def test_the_administrator_exchanges_the_roles(gwa: HeadEnd, gateway: Gateway) -> None:
    """R109: one is opened and the other closed, forth and back; who may connect
    follows, and the system log tells it without a name."""
    now = gateway.clock.now()
    first = der_of(issue(gateway, CONFIGURATOR, now))
    second = der_of(issue(gateway, TECHNICIAN, now))
    assert service_pins() == (first,)
    assert gwa.get(PATH) == {
        "active": "configurator",
        "configurator": {"accounts": 1, "with_certificate": 1},
        "technician": {"accounts": 1, "with_certificate": 1},
    }
    assert put(gwa, "technician", '"configurator"') == 200
    assert (gwa.get(PATH)["active"], service_pins()) == ("technician", (second,))
    assert put(gwa, "configurator", '"configurator"') == 412, "by an old state"
    assert put(gwa, "configurator", '"technician"') == 200
    assert active_service_roles() == [CONFIGURATOR]
    texts = [line.text for line in selectors.system_log()]
    told = "Servicezugang, Gateway-Administrator: Servicetechniker aktiv."
    assert texts.count(told) == 1
    assert not [text for text in texts if "st-" in text]


@pytest.mark.req("R109")
def test_a_role_that_nobody_could_use_is_not_opened(
    gwa: HeadEnd, gateway: Gateway
) -> None:
    """R109: 409 while it has no certificate, and the other stays open."""
    issue(gateway, CONFIGURATOR, gateway.clock.now())
    account = create_account(gateway, username="st-new", role=TECHNICIAN)
    assert put(gwa, "technician", '"configurator"') == 409
    assert active_service_roles() == [CONFIGURATOR]
    issue_technician_certificate(gateway, account, now=gateway.clock.now())
    assert put(gwa, "technician", '"configurator"') == 200


@pytest.mark.req("R109")
def test_what_is_inconsistent_is_shown_and_put_right(
    gwa: HeadEnd, gateway: Gateway
) -> None:
    """R109: with both active none is named; choosing one closes the other."""
    for role in (CONFIGURATOR, TECHNICIAN):
        issue(gateway, role, gateway.clock.now())
    Account.objects.update(is_active=True)
    assert gwa.get(PATH)["active"] is None
    assert put(gwa, "technician", '"configurator-technician"') == 200
    assert active_service_roles() == [TECHNICIAN]


@pytest.mark.parametrize("role", ["consumer", "administrator", "", None])
def test_what_is_no_service_role_is_refused(gwa: HeadEnd, role: str) -> None:
    assert put(gwa, role, '"none"') == 422
    assert gwa("PUT", PATH, json={"active": "technician"}).status_code == 428
