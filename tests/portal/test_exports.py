"""CSV and JSON files: the cells of the pages, safe, and complete for checking."""

import csv
import io
import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from django.http import HttpResponse
from django.test import Client
from hypothesis import example, given
from hypothesis import strategies as st

from hardware.gateway import Gateway
from hardware.obis import Obis
from hardware.readings import RegisterValue
from hardware.record import zulu
from hardware.security_module import verify
from hardware.status_word import METER_BASIC, PLACEHOLDER, combined
from logbooks.certificates import certificate_by_ski, public_key
from portal import csv_text, exports, formats, local_time
from portal.amounts import cell, page_shape, plain_amount, short_shape
from portal.csv_text import GERMAN, ISO, text_cell
from portal.formats import GERMAN_FILE, GERMAN_PAGE
from portal.sent_marks import SentMarks, sent_marks
from tariffs.calendar import BERLIN, Period
from tariffs.list_row import ListRow
from tariffs.selectors import Sent
from tests.portal.conftest import NOW
from tests.portal.installation import instants, months_before

PERIOD = "/messwertliste/hks2-taf7/0"
OK = combined(0, METER_BASIC)


def content(answer: HttpResponse) -> str:
    assert answer.status_code == 200
    return answer.getvalue().decode()  # type: ignore[no-any-return]


def table(text: str, separator: str) -> list[list[str]]:
    """The file read by the standard library's reader."""
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:], newline=""), delimiter=separator))


def row(registers: str, *, status: int = OK, at: datetime = NOW) -> ListRow:
    later = at + timedelta(seconds=2)
    return ListRow(at, later, status, 0, registers, b"s", "ski", "1emh0000000001")


# CSV of values


@pytest.mark.req("R125")
def test_the_german_file_has_the_cells_of_the_page(
    logged_in: Callable[..., Client],
) -> None:
    """R125: head, order and every cell; decimal comma, `;`, byte order mark (D14)."""
    client = logged_in()
    answer = client.get(f"{PERIOD}/csv/")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    head, *rows = table(content(answer), ";")
    assert head == [
        "Zeitstempel",
        "Registrierzeitpunkt",
        "0100010800ff (kWh)",
        "0100020800ff (kWh)",
        "Versandt",
        "Status",
    ]
    page = client.get(f"{PERIOD}/").content.decode()
    begin = months_before(NOW, 0)
    shown = [i for i in reversed(instants(NOW)) if i > begin]
    assert [r[0] for r in rows] == [formats.record_time(i) for i in shown]
    for cells in rows:
        for text in (cells[0][11:], *cells[2:4]):
            assert text in page
        assert cells[4:] == ["wird nicht versandt", "Ok"]
    assert rows[0][:3] == ["2026-06-22 15:00:00", "2026-06-22 15:00:01", "8.313,320000"]


@pytest.mark.req("R125")
def test_the_iso_file_is_for_programs(logged_in: Callable[..., Client]) -> None:
    """R125: `,`, decimal point, times with offset, status word in hex."""
    head, first, *_ = table(content(logged_in().get(f"{PERIOD}/csv/?format=iso")), ",")
    assert head[-1] == "Statuswort"
    assert first[:3] == [
        "2026-06-22T15:00:00+02:00",
        "2026-06-22T15:00:01+02:00",
        "8313.320000",
    ]
    assert first[-1] == "0000000500000004"


def test_an_unknown_form_is_refused(logged_in: Callable[..., Client]) -> None:
    client = logged_in()
    for path in (f"{PERIOD}/csv/?format=xls", "/log/csv/?format=xls"):
        assert client.get(path).status_code == 400


