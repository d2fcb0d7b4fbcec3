"""`./casa screenshots`: pictures of a running gateway's pages for the documentation.

Reads address and login from `demo.json`, takes each page in light, in dark and in
phone width with the system's Chromium, and writes PNG files. Needs the development
packages (playwright) and Chromium; nothing is downloaded.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

BASE = Path(__file__).resolve().parent.parent
DEFAULT_FOLDER = BASE / "docs" / "images"
CHROMIUM_ARGUMENTS = ("--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars")


TALLEST = 1600
"""Pixels of height that say enough about a long table."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a page is looked at."""

    name: str
    width: int
    height: int
    scheme: Literal["light", "dark"]


LOOKS = (
    Look("light", 1280, 800, "light"),
    Look("dark", 1280, 800, "dark"),
    Look("phone", 390, 844, "light"),
)


@dataclass(frozen=True, slots=True)
class Visit:
    """Where the gateway is and who looks."""

    url: str
    user: str
    password: str
    contract: str

    @property
    def profile(self) -> str:
        """The profile id in front of a contract id `<profile>.<huid>.sm`."""
        return self.contract.rsplit(".", 2)[0]

    @property
    def pages(self) -> dict[str, str]:
        """Name of the picture -> path; the login page is taken before them."""
        return {
            "start": "/",
            "day": "/verbrauch/",
            "month": "/verbrauch/?zeitraum=monat&vergleich=1",
            "log": "/log/",
            "list": f"/messwertliste/{self.profile}/0/",
            "recipients": "/datenempfaenger/",
        }

    @property
    def more_pages(self) -> dict[str, str]:
        """What is looked at but not kept in the documentation."""
        return {
            "week": "/verbrauch/?zeitraum=woche",
            "year": "/verbrauch/?zeitraum=jahr",
            "use-cases": "/messwertliste/",
            "periods": f"/messwertliste/{self.profile}/",
            "prices": "/einstellungen/preise/",
            "bill": "/rechnung/",
            "smart-home": "/smart-home/",
            "more": "/mehr/",
            "help": "/hilfe/",
            "faults": "/hilfe/fehler/",
            "missing": "/nichts/",
        }


def visit_of(demo_file: Path) -> Visit:
    """The first consumer of the demo, and a contract with many values (TAF7)."""
    demo = json.loads(demo_file.read_text(encoding="utf-8"))
    consumer = demo["consumers"][0]
    contracts = consumer["contracts"]
    contract = next((c for c in contracts if "taf7" in c), contracts[0])
    return Visit(demo["han_url"], consumer["user"], consumer["password"], contract)


def take(
    visit: Visit, folder: Path, looks: Sequence[Look] = LOOKS, *, whole: bool = False
) -> list[Path]:
    """Take the pages in every look, all of them when `whole`; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = visit.pages | (visit.more_pages if whole else {})
    with chromium() as browser:
        return [
            path
            for look in looks
            for path in _look_around(browser, visit, look, folder, pages)
        ]


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium without a window; raises SystemExit without one."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        raise SystemExit("casa: Chromium is needed for pictures and was not found.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=list(CHROMIUM_ARGUMENTS)
        )
        yield browser
        browser.close()


def log_in(page: Page, visit: Visit) -> None:
    """Log in by the form as a visitor would."""
    page.goto(f"{visit.url}/anmelden/")
    page.fill("#username", visit.user)
    page.fill("#secret", visit.password)
    page.click("form[action='/anmelden/'] button")
    page.wait_for_url(f"{visit.url}/")


def _look_around(
    browser: Browser, visit: Visit, look: Look, folder: Path, pages: dict[str, str]
) -> Iterator[Path]:
    """Take the pictures of one look, one by one."""
    context = browser.new_context(
        ignore_https_errors=True,
        locale="de-DE",
        color_scheme=look.scheme,
        viewport={"width": look.width, "height": look.height},
    )
    page = context.new_page()
    page.goto(f"{visit.url}/anmelden/")
    yield _picture(page, folder / f"login-{look.name}.png")
    log_in(page, visit)
    for name, path in pages.items():
        page.goto(visit.url + path)
        yield _picture(page, folder / f"{name}-{look.name}.png")
    context.close()


def _picture(page: Page, path: Path) -> Path:
    """The page, a very long one cut; the window grows to it, so that what is fixed to
    its lower edge stands at the end of the picture."""
    size = page.viewport_size
    height = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST)
    if size and height > size["height"]:
        page.set_viewport_size({"width": size["width"], "height": height})
    page.screenshot(path=path)
    if size:
        page.set_viewport_size(size)
    return path


def main(arguments: list[str]) -> int:
    """Take the pictures of the gateway in a state folder."""
    parser = argparse.ArgumentParser(
        prog="casa screenshots", description="pictures of a running demo gateway"
    )
    parser.add_argument("--state", type=Path, default=BASE / "var")
    parser.add_argument("--to", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--all", action="store_true", help="every page there is")
    options = parser.parse_args(arguments)
    demo_file = options.state / "demo.json"
    if not demo_file.exists():
        print(f"casa: {demo_file} is not there; is the demo up?", file=sys.stderr)
        return 1
    for path in take(visit_of(demo_file), options.to, whole=options.all):
        print(path)
    return 0
