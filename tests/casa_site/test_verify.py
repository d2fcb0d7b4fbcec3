"""`./casa verify`: the command, its JSON document, its exit status, its languages."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from casa_site.__main__ import COMMANDS
from casa_site.verify import language, main

DATA = Path(__file__).resolve().parents[1] / "data" / "trudi"
READINGS = str(DATA / "taf7_readings.xml")
SUPPLIER = str(DATA / "supplier_taf2.xml")
GAP = str(DATA / "taf2_result_single_day_2h-gap.xml")
GAP_SUPPLIER = str(DATA / "taf2_supplier_single_day.xml")

Capture = pytest.CaptureFixture[str]


def test_the_command_is_known_by_its_name() -> None:
    assert COMMANDS["verify"] == "casa_site.verify"


@pytest.mark.req("R58")
def test_the_json_document_tells_the_registers(capsys: Capture) -> None:
    """R58: the consumer can retrace the tariffing; energy at a gap stands apart."""
    assert main([GAP, "--supplier", GAP_SUPPLIER, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "valid": True,
        "errors": [],
        "taf": 2,
        "begin": "2017-11-04T00:00:00+01:00",
        "end": "2017-11-05T00:00:00+01:00",
        "registers": [
            {"obis": "1-0:1.8.1*255", "tariff_id": 1, "amount": 310},
            {"obis": "1-0:1.8.2*255", "tariff_id": 2, "amount": 560},
            {"obis": "1-0:1.8.63*255", "tariff_id": 63, "amount": 90},
        ],
        "signatures": {"checked": 0, "good": 0, "bad": 0},
        "exception": None,
    }


def test_without_a_tariff_the_file_alone_is_checked(capsys: Capture) -> None:
    assert main([READINGS, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["valid"]
    assert (told["taf"], told["begin"], told["registers"]) == (7, None, [])


def test_a_tariff_that_cannot_be_calculated_ends_with_1(capsys: Capture) -> None:
    """A TAF1 tariff of June, readings of its first day only."""
    supplier = str(DATA / "supplier_taf1.xml")
    assert main([READINGS, "--supplier", supplier, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["valid"]
    assert told["exception"] == {"code": "no_valid_end_reading", "phase": "calculate"}


def test_a_broken_rule_ends_with_1(tmp_path: Path, capsys: Capture) -> None:
    broken = tmp_path / "broken.xml"
    text = Path(READINGS).read_text()
    broken.write_text(text.replace("<espi:kind>0", "<espi:kind>3"))
    assert main([str(broken), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert not told["valid"]
    assert [error["rule"] for error in told["errors"]] == ["M1"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["missing.xml"],
        [str(DATA)],
        [str(DATA / "README.md")],
        [READINGS, "--supplier", "missing.xml"],
        [READINGS, "--supplier", str(DATA / "README.md")],
        [READINGS, "--certificate", "missing.pem"],
        [READINGS, "--certificate", READINGS],
    ],
)
def test_an_input_that_cannot_be_read_ends_with_2(
    arguments: list[str], capsys: Capture
) -> None:
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("casa verify: ")


def test_the_report_says_what_matches(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGUAGE", "de_DE.UTF-8")
    assert main([GAP, "--supplier", GAP_SUPPLIER]) == 0
    german = capsys.readouterr().out
    assert "0,0310 kWh  1-0:1.8.1*255  Elektrische Wirkarbeit Bezug" in german
    assert "04.11.2017 04:45 – 04.11.2017 07:00: 0,0090 kWh" in german
    assert "Die Dateien sind in Ordnung, die Register nachgerechnet." in german
    monkeypatch.setenv("LANGUAGE", "en_GB.UTF-8")
    main([GAP, "--supplier", GAP_SUPPLIER])
    english = capsys.readouterr().out
    assert "0.0310 kWh  1-0:1.8.1*255  Active energy import" in english
    assert "the files are in order, the registers recomputed" in english


def test_the_language_is_that_of_the_locale() -> None:
    assert language({}) == "de"
    assert language({"LANG": "C.UTF-8"}) == "de"
    assert language({"LANG": "en_US.UTF-8"}) == "en"
    assert language({"LANG": "en_US.UTF-8", "LC_ALL": "de_AT"}) == "de"


def test_it_needs_neither_settings_nor_a_state_folder(tmp_path: Path) -> None:
    environment = {**os.environ, "CASA_HAN_PORT": "x", "CASA_LIVE_PERIOD": "x"}
    environment["CASA_STATE"] = str(tmp_path / "none")
    done = subprocess.run(
        [sys.executable, "-m", "casa_site", "verify", READINGS, "--json"],
        cwd=Path(__file__).resolve().parents[2],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert json.loads(done.stdout)["valid"]
    assert not (tmp_path / "none").exists()
