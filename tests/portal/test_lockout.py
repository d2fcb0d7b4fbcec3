"""The lock of the whole consumer access after too many wrong logins (D27)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from axes.models import AccessAttempt
from django.http import HttpResponse
from django.test import Client, override_settings

from hardware.gateway import Gateway
from logbooks import selectors
from portal import lockout
from tests.portal.conftest import NOW
from tests.portal.digest_client import answer_to, challenge_of
from tests.portal.installation import PASSWORDS

LOCK = timedelta(minutes=5)
SECOND = timedelta(seconds=1)
PATH = "/json/metering/origin"


def try_form(client: Client, user: str, password: str = "falsch") -> HttpResponse:
    return client.post("/anmelden/", {"username": user, "password": password})


def right_form(client: Client, user: str = "hks2") -> HttpResponse:
    return try_form(client, user, PASSWORDS[user])


def try_digest(client: Client, user: str, password: str = "falsch") -> HttpResponse:
    header = answer_to(challenge_of(client, PATH), user, password, PATH)
    return client.get(PATH, headers={"Authorization": header})


def locked(client: Client, *, at: timedelta = timedelta()) -> None:
    """Lock the access: five failures of different people in both ways."""
    with time_machine.travel(NOW + at, tick=False):
        for user in ("hks2", "nachbar", "fremd"):
            try_form(client, user)
        for user in ("hks2", "fremd"):
            try_digest(client, user)


@pytest.mark.req("R103", "R104")
def test_five_failures_of_anybody_lock_everybody_for_five_minutes(
    browser: Client,
) -> None:
    """R103, R104: at 4:59 the right password is refused, at 5:00 it is accepted."""
    locked(browser)
    with time_machine.travel(NOW + LOCK - SECOND, tick=False):
        for user in PASSWORDS:
            assert right_form(browser, user).status_code == 429
            assert try_digest(browser, user, PASSWORDS[user]).status_code == 401
    with time_machine.travel(NOW + LOCK, tick=False):
        assert try_digest(browser, "nachbar", PASSWORDS["nachbar"]).status_code == 200
        assert right_form(browser).status_code == 303


@pytest.mark.req("R103")
def test_four_failures_do_not_lock_and_the_fifth_does(browser: Client) -> None:
    """R103: the limit itself."""
    for _ in range(4):
        assert try_form(browser, "hks2").status_code == 401
    assert try_form(browser, "hks2").status_code == 429


@pytest.mark.req("R103")
def test_failures_at_different_times_make_a_full_lock(browser: Client) -> None:
    """R103: the lock lasts five minutes from the failure that began it."""
    for minute, user in enumerate(("hks2", "nachbar", "a", "b", "c")):
        with time_machine.travel(NOW + timedelta(seconds=59) * minute, tick=False):
            try_form(browser, user)
    begin = NOW + timedelta(seconds=59) * 4
    with time_machine.travel(begin + LOCK - SECOND, tick=False):
        assert right_form(browser).status_code == 429
    with time_machine.travel(begin + LOCK, tick=False):
        assert right_form(browser).status_code == 303


@pytest.mark.req("R103")
def test_attempts_during_the_lock_do_not_extend_it(browser: Client) -> None:
    """R103: nobody can keep the others out for ever with one failure a minute."""
    locked(browser)
    for minute in range(1, 5):
        with time_machine.travel(NOW + timedelta(minutes=minute), tick=False):
            assert try_form(browser, "hks2").status_code == 429
            try_digest(browser, "hks2")
    with time_machine.travel(NOW + LOCK, tick=False):
        assert right_form(browser).status_code == 303


@pytest.mark.req("R103")
def test_the_lockout_page_says_until_when(browser: Client) -> None:
    """R103: 429 with Retry-After and the time, whichever way the page is asked for."""
    locked(browser)
    with time_machine.travel(NOW + timedelta(seconds=8), tick=False):
        for page in (browser.get("/anmelden/"), right_form(browser)):
            assert page.status_code == 429
            assert page["Retry-After"] == "292"
            assert "15:12:52 Uhr" in page.content.decode()


@pytest.mark.req("R103")
def test_a_locked_digest_gets_a_challenge_and_the_time_left(browser: Client) -> None:
    """R103: any other status than 401 is shown as a broken line by real clients."""
    locked(browser)
    answer = try_digest(browser, "hks2", PASSWORDS["hks2"])
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Digest ")
    assert answer["Retry-After"] == "300"


@pytest.mark.req("R103")
def test_who_is_logged_in_stays_logged_in_during_a_lock(
    logged_in: Callable[..., Client], browser: Client
) -> None:
    """R103: the lock concerns new logins only."""
    client = logged_in()
    locked(browser)
    assert client.get("/").status_code == 200
    assert client.get(PATH).status_code == 200


@pytest.mark.req("R104")
def test_a_success_forgets_the_failures_of_that_user_only(browser: Client) -> None:
    """R104: with one good account nobody can guess another's password for ever."""
    for _ in range(4):
        try_form(browser, "hks2")
    assert right_form(Client(**browser.defaults), "nachbar").status_code == 303
    assert AccessAttempt.objects.get().failures_since_start == 4
    assert try_digest(browser, "hks2", PASSWORDS["hks2"]).status_code == 200
    assert not AccessAttempt.objects.exists()


