"""Attempts that arrive together: who waits for whom, and what is counted."""

import threading
from collections.abc import Callable

import pytest
from axes.models import AccessAttempt
from django.contrib.auth import hashers
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client

from portal import login
from tests.portal.digest_client import answer_to, challenge_of
from tests.portal.installation import PASSWORDS

PATH = "/json/metering/origin"


def test_a_digest_login_does_not_wait_for_a_password_hash(browser: Client) -> None:
    header = answer_to(challenge_of(browser, PATH), "hks2", PASSWORDS["hks2"], PATH)
    with login.ONE_HASH_AT_A_TIME:
        answer = browser.get(PATH, headers={"Authorization": header})
    assert answer.status_code == 200


@pytest.fixture
def during_hash(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[Callable[[], None]], None]:
    """Has something done while a password is being hashed."""

    def arrange(act: Callable[[], None]) -> None:
        class Watched(MD5PasswordHasher):
            def verify(self, password: str, encoded: str) -> bool:
                assert not login.ONE_ATTEMPT_AT_A_TIME.locked()
                act()
                return super().verify(password, encoded)

        monkeypatch.setattr(hashers, "get_hashers", lambda: [Watched()])
        monkeypatch.setattr(
            hashers, "get_hashers_by_algorithm", lambda: {"md5": Watched()}
        )

    return arrange


@pytest.mark.req("R103")
def test_a_right_password_counts_after_the_failures_that_came_while_it_was_hashed(
    browser: Client, during_hash: Callable[[Callable[[], None]], None]
) -> None:
    """R103: many guesses at once are no way round the limit."""
    header = answer_to(challenge_of(browser, PATH), "nachbar", "falsch", PATH)

    def fail_five_times() -> None:
        for _ in range(5):
            browser.get(PATH, headers={"Authorization": header})

    during_hash(fail_five_times)
    form = {"username": "hks2", "password": PASSWORDS["hks2"]}
    assert browser.post("/anmelden/", form).status_code == 429
    assert AccessAttempt.objects.get().failures_since_start == 5


@pytest.mark.req("R103")
def test_while_the_access_is_locked_no_password_is_hashed(
    browser: Client, during_hash: Callable[[Callable[[], None]], None]
) -> None:
    """R103: a lock is no way to keep the gateway busy."""
    wrong = {"username": "hks2", "password": "falsch"}
    for _ in range(5):
        browser.post("/anmelden/", wrong)
    hashed = threading.Event()
    during_hash(hashed.set)
    assert browser.post("/anmelden/", wrong).status_code == 429
    assert not hashed.is_set()
