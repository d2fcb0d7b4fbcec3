"""Who received my data: what the log holds, readable, and nothing else."""

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from hardware.gateway import Gateway
from logbooks.access import Access, AccessRefused, Network, Role
from logbooks.catalogue import Event
from logbooks.dispatches import dispatch_entries
from logbooks.services import log_event
from tests.portal.conftest import NOW
from tests.portal.test_pages import Words, get

LogIn = Callable[..., Client]
SENT = "2026-06-22 00:00:01", "2026-06-22 12:00:00"


@pytest.fixture
def sent(han: Gateway) -> Gateway:
    """Four transfers of one consumer, one of another, one long ago."""
    by_event: list[tuple[Event, tuple[str, ...], str, int]] = [
        (Event.VALUES_SENT, ("48", *SENT), "hks2", 0),
        (Event.FIRST_READING_SENT, ("2026-06-01 00:00:00",), "hks2", 1),
        (Event.FINAL_READING_SENT, ("2026-06-22 00:00:00",), "hks2", 2),
        (Event.ON_DEMAND_VALUES_SENT, ("2", "2026-06-20"), "hks2", 3),
        (Event.VALUES_SENT, ("7", *SENT), "nachbar", 0),
        (Event.VALUES_SENT, ("9", *SENT), "hks2", 40),
    ]
    for event, arguments, consumer, days in reversed(by_event):
        log_event(
            han,
            event,
            *arguments,
            now=NOW - timedelta(days=days),
            consumers=[consumer],
            recipient="=emt-1",
            profile=f"{consumer}-taf7",
        )
    return han


def rows_of(page: str) -> list[list[str]]:
    table = re.search(r'<table class="fold dispatches">.*?</table>', page, re.DOTALL)
    assert table
    rows = re.findall(r"<tr.*?</tr>", table.group(), re.DOTALL)[1:]
    cells = [re.findall(r"<td.*?</td>", row, re.DOTALL) for row in rows]
    return [[Words(cell).text.strip() for cell in row] for row in cells]


@pytest.mark.req("R78")
def test_recipient_profile_span_and_time_stand_there(
    logged_in: LogIn, sent: Gateway
) -> None:
    """R78: who received which data when, by which profile; only one's own."""
    page = logged_in().get("/datenempfaenger/").content.decode()
    words = f"{SENT[0]} – {SENT[1]}"
    assert rows_of(page)[0] == [
        *("2026-06-22 15:07:52", "=emt-1", "hks2-taf7", "nach Plan", "48", words)
    ]
    assert [row[3:] for row in rows_of(page)[1:]] == [
        ["Anfangsstand", "1", "2026-06-01 00:00:00"],
        ["Endstand", "1", "2026-06-22 00:00:00"],
        ["auf Anforderung", "2", "2026-06-20"],
    ]
    text = Words(page).text
    assert "TAF 7, Zählerstandsgang" in text and "0a01454d480000000001" in text
    assert "4 Übertragungen, 52 Werte" in text
    assert "nachbar" not in text


@pytest.mark.req("R125")
def test_page_csv_and_json_agree_and_formulas_are_harmless(
    logged_in: LogIn, sent: Gateway
) -> None:
    """R125: the same transfers; a recipient that begins like a formula is quoted."""
    client = logged_in()
    page = client.get("/datenempfaenger/").content.decode()
    answer = client.get("/datenempfaenger/csv/")
    name = "eemh0009264154_datenempfaenger_2026-05-24_2026-06-22.csv"
    assert name in answer["Content-Disposition"]
    text = answer.getvalue().decode()
    _head, *lines = csv.reader(io.StringIO(text[1:], newline=""), delimiter=";")
    assert [line[2] for line in lines] == ["'=emt-1"] * 4
    safe = [[*line[1:2], line[2].lstrip("'"), *line[3:]] for line in lines]
    assert safe == rows_of(page)
    document = json.loads(client.get("/datenempfaenger/json/").content)["dispatches"]
    assert [
        [
            one["recipient"],
            one["profile"],
            one["reason"],
            str(one["count"]),
            one["span"],
        ]
        for one in document
    ] == [row[1:] for row in rows_of(page)]
    assert [str(one["recordnumber"]) for one in document] == [line[0] for line in lines]
    assert document[0]["text"].startswith("Es wurden 48 Messwerte an")


def test_the_range_is_chosen_and_a_wrong_one_refused(
    logged_in: LogIn, sent: Gateway
) -> None:
    client = logged_in()
    old = "von=2026-05-01&bis=2026-05-20"
    assert rows_of(client.get(f"/datenempfaenger/?{old}").content.decode())[0][4] == "9"
    assert "niemand" in get(client, "/datenempfaenger/?von=2026-04-01&bis=2026-04-02")
    for kind in ("", "csv/", "json/"):
        wrong = f"/datenempfaenger/{kind}?von=2026-06-22&bis=2026-06-21"
        assert client.get(wrong).status_code == 400


@pytest.mark.req("R89")
@pytest.mark.parametrize("role", [Role.TECHNICIAN, Role.ADMINISTRATOR, Role.NOBODY])
def test_nobody_but_the_consumer_reads_them(sent: Gateway, role: Role) -> None:
    """R89: the matrix of the consumer log holds for its extract too."""
    for network in (Network.HAN, Network.WAN):
        with pytest.raises(AccessRefused):
            dispatch_entries(
                Access("hks2", True, network, role),
                begin=NOW - timedelta(days=1),
                end=NOW + timedelta(days=1),
            )
