"""Every path of the manual's chapter 7 that a consumer goes, in a real browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from shutil import which
from typing import Any

import pytest
import time_machine
from playwright.sync_api import Browser, Page

from casa_site.screenshots import Visit, chromium, log_in
from hardware import device_state_file
from hardware.clock import GatewayClock
from hardware.device_state_file import DeviceSetting, Mode
from hardware.gateway import Gateway
from tests.portal.conftest import NOW
from tests.portal.installation import PASSWORDS
from tests.portal.tls_server import tls_server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(which("chromium") is None, reason="chromium is not installed"),
]

HUID = "eemh0009264154"
LOCK = timedelta(minutes=5)


class MovedClock(GatewayClock):
    """Goes with the host's time, which the tests move."""

    def now(self) -> datetime:
        return datetime.now(NOW.tzinfo)


@pytest.fixture
def visit(han: Gateway) -> Iterator[Visit]:
    """The portal behind TLS; its clock is the host's."""
    with tls_server(replace(han, clock=MovedClock())) as url:
        yield Visit(url, "hks2", PASSWORDS["hks2"], f"hks2-taf7.{HUID}.sm")


@pytest.fixture
def chrome(visit: Visit) -> Iterator[Browser]:
    """A browser; it comes after the database and goes before it."""
    with chromium() as browser:
        yield browser


@contextmanager
def window(chrome: Browser, visit: Visit, **choices: Any) -> Iterator[Page]:
    """A window; it fails at an outside request and at a breach of the policy."""
    context = chrome.new_context(
        ignore_https_errors=True, **{"locale": "de-DE", **choices}
    )
    page = context.new_page()
    page.set_default_timeout(20_000)
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    yield page
    context.close()
    assert [url for url in asked if not url.startswith(visit.url)] == []
    assert [text for text in said if "Content Security Policy" in text] == []


def try_password(page: Page, visit: Visit, password: str) -> None:
    page.goto(f"{visit.url}/anmelden/")
    page.fill("#username", visit.user)
    page.fill("#secret", password)
    page.click("form[action='/anmelden/'] button")


@pytest.mark.req("R104")
def test_too_many_wrong_passwords_lock_the_form_to_the_second(
    chrome: Browser, visit: Visit
) -> None:
    """R104: locked for five minutes from the fifth failure, with the time until."""
    with window(chrome, visit) as page:
        for _attempt in range(5):
            try_password(page, visit, "falsch")
        page.goto(f"{visit.url}/anmelden/")
        assert "ab 15:12:52 Uhr möglich (in 5 Minuten 0 Sekunden)" in page.inner_text(
            "[role=alert]"
        )
        assert page.is_disabled("#username") and page.is_disabled("#secret")
        with time_machine.travel(NOW + LOCK - timedelta(seconds=1), tick=False):
            page.reload()
            assert "(in 0 Minuten 1 Sekunden)" in page.inner_text("[role=alert]")
        with time_machine.travel(NOW + LOCK, tick=False):
            log_in(page, visit)
            assert "Aktuelle Zählerstände" in page.content()


@pytest.mark.req("R113")
@pytest.mark.req("R117")
def test_everything_that_can_be_taken_away_arrives_with_a_name_that_sorts(
    chrome: Browser, visit: Visit
) -> None:
    """R113, R117, R119, R125: certificate before and after login, CSV, JSON, XML."""
    with window(chrome, visit) as page:
        page.goto(f"{visit.url}/anmelden/")
        with page.expect_download() as certificate:
            page.click("text=Download Signatur-Zertifikat")
        assert certificate.value.suggested_filename.endswith(".pem")
        log_in(page, visit)
        for path, link, begin, end in (
            ("/", "Download", "", ".pem"),
            ("/log/", "Download", f"{HUID}_log_2026-06-16_", ".csv"),
            ("/verbrauch/", "CSV", f"{HUID}_1emh", "_tag.csv"),
            ("/datenempfaenger/", "CSV", f"{HUID}_daten", ".csv"),
            ("/messwertliste/hks2-taf7/0/", "Download", f"{HUID}_hks2", ".csv"),
            ("/messwertliste/hks2-taf7/1/", "TRuDI-Datei", f"{HUID}_", ".xml"),
        ):
            page.goto(visit.url + path)
            with page.expect_download() as file:
                page.click(f"main a.btn:has-text('{link}')")
            name = file.value.suggested_filename
            assert name.startswith(begin) and name.endswith(end), path
        page.goto(f"{visit.url}/verbrauch/")
        page.click("main a:text-is('JSON')")
        assert "casa-consumption-v1" in page.content()
        page.go_back()
        assert page.inner_text("h1") == "Verbrauch"


@pytest.mark.req("R128")
@pytest.mark.req("R129")
def test_the_self_test_is_triggered_once_and_zurueck_leads_back(
    chrome: Browser, visit: Visit
) -> None:
    """R128, R129: its sentences letter by letter; reloading triggers nothing."""
    with window(chrome, visit) as page:
        log_in(page, visit)
        page.click("text=Auslösen >> nth=-1")
        page.wait_for_url("**/selbsttest/")
        assert "Der Selbsttest wurde ausgelöst." in page.inner_text("main")
        page.click("text=Zurück")
        page.wait_for_url(f"{visit.url}/")
        page.click("text=Auslösen >> nth=-1")
        text = "Der nächste Selbsttest ist am 2026-06-23 um 15:07:52 Uhr möglich."
        assert text in page.inner_text("main")


