"""What the warning before the automatic logout asks the gateway."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from tests.portal.conftest import NOW

LEFT, STAY = "/sitzung/", "/sitzung/verlaengern/"


@pytest.mark.req("R106")
def test_the_time_left_counts_from_the_last_input_and_asking_is_none(
    logged_in: Callable[..., Client],
) -> None:
    """R106: the warning of one tab knows of the others and prolongs nothing."""
    client = logged_in()
    client.get("/")
    for minutes in (1, 5, 9):
        with time_machine.travel(NOW + timedelta(minutes=minutes), tick=False):
            answer = client.get(LEFT)
            assert answer.json() == {"left_s": 600 - 60 * minutes}
            assert answer["Cache-Control"] == "no-store"
    with time_machine.travel(NOW + timedelta(minutes=10), tick=False):
        assert client.get(LEFT).status_code == 401


@pytest.mark.req("R106")
def test_who_wants_to_stay_gets_ten_minutes_more(
    logged_in: Callable[..., Client],
) -> None:
    """R106: the button is an input like any other."""
    client = logged_in()
    client.get("/")
    with time_machine.travel(NOW + timedelta(minutes=9), tick=False):
        assert client.post(STAY).json() == {"left_s": 600}
    with time_machine.travel(NOW + timedelta(minutes=18), tick=False):
        assert client.get(LEFT).json() == {"left_s": 60}


def test_nobody_has_no_time_left(browser: Client) -> None:
    assert browser.get(LEFT).status_code == 401
    assert browser.post(STAY).status_code == 401


@pytest.mark.req("R106")
def test_the_pages_say_when_they_log_out_without_any_script(
    logged_in: Callable[..., Client],
) -> None:
    """R106: the footer names the time; the warning is hidden until the script shows
    it, and no page carries it that nobody is logged in on."""
    client = logged_in()
    page = client.get("/").content.decode()
    assert "Automatische Abmeldung um 15:17 Uhr" in page
    assert 'data-left="/sitzung/"' in page
    client.post("/abmelden/")
    assert "logout-warning" not in client.get("/anmelden/").content.decode()
