"""What the technician's pages show, and that nothing personal is on any of them."""

import csv
import io
import json
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest

from casa_site.led_role import facts_of
from hardware.gateway import Gateway
from hardware.led_options import LedOptions, load_led_options, store_led_options
from hardware.nameplate import NAMEPLATE_FILE, Nameplate
from hardware.network_links import network_links
from logbooks import selectors
from logbooks.alarms import AlarmKind, raise_alarm
from logbooks.services import log_fault
from meters.configuration_errors import MeterInvalid
from meters.kept_telegrams import keep_telegram
from meters.line_changes import move_line
from meters.meter_signs import MeterSign, MeterSigns
from meters.models import Account, LiveReading, Meter, OriginalRecord
from meters.service_roles import active_service_roles
from portal.models import InstallationReport
from tests.portal.conftest import NOW
from tests.portal.installation import METERS, PASSWORDS, PROFILES
from tests.portal.service_client import (
    PAGES,
    Browser,
    browser,
    connection_stays,
    der_of,
    issue,
)

__all__ = ["connection_stays"]
pytestmark = pytest.mark.usefixtures("connection_stays")

TECHNICIAN = Account.Role.TECHNICIAN


@pytest.fixture
def client(han: Gateway) -> Browser:
    return browser(han, der_of(issue(han, TECHNICIAN, NOW)))


def readings() -> set[str]:
    """Every register's integer in the lists and in the live rows."""
    rows = [
        *OriginalRecord.objects.values_list("registers", flat=True),
        *LiveReading.objects.values_list("registers", flat=True),
    ]
    values = {line.split()[1] for row in rows for line in row.splitlines()}
    return {value for value in values if len(value) > 5}


@pytest.mark.req("R81", "R92")
def test_nothing_personal_is_on_any_page(han: Gateway, client: Browser) -> None:
    """R92: no consumer, profile or reading; meter ids are allowed (D32). R81: nor in
    the log, not even a meter id."""
    Meter.objects.update(name="Wohnung Familie Meier")
    client.send_form("/pruefliste/", {"confirmed": ["seal"]})
    secret = {*PASSWORDS, "Meier", *(p for each in PROFILES.values() for p in each)}
    secret |= readings()
    assert len(secret) > 20
    for path in (*PAGES, "/log/csv/", "/pruefliste/1/"):
        text = client.get(path).text
        assert not [word for word in secret if word in text], path
    for path in ("/log/", "/log/csv/"):
        assert not [meter for meter in METERS if meter in client.get(path).text]


@pytest.mark.req("R5", "R28")
def test_meters_stand_with_address_signal_and_last_telegram(
    han: Gateway, client: Browser
) -> None:
    """R5: interfaces by name and state; R28: what the line knows of each meter."""
    signs = MeterSigns(han, "/dev/ttyS0")
    first, second, _ = METERS
    signs.note(first, MeterSign(address=17))
    signs.note(second, MeterSign(rssi_dbm=-98, heard_at=NOW))
    signs.write(NOW)
    page = client.get("/").text
    for words in ("LMN-1", "/dev/ttyS0", ">17<", "−98 dBm", "Schwach"):
        assert words in page, words
    assert "2026-06-22 15:07:5" in page


@pytest.mark.req("R143")
def test_faults_are_explained(han: Gateway, client: Browser) -> None:
    """R143: cause, effect, who acts and how, beside the words of the manual."""
    raise_alarm(AlarmKind.METER_ABSENT, code=103190, subject="1emh1", now=NOW)
    raise_alarm(AlarmKind.LOG_FULL, code=1400523, subject="hks2", now=NOW)
    page = client.get("/").text
    for words in ("103190", "1emh1", "1400523", "2 Hinweise"):
        assert words in page, words
    assert "hks2" not in page


def test_a_telegram_shows_its_content_only_where_it_is_encrypted(
    han: Gateway, client: Browser
) -> None:
    def keep(reason: str, payload: bytes = b"") -> None:
        keep_telegram(
            port="/dev/ttyUSB0",
            header=b"\x2d\x44",
            length=40,
            reason=reason,
            encrypted_payload=payload,
            now=NOW,
        )

    keep("crc")
    assert "Verschlüsselter Inhalt" not in client.get("/telegramme/").text
    keep("key", b"\xca\xfe")
    page = client.get("/telegramme/").text
    for words in ("2d44", "40", "crc", "Verschlüsselter Inhalt", "cafe"):
        assert words in page, words


@pytest.mark.req("R2", "R4")
def test_the_nameplate_shows_every_field(han: Gateway, client: Browser) -> None:
    """R2: each field of the file; R4: the version of the installed release."""
    texts = {field.name: f"Wert {field.name}" for field in fields(Nameplate)}
    texts["hardware_version"] = "11 302 01A"
    (han.state / NAMEPLATE_FILE).write_text(json.dumps(texts))
    try:
        page = client.get("/typenschild/").text
    finally:
        (han.state / NAMEPLATE_FILE).unlink()
    assert not [text for text in texts.values() if text not in page]
    assert "EEMH0009264154" in page and "X001a" in page
    assert client.get("/typenschild/").text.count("nicht angegeben") == 14


