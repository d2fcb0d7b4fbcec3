"""The HAN's network is changed on trial and returns by itself (R111)."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gwa_api import han_network
from hardware.gateway import Gateway
from logbooks.models import SystemLogEntry
from tests.gwa_api.head_end import HeadEnd, head_end

BODY = {"addresses": ["192.168.2.10/24"], "host_names": ["smgw.haus"], "dhcp": False}
PATH = "/network/han"


@pytest.fixture
def gwa(gateway: Gateway, db: None) -> HeadEnd:
    return head_end(gateway)


@pytest.fixture
def setter(tmp_path: Path, settings: Any) -> Path:
    """A program that notes each state it was told to set."""
    program, noted = tmp_path / "setter", tmp_path / "noted"
    program.write_text(f'#!/bin/sh\ncat >> "{noted}"\necho >> "{noted}"\n')
    program.chmod(0o700)
    settings.HAN_SETTER = str(program)
    return noted


def states(noted: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in noted.read_text().splitlines()]


def put(gwa: HeadEnd, body: dict[str, Any], etag: str) -> Any:
    return gwa("PUT", PATH, json=body, headers={"If-Match": etag})


@pytest.mark.req("R111")
def test_a_change_returns_unless_the_administrator_comes_in_anew(
    gwa: HeadEnd, setter: Path
) -> None:
    """120 s without a new connection: the old state, set and told (20003)."""
    answer = put(gwa, BODY, '"0"')
    assert answer.status_code == 200, answer.text
    assert answer.json()["returns_at"]
    assert gwa.get(PATH)["returns_at"], "the same connection proves nothing"
    assert put(gwa, BODY, answer.headers["ETag"]).status_code == 409
    now = gwa.gateway.clock.now()
    assert not han_network.return_when_due(gwa.gateway, now=now)
    later = now + timedelta(seconds=121)
    assert han_network.return_when_due(gwa.gateway, now=later)
    assert gwa.get(PATH) == {
        "addresses": [],
        "host_names": [],
        "dhcp": True,
        "returns_at": None,
        "version": 2,
    }
    assert [state["dhcp"] for state in states(setter)] == [False, True]
    assert SystemLogEntry.objects.filter(event_id=20003).count() == 2


@pytest.mark.req("R111")
def test_a_new_connection_of_the_administrator_keeps_the_change(
    gwa: HeadEnd, setter: Path
) -> None:
    """Then nothing returns."""
    put(gwa, BODY, '"0"')
    gwa.port += 1
    assert gwa.get(PATH)["returns_at"] is None
    later = gwa.gateway.clock.now() + timedelta(seconds=300)
    assert not han_network.return_when_due(gwa.gateway, now=later)
    assert gwa.get(PATH)["addresses"] == BODY["addresses"]


def test_what_cannot_be_set_changes_nothing(gwa: HeadEnd, settings: Any) -> None:
    """Without a program, and with one that fails."""
    assert put(gwa, BODY, '"0"').status_code == 409
    settings.HAN_SETTER = "/bin/false"
    refused = put(gwa, BODY, '"0"')
    assert refused.status_code == 409
    assert gwa.get(PATH)["version"] == 0
    assert not SystemLogEntry.objects.filter(event_id=20003).exists()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"addresses": ["192.168.2.10"], "dhcp": False}, "/addresses/0"),
        ({"addresses": ["127.0.0.1/8"], "dhcp": False}, "/addresses/0"),
        ({"addresses": [], "dhcp": False}, "/addresses"),
        ({"host_names": ["a b"], "dhcp": True}, "/host_names/0"),
        ({"addresses": []}, "/dhcp"),
    ],
)
def test_what_is_no_network_is_refused(
    gwa: HeadEnd, setter: Path, body: dict[str, Any], pointer: str
) -> None:
    answer = put(gwa, body, '"0"')
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
