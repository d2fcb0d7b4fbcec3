"""What the start page says first, and its cards, as a pure function."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hardware.clock import GatewayClock
from hardware.gateway import Gateway
from hardware.status_word import METER_BASIC, NOT_FOR_BILLING, combined
from meters.models import Meter
from meters.selectors import LatestReading
from portal.start_page import StartPage, start_page
from tests.portal.installation import reading

NOW = datetime(2026, 6, 22, 13, 7, 52, tzinfo=UTC)


def a_meter(name: str = "Haushalt mit PV") -> Meter:
    return Meter(
        id="1emh0000000001", server_id="0a01454d480000000001", medium=1, name=name
    )


def read(meter: Meter, age: timedelta, status: int = 0) -> LatestReading:
    captured = NOW - age
    registers = reading(meter.id, captured).registers
    word = status or combined(0, METER_BASIC)
    return LatestReading(meter, captured, word, registers, None)


def page(gateway: Gateway, *latest: LatestReading) -> StartPage:
    meters = [a_meter()]
    return start_page(gateway, meters, list(latest), now=NOW)


@pytest.mark.req("R116")
def test_a_card_names_the_meter_in_both_forms_and_its_registers(
    han_gateway: Gateway,
) -> None:
    """R116: heading, link, and a row per register with its time and value."""
    (card,) = page(han_gateway, read(a_meter(), timedelta(seconds=7))).meters
    assert (card.server_id, card.id) == ("0a01454d480000000001", "1emh0000000001")
    assert card.description == "Strom, Haushalt mit PV"
    assert card.json_url == "/json/metering/origin/1emh0000000001/"
    shown = [(row.register, row.name, row.unit) for row in card.readings]
    assert shown == [
        ("0100010800ff", "Bezug gesamt", "kWh"),
        ("0100020800ff", "Einspeisung gesamt", "kWh"),
        ("0100100700ff", "Leistung jetzt", "W"),
    ]
    assert [row.name for row in card.quantities] == ["Phasenwinkel"]
    assert not card.is_stale


def test_all_is_fine(han_gateway: Gateway) -> None:
    state = page(han_gateway, read(a_meter(), timedelta(seconds=8))).state
    assert (state.tone, state.head) == ("ok", "Alles in Ordnung.")
    assert "die letzte Messung ist von 15:07:44 Uhr" in state.text


def test_an_old_value_is_never_shown_as_a_current_one(han_gateway: Gateway) -> None:
    shown = page(han_gateway, read(a_meter(), timedelta(minutes=6)))
    assert (shown.state.tone, shown.state.head) == (
        "warn",
        "Ein Zähler antwortet nicht.",
    )
    assert "Seit 2026-06-22 15:01:52" in shown.state.text
    assert shown.meters[0].is_stale


def test_a_meter_that_has_said_nothing_yet_has_a_card(han_gateway: Gateway) -> None:
    shown = page(han_gateway)
    assert shown.state.head == "Noch keine Messwerte."
    assert (shown.meters[0].readings, shown.meters[0].is_stale) == ([], False)


def test_an_invalid_time_comes_first(han_gateway: Gateway) -> None:
    gateway = replace(han_gateway, clock=GatewayClock(is_valid=False))
    state = page(gateway, read(a_meter(), timedelta(minutes=6))).state
    assert (state.tone, state.head) == ("bad", "Die Uhrzeit des Geräts ist ungültig.")


def test_a_value_that_must_not_be_billed_says_so(han_gateway: Gateway) -> None:
    status = combined(NOT_FOR_BILLING, METER_BASIC)
    (card,) = page(han_gateway, read(a_meter("-"), timedelta(), status)).meters
    assert str(card.word.word) == "Nicht für die Abrechnung"
