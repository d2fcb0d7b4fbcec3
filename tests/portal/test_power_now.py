"""Power now and today's curve: on the page, and asked for without being noticed."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from hardware.gateway import Gateway
from meters.services import update_live
from tests.portal.conftest import NOW
from tests.portal.installation import METERS, reading, record
from tests.portal.test_pages import Words, get

LogIn = Callable[..., Client]
METER = "1emh0000000001"
LIVE, CURVE = f"/live/?zaehler={METER}", f"/live/heute/?zaehler={METER}"


@pytest.mark.parametrize(
    ("power", "words", "number"),
    [
        (4484, "Sie beziehen gerade Strom aus dem Netz.", "4,48"),
        (-4484, "Sie geben gerade Strom an das Netz ab.", "4,48"),
        (4, "Kein nennenswerter Austausch mit dem Netz.", "0,00"),
        (-4, "Kein nennenswerter Austausch mit dem Netz.", "0,00"),
    ],
)
def test_the_direction_is_said_in_words(
    logged_in: LogIn, han: Gateway, power: int, words: str, number: str
) -> None:
    now = NOW + timedelta(seconds=10)
    update_live(han, {m: reading(m, now, power=power) for m in METERS}, now=now)
    text = get(logged_in(), "/")
    assert words in text and f"{number} kW" in text
    answer = logged_in().get(LIVE)
    assert (answer.json()["text"], answer.json()["number"]) == (words, number)
    assert len(answer.content) <= 300 and answer["Cache-Control"] == "no-store"


def test_an_old_value_does_not_look_new(logged_in: LogIn) -> None:
    with time_machine.travel(NOW + timedelta(minutes=6), tick=False):
        client = logged_in()
        assert client.get(LIVE).json()["is_stale"] is True
        assert 'class="power stale"' in client.get("/").content.decode()


def test_the_curve_has_the_quarter_hours_of_today_and_grows(
    logged_in: LogIn, han: Gateway
) -> None:
    client = logged_in()
    before = client.get(CURVE).content.decode()
    assert "kWh je Viertelstunde bis 15:00" in Words(before).text
    assert before in client.get("/").content.decode()
    record(han, NOW.replace(minute=15, second=0))
    with time_machine.travel(NOW + timedelta(minutes=8), tick=False):
        after = client.get(CURVE).content.decode()
    assert "kWh je Viertelstunde bis 15:15" in Words(after).text
    assert after.count("h.86V") == before.count("h.86V") + 2


@pytest.mark.req("R106")
def test_asking_does_not_keep_the_login_alive(logged_in: LogIn) -> None:
    """R106: ten minutes after the last page the login ends, whatever a page asks."""
    client = logged_in()
    client.get("/")
    for minutes in (3, 6, 9):
        with time_machine.travel(NOW + timedelta(minutes=minutes), tick=False):
            assert client.get(LIVE).status_code == 200
            assert client.get(CURVE).status_code == 200
    with time_machine.travel(NOW + timedelta(minutes=10), tick=False):
        assert client.get(LIVE).status_code == client.get(CURVE).status_code == 401


def test_the_other_meter_is_chosen_by_a_link(logged_in: LogIn) -> None:
    page = logged_in().get("/?zaehler=1emh0000000002").content.decode()
    assert 'data-live="/live/?zaehler=1emh0000000002"' in page
    assert 'href="?zaehler=1emh0000000001"' in page
