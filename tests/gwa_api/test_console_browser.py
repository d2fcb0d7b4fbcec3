"""The console in a real browser: a profile made, refused, changed and deleted."""

from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509 import load_der_x509_certificate
from playwright.sync_api import Page

from casa_site.screenshots import chromium
from hardware.gateway import Gateway
from logbooks.certificate_store import Holder, Kind, import_partner_certificate
from tests.casa_site.test_gwa_server import HOST, Handler, Server, listening
from tests.gwa_api.head_end import GWA, head_end
from tests.gwa_api.test_rest_resources import METER, METER_BODY

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(which("chromium") is None, reason="chromium is not installed"),
]

AXE = Path(__file__).parents[1] / "data" / "axe" / "axe.min.js"
PAGES = (
    "",
    "alarms/",
    "evaluation-profiles/",
    "new/evaluation-profiles/",
    f"meters/{METER}/",
    f"meters/{METER}/delete/",
    "consumers/meier/credentials/",
    "logs/system/",
    "certificates/",
    "keys/",
    "evaluation-profiles/nobody/",
)


class SecureHandler(Handler):
    """Says that the connection is TLS, as gunicorn does."""

    def get_environ(self) -> dict[str, Any]:
        return super().get_environ() | {"HTTPS": "on"}


class PatientServer(Server):
    """Shakes hands in the thread of the connection: browsers open some in reserve."""

    def get_request(self) -> Any:
        plain, address = self.socket.accept()
        secured = self.context().wrap_socket(
            plain, server_side=True, do_handshake_on_connect=False
        )
        return secured, address


@pytest.fixture
def opened(
    gateway: Gateway, tmp_path: Path, transactional_db: None
) -> Iterator[tuple[Page, str]]:
    """A window that shows the administrator's certificate; it fails at any outside
    request and any breach of the policy."""
    gwa = head_end(gateway)
    gwa.create("/consumers/meier", {"auth": ["password"]})
    gwa.create(f"/meters/{METER}", METER_BODY)
    der, key = gwa.lab.partner(GWA)
    import_partner_certificate(
        gateway, der, kind=Kind.TLS, holder=Holder.GWA, holder_id=GWA, now=gwa.lab.now
    )
    shown, private = tmp_path / "gwa.pem", tmp_path / "gwa.key"
    shown.write_bytes(load_der_x509_certificate(der).public_bytes(Encoding.PEM))
    private.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    with (
        listening(gateway, PatientServer, SecureHandler) as port,
        chromium() as browser,
    ):
        origin = f"https://{HOST}:{port}"
        url = f"{origin}/gwa/console/"
        context = browser.new_context(
            ignore_https_errors=True,
            locale="de-DE",
            client_certificates=[
                {"origin": origin, "certPath": shown, "keyPath": private}
            ],
        )
        page = context.new_page()
        asked, said = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        yield page, url
        context.close()
        assert [one for one in asked if not one.startswith(url)] == []
        assert [text for text in said if "Content Security Policy" in text] == []


@pytest.mark.req("R91")
def test_a_profile_is_made_refused_changed_and_deleted(
    opened: tuple[Page, str],
) -> None:
    """R91: plain words at the field, a preview of the change, the id to delete it."""
    page, url = opened
    page.goto(url)
    page.click("nav >> text=Auswerteprofile")
    page.click("text=Auswerteprofil anlegen")
    page.fill("#id_id", "haus-taf7")
    page.select_option("#id_taf", "7")
    page.fill("#id_inputs", f"{METER} 1-0:1.7.0*255")
    page.fill("#id_valid_from", "2099-01-01T00:00:00")
    page.click("button >> text=Anlegen")
    wrong = page.locator(".field", has=page.locator("#id_inputs")).inner_text()
    assert "Zeile 1, OBIS: " in wrong
    assert "ist kein Zählwerk" in wrong
    page.fill("#id_inputs", f"{METER} 1-0:1.8.0*255")
    page.click("button >> text=Anlegen")
    assert page.locator("[role=status]").inner_text() == "Gespeichert."
    assert "geplant" in page.locator("dl").inner_text()
    page.fill("#id_name", "Garten")
    page.click("text=Änderung prüfen")
    assert "Garten" in page.locator("table").inner_text()
    page.click("text=So ändern")
    assert page.input_value("#id_name") == "Garten"
    page.click("a >> text=Löschen")
    assert "Das geschieht:" in page.content()
    page.click("text=Endgültig löschen")
    assert page.url.endswith("/delete/")
    page.fill("#id_confirmed", "haus-taf7")
    page.click("text=Endgültig löschen")
    assert page.locator("[role=status]").inner_text() == "Gelöscht."
    assert "gelöscht" in page.locator("tbody").inner_text()


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_pages_fit_the_window_and_can_be_used_by_everybody(
    opened: tuple[Page, str], width: int
) -> None:
    """No page is wider than the window; axe finds nothing wrong with any of them."""
    page, url = opened
    page.set_viewport_size({"width": width, "height": 800})
    for path in PAGES:
        page.goto(url + path)
        wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, path
        if width == 1280:
            assert violations(page) == [], path


def violations(page: Page) -> list[str]:
    """What axe says is wrong with a page (WCAG 2.2 AA)."""
    page.evaluate(AXE.read_text())
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    found = page.evaluate("rules => axe.run(document, rules)", rules)
    return [
        f"{one['id']}: {node['html']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]
