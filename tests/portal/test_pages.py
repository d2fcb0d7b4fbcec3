"""The pages as a browser without JavaScript gets them."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import translation

from casa_site import messages
from hardware.gateway import Gateway
from meters.services import close_missed_boundaries
from portal import error_pages
from tests.portal.conftest import NOW
from tests.portal.installation import PASSWORDS, record

PAGES = {
    "start": "/",
    "day": "/verbrauch/",
    "month": "/verbrauch/?zeitraum=monat&tag=2026-06-22&vergleich=1",
    "year": "/verbrauch/?zeitraum=jahr&zaehler=1emh0000000002",
    "recipients": "/datenempfaenger/",
    "log": "/log/",
    "use cases": "/messwertliste/",
    "periods": "/messwertliste/hks2-taf7/",
    "values": "/messwertliste/hks2-taf7/0/",
    "sums": "/messwertliste/hks2-taf1/1/",
    "record": "/messwertliste/hks2-taf7/wert/2026-06-22T13:00:00Z/",
    "bill": "/rechnung/",
    "prices": "/einstellungen/preise/",
    "prices of a contract": "/einstellungen/preise/hks2-taf7/",
    "self-test": "/selbsttest/",
    "help": "/hilfe/",
    "faults": "/hilfe/fehler/",
    "logging out": "/abmelden/",
    "nothing": "/nichts/",
}
LogIn = Callable[..., Client]


class Words(HTMLParser):
    """Collects the text of a page and every tag with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))


def words(answer: HttpResponse) -> str:
    return Words(answer.content.decode()).text


def get(client: Client, path: str, status: int = 200, **headers: str) -> str:
    answer = client.get(path, headers=headers)
    assert answer.status_code == status
    return words(answer)


# What every page keeps


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_no_page_holds_inline_script_or_style(logged_in: LogIn, path: str) -> None:
    answer = logged_in().get(path)
    for tag, attributes in Words(answer.content.decode()).tags:
        assert tag != "style", path
        assert tag != "script" or attributes.get("src"), path
        assert not any(name == "style" or name.startswith("on") for name in attributes)
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.req("R79")
@pytest.mark.req("R107", "R114")
@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_every_page_has_one_heading_a_way_out_and_the_four_entries(
    logged_in: LogIn, path: str
) -> None:
    """R79, R107: plain HTML with `Abmelden`; R114: the navigation in its words."""
    answer = logged_in().get(path)
    found = Words(answer.content.decode())
    assert [tag for tag, _ in found.tags].count("h1") == 1
    assert "Abmelden" in found.text
    if path != "/abmelden/":
        for name in ("Startseite", "Messwertliste", "Log", "Hilfe"):
            assert name in found.text


@pytest.mark.req("R127")
@pytest.mark.parametrize(
    "name", ["start", "day", "month", "recipients", "log", "values", "help"]
)
def test_a_page_says_that_bills_are_checked_with_trudi(
    logged_in: LogIn, name: str
) -> None:
    """R127: the display is for information, the bill is checked with TRuDI."""
    text = get(logged_in(), PAGES[name])
    assert "Die Anzeige dient der Information." in text
    assert "Transparenzsoftware TRuDI" in text


def test_nothing_leads_outside(logged_in: LogIn) -> None:
    client = logged_in()
    for path in PAGES.values():
        for _tag, attributes in Words(client.get(path).content.decode()).tags:
            for name in ("href", "src", "action"):
                target = attributes.get(name) or "/"
                assert target[0] in "/?#" and not target.startswith("//"), target


def test_every_link_of_every_page_leads_somewhere(logged_in: LogIn) -> None:
    client = logged_in()
    for path in list(PAGES.values())[:-1]:
        for tag, attributes in Words(client.get(path).content.decode()).tags:
            target = (attributes.get("href") or "").split("#")[0]
            if tag == "a" and target and not target.startswith("?"):
                assert client.get(target).status_code == 200, target


# The single pages


@pytest.mark.req("R1")
@pytest.mark.req("R115")
def test_the_start_page_names_the_gateway(logged_in: LogIn, han: Gateway) -> None:
    """R115, R1: Systeminformationen with time and tick, firmware, HUID, user."""
    text = get(logged_in(), "/")
    assert "Systemzeit (CASA): 2026-06-22 15:07:52" in text
    assert f"Firmware Version: {han.firmware_version}" in text
    assert "HUID: eemh0009264154" in text
    assert "Benutzer-ID: hks2" in text
    page = logged_in().get("/").content.decode()
    assert 'aria-label="Zeit ist gültig"' in page


