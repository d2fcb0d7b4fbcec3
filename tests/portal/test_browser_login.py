"""In a real browser: login by certificate, logout, the warning of the automatic one."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from shutil import which
from typing import Any, ClassVar

import pytest
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Page, expect

from casa_site.screenshots import chromium
from hardware.clock import GatewayClock
from hardware.gateway import Gateway
from meters.account_certificates import issue_consumer_certificate
from meters.models import Account
from tests.portal.conftest import NOW
from tests.portal.installation import PASSWORDS
from tests.portal.tls_server import tls_server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(which("chromium") is None, reason="chromium is not installed"),
]


class MovedClock(GatewayClock):
    """Shows what the test says."""

    passed: ClassVar[list[timedelta]] = []

    def now(self) -> datetime:
        return NOW + sum(self.passed, timedelta())


@pytest.fixture
def clock() -> MovedClock:
    MovedClock.passed.clear()
    return MovedClock()


@pytest.fixture
def certificate(han: Gateway, tmp_path: Path) -> dict[str, str]:
    """The files of hks2's certificate."""
    account = Account.objects.get(username="hks2")
    issued = issue_consumer_certificate(han, account, now=NOW)
    files = {"certPath": tmp_path / "c.pem", "keyPath": tmp_path / "c.key"}
    files["certPath"].write_bytes(issued.certificate)
    files["keyPath"].write_bytes(issued.key)
    return {name: str(path) for name, path in files.items()}


@pytest.fixture
def url(han: Gateway, clock: MovedClock, certificate: object) -> Iterator[str]:
    with tls_server(replace(han, clock=clock)) as address:
        yield address


@pytest.fixture
def page(url: str, certificate: dict[str, str]) -> Iterator[Page]:
    """A browser that holds the certificate, and counts what goes wrong in it."""
    with chromium() as chrome:
        shown: Any = {"origin": url, **certificate}
        context = chrome.new_context(
            ignore_https_errors=True, client_certificates=[shown], locale="de-DE"
        )
        opened = context.new_page()
        yield opened
        context.close()


@pytest.mark.req("R99", "R107", "R113")
def test_a_certificate_logs_in_by_a_click_and_after_logging_out_by_a_new_one(
    page: Page, url: str
) -> None:
    """R99, R107, R113: with a real TLS connection; the page names the certificate."""
    page.goto(f"{url}/log/")
    expect(page.get_by_text("CN=hks2.con")).to_be_visible()
    page.get_by_role("button", name="Mit Zertifikat anmelden").click()
    expect(page).to_have_url(f"{url}/log/")
    page.get_by_role("banner").get_by_role("button", name="Abmelden").click()
    expect(page.get_by_text("Sie sind abgemeldet.")).to_be_visible()
    page.goto(f"{url}/log/")
    expect(page).to_have_url(f"{url}/anmelden/?next=/log/")
    with pytest.raises(BrowserError, match="INVALID_AUTH_CREDENTIALS"):
        page.goto(f"{url}/json/metering/origin")  # 401, whatever it shows


@pytest.mark.req("R106")
def test_a_minute_before_the_end_the_page_warns_and_lets_one_stay(
    page: Page, url: str, clock: MovedClock
) -> None:
    """R106: by the server's clock; staying prolongs, doing nothing ends at the login
    page, which says why."""
    page.clock.install(time=NOW)
    log_in(page, url)
    warning = page.locator("#logout-warning")
    expect(warning).to_be_hidden()
    pass_time(page, clock, timedelta(minutes=9, seconds=1))
    expect(warning).to_be_visible()
    expect(warning).to_contain_text("Sekunden abgemeldet")
    warning.get_by_role("button", name="Angemeldet bleiben").click()
    expect(warning).to_be_hidden()
    pass_time(page, clock, timedelta(minutes=9, seconds=1))
    expect(warning).to_be_visible()
    pass_time(page, clock, timedelta(minutes=1))
    expect(page.get_by_text("Sie wurden automatisch abgemeldet.")).to_be_visible()


def log_in(page: Page, url: str) -> None:
    page.goto(f"{url}/anmelden/")
    page.fill("#username", "hks2")
    page.fill("#secret", PASSWORDS["hks2"])
    page.get_by_role("button", name="Anmelden", exact=True).click()
    expect(page).to_have_url(f"{url}/")


def pass_time(page: Page, clock: MovedClock, span: timedelta) -> None:
    """Both the gateway's clock and the browser's go on."""
    clock.passed.append(span)
    page.clock.fast_forward(int(span.total_seconds() * 1000))
