"""The HAN while the device is locked down."""

import asyncio
import json
from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from hardware import device_state_file
from hardware.device_state_file import DeviceSetting, Mode
from hardware.gateway import Gateway
from portal import house_publisher
from tests.portal.installation import PASSWORDS

GERMAN = (
    "Zurzeit leider kein Zugriff möglich. "
    "Der Gateway-Administrator wurde bereits informiert."
)
ENGLISH = (
    "Access is currently not possible. "
    "The gateway administrator has already been informed."
)
IDS = {
    "profile_id": "hks2-taf7",
    "number": "0",
    "key": "20260622T130000Z",
    "meter": "1emh0000000001",
    "contract": "hks2-taf7.eemh0009264154.sm",
    "months_back": "0",
    "index": "0",
    "target_time": "2026-06-22T13:00:00Z",
    "device": "eemh0009264154",
}


def paths() -> list[str]:
    """An address for each route of the HAN."""
    return sorted({"/" + path for path in _paths(get_resolver().url_patterns)})


def _paths(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = before + _filled(str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from _paths(pattern.url_patterns, route)
        else:
            yield route


def _filled(route: str) -> str:
    for name, value in IDS.items():
        for part in ("[^/]+", "[0-9]{1,9}"):
            route = route.replace(f"(?P<{name}>{part})", value)
        for kind in ("str:", "int:"):
            route = route.replace(f"<{kind}{name}>", value)
    return route.removeprefix("^").removesuffix("\\Z").removesuffix("/?")


@pytest.fixture
def soft(han: Gateway) -> Iterator[Gateway]:
    """The installation in soft lock-down."""
    device_state_file.write(han.state, DeviceSetting(Mode.SOFT, 1900082))
    yield han
    device_state_file.write(han.state, DeviceSetting())


def test_the_table_of_routes_is_whole() -> None:
    assert len(paths()) > 25
    assert not [path for path in paths() if set("<>^?[") & set(path)]


@pytest.mark.req("R139")
@pytest.mark.parametrize("path", paths())
def test_every_route_shows_the_notice_and_nothing_else(
    soft: Gateway, browser: Client, path: str
) -> None:
    """R139: every route, both methods; heading and text, no login, no link."""
    for answer in (browser.get(path), browser.post(path, PASSWORDS)):
        assert answer.status_code == 503
        assert answer["Cache-Control"] == "no-store"
        text = answer.content.decode()
        assert GERMAN in text
        if path.startswith(("/json/", "/smgw/")):
            assert text == f"{GERMAN}\n"
            assert answer["Content-Type"] == "text/plain; charset=utf-8"
        else:
            assert "<h1>CASA-Benutzer-Portal</h1>" in text
            assert not [w for w in ("<form", "<a ", "hks2", "eemh") if w in text]
        assert not answer.cookies


@pytest.mark.req("R138", "R139")
def test_who_is_logged_in_loses_access_and_gets_it_back(
    han: Gateway, logged_in: Callable[..., Client]
) -> None:
    """R138: no access from the next request on; after the release the login counts."""
    client = logged_in()
    device_state_file.write(han.state, DeviceSetting(Mode.SOFT, 1900082))
    try:
        answer = client.get("/")
        assert answer.status_code == 503
        assert "hks2" not in answer.content.decode()
    finally:
        device_state_file.write(han.state, DeviceSetting())
    assert client.get("/").status_code == 200


@pytest.mark.req("R139")
def test_the_notice_speaks_english_too(soft: Gateway, browser: Client) -> None:
    """R139: the same page in the language that the browser asks for."""
    answer = browser.get("/", headers={"accept-language": "en"})
    assert ENGLISH in answer.content.decode()
    assert '<html lang="en">' in answer.content.decode()


@pytest.mark.req("R142")
def test_in_the_hard_lock_down_there_is_no_page(soft: Gateway, browser: Client) -> None:
    """R142: not even the notice."""
    device_state_file.write(soft.state, DeviceSetting(Mode.HARD, 1900109))
    for path in ("/", "/json/metering/origin", "/hilfe/"):
        answer = browser.get(path)
        assert (answer.status_code, answer.content) == (503, b"")


def test_the_notice_needs_no_database(soft: Gateway, browser: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        browser.get("/")
    assert not queries.captured_queries


@pytest.mark.req("R138")
def test_no_value_goes_to_a_broker_in_the_house(
    soft: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R138: nothing is sent; orders count again after the release."""
    monkeypatch.setattr(house_publisher.house_push, "orders", lambda: ["order"])
    assert asyncio.run(house_publisher._orders(soft)) == []
    device_state_file.write(soft.state, DeviceSetting())
    assert asyncio.run(house_publisher._orders(soft)) == ["order"]


@pytest.mark.req("R169")
def test_pages_and_exports_say_that_integrity_is_broken(
    han: Gateway, logged_in: Callable[..., Client]
) -> None:
    """R169, D37: a note on every page, a field in the JSON export; gone after it."""
    client = logged_in()
    page, export = "/", "/messwertliste/hks2-taf7/0/json/"
    for is_broken in (True, False):
        device_state_file.write(han.state, DeviceSetting(marks_values=is_broken))
        said = (
            "Die Integrität des Geräts ist verletzt."
            in client.get(page).content.decode()
        )
        assert said == is_broken
        document = json.loads(b"".join(client.get(export)))  # type: ignore[arg-type]
        assert document.get("not_for_billing", False) == is_broken


@pytest.mark.req("R169")
@pytest.mark.parametrize("form", ["csv", "json", "trudi"])
def test_the_name_of_a_file_says_that_integrity_is_broken(
    han: Gateway, logged_in: Callable[..., Client], form: str
) -> None:
    """R169, D37: for forms that have no place for it inside."""
    client = logged_in()
    for is_broken in (True, False):
        device_state_file.write(han.state, DeviceSetting(marks_values=is_broken))
        answer = client.get(f"/messwertliste/hks2-taf7/1/{form}/")
        assert answer.status_code == 200
        name = answer["Content-Disposition"]
        assert ("_nicht-fuer-abrechnung." in name) == is_broken
