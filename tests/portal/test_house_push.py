"""Values into the house: the order on its page, and what a broker receives."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from hardware.gateway import Gateway
from logbooks.models import ConsumerLogEntry
from logbooks.selectors import consumer_log
from meters.selectors import latest_readings
from portal import home_assistant, house_push
from portal.house_push import PushSpec
from tests.portal.conftest import NOW

HUID = "eemh0009264154"
SPEC = PushSpec("broker.example", 8883, True, "", "ha", "streng geheim")
FORM = {
    "host": "broker.example",
    "port": "8883",
    "tls": "on",
    "username": "ha",
    "password": "streng geheim",
    "consent": "on",
}
PAGE = "/smart-home/"


def messages(consumer: str) -> list[str]:
    return [line.text for line in consumer_log(consumer, begin=NOW - timedelta(days=1))]


def test_an_order_is_taken_shown_and_logged(logged_in: Callable[..., Client]):
    browser = logged_in("hks2")
    assert browser.post(PAGE, FORM).status_code == 302
    page = browser.get(PAGE).content.decode()
    assert "broker.example" in page and "streng geheim" not in page
    assert any(
        "MQTT" in text and "broker.example:8883" in text for text in messages("hks2")
    )
    assert not any("MQTT" in text for text in messages("nachbar"))


def test_the_order_of_one_consumer_is_not_that_of_another(
    logged_in: Callable[..., Client],
):
    logged_in("hks2").post(PAGE, FORM)
    assert "broker.example" not in logged_in("nachbar").get(PAGE).content.decode()
    logged_in("nachbar").post(PAGE, {"beenden": "1"})
    assert house_push.push_of("hks2") is not None


def test_an_order_is_revoked_and_that_is_logged(logged_in: Callable[..., Client]):
    browser = logged_in("hks2")
    browser.post(PAGE, FORM)
    assert browser.post(PAGE, {"beenden": "1"}).status_code == 302
    assert house_push.push_of("hks2") is None
    assert any("MQTT" in text and "beendet" in text for text in messages("hks2"))


@pytest.mark.parametrize(
    "change",
    [
        {"host": ""},
        {"host": "two words"},
        {"port": "0"},
        {"port": "x"},
        {"ca": "no certificate"},
        {"consent": ""},
        {"username": "a\tb"},
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_stored(
    logged_in: Callable[..., Client], change: dict[str, str]
):
    answer = logged_in("hks2").post(PAGE, FORM | change)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert house_push.push_of("hks2") is None


def test_nobody_orders_anything_without_a_login(browser: Client):
    assert browser.post(PAGE, FORM).status_code == 302
    assert house_push.orders() == []


def test_the_password_is_encrypted_and_kept_when_left_out(han: Gateway):
    push = house_push.order(han, "hks2", SPEC, now=NOW)
    assert b"geheim" not in bytes(push.password)
    assert house_push.password_of(han, push) == "streng geheim"
    again = PushSpec("other.example", 1883, False, "", "ha", None)
    changed = house_push.order(han, "hks2", again, now=NOW)
    assert house_push.password_of(han, changed) == "streng geheim"
    assert changed.version == push.version + 1


@pytest.mark.req("R78")
@pytest.mark.parametrize(
    ("change", "is_told"),
    [
        ({"password": "ein anderes"}, True),
        ({"username": "other"}, True),
        ({"password": None}, False),
        ({"password": SPEC.password}, False),
        ({"host": "other.example"}, False),
    ],
)
def test_a_changed_login_at_the_broker_is_told_in_his_log_alone(
    han: Gateway, change: dict[str, str | None], is_told: bool
):
    """R78: 20033 with the name of this way; not for the first order, which is 20003."""
    house_push.order(han, "hks2", SPEC, now=NOW)
    assert credentials_told("hks2") == []
    house_push.order(han, "hks2", replace(SPEC, **change), now=NOW)
    assert credentials_told("hks2") == (["MQTT"] if is_told else [])
    assert credentials_told("nachbar") == []


def credentials_told(consumer: str) -> list[str]:
    entries = ConsumerLogEntry.objects.filter(consumer_id=consumer, event_id=20033)
    return [entry.arguments[0] for entry in entries]


def test_a_password_does_not_open_for_another_consumer(han: Gateway):
    push = house_push.order(han, "hks2", SPEC, now=NOW)
    push.pk = "nachbar"
    assert house_push.password_of(han, push) == ""


def test_a_port_out_of_range_is_refused_by_the_service_too(han: Gateway):
    with pytest.raises(ValidationError):
        house_push.order(han, "hks2", PushSpec("h", 70_000, True), now=NOW)


def test_every_register_becomes_a_sensor_with_its_exact_value(han: Gateway):
    latest = latest_readings("hks2")[0]
    sensors = [
        json.loads(m.payload) for m in home_assistant.discovery(HUID, "hks2", latest)
    ]
    values = json.loads(home_assistant.state(HUID, latest).payload, parse_float=str)
    assert len(sensors) == len(latest.registers) == len(values) - 1
    first = next(s for s in sensors if "1.8.0" in s["name"])
    assert (first["device_class"], first["state_class"]) == (
        "energy",
        "total_increasing",
    )
    assert first["unit_of_measurement"] == "kWh"
    register = next(r for r in latest.registers if str(r.obis).startswith("1-0:1.8.0"))
    assert values["0100010800ff"] == f"{register.amount.scaleb(-3):f}"
