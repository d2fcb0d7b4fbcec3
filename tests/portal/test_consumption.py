"""The consumption pages: the same cells on the page, in CSV, in JSON, in the chart."""

import csv
import io
import json
import re
import shutil
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client

from hardware.gateway import Gateway
from meters.services import close_missed_boundaries
from tests.portal.conftest import NOW
from tests.portal.installation import record
from tests.portal.test_pages import Words, get
from tests.portal.test_spreadsheet import number, opened, written
from tests.portal.test_taf2_page import WEEKEND, contract

__all__ = ["contract"]
LogIn = Callable[..., Client]
METER = "1emh0000000001"
SPANS = ("tag", "woche", "monat", "jahr")
GAPS_AT = NOW + timedelta(minutes=30)


@pytest.fixture
def with_gap(han: Gateway) -> Gateway:
    """A missing quarter hour and one value after it."""
    close_missed_boundaries(han, now=NOW + timedelta(minutes=20))
    record(han, NOW.replace(minute=30, second=0))
    return han


def text_of(answer: HttpResponse) -> str:
    assert answer.status_code == 200
    return answer.getvalue().decode()  # type: ignore[no-any-return]


def csv_of(client: Client, query: str) -> list[list[str]]:
    text = text_of(client.get(f"/verbrauch/csv/?{query}"))
    return list(csv.reader(io.StringIO(text[1:], newline=""), delimiter=";"))


def table_of(page: str) -> list[list[str]]:
    """The cells of the table below the chart, without its head."""
    table = re.search(r'<table id="energy-table">.*?</table>', page, re.DOTALL)
    assert table
    rows = re.findall(r"<tr.*?</tr>", table.group(), re.DOTALL)[1:]
    cells = [re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL) for row in rows]
    return [[Words(cell).text.strip() for cell in row] for row in cells]


@pytest.mark.req("R125")
@pytest.mark.parametrize("span", SPANS)
def test_page_csv_and_json_agree_on_every_cell(
    logged_in: LogIn,
    with_gap: Gateway,
    contract: Callable[..., None],
    span: str,
) -> None:
    """R125: the numbers, what is missing and the status words, stages included."""
    contract(WEEKEND)
    with time_machine.travel(GAPS_AT, tick=False):
        client = logged_in()
        page = client.get(f"/verbrauch/?zeitraum={span}").content.decode()
        head, *lines = csv_of(client, f"zeitraum={span}")
        answer = client.get(f"/verbrauch/json/?zeitraum={span}")
    document = json.loads(text_of(answer))
    assert [row[1:] for row in table_of(page)] == [
        [cell or "–" for cell in line[2:-1]] + [line[-1]] for line in lines
    ]
    assert [one["status"] for one in document["slots"]] == [one[-1] for one in lines]
    plain = [
        [cell.replace(".", "").replace(",", ".") or None for cell in line[2:-1]]
        for line in lines
    ]
    assert [one["amounts"] for one in document["slots"]] == plain
    assert [f"{one['name']} (kWh)" for one in document["series"]] == head[2:-1]
    assert any("Stufe 1 (Werktag)" in one for one in head)


@pytest.mark.parametrize("span", SPANS)
def test_the_bars_of_the_chart_are_the_numbers_of_the_csv(
    logged_in: LogIn, with_gap: Gateway, span: str
) -> None:
    """One bar per amount above zero, as high as it is large; gaps have none."""
    with time_machine.travel(GAPS_AT, tick=False):
        client = logged_in()
        page = client.get(f"/verbrauch/?zeitraum={span}").content.decode()
        _head, *lines = csv_of(client, f"zeitraum={span}")
    first = int(re.search(r'data-first="(\d+)"', page).group(1))  # type: ignore[union-attr]
    heights: dict[str, list[tuple[int, Decimal]]] = {}
    for key, path in re.findall(r'<path class="(f-\S+)" d="([^"]+)"', page):
        for at, low, high in re.findall(r"M(\d+)\.07 ([\d.]+)h\.86V([\d.]+)h", path):
            height = Decimal(low) - Decimal(high)
            heights.setdefault(key, []).append((int(at) - first, height))
    scales = []
    for key, column in (("f-s1", 2), ("f-export", 3)):
        amounts = [
            (n, Decimal(line[column].replace(".", "").replace(",", ".")))
            for n, line in enumerate(lines)
            if line[column]
        ]
        assert [n for n, _height in heights[key]] == [n for n, one in amounts if one]
        for (_n, height), (_m, amount) in zip(heights[key], amounts, strict=True):
            scales.append((height / amount, Decimal("0.2") / amount))
    largest = min(scales, key=lambda one: one[1])[0]
    assert all(abs(one - largest) <= slack * 2 for one, slack in scales)