@pytest.mark.req("R104")
def test_failures_from_different_programs_add_up(browser: Client) -> None:
    """R104: the counter knows neither address nor program."""
    for n in range(5):
        answer = browser.post(
            "/anmelden/",
            {"username": "hks2", "password": "falsch"},
            headers={"User-Agent": f"program {n}"},
            REMOTE_ADDR=f"192.0.2.{n}",
        )
    assert answer.status_code == 429


@pytest.mark.req("R105")
def test_a_lock_is_logged_once_for_everybody(browser: Client) -> None:
    """R105: 4294948293/1 with the count; attempts during the lock add no entries."""
    locked(browser)
    for _ in range(3):
        try_form(browser, "hks2")
    for log in (selectors.consumer_log("nachbar"), selectors.system_log()):
        locks = [line for line in log if line.event_id == 4_294_948_293]
        assert len(locks) == 1
        assert "Es wurden 5 oder mehr" in locks[0].text
    refusals = [e for e in selectors.system_log() if e.event_id == 5001]
    assert len(refusals) == 5


@pytest.mark.req("R103")
def test_the_limit_is_a_setting(browser: Client) -> None:
    """R103: CASA_LOGIN_FAILURES."""
    with override_settings(AXES_FAILURE_LIMIT=3):
        answers = [try_form(browser, "hks2").status_code for _ in range(3)]
    assert answers == [401, 401, 429]


@pytest.mark.req("R103")
def test_what_is_no_attempt_is_not_counted(browser: Client) -> None:
    """R103: requests without credentials, malformed ones, foreign or old nonces."""
    header = answer_to(challenge_of(browser, PATH), "hks2", "falsch", PATH)
    nonce = header.partition('nonce="')[2].partition('"')[0]
    headers = [
        None,
        "Basic aGtzMjp4",
        "Digest",
        'Digest username="hks2"',
        header.replace(nonce, "A" * len(nonce)),
        header.replace(f'uri="{PATH}"', 'uri="/json/other"'),
        header.replace('realm="eemh', 'realm="aemh'),
        header.replace('algorithm="MD5"', 'algorithm="SHA-256"'),
    ]
    for sent in headers * 2:
        more = {"Authorization": sent} if sent else {}
        assert browser.get(PATH, headers=more).status_code == 401
    with time_machine.travel(NOW + timedelta(minutes=10), tick=False):
        assert browser.get(PATH, headers={"Authorization": header}).status_code == 401
    assert not AccessAttempt.objects.exists()
    assert lockout.lock_left() is None


@pytest.mark.req("R103")
def test_a_clock_that_is_set_back_does_not_lock_for_hours(browser: Client) -> None:
    """R103: a host without a battery starts in the past."""
    locked(browser)
    with time_machine.travel(NOW - timedelta(hours=3), tick=False):
        assert right_form(browser).status_code == 303


def test_the_time_of_the_lock_is_gateway_time(browser: Client, han: Gateway) -> None:
    """A moved gateway clock (D39) shows its own time, the lock lasts as long."""
    assert lockout.locked_until(han) is None
    locked(browser)
    assert lockout.locked_until(han) == NOW + LOCK


@pytest.mark.req("R126")
@pytest.mark.parametrize("name", ["a\0b", "ä" * 300, "", " ", "x\r\ny"])
def test_names_that_nobody_can_have_are_wrong_like_others(
    browser: Client, name: str
) -> None:
    """R126: 4xx whatever is typed; counted, and no database chokes on it."""
    assert try_form(browser, name).status_code == 401
    assert AccessAttempt.objects.count() == 1
