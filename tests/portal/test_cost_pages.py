"""Prices and costs in the portal: the consumer's own, told as information."""

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from hardware.gateway import Gateway
from tests.portal.test_bill_page import ID, contract
from tests.portal.test_pages import Words, get, words

LogIn = Callable[..., Client]
__all__ = ["contract"]

PRICES = """\
rundung;zeitraum;kaufmaennisch;2
grundpreis;0,40;tag
stufe;von;bis;preis
1;2026-01-01;2026-05-30;30
2;2026-01-01;;20
"""
ADDRESS = f"/einstellungen/preise/{ID}/"
COSTS = f"/messwertliste/{ID}/1/kosten/"


def give(browser: Client, text: str | None = PRICES) -> HttpResponse:
    form = {} if text is None else {"datei": SimpleUploadedFile("p", text.encode())}
    return browser.post(ADDRESS, form)  # type: ignore[return-value]


def test_prices_are_given_shown_and_removed(
    logged_in: LogIn, contract: Gateway
) -> None:
    browser = logged_in()
    assert "Preise angeben" in get(browser, f"/messwertliste/{ID}/1/")
    assert get(browser, COSTS, status=404)
    answer = give(browser)
    assert (answer.status_code, answer["Location"]) == (303, ADDRESS)
    page = get(browser, ADDRESS)
    for text in (
        "2 Preise",
        "kaufmännisch auf 2 Stellen",
        "0,40 EUR je Tag",
        "von Ihnen",
    ):
        assert text in page
    assert "2 Preise" in get(browser, "/einstellungen/preise/")
    assert browser.post(ADDRESS, {"aktion": "entfernen"}).status_code == 303
    assert "keine Preise hinterlegt" in get(browser, ADDRESS)


@pytest.mark.parametrize(
    ("text", "words_"),
    [
        (None, "Bitte wählen Sie eine Datei aus."),
        ("", "Die Datei ist leer."),
        (PRICES + "1;2026-06-01;;x\n", "Zeile 6: „x“ ist keine Zahl"),
        (PRICES + "9;2026-06-01;;1\n", "Zeile 6: Der Vertrag hat keine Stufe 9."),
        ("stufe;von;bis;preis\n1;2026-01-01;;1", "Es fehlt die Rundung"),
    ],
)
@pytest.mark.req("R126")
def test_what_is_wrong_with_a_file_is_told(
    logged_in: LogIn, contract: Gateway, text: str | None, words_: str
) -> None:
    """R126: a 400 with the line, and nothing is changed."""
    browser = logged_in()
    give(browser)
    answer = give(browser, text)
    assert answer.status_code == 400
    assert words_ in words(answer)
    assert "2 Preise" in get(browser, ADDRESS)


@pytest.mark.req("R127")
def test_the_costs_are_shown_by_stage_day_and_quarter_hour(
    logged_in: LogIn, contract: Gateway
) -> None:
    """R127: as information. 0.128 kWh of stage 1, half of it without a price."""
    browser = logged_in()
    give(browser)
    page = get(browser, COSTS + "?tag=2026-05-30")
    assert "Maßgeblich ist Ihre Rechnung; prüfen können Sie sie" in page
    assert "0,064 kWh haben keinen Preis." in page
    # 64 Wh at 30 ct and 64 Wh at 20 ct; two days of base price.
    assert "Vor der Rundung 0,032 EUR." in page
    assert "0,03 EUR" in page and "0,80 EUR" in page and "0,83 EUR" in page
    assert "Stufe 2 (Nacht) 0,064 0,01" in page
    assert "Samstag, 30. Mai 2026" in page
    assert "00:00–00:15 0,001 Stufe 2 (Nacht) 20,00 0,0002" in page
    assert "10:00–10:15 – keine Werte – –" in page
    answer = browser.get(COSTS)
    for tag, attributes in Words(answer.content.decode()).tags:
        assert tag != "style"
        assert tag != "script" or attributes["src"]
        assert "style" not in attributes


def test_the_csv_file_has_every_span_with_all_digits(
    logged_in: LogIn, contract: Gateway
) -> None:
    browser = logged_in()
    give(browser)
    answer = browser.get(f"{COSTS}csv/?format=iso")
    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()  # type: ignore[attr-defined]
    assert len(lines) == 1 + 2 * 96 - 1
    assert lines[1] == (
        "2026-05-30T00:00:00+02:00,2026-05-30T00:15:00+02:00,"
        "0.001,Stufe 2 (Nacht),20.00,0.0002"
    )
    assert lines[-20].endswith(",,")
    assert browser.get(f"{COSTS}csv/?format=xml").status_code == 400


@pytest.mark.req("R93")
@pytest.mark.parametrize("path", [ADDRESS, COSTS, f"{COSTS}csv/"])
def test_anothers_prices_and_costs_do_not_exist(
    logged_in: LogIn, contract: Gateway, path: str
) -> None:
    """R93: neither to see nor to change."""
    owner = logged_in()
    give(owner)
    other = logged_in("nachbar")
    assert other.get(path).status_code == 404
    assert other.post(ADDRESS, {"aktion": "entfernen"}).status_code == 404
    assert ID not in get(other, "/einstellungen/preise/")
    assert "2 Preise" in get(owner, ADDRESS)
