"""Logging in by the form, the end of logins by inactivity and by the button."""

from collections.abc import Callable
from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
import time_machine
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpResponse
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import include, path

from hardware.gateway import Gateway
from logbooks import selectors
from meters.accounts import create_account
from meters.models import Account, Consumer
from portal import inactivity
from portal.auth import consumer_required, polling
from portal.middleware import ACTIVITY_COOKIE
from portal.request import PortalRequest
from tests.portal.conftest import NOW
from tests.portal.installation import PASSWORDS


@polling
@consumer_required
def live(request: PortalRequest) -> HttpResponse:
    return HttpResponse(request.consumer)


urlpatterns = [path("live/", live), path("", include("portal.urls"))]

LIMIT = timedelta(minutes=10)
SECOND = timedelta(seconds=1)


def is_alive(client: Client) -> bool:
    return client.get("/").status_code == 200


def texts(consumer: str) -> list[str]:
    return [line.text for line in selectors.consumer_log(consumer)]


@pytest.mark.req("R97")
def test_without_login_every_page_leads_to_the_login_page(browser: Client) -> None:
    """R97: who is not logged in is asked first and comes back afterwards."""
    answer = browser.get("/messwertliste/hks2-taf7/")
    assert answer.status_code == 302
    assert answer["Location"] == "/anmelden/?next=/messwertliste/hks2-taf7/"


@pytest.mark.req("R102")
def test_a_login_is_logged_for_the_consumer_and_without_his_name_for_the_gwa(
    logged_in: Callable[..., Client],
) -> None:
    """R102: 5001/0 in the consumer's log; the system log holds no user name."""
    logged_in()
    line = selectors.consumer_log("hks2")[0]
    assert (line.event_id, line.event_sub_id) == (5001, 0)
    assert "hks2" in line.text
    assert "hks2" not in selectors.system_log()[0].text
    assert not any("hks2" in text for text in texts("nachbar"))


@pytest.mark.req("R102")
def test_a_wrong_password_is_logged_for_the_owner_of_the_name(
    browser: Client,
) -> None:
    """R102: 5001/1; an unknown name stands in no consumer's log."""
    for name in ("hks2", "nobody"):
        answer = browser.post("/anmelden/", {"username": name, "password": "x"})
        assert answer.status_code == 401
    line = selectors.consumer_log("hks2")[0]
    assert (line.event_id, line.event_sub_id) == (5001, 1)
    assert not any("nobody" in text for text in texts("hks2"))
    assert [e.event_id for e in selectors.system_log()[:2]] == [5001, 5001]


@pytest.mark.req("R100", "R102")
def test_a_consumer_who_is_set_up_for_certificates_cannot_use_a_password(
    browser: Client,
) -> None:
    """R100: refused although the password is right; 5001/2 says why."""
    Consumer.objects.filter(pk="hks2").update(password_login=False)
    login = {"username": "hks2", "password": PASSWORDS["hks2"]}
    assert browser.post("/anmelden/", login).status_code == 401
    line = selectors.consumer_log("hks2")[0]
    assert (line.event_id, line.event_sub_id) == (5001, 2)
    assert "nicht freigegeben" in line.text


@pytest.mark.req("R106")
def test_a_login_is_alive_at_9_59_and_gone_at_10_00(
    logged_in: Callable[..., Client],
) -> None:
    """R106: on the server, counted from the last request."""
    client = logged_in()
    with time_machine.travel(NOW + LIMIT - SECOND, tick=False):
        assert is_alive(client)
    with time_machine.travel(NOW + LIMIT - SECOND + LIMIT, tick=False):
        answer = client.get("/")
        assert answer["Location"] == "/anmelden/?abgelaufen=1&next=/"
        assert not Session.objects.exists()


@pytest.mark.req("R106")
@pytest.mark.parametrize("step_s", [1, 7, 30, 59, 60, 61, 119])
@pytest.mark.parametrize("early", [timedelta(microseconds=1), timedelta()])
def test_the_end_is_exact_wherever_the_last_activity_lies(
    logged_in: Callable[..., Client], step_s: int, early: timedelta
) -> None:
    """R106: also when the row in the database is older than the last request."""
    client = logged_in()
    last = NOW
    for _ in range(3):
        last += step_s * SECOND
        with time_machine.travel(last, tick=False):
            assert is_alive(client)
    with time_machine.travel(last + LIMIT - early, tick=False):
        assert is_alive(client) == bool(early)


