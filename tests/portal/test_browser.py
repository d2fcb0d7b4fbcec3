"""The pages in a real browser: policy, width, keyboard, with and without JavaScript."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from casa_site.screenshots import Visit, chromium, log_in
from hardware.clock import GatewayClock
from hardware.gateway import Gateway
from meters.services import close_missed_boundaries
from tests.portal.conftest import NOW
from tests.portal.every_page import LOGIN_PAGE, PAGES
from tests.portal.installation import PASSWORDS, record
from tests.portal.test_bill_page import PERIOD, LogIn, contract, own_tariff
from tests.portal.test_cost_pages import give
from tests.portal.tls_server import tls_server

__all__ = ["contract"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(which("chromium") is None, reason="chromium is not installed"),
]

AXE = Path(__file__).parents[1] / "data" / "axe" / "axe.min.js"
WIDTHS = (360, 390, 768, 1280)
A4_WIDTH_PX = 688
"""210 mm less both margins of 14 mm, at 96 dpi."""
TOO_SMALL = """() => [...document.querySelectorAll("button,input,select,.btn,nav a")]
  .filter(e => e.type !== "hidden" && e.offsetParent !== null)
  .filter(e => { const r = e.getBoundingClientRect();
                 return r.width < 24 || r.height < 24 })
  .map(e => e.outerHTML)"""


@pytest.fixture
def tariff(contract: Gateway, logged_in: LogIn, tmp_path: Path) -> Path:
    """The file of a tariff with stages, for which prices are stored too."""
    client = logged_in()
    assert give(client).status_code == 303
    file = tmp_path / "tarif.xml"
    file.write_bytes(own_tariff(client))
    return file


@pytest.fixture
def visit(han: Gateway, tariff: Path) -> Iterator[Visit]:
    """The portal behind TLS, with a missing quarter hour and one value after it."""
    close_missed_boundaries(han, now=NOW + timedelta(minutes=20))
    record(han, NOW.replace(minute=30, second=0))
    with tls_server(replace(han, clock=StoppedClock())) as url:
        contract = "hks2-taf7.eemh0009264154.sm"
        yield Visit(url, "hks2", PASSWORDS["hks2"], contract)


@pytest.fixture
def chrome(visit: Visit) -> Iterator[Browser]:
    """A browser; it comes after the database and goes before it, since Playwright
    keeps an event loop in this thread, where Django has no connection."""
    with chromium() as browser:
        yield browser


class StoppedClock(GatewayClock):
    """Always shows half an hour after the last value of the installation."""

    def now(self) -> datetime:
        return NOW + timedelta(minutes=30)


@contextmanager
def opened(chrome: Browser, visit: Visit, **choices: Any) -> Iterator[Page]:
    """A window in which the consumer is logged in; it fails at any outside request
    and any breach of the policy."""
    context = chrome.new_context(
        ignore_https_errors=True, **{"locale": "de-DE", **choices}
    )
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    log_in(page, visit)
    yield page
    context.close()
    assert [url for url in asked if not url.startswith(visit.url)] == []
    assert [text for text in said if "Content Security Policy" in text] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_window(
    chrome: Browser, visit: Visit, width: int
) -> None:
    with opened(chrome, visit, viewport={"width": width, "height": 800}) as page:
        for path in PAGES:
            page.goto(visit.url + path)
            overflow = page.evaluate(
                "document.documentElement.scrollWidth - innerWidth"
            )
            assert overflow <= 0, path
            assert page.evaluate(TOO_SMALL) == [], path


@pytest.mark.req("R79", "R114")
def test_everything_works_without_javascript(chrome: Browser, visit: Visit) -> None:
    """R79: log in, read, filter, download, log out; R114: back after a form."""
    with opened(chrome, visit, java_script_enabled=False) as page:
        page.click("nav >> text=Messwertliste")
        page.locator("tr", has_text="TAF 7").get_by_text("Öffnen").click()
        page.click("text=Öffnen >> nth=0")
        page.select_option("#id_status", "auffaellig")
        page.click("text=Filtern")
        assert "status=auffaellig" in page.url
        assert "Kein Wert" in page.content()
        page.select_option("#id_status", "")
        page.click("text=Filtern")
        with page.expect_download() as download:
            page.click("text=Download")
        assert download.value.suggested_filename.endswith(".csv")
        page.click("td a >> nth=0")
        assert "Signierter Text" in page.content()
        page.click("nav >> text=Log")
        page.fill("#id_von", "2020-01-01")
        page.fill("#id_bis", "2020-01-02")
        page.click("text=Anzeigen")
        assert "Keine Einträge in diesem Zeitraum." in page.content()
        page.go_back()
        assert "Die Anmeldung mit dem Nutzernamen" in page.content()
        page.click("button[name=language]")
        assert "Consumer log" in page.content()
        page.click("button[name=language]")
        page.click("text=Abmelden")
        assert "Sie sind abgemeldet." in page.content()


def test_the_first_tab_jumps_to_the_content(chrome: Browser, visit: Visit) -> None:
    with opened(chrome, visit) as page:
        page.goto(f"{visit.url}/log/")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        page.wait_for_url("**/log/#content")


def test_an_error_of_the_login_gets_the_focus(chrome: Browser, visit: Visit) -> None:
    context = chrome.new_context(ignore_https_errors=True, locale="de-DE")
    page = context.new_page()
    page.goto(f"{visit.url}/anmelden/")
    page.fill("#username", visit.user)
    page.fill("#secret", "falsch")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "alert"
    assert page.input_value("#username") == visit.user
    context.close()


def test_print_shows_the_whole_table_without_controls(
    chrome: Browser, visit: Visit
) -> None:
    paper = {"width": A4_WIDTH_PX, "height": 1000}
    with opened(chrome, visit, viewport=paper) as page:
        page.goto(f"{visit.url}/messwertliste/hks2-taf7/0/")
        page.emulate_media(media="print")
        assert page.evaluate("document.documentElement.scrollWidth") <= A4_WIDTH_PX
        assert page.is_hidden("nav.nav") and page.is_hidden("form.toolbar")
        assert page.is_visible("text=HUID eemh0009264154")
        box = page.locator(".table-box")
        assert box.evaluate("e => e.scrollHeight <= e.clientHeight + 1")


LIGHT_AND_DARK = pytest.mark.parametrize("scheme", ["light", "dark"])
PHONE_AND_DESK = pytest.mark.parametrize("width", [390, 1280])


def has_no_barrier(page: Page, what: str) -> None:
    """What is shown now is as axe wants it."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run()")["violations"]
    faults = [
        (one["id"], node["html"], node.get("failureSummary"))
        for one in found
        for node in one["nodes"]
    ]
    assert faults == [], what