@pytest.mark.req("R116")
def test_the_start_page_shows_each_own_meter(logged_in: LogIn) -> None:
    """R116: heading with link JSON, Zeitstempel, Register, aktueller Wert."""
    text = get(logged_in(), "/")
    assert "Aktuelle Zählerstände" in text
    for meter in ("0a01454d480000000001", "0a01454d480000000002"):
        assert f"{meter} 1emh" in text
    assert "0a01454d480000000003" not in text
    assert "Zeitstempel Register aktueller Wert" in text
    assert re.search(r"0100010800ff Bezug gesamt [\d.]+,\d{6}\s+kWh", text)


@pytest.mark.req("R120")
def test_the_reading_list_shows_every_use_case(logged_in: LogIn) -> None:
    """R120: all TAFs of the consumer, each with `Öffnen`."""
    text = get(logged_in(), "/messwertliste/")
    assert "TAF 1, Datensparsamer Tarif hks2-taf1 0a01454d480000000001" in text
    assert "TAF 7, Zählerstandsgang hks2-taf7" in text
    assert text.count("Öffnen TAF") == 2
    assert "nb-taf" not in text


@pytest.mark.req("R121")
def test_a_use_case_leads_to_its_billing_periods(logged_in: LogIn) -> None:
    """R121: the billing periods configured in the profile, newest first (D13)."""
    text = get(logged_in(), "/messwertliste/hks2-taf7/")
    periods = re.findall(r"\d{4}-\d\d-\d\d [\d:]{8} bis \d{4}-\d\d-\d\d [\d:]{8}", text)
    assert list(dict.fromkeys(periods)) == [
        "2026-06-01 00:00:01 bis 2026-07-01 00:00:00",
        "2026-05-01 00:00:01 bis 2026-06-01 00:00:00",
        "2026-04-01 00:00:01 bis 2026-05-01 00:00:00",
    ]
    assert "läuft noch" in text and "abgeschlossen" in text


@pytest.mark.req("R123")
@pytest.mark.req("R124")
def test_a_period_shows_its_values(logged_in: LogIn) -> None:
    """R123, R124: heading open at the start, notes, the columns in order."""
    text = get(logged_in(), "/messwertliste/hks2-taf7/0/")
    assert "Abrechnungszeitraum: 2026-06-01 00:00:01 bis 2026-07-01 00:00:00" in text
    assert "Diese Tabelle zeigt Ihnen die Messwerte des ausgewählten" in text
    assert "Registrierzeitpunkt ist der Zeitpunkt, an dem der Zähler" in text
    assert "Versandt heißt:" in text
    head = "Zeitstempel Registrierzeitpunkt 0100010800ff (kWh) Bezug gesamt"
    assert f"{head} 0100020800ff (kWh) Einspeisung gesamt Versandt Status" in text
    first = re.search(r"Montag, 22. Juni 2026 (\S+ \S+) ", text)
    assert first and first[1] == "2026-06-22 15:00:00"
    assert "2026-06-01 00:00:00" not in text.split("Status", 1)[1]


@pytest.mark.req("R123")
def test_the_value_at_the_end_belongs_to_the_period(logged_in: LogIn) -> None:
    """R123: open at the start, closed at the end."""
    text = get(logged_in(), "/messwertliste/hks2-taf7/1/")
    assert "2026-06-01 00:00:00" in text
    assert "2026-05-01 00:00:00" not in text


def test_the_table_is_filtered_by_day(logged_in: LogIn) -> None:
    client = logged_in()
    text = get(client, "/messwertliste/hks2-taf7/0/?tag=2026-06-21")
    assert "Sonntag, 21. Juni 2026" in text and "Montag, 22." not in text
    text = get(client, "/messwertliste/hks2-taf7/0/?tag=2026-06-03")
    assert "Keine Werte zu dieser Auswahl." in text
    text = get(client, "/messwertliste/hks2-taf7/0/?status=auffaellig")
    assert "Keine Werte zu dieser Auswahl." in text


def test_a_period_without_values_says_so(logged_in: LogIn) -> None:
    client = logged_in()
    assert "gibt es noch keine Werte" not in get(client, "/messwertliste/hks2-taf1/1/")
    text = get(client, "/messwertliste/hks2-taf7/9/", status=404)
    assert "Diese Seite gibt es nicht." in text


def test_the_running_period_of_a_sum_is_provisional(logged_in: LogIn) -> None:
    text = get(logged_in(), "/messwertliste/hks2-taf1/0/")
    assert "vorläufig" in text and "Dieser Zeitraum läuft noch." in text


