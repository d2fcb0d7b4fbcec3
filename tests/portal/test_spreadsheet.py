"""The CSV files as LibreOffice opens them: numbers, times, texts, and no formula."""

import csv
import io
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from shutil import which
from xml.etree.ElementTree import Element, parse

import pytest
from django.test import Client

from portal.csv_text import FORMS, in_pieces

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(which("soffice") is None, reason="LibreOffice is not there"),
]

LogIn = Callable[..., Client]
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
SEPARATORS = {"": ";", "iso": ","}
IMPORTS = {
    "": "CSV:59,34,76,1,,1031,false,true,false,false,false,-1",
    "iso": "CSV:44,34,76,1,,1033,false,true,false,false,false,-1",
}
"""The dialog of LibreOffice: separator, quotes, UTF-8, the first line, a German or an
English reader, and what looks like a number or a time is one."""
DANGEROUS = (
    "=1+1",
    '=HYPERLINK("https://example.org";"Gewinn")',
    "+49 30 1234",
    "-Minus",
    "@SUM(A1:A9)",
    "\t=1+1",
    'Zählpunkt; zweiter, "Teil"',
    "zwei\nZeilen",
)


@dataclass(frozen=True)
class Cell:
    """A cell as the spreadsheet has it; `kind` is "" for an empty one."""

    kind: str
    value: str
    text: str
    is_formula: bool


def opened(folder: Path, data: bytes, form: str) -> list[list[Cell]]:
    """The rows of a file after LibreOffice has opened it, without empty ends."""
    file = folder / "data.csv"
    file.write_bytes(data)
    command = ["soffice", f"-env:UserInstallation=file://{folder}/profile"]
    command += ["--headless", f"--infilter={IMPORTS[form]}"]
    command += ["--convert-to", "fods", "--outdir", str(folder), str(file)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    rows = parse(folder / "data.fods").iter(f"{TABLE}table-row")
    return [row for row in map(_cells, rows) if row]


def _cells(row: Element) -> list[Cell]:
    cells = [cell for element in row for cell in _repeated(element)]
    while cells and not cells[-1].kind:
        cells.pop()
    return cells


def _repeated(element: Element) -> Iterator[Cell]:
    kind = element.get(f"{OFFICE}value-type", "")
    value = element.get(f"{OFFICE}value") or element.get(f"{OFFICE}date-value", "")
    text = "\n".join("".join(p.itertext()) for p in element.iter(f"{TEXT}p"))
    cell = Cell(kind, value, text, element.get(f"{TABLE}formula") is not None)
    times = int(element.get(f"{TABLE}number-columns-repeated", "1"))
    yield from [cell] * (times if kind else min(times, 50))


def written(data: bytes, form: str) -> list[list[str]]:
    """The rows of the file as the standard library reads them."""
    text = io.StringIO(data.decode("utf-8-sig"), newline="")
    return list(csv.reader(text, delimiter=SEPARATORS[form]))


def file_of(client: Client, path: str, form: str) -> bytes:
    answer = client.get(path, {"format": form} if form else {})
    assert answer.status_code == 200
    return bytes(answer.getvalue())  # type: ignore[attr-defined]


@pytest.mark.req("R125")
@pytest.mark.parametrize("form", FORMS, ids=["german", "iso"])
def test_values_are_numbers_and_times_in_a_spreadsheet(
    logged_in: LogIn, tmp_path: Path, form: str
) -> None:
    """R125: every cell of the measurement list is what it was, and can be added up."""
    data = file_of(logged_in(), "/messwertliste/hks2-taf7/0/csv/", form)
    head, *rows = opened(tmp_path, data, form)
    head_there, *rows_there = written(data, form)
    assert [cell.text for cell in head] == head_there
    assert len(rows) == len(rows_there) > 9
    for found, there in zip(rows, rows_there, strict=True):
        for cell, text in zip(found[2:4], there[2:4], strict=True):
            assert cell.kind == "float", text
            assert Decimal(cell.value) == number(text, form)
        for cell, text in zip(found[:2], there[:2], strict=True):
            assert instant(cell) == datetime.fromisoformat(text)


def number(text: str, form: str) -> Decimal:
    """What a reader of this form takes a number for."""
    plain = text if form else text.replace(".", "").replace(",", ".")
    return Decimal(plain)


def instant(cell: Cell) -> datetime:
    """The time of a cell; one with an offset (ISO) stays a text in spreadsheets."""
    text = cell.value if cell.kind == "date" else cell.text
    return datetime.fromisoformat(text)


@pytest.mark.req("R119")
def test_the_log_holds_no_formula_in_a_spreadsheet(
    logged_in: LogIn, tmp_path: Path
) -> None:
    """R119: every text of the log arrives letter by letter, that like a formula too."""
    data = file_of(logged_in(), "/log/csv/", "")
    assert b"=1+1" in data
    rows = opened(tmp_path, data, "")
    assert not [cell for row in rows for cell in row if cell.is_formula]
    texts = [row[5].text for row in rows]
    assert texts == [row[5] for row in written(data, "")]


def squeezed(text: str) -> str:
    """Without the white space, which stands as elements of its own in the document."""
    return "".join(text.split())


@pytest.mark.parametrize("form", FORMS, ids=["german", "iso"])
def test_whatever_a_text_begins_with_it_stays_a_text(tmp_path: Path, form: str) -> None:
    """Quotes, separators and line ends inside too."""
    lines = [FORMS[form].line([text, "Ende"]) for text in DANGEROUS]
    rows = opened(tmp_path, b"".join(in_pieces(lines)), form)
    assert len(rows) == len(DANGEROUS)
    for row, text in zip(rows, DANGEROUS, strict=True):
        assert not row[0].is_formula and row[0].kind == "string"
        assert squeezed(row[0].text).removeprefix("'") == squeezed(text)
        assert row[1].text == "Ende"