@LIGHT_AND_DARK
@PHONE_AND_DESK
def test_no_page_has_a_barrier_that_axe_finds(
    chrome: Browser, visit: Visit, width: int, scheme: Any
) -> None:
    window = {"width": width, "height": 800}
    with opened(chrome, visit, viewport=window, color_scheme=scheme) as page:
        for path in PAGES:
            page.goto(visit.url + path)
            has_no_barrier(page, path)


@LIGHT_AND_DARK
@PHONE_AND_DESK
def test_no_answer_to_a_form_has_a_barrier_that_axe_finds(
    chrome: Browser, visit: Visit, tariff: Path, width: int, scheme: Any
) -> None:
    """What the addresses alone do not show: a bill's result, an order, a lock."""
    window = {"width": width, "height": 800}
    with opened(chrome, visit, viewport=window, color_scheme=scheme) as page:
        for name, show in ANSWERS.items():
            show(page, visit, tariff)
            has_no_barrier(page, name)


def _checked_bill(page: Page, visit: Visit, tariff: Path) -> None:
    page.goto(f"{visit.url}/rechnung/?zeitraum={PERIOD.replace(' ', '%20')}")
    page.set_input_files("input[name=datei]", tariff)
    page.click("main form button")
    page.wait_for_selector("text=Alle Register stimmen überein.")


def _refused_bill(page: Page, visit: Visit, _tariff: Path) -> None:
    page.goto(f"{visit.url}/rechnung/")
    page.set_input_files("input[name=datei]", AXE)
    page.click("main form button")
    page.wait_for_selector("[role=alert]")


def _ordered_push(page: Page, visit: Visit, _tariff: Path) -> None:
    page.goto(f"{visit.url}/smart-home/")
    page.fill("[name=host]", "192.168.178.5")
    page.check("[name=consent]")
    page.click("main form button >> nth=-1")
    page.wait_for_selector("text=Senden beenden")


def _running_self_test(page: Page, visit: Visit, _tariff: Path) -> None:
    page.goto(f"{visit.url}/selbsttest/")
    page.click("text=Auslösen")
    page.wait_for_selector("text=Der Selbsttest wurde ausgelöst.")


def _logged_out(page: Page, visit: Visit, _tariff: Path) -> None:
    page.click("header >> text=Abmelden")
    page.wait_for_selector("text=Sie sind abgemeldet.")


def _wrong_password(page: Page, visit: Visit, _tariff: Path) -> None:
    page.goto(visit.url + LOGIN_PAGE)
    page.fill("#username", visit.user)
    page.fill("#secret", "falsch")
    page.click("form[action='/anmelden/'] button")
    page.wait_for_selector("[role=alert]")


def _locked_login(page: Page, visit: Visit, tariff: Path) -> None:
    while page.is_enabled("#secret"):
        _wrong_password(page, visit, tariff)


ANSWERS = {
    "the result of a bill": _checked_bill,
    "a tariff that is none": _refused_bill,
    "sending to a broker": _ordered_push,
    "a self-test that runs": _running_self_test,
    "logged out": _logged_out,
    "a wrong password": _wrong_password,
    "the locked login": _locked_login,
}
"""States of pages after a form, in the order in which they are reached."""
