"""The technician sets where the addresses of the HAN come from (R92)."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gwa_api import han_network
from hardware.gateway import Gateway
from logbooks import selectors
from meters.models import Account
from tests.portal.conftest import NOW
from tests.portal.service_client import (
    Browser,
    browser,
    connection_stays,
    der_of,
    issue,
)

__all__ = ["connection_stays"]
pytestmark = pytest.mark.usefixtures("connection_stays")

PAGE = "/einstellungen/"
FIXED = {"what": "network", "mode": "fixed", "text": "192.168.2.10/24, fd00::7/64"}
KEEP = {"what": "network_keep"}


@pytest.fixture
def client(han: Gateway) -> Browser:
    return browser(han, der_of(issue(han, Account.Role.TECHNICIAN, NOW)))


@pytest.fixture
def told(tmp_path: Path, settings: Any) -> Path:
    """What the program that sets addresses was told, a line each time."""
    program, noted = tmp_path / "setter", tmp_path / "noted"
    program.write_text(f'#!/bin/sh\ncat >> "{noted}"\necho >> "{noted}"\n')
    program.chmod(0o700)
    settings.HAN_SETTER = str(program)
    return noted


def states(noted: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in noted.read_text().splitlines()]


@pytest.mark.req("R92", "R111")
def test_fixed_addresses_return_unless_the_technician_keeps_them(
    han: Gateway, client: Browser, told: Path
) -> None:
    """R92, R111: on trial for 120 s; the administrator's coming in proves nothing."""
    assert client.send_form(PAGE, FIXED).status_code == 303
    page = client.get(PAGE).text
    assert "kehren die alten Adressen um 15:09:52 Uhr zurück" in page
    han_network.note_access("a connection of the administrator")
    later = NOW + timedelta(seconds=120)
    assert han_network.return_when_due(han, now=later)
    assert [state["dhcp"] for state in states(told)] == [False, True]
    assert client.send_form(PAGE, KEEP).status_code == 409


@pytest.mark.req("R92", "R111")
def test_addresses_that_are_kept_stay_and_the_log_tells_both(
    han: Gateway, client: Browser, told: Path
) -> None:
    """R92, R111: confirmed on the page; back to DHCP the same way."""
    client.send_form(PAGE, FIXED)
    assert client.send_form(PAGE, KEEP).status_code == 303
    assert not han_network.return_when_due(han, now=NOW + timedelta(hours=1))
    assert han_network.current().addresses == ["192.168.2.10/24", "fd00::7/64"]
    assert 'value="192.168.2.10/24 fd00::7/64"' in client.get(PAGE).text
    dhcp = {"what": "network", "mode": "dhcp", "text": ""}
    assert client.send_form(PAGE, dhcp).status_code == 303
    assert states(told)[-1] == {"addresses": [], "host_names": [], "dhcp": True}
    texts = [line.text for line in selectors.system_log()]
    for change in ("auf Probe geändert", "bestätigt"):
        found = [text for text in texts if f"HAN-Schnittstelle {change}" in text]
        assert found and "Servicetechniker" in found[0]


def test_what_cannot_be_set_is_said_and_changes_nothing(
    client: Browser, told: Path, settings: Any
) -> None:
    for text in ("192.168.2.10", "127.0.0.1/8", "nichts", ""):
        answer = client.send_form(PAGE, {**FIXED, "text": text})
        assert answer.status_code == 400, text
        assert "Bitte jede Adresse mit ihrem Netz angeben" in answer.text
    assert client.send_form(PAGE, {**FIXED, "mode": "magic"}).status_code == 400
    settings.HAN_SETTER = "/bin/false"
    assert client.send_form(PAGE, FIXED).status_code == 409
    assert not told.exists()
    assert han_network.current().version == 0


def test_a_change_of_the_administrator_is_not_the_technicians_to_keep(
    han: Gateway, client: Browser, told: Path
) -> None:
    wanted = han_network.Network(["192.168.2.10/24"], [], dhcp=False)
    han_network.change(han, wanted, over="a connection", now=NOW)
    page = client.get(PAGE).text
    assert "Der Administrator probiert neue Adressen bis 15:09:52 Uhr" in page
    assert client.send_form(PAGE, KEEP).status_code == 409
    assert client.send_form(PAGE, FIXED).status_code == 409


def test_without_a_program_there_is_no_form(client: Browser) -> None:
    page = client.get(PAGE).text
    assert 'name="mode"' not in page
    assert "bestimmt das Betriebssystem" in page