@pytest.mark.req("R92")
def test_the_log_is_filtered_by_level_text_id_and_day(
    han: Gateway, client: Browser
) -> None:
    """R92: and the file holds the entries of the page."""
    log_fault(han, 103118, now=NOW)
    log_fault(han, 103190, now=NOW - timedelta(days=20))
    cases = {
        "?level=ERROR": {"103118"},
        "?suche=103118": {"103118"},
        "?suche=timeout&von=2026-06-01": {"103190"},
        "?level=ERROR&von=2026-06-01&bis=2026-06-22": {"103118", "103190"},
        "?suche=nichtda": set(),
    }
    for query, wanted in cases.items():
        page = client.get(f"/log/{query}").text
        found = {code for code in ("103118", "103190") if f">{code}/1<" in page}
        assert found == wanted, query
        text = client.get(f"/log/csv/{query}").text.removeprefix("\ufeff")
        rows = list(csv.reader(io.StringIO(text), delimiter=";"))[1:]
        assert len(rows) == page.count('data-label="ID"'), query
    bad = ("?von=gestern", "?von=2026-06-22&bis=2026-06-01", "?level=X", "?seite=-1")
    for query in (*bad, f"?suche={'x' * 65}"):
        assert client.get(f"/log/{query}").status_code == 400, query
        assert client.get(f"/log/csv/{query}").status_code == 400, query


@pytest.mark.req("R18", "R19", "R92")
def test_the_options_of_the_light_are_changed_and_logged(
    han: Gateway, client: Browser, tmp_path: Path
) -> None:
    """R18, R19: shown only where configured; R92: a basic setting."""
    supply = tmp_path / "supply"
    supply.write_text("1")

    def shown() -> tuple[bool, bool]:
        facts = facts_of(han.state, time_is_valid=False, supply_input=supply)
        return facts.is_overloaded, facts.time_invalid

    assert shown() == (True, True)
    try:
        answer = client.send_form(
            "/einstellungen/", {"what": "leds", "shows_overload": "on"}
        )
        assert answer.status_code == 303
        assert load_led_options(han.state) == LedOptions(True, False)
        assert shown() == (True, False)
    finally:
        store_led_options(han.state, LedOptions())
    text = selectors.system_log()[0].text
    assert text == "Servicezugang, Servicetechniker: Anzeige der LED LMC geändert."


@pytest.mark.req("R92")
def test_a_line_moves_with_all_its_meters_or_not_at_all(
    han: Gateway, client: Browser
) -> None:
    """R92: port of the LMN; what cannot be is refused with its reason."""
    move = {"what": "line", "line": "/dev/ttyS0"}
    for port, stick in (("nowhere", ""), ("", ""), ("/dev/ttyS1", "cul")):
        answer = client.send_form(
            "/einstellungen/", {**move, "port": port, "stick": stick}
        )
        assert answer.status_code == 400, port
        assert {m.port for m in Meter.objects.all()} == {"/dev/ttyS0"}
    answer = client.send_form("/einstellungen/", {**move, "port": "/dev/ttyS1"})
    assert answer.status_code == 303
    assert {(m.port, m.version) for m in Meter.objects.all()} == {("/dev/ttyS1", 2)}
    with pytest.raises(MeterInvalid):
        move_line("/dev/ttyS0", to_port="/dev/ttyS2", stick="")


@pytest.mark.req("R109")
def test_the_first_configurator_ends_his_role_himself(han: Gateway) -> None:
    """R109: only he can, and only once a technician could come in."""
    configurator = Account.Role.CONFIGURATOR
    first = browser(han, der_of(issue(han, configurator, NOW)))
    ending = {"what": "role", "sure": "on"}
    assert first.send_form("/einstellungen/", ending).status_code == 409
    shown = der_of(issue(han, TECHNICIAN, NOW))
    assert first.send_form("/einstellungen/", ending).status_code == 200
    assert active_service_roles() == [TECHNICIAN]
    assert first.get("/").status_code == 403
    second = browser(han, shown)
    assert second.send_form("/einstellungen/", ending).status_code == 400


@pytest.mark.req("R92")
def test_the_check_list_becomes_a_report_that_stays(
    han: Gateway, client: Browser
) -> None:
    """What the gateway saw is kept as it was; unknown boxes are left out."""
    ticked = {"confirmed": ["seal", "cables", "no such box"]}
    answer = client.send_form("/pruefliste/", ticked)
    assert answer.status_code == 303
    page = client.get(answer.headers["Location"]).text
    assert "Prüfprotokoll der Installation" in page and "Unterschrift" in page
    assert client.get("/pruefliste/999999/").status_code == 404
    assert InstallationReport.objects.get().confirmed == ["cables", "seal"]
    raise_alarm(AlarmKind.METER_ABSENT, code=103190, subject="1emh1", now=NOW)
    later = client.get(answer.headers["Location"]).text
    assert later.partition('id="result"')[2] == page.partition('id="result"')[2]


def test_a_form_without_its_token_changes_nothing(
    han: Gateway, client: Browser
) -> None:
    answer = client.post("/einstellungen/", data={"what": "leds"})
    assert answer.status_code == 403
    assert load_led_options(han.state) == LedOptions()


@pytest.mark.req("R8")
def test_link_and_traffic_come_from_the_kernel(tmp_path: Path) -> None:
    """R8: per Ethernet port; a virtual one without link and address is left out."""
    for name, carrier in (("eth7", "1"), ("eth8", "0"), ("ifb7", "0")):
        counted = tmp_path / name / "statistics"
        counted.mkdir(parents=True)
        (tmp_path / name / "carrier").write_text(carrier)
        (tmp_path / name / "speed").write_text("100\n")
        for file, count in (("rx_packets", 5), ("tx_packets", 6), ("rx_errors", 7)):
            (counted / file).write_text(str(count))
        if name != "ifb7":
            (tmp_path / name / "device").mkdir()
    up, down = network_links(tmp_path)
    assert (up.name, up.has_link, up.speed_mbit) == ("eth7", True, 100)
    assert (up.received, up.sent, up.errors) == (5, 6, 7)
    assert (down.name, down.has_link) == ("eth8", False)
    assert network_links(tmp_path / "nothing") == []