def test_a_gap_stands_in_the_table(logged_in: LogIn, han: Gateway) -> None:
    later = NOW + timedelta(minutes=20)
    close_missed_boundaries(han, now=later)
    record(han, NOW.replace(minute=30, second=0))
    text = get(logged_in(), "/messwertliste/hks2-taf7/0/?status=auffaellig")
    assert re.search(r"2026-06-22 15:15:00 2026-06-22 15:15:00 – – .* Kein Wert", text)


def test_a_record_shows_what_was_signed(logged_in: LogIn) -> None:
    text = get(logged_in(), PAGES["record"])
    assert "casa-record-v1 eemh0009264154 1emh0000000001 2026-06-22T13:00:00Z" in text
    assert "Schlüssel (SKI):" in text
    assert "0000000500000004" in text


@pytest.mark.parametrize(
    "key",
    [
        "x",
        "2026-06-22T13:00:01Z",
        "2026-02-30T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
    ],
)
def test_a_record_that_does_not_exist_is_a_404(logged_in: LogIn, key: str) -> None:
    assert logged_in().get(f"/messwertliste/hks2-taf7/wert/{key}/").status_code == 404


@pytest.mark.req("R88")
@pytest.mark.req("R119")
def test_the_log_page_has_its_columns_and_a_download(logged_in: LogIn) -> None:
    """R88, R119: the seven columns; Download leads to the CSV of the range."""
    client = logged_in()
    text = get(client, "/log/")
    assert "ID Timestamp Level Priority Category Message Status" in text
    assert re.search(r"\d 2026-06-22T15:07:52\+02:00 INFO 1 flc Die Anmeldung", text)
    page = unescape(client.get("/log/").content.decode())
    assert 'href="/log/csv/?von=2026-06-16&bis=2026-06-22"' in page


@pytest.mark.req("R126")
def test_a_wrong_range_is_a_400_with_the_form(logged_in: LogIn) -> None:
    """R126: the input is kept, the message stands at the field, entries stay."""
    answer = logged_in().get("/log/?von=2026-06-22&bis=2026-06-21")
    assert answer.status_code == 400
    assert "„Bis“ liegt vor „Von“." in words(answer)
    assert 'aria-invalid="true"' in answer.content.decode()
    assert "Die Anmeldung mit dem Nutzernamen" in words(answer)


@pytest.mark.req("R126")
@pytest.mark.parametrize("query", ["tag=gestern", "seite=-1", "status=x"])
def test_a_wrong_filter_is_a_400(logged_in: LogIn, query: str) -> None:
    """R126: wrong input is answered with a 4xx and can be corrected."""
    get(logged_in(), f"/messwertliste/hks2-taf7/0/?{query}", status=400)


def test_an_empty_log_says_so(logged_in: LogIn) -> None:
    text = get(logged_in(), "/log/?von=2020-01-01&bis=2020-01-02")
    assert "Keine Einträge in diesem Zeitraum." in text


# Logging in


@pytest.mark.req("R113")
def test_the_login_page_offers_the_certificate_and_names_the_device(
    browser: Client,
) -> None:
    """R113 in part: user and password, and the button for the certificate."""
    text = get(browser, "/anmelden/")
    assert "Benutzername und Passwort" in text
    assert "Download Signatur-Zertifikat" in text
    assert "eemh0009264154" in text and "2026-06-22 15:07:52" in text