@pytest.mark.parametrize("form", [GERMAN, ISO])
def test_a_placeholder_and_a_missing_register_leave_empty_cells(
    form: csv_text.CsvForm,
) -> None:
    """Nothing is interpolated (D18); negative amounts keep their sign."""
    rows = [
        row("0100010800ff 10 -1 30\n0100020800ff -12345678 -1 30"),
        row("0100010800ff 10 -1 30", at=NOW + timedelta(minutes=15)),
        row(
            "0100010800ff 10 -1 30\n0100020800ff 20 -1 30",
            status=combined(PLACEHOLDER, METER_BASIC),
            at=NOW + timedelta(minutes=30),
        ),
    ]
    lines = list(exports.values_csv(rows, SentMarks([]), form))
    found = [list(next(csv.reader([line], delimiter=form.separator))) for line in lines]
    assert [cells[2:4] for cells in found[1:3]] == [
        ["", ""],
        [cell("10", page_shape("0100010800ff", "-1", "30"), form.style), ""],
    ]
    assert found[1][5] == "Kein Wert"
    assert found[3][3] == ("-1.234,567800" if form is GERMAN else "-1234.567800")


def test_the_repeated_hour_is_told_apart() -> None:
    """02:15 comes twice on 2026-10-25: A and B as on the page."""
    times = [datetime(2026, 10, 25, hour, 15, tzinfo=UTC) for hour in (0, 1)]
    rows = [row("0100010800ff 1 0 30", at=time) for time in times]
    lines = list(exports.values_csv(rows, SentMarks([]), GERMAN))
    assert [line[:21] for line in lines[:0:-1]] == [
        "2026-10-25 02:15:00 A",
        "2026-10-25 02:15:00 B",
    ]


def test_the_column_sent_follows_the_dispatches() -> None:
    """D22: every recipient has acknowledged the value."""
    hour = timedelta(hours=1)
    rows = [row("0100010800ff 1 0 30", at=NOW + n * hour) for n in range(3)]
    acknowledged = {
        "a": [(-1, 0), (-2, -1), (0, 1)],
        "b": [(-1, 0), (-2, 0)],
        "c": [(0, 2)],
    }
    marks = sent_marks(
        ["a", "b"],
        [
            Sent(recipient, Period(NOW + begin * hour, NOW + end * hour), NOW)
            for recipient, spans in acknowledged.items()
            for begin, end in spans
        ],
    )
    lines = list(exports.values_csv(rows, marks, GERMAN))
    assert [line.split(";")[3] for line in lines[:0:-1]] == [
        "versandt",
        "noch nicht",
        "noch nicht",
    ]


# Cells


@pytest.mark.req("R119")
@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_text_cell_begins_like_a_formula(begin: str) -> None:
    """R119: spreadsheets run what begins so."""
    (found,) = next(csv.reader([text_cell(f"{begin}1+cmd|' /C calc'!A0")]))
    assert found.startswith("'")


@pytest.mark.req("R119")
@given(st.lists(st.text(), min_size=2, max_size=8), st.sampled_from([GERMAN, ISO]))
def test_every_line_reads_back(cells: list[str], form: csv_text.CsvForm) -> None:
    """R119: whatever stands in a text, the columns stay where they are."""
    text = form.line(cells) + "\r\n"
    stream = io.StringIO(text, newline="")
    found = next(csv.reader(stream, delimiter=form.separator, strict=True))
    assert [c.removeprefix("'") for c in found] == [c.removeprefix("'") for c in cells]


@given(
    st.integers(-(10**18), 10**18),
    st.integers(-9, 9),
    st.sampled_from([27, 30, 31, 32, 13]),
)
def test_amounts_are_cut_never_rounded(value: int, scaler: int, unit: int) -> None:
    """D46: page, CSV and JSON write the same digits, the exact ones."""
    obis = "0100010800ff" if unit != 27 else "0100100700ff"
    shape = page_shape(obis, str(scaler), str(unit))
    register = RegisterValue(Obis(bytes.fromhex(obis)), value, scaler, unit)
    assert cell(str(value), shape, GERMAN_PAGE) == formats.register_number(
        register, GERMAN_PAGE
    )
    number = cell(str(value), shape, GERMAN_FILE).replace(".", "")
    whole, _, decimals = number.lstrip("-").partition(",")
    exponent = shape.exponent + len(decimals)
    scaled = abs(value) * 10**exponent if exponent >= 0 else abs(value) // 10**-exponent
    assert int(whole + decimals) == scaled
    assert number.startswith("-") == (value < 0 and scaled > 0)


