"""The page "Rechnung nachvollziehen", as a browser without JavaScript uses it."""

import re
from collections.abc import Callable
from datetime import time, timedelta
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from hardware.gateway import Gateway
from portal import tariff_upload
from tariffs.profile_spec import InputSpec
from tariffs.services import evaluate_due
from tariffs.switch_calendar import StageRule
from tariffs.tariff_spec import DefaultRule, Stage, TariffSpec
from tests.portal.conftest import NOW
from tests.portal.installation import IMPORT, months_before
from tests.portal.test_pages import Words, get, words
from tests.tariffs.builders import QUARTER, a_meter, a_profile, course, store

LogIn = Callable[..., Client]
END = months_before(NOW, 0)
BEGIN = END - timedelta(days=2)
ID = "hks2-bill"
PERIOD = f"{ID} {BEGIN:%Y-%m-%dT%H:%M:%SZ}"
NIGHT = TariffSpec(
    (Stage(1, "Tag"), Stage(2, "Nacht")),
    (StageRule(2, begin=time(22), end=time(6)), DefaultRule(1)),
)
GAP = BEGIN + timedelta(hours=10)


@pytest.fixture
def contract(han: Gateway) -> Gateway:
    """`hks2-bill`, a TAF2 over the last two days of May; one value is missing."""
    meter = a_meter(han, 9)
    values = course(BEGIN, END + QUARTER)
    del values[GAP]
    store(han, meter, values)
    a_profile(
        han,
        InputSpec(meter.id, IMPORT),
        taf=2,
        id=ID,
        now=BEGIN,
        valid_from=BEGIN,
        metering_point="DE0001234567890000000000000000009",
        tariff=NIGHT,
    )
    evaluate_due(han, now=NOW)
    return han


def own_tariff(browser: Client) -> bytes:
    answer = browser.get(f"/messwertliste/{ID}/1/tarif/")
    assert answer.status_code == 200
    assert "attachment" in answer["Content-Disposition"]
    return b"".join(answer.streaming_content)  # type: ignore[attr-defined]


def send(browser: Client, tariff: bytes | None, **more: str) -> HttpResponse:
    form: dict[str, object] = {"zeitraum": PERIOD, **more}
    if tariff is not None:
        form["datei"] = SimpleUploadedFile("tarif.xml", tariff)
    return browser.post("/rechnung/", form)  # type: ignore[return-value]


def test_own_values_and_the_gateway_s_registers_stand_side_by_side(
    logged_in: LogIn, contract: Gateway
) -> None:
    browser = logged_in()
    answer = send(browser, own_tariff(browser))
    assert answer.status_code == 200
    page = words(answer)
    assert "Alle Register stimmen überein." in page
    for text in ("1-0:1.8.2*255", "(Nacht)", "stimmt", "Fehlerregister"):
        assert text in page
    # Two days of 16 hours, 10 x 0.1 Wh in each quarter hour.
    assert page.count("0,1280 kWh") == 2
    assert "Prüfsumme der Tarifdatei" in page


def test_the_day_has_a_bar_per_quarter_hour_and_shows_its_gap(
    logged_in: LogIn, contract: Gateway
) -> None:
    browser = logged_in()
    answer = send(browser, own_tariff(browser), tag="2026-05-30")
    tags = Words(answer.content.decode()).tags
    bars = [
        str(attributes["d"]).count("M")
        for tag, attributes in tags
        if tag == "path" and str(attributes.get("class", "")).startswith("f-s")
    ]
    # Two days with both stages; of the day 64 + 32 quarter hours but two.
    assert sorted(bars) == [2, 2, 32, 62]
    assert len([1 for tag, a in tags if a.get("class") == "gap-box"]) == 1
    page = words(answer)
    assert "10:00–10:15 – keine Werte" in page
    assert "09:45–10:00 – keine Werte" in page
    assert "96 Werte, 2 davon fehlen." in page