@pytest.mark.req("R107")
@pytest.mark.req("R106")
def test_after_the_logout_the_back_button_shows_nothing(
    chrome: Browser, visit: Visit
) -> None:
    """R107, R106: neither after `Abmelden` nor after ten minutes without input."""
    with window(chrome, visit, java_script_enabled=False) as page:
        log_in(page, visit)
        page.goto(f"{visit.url}/verbrauch/")
        page.click("header >> text=Abmelden")
        assert "Sie sind abgemeldet." in page.content()
        page.go_back()
        page.wait_for_url("**/anmelden/**")
        assert "Bezug" not in page.content()
        log_in(page, visit)
        with time_machine.travel(NOW + timedelta(minutes=10), tick=False):
            page.goto(f"{visit.url}/verbrauch/")
            assert "Sie wurden automatisch abgemeldet." in page.content()


@pytest.mark.req("R139")
def test_in_soft_lock_down_there_is_one_sentence_and_nothing_else(
    chrome: Browser, visit: Visit, han: Gateway
) -> None:
    """R139: on every path, logged in or not."""
    with window(chrome, visit) as page:
        log_in(page, visit)
        device_state_file.write(han.state, DeviceSetting(Mode.SOFT))
        for path in ("/", "/verbrauch/", "/datenempfaenger/", "/anmelden/"):
            answer = page.goto(visit.url + path)
            assert answer and answer.status == 503
            assert "Zurzeit leider kein Zugriff möglich." in page.inner_text("main")
            assert page.locator("nav, form").count() == 0
        device_state_file.write(han.state, DeviceSetting(Mode.NORMAL))


def test_power_now_changes_by_itself_and_the_chart_speaks_to_the_keyboard(
    chrome: Browser, visit: Visit
) -> None:
    """Without a reload; and the read-out follows the arrow keys."""
    with window(chrome, visit) as page:
        page.clock.install(time=NOW)
        log_in(page, visit)
        assert "4,48" in page.inner_text(".power")
        told = {"flow": "export", "head": "Einspeisung", "number": "0,25"}
        told |= {"text": "Sie geben gerade Strom an das Netz ab.", "time": "15:08:02"}
        page.route("**/live/?zaehler=*", lambda route: route.fulfill(json=told))
        page.clock.run_for(5100)
        page.wait_for_selector("text=Sie geben gerade Strom an das Netz ab.")
        assert "0,25" in page.inner_text(".power")
        page.goto(f"{visit.url}/verbrauch/")
        page.focus("[data-chart]")
        assert "14:45–15:00" in page.inner_text(".readout")
        page.keyboard.press("ArrowLeft")
        assert "14:30–14:45" in page.inner_text(".readout")
        assert "0,0900 kWh" in page.inner_text(".readout")
        page.keyboard.press("Home")
        assert "keine Werte" in page.inner_text(".readout")


@pytest.mark.req("R79", "R125")
def test_a_phone_reaches_every_page_from_the_bar_below(
    chrome: Browser, visit: Visit
) -> None:
    """R79, R125: five entries; what has none is behind the last, without a script."""
    phone: Any = {"width": 390, "height": 844}
    with window(chrome, visit, viewport=phone, java_script_enabled=False) as page:
        log_in(page, visit)
        entries = page.locator("nav.nav a:visible")
        names = [name.split("-")[-1] for name in entries.all_inner_texts()]
        assert len(names) == 5 and names[-1] == "Mehr"
        for link, heading in (
            ("Datenempfänger", "Datenempfänger"),
            ("Rechnung nachvollziehen", "Rechnung nachvollziehen"),
            ("Preise", "Preise"),
            ("Smart Home", "Smart Home"),
            ("Selbsttest", "Selbsttest"),
            ("Hilfe", "Hilfe"),
        ):
            page.click("nav.nav >> text=Mehr")
            page.click(f"main a:text-is('{link}')")
            assert heading in page.inner_text("h1"), link


@pytest.mark.req("R79")
def test_the_consumption_is_complete_without_javascript(
    chrome: Browser, visit: Visit
) -> None:
    """R79: span, meter, table, finer view and back by links and one form."""
    with window(chrome, visit, java_script_enabled=False) as page:
        log_in(page, visit)
        page.click("text=Verbrauch ansehen")
        page.click("main nav >> text=Monat")
        page.click("summary")
        page.click("td, th[scope=row] >> text=Sonntag, 21. Juni 2026")
        assert "zeitraum=tag" in page.url and "tag=2026-06-21" in page.url
        page.select_option("#id_zaehler", "1emh0000000002")
        page.click("text=Anzeigen")
        assert "zaehler=1emh0000000002" in page.url
        page.go_back()
        page.go_back()
        assert "zeitraum=monat" in page.url
        page.click("nav >> text=Datenempfänger")
        assert "hat niemand Ihre Werte erhalten" in page.content()