def test_a_wrong_password_says_not_which_part_was_wrong(browser: Client) -> None:
    answer = browser.post("/anmelden/", {"username": "hks2", "password": "falsch"})
    assert answer.status_code == 401
    page = answer.content.decode()
    assert "Benutzername oder Passwort stimmt nicht." in page
    assert 'value="hks2"' in page and "falsch" not in page


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/log/?von=2026-06-01", "/log/?von=2026-06-01"),
        ("https://example.org/", "/"),
        ("//example.org/", "/"),
        ("/\\example.org", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_a_login_leads_to_own_pages_only(
    browser: Client, wanted: str, reached: str
) -> None:
    answer = browser.post(
        "/anmelden/",
        {"username": "hks2", "password": PASSWORDS["hks2"], "next": wanted},
    )
    assert (answer.status_code, answer["Location"]) == (303, reached)


def test_logging_out_ends_on_the_login_page(logged_in: LogIn) -> None:
    client = logged_in()
    answer = client.post("/abmelden/")
    assert (answer.status_code, answer["Location"]) == (303, "/anmelden/?abgemeldet=1")
    assert "Sie sind abgemeldet." in get(client, answer["Location"])
    assert client.get("/").status_code == 302


def test_a_look_at_the_logout_page_logs_nobody_out(logged_in: LogIn) -> None:
    client = logged_in()
    assert "Möchten Sie sich abmelden?" in get(client, "/abmelden/")
    assert client.get("/").status_code == 200


def test_an_expired_login_is_named(browser: Client) -> None:
    text = get(browser, "/anmelden/?abgelaufen=1&next=/log/")
    assert "Sie wurden automatisch abgemeldet." in text


def test_a_forged_form_is_refused_with_a_page(logged_in: LogIn, han: Gateway) -> None:
    client = Client(enforce_csrf_checks=True, **{"casa.gateway": han})
    answer = client.post("/anmelden/", {"username": "hks2", "password": "x"})
    assert answer.status_code == 403
    assert "Das Formular ist nicht mehr gültig." in words(answer)


# Languages


def test_german_is_the_language_unless_the_browser_asks_for_english(
    browser: Client,
) -> None:
    assert "Benutzername und Passwort" in get(browser, "/anmelden/")
    french = {"Accept-Language": "fr"}
    assert "Benutzername und Passwort" in get(browser, "/anmelden/", **french)
    english = {"Accept-Language": "en-GB,en;q=0.9"}
    assert "User name and password" in get(browser, "/anmelden/", **english)


def test_the_language_is_kept_and_leads_back_to_the_page(logged_in: LogIn) -> None:
    client = logged_in()
    back = "/messwertliste/hks2-taf7/0/?seite=1"
    answer = client.post("/sprache/", {"language": "en", "next": back})
    assert (answer.status_code, answer["Location"]) == (303, back)
    text = get(client, back)
    assert "Billing period: 2026-06-01 00:00:01 to 2026-07-01 00:00:00" in text
    assert "Monday, 22 June 2026" in text
    assert re.search(r"\d,\d{3}\.\d{6}", text)


@pytest.mark.parametrize("language", ["", "fr", "../de", "de\r\nX: y"])
def test_only_the_two_languages_are_taken(browser: Client, language: str) -> None:
    answer = browser.post(
        "/sprache/", {"language": language, "next": "https://example.org/"}
    )
    assert (answer.status_code, answer["Location"]) == (303, "/")
    assert not answer.cookies


def test_log_texts_stay_german_as_they_are_stored(logged_in: LogIn) -> None:
    answer = logged_in().get("/log/", headers={"Accept-Language": "en"})
    page = answer.content.decode()
    assert '<span lang="de">Die Anmeldung mit dem Nutzernamen hks2' in page
    assert "What does this mean?" in page


def test_every_text_has_its_english() -> None:
    assert messages.problems() == []


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_no_german_word_is_left_on_an_english_page(logged_in: LogIn, path: str) -> None:
    answer = logged_in().get(path, headers={"Accept-Language": "en"})
    page = answer.content.decode()
    assert '<html lang="en">' in page
    kept = re.sub(r'<(span|button) [^>]*lang="de".*?</\1>', "", page, flags=re.DOTALL)
    text = Words(kept).text
    found = re.findall(r"\b(?:der|die|das|und|für|nicht|wird|Zähler|Werte?)\b", text)
    assert found == []


# Errors


def test_a_missing_page_is_the_same_for_everything_missing(logged_in: LogIn) -> None:
    client = logged_in()
    bodies = {client.get(path).content for path in ("/x/", "/log/x/", "/y/")}
    assert len(bodies) == 1


def test_a_fault_of_ours_is_named_by_a_reference_only(rf, han: Gateway) -> None:
    with translation.override("de"):
        answer = error_pages.server_error(rf.get("/"))
    assert answer.status_code == 500
    assert re.search(r"Kennung [0-9a-f]{8}\)", words(answer))


def test_an_early_fault_has_a_page_too(rf, han: Gateway) -> None:
    for page, status in ((error_pages.bad_request, 400), (error_pages.forbidden, 403)):
        with translation.override("de"):
            answer = page(rf.get("/"), Exception())
        assert answer.status_code == status
        assert "Zur Startseite" in words(answer)


def test_pages_are_for_looking(logged_in: LogIn) -> None:
    client = logged_in()
    for name in ("start", "log", "taf_list", "help"):
        assert client.post(reverse(name)).status_code == 405
    assert client.get("/sprache/").status_code == 405


def test_a_page_asks_the_database_little(
    logged_in: LogIn, django_assert_max_num_queries: Callable[..., object]
) -> None:
    client = logged_in()
    for path, most in (
        ("/", 6),
        ("/verbrauch/", 8),
        ("/log/", 5),
        ("/messwertliste/hks2-taf7/0/", 10),
    ):
        with django_assert_max_num_queries(most):
            client.get(path)