@given(st.integers(0, 10**18), st.integers(-9, 9))
def test_short_amounts_have_six_decimals_and_a_point(value: int, scaler: int) -> None:
    """The short JSON form: digits and one point, cut to micro-units."""
    for unit, kilo in (("30", 3), ("27", 0), ("13", 0)):
        shape = short_shape(str(scaler), unit)
        assert shape is not None
        number = plain_amount(str(value), shape).partition(" ")[0]
        whole, decimals = number.split(".")
        assert len(decimals) == 6
        places = scaler - kilo + 6
        exact = value * 10**places if places >= 0 else value // 10**-places
        assert int(whole + decimals) == exact


@given(st.integers(800_000_000, 3_800_000_000))
@example(1_792_886_400 + 5400)
@example(1_792_886_400 + 1800)
def test_fast_times_are_those_of_the_standard_library(seconds: int) -> None:
    """Also on the days when the clock changes."""
    instant = datetime.fromtimestamp(seconds, UTC)
    local = instant.astimezone(BERLIN)
    assert local_time.iso(instant) == local.isoformat()
    assert local_time.page_time(instant) == f"{local:%Y-%m-%d %H:%M:%S}"
    assert local_time.zulu(instant) == zulu(instant)
    hours = [instant + timedelta(hours=n) for n in (-1, 1)]
    before, after = (local_time.page_time(hour) for hour in hours)
    twice = {before: " B", after: " A"}.get(local_time.page_time(instant), "")
    assert local_time.page_stamp(instant)[19:] == twice


# CSV of the log


@pytest.mark.req("R119")
def test_the_log_file_has_the_columns_of_the_page_and_no_formula(
    logged_in: Callable[..., Client],
) -> None:
    """R119: newest first, columns of R88; an argument like a formula stays a text."""
    client = logged_in()
    answer = client.get("/log/csv/?von=2026-06-22&bis=2026-06-22")
    head, *rows = table(content(answer), ";")
    assert head == list(exports.LOG_COLUMNS)
    numbers = [int(cells[0]) for cells in rows]
    assert numbers == sorted(numbers, reverse=True)
    assert rows[0][1:] == [
        "2026-06-22T15:07:52+02:00",
        "INFO",
        "1",
        "flc",
        "Die Anmeldung mit dem Nutzernamen hks2 und Passwort an der HAN-Schnittstelle "
        "ist erfolgt.",
        "Erfolgreich",
    ]
    (failed,) = (cells for cells in rows if cells[2] == "FATAL")
    assert failed[5].endswith('aufgetreten: =1+1; "x"')
    disposition = 'attachment; filename="eemh0009264154_log_2026-06-22_2026-06-22.csv"'
    assert answer["Content-Disposition"] == disposition


@pytest.mark.req("R126")
@pytest.mark.parametrize("query", ["von=x", "von=2026-06-23&bis=2026-06-22"])
def test_a_range_that_makes_no_sense_is_refused(
    logged_in: Callable[..., Client], query: str
) -> None:
    """R126: 4xx for wrong input."""
    assert logged_in().get(f"/log/csv/?{query}").status_code == 400


# JSON


@pytest.mark.req("R125")
def test_the_json_file_can_be_checked_by_itself(
    logged_in: Callable[..., Client],
) -> None:
    """R125: values, signed texts, signatures and the certificates they need."""
    client = logged_in()
    answer = client.get(f"{PERIOD}/json/")
    assert answer["Content-Disposition"].startswith("inline; filename=")
    found = json.loads(content(answer))
    assert found["contract"]["taf_type"] == "TAF-7"
    assert found["period"]["start"] == "2026-06-01T00:00:01+02:00"
    assert [c["ski"] for c in found["certificates"]] == [
        found["readings"][0]["signer_ski"]
    ]
    key = public_key(certificate_by_ski(found["certificates"][0]["ski"]))
    for one in found["readings"]:
        verify(key, bytes.fromhex(one["signature"]), one["signed_text"].encode())
        assert one["sent"] is None and one["verdict"] == "ok"
        assert [v["value"] for v in one["values"]] == [
            line.split(" ")[1] for line in one["signed_text"].split("\n")[1:]
        ]