def test_another_day_needs_no_second_upload(
    logged_in: LogIn, contract: Gateway
) -> None:
    """The browser brings the tariff along; the gateway keeps nothing of it."""
    browser = logged_in()
    first = send(browser, own_tariff(browser)).content.decode()
    kept = re.search(r'name="tarif" value="([^"]+)"', first)
    assert kept is not None
    answer = send(browser, None, tarif=unescape(kept[1]), tag="2026-05-30")
    assert answer.status_code == 200
    assert "Viertelstunden am Samstag, 30. Mai 2026" in words(answer)
    assert "Viertelstunden am Sonntag, 31. Mai 2026" in words(
        send(browser, None, tarif=unescape(kept[1]))
    )


def test_a_later_switch_is_told_with_its_first_row(
    logged_in: LogIn, contract: Gateway
) -> None:
    browser = logged_in()
    slot = b"<hour>6</hour><minute>0</minute></startTime><tariffNumber>%d<"
    tariff = own_tariff(browser).replace(slot % 1, slot % 2)
    page = words(send(browser, tariff))
    assert "Nicht alle Register stimmen überein." in page
    assert "Erste abweichende Zeile: 2026-05-30 22:00:00." in page


@pytest.mark.parametrize(
    ("tariff", "text"),
    [
        (None, "Bitte wählen Sie eine Datei aus."),
        (b"", "Die Datei ist leer."),
        (b"no xml", "Kein wohlgeformtes XML"),
        (b"<!DOCTYPE a><a/>", "Ein Dokumenttyp (DTD) ist nicht erlaubt."),
        (b" " * (tariff_upload.LARGEST + 1), "Die Datei ist größer als 8 MiB."),
        (b"<a/>", "P1"),
    ],
)
@pytest.mark.req("R126")
def test_a_file_that_is_no_tariff_is_told(
    logged_in: LogIn, contract: Gateway, tariff: bytes | None, text: str
) -> None:
    """R126: a 400 with a sentence, and the form to correct it."""
    answer = send(logged_in(), tariff)
    assert answer.status_code == 400
    assert text in words(answer)
    assert "Nachrechnen" in words(answer)


def test_what_is_brought_along_is_checked_as_an_upload_is(
    logged_in: LogIn, contract: Gateway
) -> None:
    """Not base64, not packed, packed to many times the limit, cut off."""
    browser = logged_in()
    bomb = tariff_upload.packed(b" " * (20 * tariff_upload.LARGEST))
    for text in ("ä", "AAAA", bomb, tariff_upload.packed(b"<a/>" * 99)[:-8]):
        assert send(browser, None, tarif=text).status_code == 400


@pytest.mark.req("R93")
def test_anothers_contract_is_not_in_the_list_and_not_taken(
    logged_in: LogIn, contract: Gateway
) -> None:
    """R93: neither offered nor accepted."""
    tariff = own_tariff(logged_in())
    other = logged_in("nachbar")
    assert ID not in get(other, "/rechnung/")
    answer = send(other, tariff)
    assert answer.status_code == 400
    assert "Bitte wählen Sie einen Zeitraum aus der Liste." in words(answer)


@pytest.mark.req("R127")
def test_the_page_says_that_trudi_is_for_checking(
    logged_in: LogIn, contract: Gateway
) -> None:
    """R127, on the form and below the result; the value page leads here."""
    browser = logged_in()
    sentence = "Ihre Rechnung prüfen Sie mit der Transparenzsoftware TRuDI."
    assert sentence in get(browser, "/rechnung/")
    assert sentence in words(send(browser, own_tariff(browser)))
    page = browser.get(f"/messwertliste/{ID}/1/").content.decode()
    link = re.search(r'href="(/rechnung/[^"]+)"', page)
    assert link is not None
    answer = browser.get(unescape(link[1]))
    assert f'<option value="{PERIOD}" selected>' in answer.content.decode()


def test_a_form_of_another_site_is_refused(han: Gateway, contract: Gateway) -> None:
    strict = Client(enforce_csrf_checks=True, **{"casa.gateway": han})
    assert strict.post("/rechnung/", {}).status_code == 302  # not logged in


def test_the_result_holds_no_inline_script_or_style(
    logged_in: LogIn, contract: Gateway
) -> None:
    browser = logged_in()
    answer = send(browser, own_tariff(browser))
    for tag, attributes in Words(answer.content.decode()).tags:
        assert tag != "style"
        assert tag != "script" or attributes["src"]
        assert not any(name == "style" or name.startswith("on") for name in attributes)