@pytest.mark.req("R106")
def test_the_login_row_is_written_at_most_once_a_minute(
    logged_in: Callable[..., Client],
) -> None:
    """R106 without a write for each page: 59 views in a minute, no UPDATE."""
    client = logged_in()
    with CaptureQueriesContext(connection) as queries:
        for second in range(1, 60):
            with time_machine.travel(NOW + second * SECOND, tick=False):
                assert is_alive(client)
    assert [q for q in queries if q["sql"].startswith(("UPDATE", "INSERT"))] == []
    with (
        time_machine.travel(NOW + 60 * SECOND, tick=False),
        CaptureQueriesContext(connection) as queries,
    ):
        assert is_alive(client)
    assert len([q for q in queries if q["sql"].startswith("UPDATE")]) == 1


@pytest.mark.req("R106")
def test_a_forged_or_foreign_activity_cookie_prolongs_nothing(
    logged_in: Callable[..., Client], han: Gateway
) -> None:
    """R106: the client cannot move its own last activity."""
    client, other = logged_in(), logged_in("nachbar")
    later = NOW + LIMIT - SECOND
    with time_machine.travel(later, tick=False):
        assert is_alive(other)
    stamp = inactivity.stamp(later)
    forged = [
        f"{stamp}.{'0' * 64}",
        f"{stamp}." + client.cookies[ACTIVITY_COOKIE].value.partition(".")[2],
        other.cookies[ACTIVITY_COOKIE].value,
        "ü.ü",
        "",
    ]
    for cookie in forged:
        probe = logged_in()
        probe.cookies[ACTIVITY_COOKIE] = cookie
        with time_machine.travel(NOW + LIMIT, tick=False):
            assert not is_alive(probe), cookie


@pytest.mark.req("R106")
def test_what_a_page_asks_by_itself_does_not_prolong_the_login(
    logged_in: Callable[..., Client],
) -> None:
    """R106: polling is no activity; it works while the login lasts."""
    client = logged_in()
    with override_settings(ROOT_URLCONF=__name__):
        for minute in range(1, 10):
            with time_machine.travel(NOW + minute * 60 * SECOND, tick=False):
                assert client.get("/live/").content == b"hks2"
        with time_machine.travel(NOW + LIMIT, tick=False):
            assert client.get("/live/").status_code == 302


@pytest.mark.req("R106")
def test_a_clock_that_is_set_back_a_little_ends_no_login() -> None:
    """R106 with time synchronisation: a minute back is tolerated, more is not."""
    assert not inactivity.has_expired(NOW + 59 * SECOND, now=NOW)
    assert inactivity.has_expired(NOW + 61 * SECOND, now=NOW)


@pytest.mark.req("R107")
def test_logging_out_ends_the_login_on_the_server(
    logged_in: Callable[..., Client],
) -> None:
    """R107: the cookies of before are refused afterwards."""
    client = logged_in()
    thief, morsels = Client(**client.defaults), dict(client.cookies)
    cookies = {name: morsel.value for name, morsel in morsels.items()}
    thief.cookies = SimpleCookie(cookies)
    assert is_alive(thief)
    assert client.post("/abmelden/").status_code == 303
    assert not is_alive(client)
    thief.cookies = SimpleCookie(cookies)
    assert not is_alive(thief)
    thief.cookies = SimpleCookie(cookies)
    assert thief.get("/json/metering/origin").status_code == 401


@pytest.mark.req("R107")
def test_a_login_gets_a_new_cookie(browser: Client) -> None:
    """R107: a cookie planted before the login is not the one that is logged in."""
    browser.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32
    browser.post("/anmelden/", {"username": "hks2", "password": PASSWORDS["hks2"]})
    assert browser.cookies[settings.SESSION_COOKIE_NAME].value != "a" * 32
    assert is_alive(browser)


@pytest.mark.req("R99")
def test_a_technician_cannot_log_in_as_a_consumer(
    browser: Client, han: Gateway
) -> None:
    """R99: an account leads to exactly one role; the HAN form is for consumers."""
    create_account(
        han, username="technik", role=Account.Role.TECHNICIAN, password="geheim 3"
    )
    answer = browser.post("/anmelden/", {"username": "technik", "password": "geheim 3"})
    assert answer.status_code == 401
