"""Who comes in at the service access: over the real listener, each request anew."""

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from hardware import device_state_file
from hardware.device_state_file import DeviceSetting, Mode
from hardware.gateway import Gateway
from logbooks import device_state, selectors
from meters.account_certificates import (
    issue_consumer_certificate,
    withdraw_account_certificate,
)
from meters.models import Account
from meters.service_roles import activate_service_role
from tests.portal.conftest import NOW
from tests.portal.service_client import (
    PAGES,
    browser,
    connection_stays,
    der_of,
    issue,
    over_tls,
    service_server,
)

__all__ = ["connection_stays"]
pytestmark = pytest.mark.usefixtures("connection_stays")

CONFIGURATOR, TECHNICIAN = Account.Role.CONFIGURATOR, Account.Role.TECHNICIAN


def events() -> list[tuple[int, int]]:
    log = selectors.system_log()
    return [(line.event_id, line.event_sub_id) for line in log]


@pytest.mark.req("R89", "R92")
def test_every_page_opens_over_the_listener_with_the_technicians_certificate(
    han: Gateway, tmp_path: Path
) -> None:
    """R92: system log and basic settings; R89: the allowed cells of the technician."""
    issued = issue(han, TECHNICIAN, NOW)
    with service_server(han) as url, over_tls(url, tmp_path, issued) as client:
        for path, words in PAGES.items():
            answer = client.get(path)
            assert answer.status_code == 200, (path, answer.text)
            assert f"<h1>{words}</h1>" in answer.text, path
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["Cache-Control"] == "no-store"
        assert client.get("/log/csv/").headers["Content-Type"].startswith("text/csv")
        assert client.get("/messwertliste/").status_code == 404
    assert events().count((5002, 0)) == 1, "said once, names nobody"
    assert "st-technician" not in selectors.system_log()[0].text


@pytest.mark.req("R89", "R102", "R109")
def test_nobody_else_comes_through_the_handshake(han: Gateway, tmp_path: Path) -> None:
    """R89: no certificate, a consumer's, one that is withdrawn: refused before a byte;
    R109: nor the role that is not active; R102: 5002/1 for those who showed one."""
    right = issue(han, TECHNICIAN, NOW)
    inactive = issue(han, CONFIGURATOR, NOW)
    consumer = Account.objects.get(username="hks2")
    theirs = issue_consumer_certificate(han, consumer, now=NOW)
    withdrawn = issue(han, TECHNICIAN, NOW, name="st-gone")
    withdraw_account_certificate(Account.objects.get(username="st-gone"), now=NOW)
    with service_server(han) as url:
        for issued in (None, theirs, inactive, withdrawn):
            client = over_tls(url, tmp_path, issued)
            with client, pytest.raises(httpx.HTTPError):
                client.get("/")
        with over_tls(url, tmp_path, right) as client:
            assert client.get("/").status_code == 200
    assert events().count((5002, 1)) == 3
    text = " ".join(line.text for line in selectors.system_log())
    assert "hks2" not in text and "st-" not in text


@pytest.mark.req("R89", "R69")
@pytest.mark.parametrize("begun", [-4000, 30], ids=["expired", "not yet valid"])
def test_a_certificate_out_of_its_time_is_refused_with_each_request(
    han: Gateway, begun: int
) -> None:
    """By gateway time: the handshake leaves the validity to the check behind it."""
    shown = der_of(issue(han, TECHNICIAN, NOW + timedelta(days=begun)))
    with browser(han, shown) as client:
        assert client.get("/").status_code == 403


@pytest.mark.req("R109")
def test_a_connection_that_stands_is_closed_to_a_role_that_has_ended(
    han: Gateway,
) -> None:
    """R109: looked at with each request, on the same connection."""
    first, second = (issue(han, role, NOW) for role in (CONFIGURATOR, TECHNICIAN))
    with browser(han, der_of(first)) as configurator:
        assert "Erstkonfigurator" in configurator.get("/").text
        activate_service_role(TECHNICIAN)
        answer = configurator.get("/")
        assert answer.status_code == 403
        assert "st-configurator" not in answer.text
    with browser(han, der_of(second)) as technician:
        assert technician.get("/").status_code == 200


@pytest.mark.req("R109", "R138")
def test_both_roles_active_locks_the_device_and_lets_nobody_in(han: Gateway) -> None:
    """R109: 1200503, which forces the soft lock-down."""
    shown = der_of(issue(han, TECHNICIAN, NOW))
    issue(han, CONFIGURATOR, NOW)
    Account.objects.update(is_active=True)
    with browser(han, shown) as client:
        assert client.get("/log/").status_code == 403
    assert device_state.current().mode == Mode.SOFT
    assert (1200503, 1) in events()


def test_a_certificate_in_a_header_is_none(han: Gateway) -> None:
    shown = der_of(issue(han, TECHNICIAN, NOW))
    with browser(han, b"") as client:
        answer = client.get("/", headers={"casa.peer_certificate": shown.hex()})
    assert answer.status_code == 403


@pytest.fixture
def locked(han: Gateway) -> None:
    device_state.enter_soft(han, 900135, now=NOW)
    device_state.publish(han)


@pytest.mark.req("R138")
def test_in_the_soft_lockdown_the_system_log_can_still_be_read(
    han: Gateway, locked: None
) -> None:
    """Decision D33; everything else tells the cause and who has to act."""
    try:
        with browser(han, der_of(issue(han, TECHNICIAN, NOW))) as client:
            for path in ("/log/", "/log/csv/"):
                assert client.get(path).status_code == 200, path
            for path in PAGES.keys() - {"/log/"}:
                answer = client.get(path)
                assert answer.status_code == 503, path
                for words in ("900135", "WAN- und HAN-Kabel sind vertauscht", "/log/"):
                    assert words in answer.text, path
            change = {"what": "leds"}
            assert client.send_form("/log/", change).status_code in (403, 405, 503)
            assert client.post("/einstellungen/", data=change).status_code == 503
    finally:
        device_state_file.write(han.state, DeviceSetting())


def test_in_the_hard_lockdown_there_is_no_answer(han: Gateway) -> None:
    shown = der_of(issue(han, TECHNICIAN, NOW))
    device_state_file.write(han.state, DeviceSetting(mode=Mode.HARD))
    try:
        with browser(han, shown) as client:
            answer = client.get("/log/")
    finally:
        device_state_file.write(han.state, DeviceSetting())
    assert (answer.status_code, answer.content) == (503, b"")


def test_the_pages_speak_english(han: Gateway) -> None:
    with browser(han, der_of(issue(han, TECHNICIAN, NOW))) as client:
        text = client.get("/", headers={"Accept-Language": "en"}).text
        assert "State of the device" in text and "Gerätezustand" not in text
        german = client.get("/").text
        assert "Gerätezustand" in german
