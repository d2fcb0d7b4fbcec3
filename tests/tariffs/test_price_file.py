"""Price files: CSV and JSON say the same, and what is wrong is told with its place."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from tariffs.costs import BasePrice, Mode, Rounding, Where
from tariffs.price_file import PriceFile, PricesInvalid
from tariffs.price_series import read_prices
from tests.tariffs.builders import QUARTER, utc

CSV = """\
# Tarif Sonne
rundung;zeitraum;kaufmaennisch;2
grundpreis;0,35;tag

stufe;von;bis;preis
1;2026-01-01;2026-03-29;31,20
2;2026-01-01;2026-03-29;24,1
1;2026-03-30;;32
"""
ENGLISH = """\
rounding;period;half_up;2
base_price;0.35;day
stage;from;to;price
1;2026-01-01;2026-03-29;31.20
2;2026-01-01;2026-03-29;24.1
1;2026-03-30;;32
"""
JSON = """{"rounding": {"where": "period", "mode": "half_up", "digits": 2},
 "base_price": {"amount": 0.35, "per": "day"},
 "stages": [
  {"stage": 1, "from": "2026-01-01", "to": "2026-03-29", "price": "31.20"},
  {"stage": 2, "from": "2026-01-01", "to": "2026-03-29", "price": 24.1},
  {"stage": 1, "from": "2026-03-30", "price": 32}]}"""
ROUNDING = "rundung;tag;gerade;4\n"


@pytest.mark.parametrize(
    "text", [CSV, ENGLISH, JSON, "\ufeff" + CSV, CSV.replace("\n", "\r\n")]
)
def test_all_forms_say_the_same(text: str) -> None:
    file = read_prices(text.encode())
    assert file.rounding == Rounding(Where.PERIOD, Mode.HALF_UP, 2)
    assert file.base == BasePrice(Decimal("0.35"))
    assert not file.is_by_quarter
    first, second, third = file.prices
    assert (first.stage, first.price) == (1, Decimal("31.20"))
    # The last day is included; it has 23 hours.
    assert (first.begin, first.end) == (
        utc("2025-12-31 23:00"),
        utc("2026-03-29 22:00"),
    )
    assert (second.stage, second.price) == (2, Decimal("24.1"))
    assert (third.begin, third.end) == (first.end, None)


def quarter_hours(day: str, offset: str, count: int) -> str:
    begin = utc(f"{day} 00:00") - timedelta(hours=int(offset[1:3]))
    rows = [f"{(begin + n * QUARTER).isoformat()};{n},5\n" for n in range(count)]
    return f"{ROUNDING}zeit;preis\n" + "".join(rows)


@pytest.mark.parametrize(
    ("day", "offset", "count"),
    [("2026-03-29", "+01:00", 92), ("2026-10-25", "+02:00", 100)],
)
def test_a_day_of_the_clock_change_has_all_its_quarter_hours(
    day: str, offset: str, count: int
) -> None:
    file = read_prices(quarter_hours(day, offset, count).encode())
    assert file.is_by_quarter
    assert len(file.prices) == count
    ends = {price.end for price in file.prices[:-1]}
    assert ends == {price.begin for price in file.prices[1:]}


def problems_of(content: bytes) -> list[tuple[str, str]]:
    with pytest.raises(PricesInvalid) as caught:
        read_prices(content)
    return [(problem.where, problem.message) for problem in caught.value.problems]


HEAD = ROUNDING + "stufe;von;bis;preis\n"
TIMES = ROUNDING + "zeit;preis\n"
WRONG_LINES = {
    "a letter": (HEAD + "1;2026-01-01;;3x", "Zeile 3"),
    "too few cells": (HEAD + "1;2026-01-01;3", "Zeile 3"),
    "a day that is none": (HEAD + "1;2026-02-30;;3", "Zeile 3"),
    "a day of another form": (HEAD + "1;01.01.2026;;3", "Zeile 3"),
    "no day": (HEAD + "1;;;3", "Zeile 3"),
    "stage 63": (HEAD + "63;2026-01-01;;3", "Zeile 3"),
    "stage of other digits": (HEAD + "\u0661;2026-01-01;;3", "Zeile 3"),
    "end before begin": (HEAD + "1;2026-01-02;2026-01-01;3", "Zeile 3"),
    "seven decimals": (HEAD + "1;2026-01-01;;3,1234567", "Zeile 3"),
    "thousands": (HEAD + "1;2026-01-01;;1.000,00", "Zeile 3"),
    "too large": (HEAD + "1;2026-01-01;;100000", "Zeile 3"),
    "infinite": (HEAD + "1;2026-01-01;;inf", "Zeile 3"),
    "overlap": (HEAD + "1;2026-01-01;2026-01-31;3\n1;2026-01-31;;4", "Zeile 4"),
    "overlap told at the later line": (
        HEAD + "1;2026-02-01;;3\n2;2026-01-01;;3\n1;2026-01-01;;4",
        "Zeile 5",
    ),
    "no offset": (TIMES + "2026-01-01T00:00:00;3", "Zeile 3"),
    "off the grid": (TIMES + "2026-01-01T00:05:00+01:00;3", "Zeile 3"),
    "twice": (
        TIMES + "2026-01-01T00:00:00+01:00;3\n2025-12-31T23:00:00Z;3",
        "Zeile 4",
    ),
    "unknown head": ("rundung;tag;gerade;2\nfoo;bar\n", "Zeile 2"),
    "unknown rounding": ("rundung;woche;gerade;2\n", "Zeile 1"),
    "unknown mode": ("rundung;tag;ab;2\n", "Zeile 1"),
    "too many digits": ("rundung;tag;gerade;7\n", "Zeile 1"),
    "base per year": ("grundpreis;1;jahr\n", "Zeile 1"),
    "no rounding": ("stufe;von;bis;preis\n1;2026-01-01;;3", ""),
    "no price": (HEAD, ""),
    "nothing": ("", ""),
}


@pytest.mark.parametrize(("text", "where"), WRONG_LINES.values(), ids=WRONG_LINES)
def test_what_is_wrong_in_a_csv_file_is_told_with_its_line(
    text: str, where: str
) -> None:
    assert where in [each[0] for each in problems_of(text.encode())]


def test_bytes_that_are_no_text_are_told_with_their_line() -> None:
    assert problems_of(HEAD.encode() + b"\xff")[0][0] == "Zeile 3"


WRONG_JSON = {
    "{": "Zeile 1",
    '{"a":\n }': "Zeile 2",
    '{"prices": []}': "/",
    '{"stages": {}}': "/stages",
    '{"rounding": 1}': "/rounding",
    '{"base_price": {"amount": 1}}': "/base_price",
    '{"stages": [1]}': "/stages/0",
    '{"stages": [{"stage": 1, "from": "2026-01-01", "price": NaN}]}': "",
    '{"stages": [{"stage": 1, "from": "2026-01-01", "price": 1e3}]}': "/stages/0",
    '{"stages": [{"stage": true, "from": "2026-01-01", "price": 1}]}': "/stages/0",
    '{"stages": [{"stage": 1, "from": "2026-01-01", "price": 1, "x": 1}]}': "/stages/0",
    '{"quarter_hours": [], "stages": []}': "/",
    '{"a":' * 100_000: "",
}


@pytest.mark.parametrize(
    ("text", "where"), WRONG_JSON.items(), ids=range(len(WRONG_JSON))
)
def test_what_is_wrong_in_a_json_file_is_told_with_its_place(
    text: str, where: str
) -> None:
    assert where in [each[0] for each in problems_of(text.encode())]


def test_no_float_is_made_of_a_number() -> None:
    text = JSON.replace("24.1}", "0.1}").replace("31.20", "0.123456")
    file: PriceFile = read_prices(text.encode())
    assert [str(price.price) for price in file.prices[:2]] == ["0.123456", "0.1"]


def test_a_file_of_years_is_taken_and_a_larger_one_is_not() -> None:
    rows = [
        {"time": (utc("2026-01-01 00:00") + n * QUARTER).isoformat(), "price": n}
        for n in range(40_000)
    ]
    rounding = {"where": "day", "mode": "half_up", "digits": 2}
    text = json.dumps({"rounding": rounding, "quarter_hours": rows})
    assert len(read_prices(text.encode()).prices) == 40_000
    assert problems_of(b"#" * (8 * 2**20 + 1))[0][0] == ""
