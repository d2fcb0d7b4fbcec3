"""Logging in by client certificate: pages by a click, programs without one."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client

from hardware.gateway import Gateway
from logbooks import selectors
from meters.account_certificates import withdraw_account_certificate
from meters.models import Account, Consumer
from tests.portal.certificates import issued_der, showing
from tests.portal.conftest import NOW
from tests.portal.installation import PASSWORDS

CLICK = "/anmelden/zertifikat/"
METERS = "/json/metering/origin"
Log = list[tuple[int, int]]


@pytest.fixture
def der(han: Gateway) -> bytes:
    return issued_der(han, "hks2", now=NOW)


@pytest.fixture
def user(han: Gateway, der: bytes) -> Client:
    """A browser that shows the certificate of hks2."""
    return showing(han, der)


def entries(consumer: str = "hks2") -> Log:
    log = selectors.consumer_log(consumer)
    return [(line.event_id, line.event_sub_id) for line in log]


def faults() -> list[int]:
    return [line.event_id for line in selectors.system_log() if line.event_id > 10**6]


def lock(han: Gateway) -> None:
    stranger = showing(han, b"")
    for _ in range(5):
        stranger.post("/anmelden/", {"username": "hks2", "password": "x"})


@pytest.mark.req("R99", "R102")
def test_a_click_logs_in_whose_certificate_the_connection_shows(user: Client) -> None:
    """R99: the certificate leads to one consumer; R102: 5002/0 with subject, issuer."""
    assert user.get("/").status_code == 302, "showing it alone logs nobody in"
    answer = user.post(CLICK, {"next": "/log/"})
    assert (answer.status_code, answer["Location"]) == (303, "/log/")
    assert "hks2" in user.get("/").content.decode()
    line = selectors.consumer_log("hks2")[0]
    assert (line.event_id, line.event_sub_id) == (5002, 0)
    assert "CN=hks2.con" in line.text
    assert "hks2" not in selectors.system_log()[0].text


@pytest.mark.req("R113")
def test_the_login_page_offers_the_choice_and_names_the_certificate(
    user: Client, han: Gateway
) -> None:
    """R113: both ways and the download of the signature certificate."""
    page = user.get("/anmelden/").content.decode()
    for word in ("Wählen Sie die Authentifizierungsmethode", "CN=hks2.con", CLICK):
        assert word in page
    assert "Download Signatur-Zertifikat" in page
    without = showing(han, b"").get("/anmelden/").content.decode()
    assert "Importieren Sie die Datei" in without


def test_a_way_that_nobody_may_use_is_not_offered(browser: Client) -> None:
    assert CLICK not in browser.get("/anmelden/").content.decode()
    Consumer.objects.update(password_login=False, certificate_login=True)
    page = browser.get("/anmelden/").content.decode()
    assert CLICK in page
    assert 'name="password"' not in page


def test_a_click_without_a_certificate_explains_what_to_do(
    browser: Client, der: bytes
) -> None:
    answer = browser.post(CLICK)
    assert answer.status_code == 401
    assert "Ihr Browser hat kein Zertifikat vorgelegt" in answer.content.decode()
    assert 5002 not in [event for event, _ in entries()]


@pytest.mark.req("R101", "R102")
@pytest.mark.parametrize(
    ("after", "code", "words"),
    [
        (timedelta(days=800), 2200041, "Das Zertifikat ist abgelaufen."),
        (timedelta(days=-2), 2200042, "Das Zertifikat ist noch nicht gültig."),
    ],
)
def test_a_certificate_out_of_its_time_is_refused_by_gateway_time(
    user: Client, after: timedelta, code: int, words: str
) -> None:
    """R101: 2200041 and 2200042; R102: 5002/1 in the log of whose it is."""
    with time_machine.travel(NOW + after, tick=False):
        answer = user.post(CLICK)
        assert answer.status_code == 401
        assert words in answer.content.decode()
        assert user.get("/").status_code == 302
    assert (5002, 1) in entries()
    assert code in faults()


@pytest.mark.req("R99", "R101", "R102")
def test_a_withdrawn_certificate_is_refused(user: Client, han: Gateway) -> None:
    """R99, R101: no longer stored as in force: 2200044; R102: its holder reads it."""
    withdraw_account_certificate(Account.objects.get(username="hks2"), now=NOW)
    answer = user.post(CLICK)
    assert answer.status_code == 401
    assert "Zu diesem Zertifikat gibt es keinen Benutzer" in answer.content.decode()
    assert entries()[0] == (5002, 1)
    assert 2200044 in faults()
    assert "CN=hks2.con" in selectors.consumer_log("hks2")[0].text


@pytest.mark.req("R100")
def test_a_certificate_logs_in_only_where_the_access_is_set_up_for_it(
    user: Client,
) -> None:
    """R100, the other way round: the access is not opened for certificates."""
    Consumer.objects.filter(pk="hks2").update(certificate_login=False)
    assert user.post(CLICK).status_code == 401
    assert user.get(METERS).status_code == 401


@pytest.mark.req("R104")
def test_the_lock_refuses_certificates_too_and_existing_logins_go_on(
    user: Client, han: Gateway, der: bytes
) -> None:
    """R104: the whole access is locked (D27); nothing is logged during the lock."""
    user.post(CLICK)
    lock(han)
    before = entries()
    late = showing(han, der)
    answer = late.post(CLICK)
    assert answer.status_code == 429
    assert answer["Retry-After"] == "300"
    program = late.get(METERS)
    assert (program.status_code, program["Retry-After"]) == (401, "300")
    assert entries() == before
    assert user.get("/").status_code == 200
    with time_machine.travel(NOW + timedelta(minutes=5), tick=False):
        assert late.post(CLICK).status_code == 303


@pytest.mark.req("R107")
def test_after_logging_out_only_a_new_click_logs_in(user: Client) -> None:
    """R107: although the browser goes on showing the certificate."""
    user.post(CLICK)
    user.post("/abmelden/")
    assert not Session.objects.exists()
    assert user.get("/").status_code == 302
    browser_headers = {"Sec-Fetch-Mode": "navigate"}
    assert user.get(METERS, headers=browser_headers).status_code == 401
    assert user.post(CLICK).status_code == 303
    assert user.get("/").status_code == 200


@pytest.mark.parametrize("other", [b"", b"another"], ids=["none", "another"])
def test_the_login_is_bound_to_its_certificate(
    user: Client, han: Gateway, other: bytes
) -> None:
    """A stolen cookie is worth nothing on a connection without the certificate."""
    user.post(CLICK)
    shown = other and issued_der(han, "nachbar", now=NOW)
    thief = showing(han, shown)
    thief.cookies = user.cookies
    assert thief.get("/").status_code == 302
    assert thief.get(METERS, headers={"Origin": "null"}).status_code == 401


@pytest.mark.req("R99")
def test_a_withdrawn_certificate_ends_its_logins_at_the_next_request(
    user: Client,
) -> None:
    """R99: each request looks the certificate up again."""
    user.post(CLICK)
    withdraw_account_certificate(Account.objects.get(username="hks2"), now=NOW)
    assert user.get("/").status_code == 302


def test_a_password_login_does_not_need_the_certificate(
    logged_in: Callable[..., Client], der: bytes
) -> None:
    assert logged_in().get("/").status_code == 200


@pytest.mark.req("R99", "R102")
def test_a_program_needs_nothing_but_the_certificate(user: Client) -> None:
    """R99 for /json/ (TRuDI with PKCS#12); R102: 5002/0 once a day and address."""
    for _ in range(3):
        assert user.get(METERS).json() == ["1emh0000000001", "1emh0000000002"]
    assert entries().count((5002, 0)) == 1
    assert user.get(METERS, REMOTE_ADDR="192.168.1.7").status_code == 200
    assert entries().count((5002, 0)) == 2
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        user.get(METERS)
    assert entries().count((5002, 0)) == 3
    assert not Session.objects.exists()


@pytest.mark.req("R102")
def test_a_program_with_a_refused_certificate_gets_the_challenge(user: Client) -> None:
    """R102: 5002/1 once a day; it may log in by digest on the same connection."""
    withdraw_account_certificate(Account.objects.get(username="hks2"), now=NOW)
    for _ in range(2):
        answer = user.get(METERS)
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Digest ")
    assert entries().count((5002, 1)) == 1


def test_a_page_of_somebody_else_cannot_use_the_certificate_of_a_browser(
    user: Client,
) -> None:
    """Browsers show it to every page's requests; so without a login it counts not."""
    for headers in ({"Sec-Fetch-Mode": "no-cors"}, {"Origin": "https://evil.example"}):
        assert user.get(METERS, headers=headers).status_code == 401


@pytest.mark.req("R100")
def test_a_consumer_with_a_certificate_and_a_password_may_use_both(
    user: Client,
) -> None:
    """R100: what is set up for the access decides, nothing else."""
    login = {"username": "hks2", "password": PASSWORDS["hks2"]}
    assert user.post("/anmelden/", login).status_code == 303