def test_a_gap_is_hatched_counted_and_told(logged_in: LogIn, with_gap: Gateway) -> None:
    with time_machine.travel(GAPS_AT, tick=False):
        client = logged_in()
        answer = client.get("/verbrauch/")
        odd = client.get("/verbrauch/?werte=luecken")
    page = answer.content.decode()
    assert page.count('class="gap-box"') == 2
    text = Words(page).text
    assert "Von 15:00 bis 15:30 Uhr fehlen 2 Viertelstundenwerte." in text
    assert "2026-06-22 15:00:00 – 2026-06-22 15:30:00: 0,1800 kWh Bezug" in text
    assert all(row[-1] == "keine Werte" for row in table_of(odd.content.decode()))


def test_the_comparison_is_in_words_over_equal_parts(
    logged_in: LogIn, han: Gateway
) -> None:
    """The day before has a value at this time: one Wh a second, as today."""
    record(han, NOW.replace(minute=0, second=0) - timedelta(days=1))
    text = get(logged_in(), "/verbrauch/")
    assert "etwa wie am Tag davor bis zum selben Zeitpunkt" in text
    assert "davor bis" not in get(logged_in(), "/verbrauch/?tag=2026-06-19")


def test_a_table_leads_to_the_finer_view_and_spans_to_their_neighbours(
    logged_in: LogIn,
) -> None:
    page = logged_in().get("/verbrauch/?zeitraum=jahr").content.decode()
    assert f"?zeitraum=monat&amp;tag=2026-05-01&amp;zaehler={METER}" in page
    assert "tag=2025-12-31" in page and "Danach" not in page
    month = get(logged_in(), "/verbrauch/?zeitraum=monat&tag=2026-05-05")
    assert "Mai 2026" in month and "Danach" in month


@pytest.mark.req("R126")
@pytest.mark.parametrize(
    "query",
    [
        "tag=gestern",
        "tag=0001-01-01",
        "tag=2000-01-01",
        "tag=2999-12-31",
        "zeitraum=stunde",
        "werte=x",
    ],
)
def test_a_wrong_choice_is_a_400_that_can_be_corrected(
    logged_in: LogIn, query: str
) -> None:
    """R126: the page with today's values; the files are refused."""
    client = logged_in()
    answer = client.get(f"/verbrauch/?{query}")
    assert answer.status_code == 400
    assert "Verbrauch" in answer.content.decode()
    assert client.get(f"/verbrauch/csv/?{query}").status_code == 400
    assert client.get(f"/verbrauch/json/?{query}").status_code == 400


def test_a_span_without_values_is_empty_and_says_so(logged_in: LogIn) -> None:
    text = get(logged_in(), "/verbrauch/?zeitraum=monat&tag=2020-02-29")
    assert "Für diesen Zeitraum gibt es keine Werte." in text


def test_file_names_sort_by_gateway_meter_and_day(logged_in: LogIn) -> None:
    client = logged_in()
    name = f"eemh0009264154_{METER}_verbrauch_2026-06-01_monat"
    for kind in ("csv", "json"):
        answer = client.get(f"/verbrauch/{kind}/?zeitraum=monat")
        assert f'filename="{name}.{kind}"' in answer["Content-Disposition"]


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("soffice") is None, reason="LibreOffice is not installed"
)
def test_libreoffice_reads_the_same_cells(
    logged_in: LogIn, with_gap: Gateway, tmp_path: Path
) -> None:
    """By a German reader: numbers are numbers, gaps are empty, nothing is computed."""
    with time_machine.travel(GAPS_AT, tick=False):
        data = text_of(logged_in().get("/verbrauch/csv/")).encode()
    (head, *rows), (head_there, *there) = opened(tmp_path, data, ""), written(data, "")
    assert [cell.text for cell in head] == head_there
    assert len(rows) == len(there) > 50
    for found, cells in zip(rows, there, strict=True):
        amounts = [cell for cell in cells[2:4] if cell]
        numbers = [cell for cell in found[2:4] if cell.kind]
        assert [cell.kind for cell in numbers] == ["float"] * len(amounts)
        expected = [number(amount, "") for amount in amounts]
        assert [Decimal(cell.value) for cell in numbers] == expected
        assert not any(cell.is_formula for cell in found)
