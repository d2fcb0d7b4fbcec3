"""The page Selbsttest of a consumer (manual ch. 7.4)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from hardware.gateway import Gateway
from logbooks import self_test
from logbooks.models import ConsumerLogEntry, SelfTestRun
from tests.portal.conftest import NOW
from tests.portal.test_pages import words

LogIn = Callable[..., Client]

STARTED = (
    "Der Selbsttest wurde ausgelöst. Es kann einige Minuten dauern, bis das Ergebnis "
    "vorliegt. Sie finden das Ergebnis in Ihrem Benutzerlogbuch."
)
TOO_EARLY = (
    "Es kann nur ein Selbsttest alle 24 Stunden ausgelöst werden. Der nächste "
    "Selbsttest ist am 2026-06-23 um 15:07:52 Uhr möglich."
)


@pytest.mark.req("R117", "R128")
def test_a_consumer_triggers_a_self_test_from_the_start_page(
    logged_in: LogIn, han: Gateway
) -> None:
    """R117: the button; R128: heading, sentence, button Zurück; then the result."""
    client = logged_in()
    assert "Selbsttest-Auslösen" in words(client.get("/"))
    answer = client.post("/selbsttest/")
    assert (answer.status_code, answer["Location"]) == (303, "/selbsttest/")
    page = words(client.get("/selbsttest/"))
    assert "Selbsttest" in page
    assert STARTED in page
    assert "Zurück" in page
    assert "Er läuft seit 2026-06-22 15:07:52" in page
    assert not self_test.carry_on(han, now=NOW, budget_s=60)
    result = words(client.get("/selbsttest/"))
    assert "Bestanden" in result or "Fehler gefunden" in result
    assert "Er läuft seit" not in result
    log = ConsumerLogEntry.objects.filter(consumer_id="hks2", event_id__gte=15001)
    assert {15001, 15002} <= set(log.values_list("event_id", flat=True))


@pytest.mark.req("R129")
def test_the_second_click_within_24_hours_gets_the_manuals_sentence(
    logged_in: LogIn, han: Gateway
) -> None:
    """R129: refused with the exact time at 23:59:59, accepted at 24:00:00."""
    assert logged_in().post("/selbsttest/").status_code == 303
    assert not self_test.carry_on(han, now=NOW, budget_s=60)
    with time_machine.travel(NOW + timedelta(hours=23, minutes=59, seconds=59)):
        refused = logged_in("nachbar").post("/selbsttest/")
        assert refused.status_code == 409
        assert TOO_EARLY in words(refused)
    with time_machine.travel(NOW + timedelta(hours=24), tick=False):
        assert logged_in("nachbar").post("/selbsttest/").status_code == 303


def test_the_page_needs_a_login(browser: Client) -> None:
    assert browser.post("/selbsttest/").status_code == 302
    assert SelfTestRun.objects.count() == 0