@pytest.mark.req("R125")
def test_the_check_of_the_documentation_works(
    logged_in: Callable[..., Client],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """R125: the Python block of docs/exports.md accepts the file and finds a change."""
    page = (Path(__file__).parents[2] / "docs/exports.md").read_text()
    code = page.partition("```python\n")[2].partition("```")[0]
    file = tmp_path / "readings.json"
    code = code.replace("readings.json", str(file))
    text = content(logged_in().get(f"{PERIOD}/json/"))
    file.write_text(text)
    exec(compile(code, "docs/exports.md", "exec"), {})
    assert capsys.readouterr().out.endswith("all signatures are good\n")
    file.write_text(text.replace("13:00:00Z", "13:00:09Z"))
    with pytest.raises(InvalidSignature):
        exec(compile(code, "docs/exports.md", "exec"), {})


@pytest.mark.req("R125")
def test_json_and_csv_agree_on_every_cell(logged_in: Callable[..., Client]) -> None:
    """R125: the same rows, times and amounts."""
    client = logged_in()
    _head, *rows = table(content(client.get(f"{PERIOD}/csv/?format=iso")), ",")
    found = json.loads(content(client.get(f"{PERIOD}/json/")))["readings"]
    assert [
        [
            one["timestamp"],
            one["capture_time"],
            *(v["amount"].removesuffix(" kWh") for v in one["values"]),
        ]
        for one in reversed(found)
    ] == [cells[:4] for cells in rows]


@pytest.mark.req("R125")
def test_the_running_period_of_taf1_shows_an_unsigned_state(
    logged_in: Callable[..., Client],
) -> None:
    """R125: computed on request, so it carries no signature (D58)."""
    client = logged_in()
    path = "/messwertliste/hks2-taf1/0"
    (one,) = json.loads(content(client.get(f"{path}/json/")))["readings"]
    assert one["signature"] == "-" and one["verdict"] == "vorlaeufig"
    _head, cells = table(content(client.get(f"{path}/csv/")), ";")
    assert cells[-1] == "vorläufig"


# Files for openssl


@pytest.mark.req("R65")
@pytest.mark.req("R125")
def test_the_files_of_a_record_verify_with_stock_openssl(
    logged_in: Callable[..., Client], tmp_path: Path
) -> None:
    """R65, R125: text, signature and certificate as documented (D42)."""
    client = logged_in()
    key = zulu(instants(NOW)[-1])
    files = {
        "record.txt": f"/messwertliste/hks2-taf7/wert/{key}/text/",
        "record.sig": f"/messwertliste/hks2-taf7/wert/{key}/signatur/",
        "cert.pem": "/signatur-zertifikat/",
    }
    for name, path in files.items():
        (tmp_path / name).write_bytes(client.get(path).getvalue())
    public = ["openssl", "x509", "-pubkey", "-noout", "-in", "cert.pem"]
    pem = subprocess.run(public, cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "key.pem").write_bytes(pem.stdout)
    check = "openssl dgst -sha256 -verify key.pem -signature record.sig record.txt"
    done = subprocess.run(check.split(), cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "Verified OK\n"


@pytest.mark.req("R65")
def test_the_certificate_needs_no_login(browser: Client, han: Gateway) -> None:
    """R65: PEM or DER, also by the identifier of its key."""
    pem = browser.get("/signatur-zertifikat/")
    der = browser.get("/signatur-zertifikat/?format=der").content
    assert pem.content.startswith(b"-----BEGIN CERTIFICATE-----")
    assert der[0] == 0x30
    ski = han.security_module.key_identifier("sig")
    assert browser.get(f"/signatur-zertifikat/?ski={ski}").content == pem.content
    assert browser.get("/signatur-zertifikat/?ski=00").status_code == 404
