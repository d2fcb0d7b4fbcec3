"""The technician's pages in a real browser, over TLS with its client certificate."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from django.urls import Resolver404, resolve
from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as BrowserError

from casa_site.screenshots import chromium
from hardware import device_state_file
from hardware.clock import GatewayClock
from hardware.device_state_file import DeviceSetting
from hardware.gateway import Gateway
from logbooks import device_state
from logbooks.alarms import AlarmKind, raise_alarm
from logbooks.services import log_fault
from meters.account_certificates import IssuedCertificate
from meters.kept_telegrams import keep_telegram
from meters.models import Account
from portal.service_urls import urlpatterns
from tests.portal.conftest import NOW
from tests.portal.service_browser import service_tls_server
from tests.portal.service_client import issue
from tests.portal.test_browser import AXE, TOO_SMALL

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(which("chromium") is None, reason="chromium is not installed"),
]

CONFIGURATOR, TECHNICIAN = Account.Role.CONFIGURATOR, Account.Role.TECHNICIAN
PAGES = (
    "/",
    "/telegramme/",
    "/log/",
    "/log/?suche=103118",
    "/log/?von=gestern",
    "/typenschild/",
    "/einstellungen/",
    "/pruefliste/",
    "/nichts/",
)
NO_PAGES = {"log_csv": "file", "language": "a button of every page"}
ONLY_AFTER_A_FORM = {"report": "the check-list when it is sent off"}


class StoppedClock(GatewayClock):
    """Always shows the time of the installation."""

    def now(self) -> datetime:
        return NOW


@dataclass(frozen=True)
class Access:
    """Where the listener is, and the files of a certificate that it lets in."""

    url: str
    files: dict[str, str]


def written_to(folder: Path, issued: IssuedCertificate) -> dict[str, str]:
    """The certificate as files, by the names that playwright wants."""
    certificate, key = folder / "client.pem", folder / "client.key"
    certificate.write_bytes(issued.certificate)
    key.write_bytes(issued.key)
    return {"certPath": str(certificate), "keyPath": str(key)}


@pytest.fixture(params=[TECHNICIAN])
def access(
    han: Gateway, tmp_path: Path, request: pytest.FixtureRequest, settings: Any
) -> Iterator[Access]:
    """A device with something to show on each page, which may set its addresses."""
    settings.HAN_SETTER = "/bin/true"
    raise_alarm(AlarmKind.METER_ABSENT, code=103190, subject="1emh1", now=NOW)
    log_fault(han, 103118, now=NOW)
    keep_telegram(
        port="/dev/ttyUSB0",
        header=b"\x2d\x44",
        length=40,
        reason="key",
        encrypted_payload=b"\xca\xfe" * 20,
        now=NOW,
    )
    files = written_to(tmp_path, issue(han, request.param, NOW))
    if request.param == CONFIGURATOR:
        issue(han, TECHNICIAN, NOW)
    with service_tls_server(replace(han, clock=StoppedClock())) as url:
        yield Access(url, files)


@pytest.fixture
def chrome(access: Access) -> Iterator[Browser]:
    """A browser; it comes after the database and goes before it."""
    with chromium() as browser:
        yield browser


@contextmanager
def window(chrome: Browser, access: Access, **choices: Any) -> Iterator[Page]:
    """A window that shows the certificate; it fails at an outside request and at a
    breach of the policy."""
    shown: Any = {"origin": access.url, **access.files}
    context = chrome.new_context(
        ignore_https_errors=True,
        client_certificates=[shown],
        **{"locale": "de-DE", **choices},
    )
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    yield page
    context.close()
    assert [url for url in asked if not url.startswith(access.url)] == []
    assert [text for text in said if "Content Security Policy" in text] == []


def sent_off(page: Page, access: Access) -> None:
    """The check-list, sent off; its report is shown then."""
    page.goto(f"{access.url}/pruefliste/")
    page.check("input[name=confirmed] >> nth=0")
    page.click("main form button")
    page.wait_for_url("**/pruefliste/*/")


def test_the_pages_looked_at_are_all_there_are() -> None:
    """A new page of the technician has to be put into the list."""
    names = set()
    for path in PAGES:
        try:
            match = resolve(path.partition("?")[0], "portal.service_urls")
        except Resolver404:
            continue
        names.add(match.url_name)
    assert names | NO_PAGES.keys() | ONLY_AFTER_A_FORM.keys() == {
        pattern.name for pattern in urlpatterns
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_of_the_technician_has_a_barrier_that_axe_finds(
    chrome: Browser, access: Access, width: int, scheme: Any
) -> None:
    """Nor is one wider than the window, or a control too small for a finger."""
    size: Any = {"width": width, "height": 800}
    with window(chrome, access, viewport=size, color_scheme=scheme) as page:
        for path in PAGES:
            page.goto(access.url + path)
            _look_at(page, path)
        sent_off(page, access)
        _look_at(page, "the report")
        page.goto(f"{access.url}/einstellungen/")
        page.check("[value=fixed]")
        page.fill("#addresses", "192.168.2.10/24")
        page.click("form:has(#addresses) button")
        page.wait_for_selector("text=Adressen behalten")
        _look_at(page, "addresses on trial")


def _look_at(page: Page, what: str) -> None:
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run()")["violations"]
    nodes = [(one["id"], node["html"]) for one in found for node in one["nodes"]]
    assert nodes == [], what
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0, what
    assert page.evaluate(TOO_SMALL) == [], what


@pytest.fixture
def locked(han: Gateway) -> Iterator[None]:
    """The soft lock-down because of exchanged cables."""
    device_state.enter_soft(han, 900135, now=NOW)
    device_state.publish(han)
    yield
    device_state_file.write(han.state, DeviceSetting())


@pytest.mark.req("R89", "R92")
def test_without_the_certificate_no_browser_sees_a_page(
    chrome: Browser, access: Access
) -> None:
    """R89, R92: the handshake ends, before a byte of a page."""
    context = chrome.new_context(ignore_https_errors=True)
    with pytest.raises(BrowserError):
        context.new_page().goto(access.url)
    context.close()
    with window(chrome, access) as page:
        answer = page.goto(access.url)
        assert answer is not None and answer.status == 200
        assert page.inner_text("h1") == "Gerätezustand"


@pytest.mark.req("R92")
def test_the_technician_works_without_javascript(
    chrome: Browser, access: Access
) -> None:
    """R92: find an entry, take the log along, set the light, send the list off."""
    with window(chrome, access, java_script_enabled=False) as page:
        page.goto(access.url)
        assert "103190" in page.inner_text("main")
        page.click("nav >> text=System-Log")
        page.fill("[name=suche]", "103118")
        page.click("main form button")
        assert "103118" in page.inner_text("main table")
        with page.expect_download() as file:
            page.click("main a.btn:has-text('Download')")
        name = file.value.suggested_filename
        assert name.startswith("eemh0009264154_system-log_") and name.endswith(".csv")
        page.click("nav >> text=Optionen")
        page.uncheck("[name=shows_overload]")
        page.click("form:has([name=shows_overload]) button")
        assert "Die Anzeige der LED LMC ist geändert." in page.inner_text("main")
        sent_off(page, access)
        assert "Servicetechniker" in page.inner_text("main")
        page.click("nav >> text=System-Log")
        assert "Anzeige der LED LMC geändert" in page.inner_text("main table")
        page.click("button[name=language]")
        assert "System log" in page.inner_text("h1")


@pytest.mark.req("R109")
@pytest.mark.parametrize("access", [CONFIGURATOR], indirect=True)
def test_the_first_configurator_ends_his_role_and_is_out(
    chrome: Browser, access: Access
) -> None:
    """R109: by a form that has to be confirmed; from then on each page refuses."""
    with window(chrome, access) as page:
        page.goto(f"{access.url}/einstellungen/")
        page.check("[name=sure]")
        page.click("text=Erstkonfiguration abschließen")
        page.wait_for_selector("text=Servicetechniker")
        answer = page.goto(f"{access.url}/log/")
        assert answer is not None and answer.status == 403
        assert "öffnet den Servicezugang nicht" in page.inner_text("main")
        assert page.locator("nav, form").count() <= 1  # the language


@pytest.mark.req("R138")
def test_in_the_lock_down_the_technician_reads_the_cause_and_the_log(
    locked: None, chrome: Browser, access: Access
) -> None:
    """R138, decision D33: everything else stays closed."""
    with window(chrome, access) as page:
        for path in ("/", "/einstellungen/", "/pruefliste/", "/typenschild/"):
            answer = page.goto(access.url + path)
            assert answer is not None and answer.status == 503
            text = page.inner_text("main")
            assert "900135" in text and "WAN- und HAN-Kabel sind vertauscht" in text
            _look_at(page, path)
        page.click("main a[href='/log/']")
        page.wait_for_url("**/log/**")
        assert page.inner_text("h1") == "System-Log"


def test_the_report_prints_on_one_width_of_paper(
    chrome: Browser, access: Access
) -> None:
    """With room for the signature, without the controls of the screen."""
    paper: Any = {"width": 688, "height": 1000}
    with window(chrome, access, viewport=paper) as page:
        sent_off(page, access)
        page.emulate_media(media="print")
        assert page.evaluate("document.documentElement.scrollWidth") <= 688
        assert page.is_hidden("nav.nav")
        assert page.is_visible(".sign")
