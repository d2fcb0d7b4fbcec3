"""`./casa decode wmbus`: one line out for each line in, in the words of the vectors."""

import io
import json
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from casa_site import decode
from casa_site.decode_wmbus import decode_wmbus
from hardware.wmbus_address import MeterAddress
from hardware.wmbus_encode import (
    bcd_record,
    compact_message,
    date_time_record,
    ell_ctr,
    integer_record,
    mode_7,
    telegram,
)
from tests.hardware.test_wmbus_compact import BASE
from tests.hardware.test_wmbus_vectors import NEGATIVE_ERRORS
from tests.hardware.vectors import read_json
from tests.hardware.wmbus_vectors import (
    ENCRYPTED_BY_MAKER,
    UNDECODABLE,
    WMBUS,
    differences,
    vector,
    wmbus_vectors,
)

WATER = "1844AE4C4455223368077A55000000041389E20100023B0000"
METER = MeterAddress.of("ELS", "12345678", 0x33, 0x03)
KEY = bytes(range(16))
RECORDS = integer_record("0413", 123529)


def lines_of(*inputs: str | dict[str, Any], key: bytes | None = None) -> list[Any]:
    """What the command prints for input lines, read back."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in inputs]
    source = ("\n".join(texts) + "\n").encode()
    found = [json.loads(json.dumps(line)) for line in decode_wmbus([source], key)]
    assert len(found) == len(inputs)
    return found


def case(vector: dict[str, Any], form: str) -> dict[str, Any]:
    """The input object for one form of a vector."""
    key = vector["key"] if form == "telegrams" else vector["encrypted_key"]
    field = "telegrams" if form == "encrypted_telegrams" else form
    return {
        "id": vector["id"],
        field: vector[form],
        "key": key or vector["key"],
        "format_bytes": vector.get("format_bytes"),
    }


@pytest.fixture(params=["carried", "all"])
def folder(request: pytest.FixtureRequest) -> Path:
    if request.param == "carried":
        return WMBUS
    shared: Path = request.getfixturevalue("shared")
    return shared / "testdata" / "wmbus"


@pytest.mark.parametrize(
    "form", ["telegrams", "encrypted_telegrams", "frame_a", "frame_b"]
)
def test_every_vector_is_printed_as_it_demands(folder: Path, form: str) -> None:
    vectors = [v for v in wmbus_vectors(folder) if v[form]]
    lines = lines_of(*(case(v, form) for v in vectors))
    wrong = {}
    for expected, line in zip(vectors, lines, strict=True):
        assert line["id"] == expected["id"]
        assert line["link"] == expected["link"]
        assert line["meter"] == expected["meter"]
        assert line["ci"] == expected["ci"]
        is_closed = expected["id"] in UNDECODABLE
        if is_closed or expected["class"] == ENCRYPTED_BY_MAKER:
            assert line["records"] is None
            continue
        assert line["tpl"] == expected["tpl"]
        assert line["mfct_data"] == expected["mfct_data"]
        assert expected["security"].items() <= line["security"].items()
        if expected["records"] is not None:
            found = differences(line["records"], expected)
            error = "truncated" if expected["truncated"] else None
            if found or line["error"] != error:
                wrong[expected["id"]] = (line["error"], found)
    assert wrong == {}


def test_negative_cases_are_refused_when_given_as_they_are(folder: Path) -> None:
    cases = read_json(folder / "negative.json")
    for expected, line in zip(cases, lines_of(*cases), strict=True):
        assert line["error"] == NEGATIVE_ERRORS[expected["kind"]], expected["id"]
        assert (line["records"] is None) == (line["error"] != "truncated")
        if "format_signature" in expected:
            assert line["format_signature"] == expected["format_signature"]
        if line["error"] == "key_missing":
            assert line["link"]["manufacturer"]


def test_the_worked_example_is_printed_whole() -> None:
    assert lines_of(WATER) == [
        {
            "id": None,
            "link": {
                "c": "44",
                "manufacturer": "SEN",
                "id": "33225544",
                "version": 104,
                "type": 7,
            },
            "meter": {
                "manufacturer": "SEN",
                "id": "33225544",
                "version": 104,
                "type": 7,
            },
            "ci": ["7A"],
            "tpl": {"acc": 85, "status": "00", "cfg": "0000"},
            "security": {"ell": "none", "tpl_mode": 0, "afl": False},
            "records": [
                {
                    "dib": "04",
                    "vib": "13",
                    "raw": "89E20100",
                    "function": "instantaneous",
                    "storage": 0,
                    "tariff": 0,
                    "subunit": 0,
                    "quantity": "volume",
                    "unit": "m3",
                    "vife": [],
                    "kind": "number",
                    "value": "123.529",
                },
                {
                    "dib": "02",
                    "vib": "3B",
                    "raw": "0000",
                    "function": "instantaneous",
                    "storage": 0,
                    "tariff": 0,
                    "subunit": 0,
                    "quantity": "volume_flow",
                    "unit": "m3/h",
                    "vife": [],
                    "kind": "number",
                    "value": "0",
                },
            ],
            "mfct_data": None,
            "more_records_follow": False,
            "format_signature": "C944",
            "error": None,
        }
    ]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "no hex",
        "18 4",
        "{",
        "[]",
        '"text"',
        "{}",
        '{"id": 1}',
        '{"telegrams": 5}',
        '{"telegrams": [5]}',
        '{"telegrams": ["zz"]}',
        '{"telegrams": {"a": 1}}',
        '{"telegrams": ["' + WATER + '"], "key": "00"}',
        '{"telegrams": ["' + WATER + '"], "key": 5}',
        '{"telegrams": ["' + WATER + '"], "deliver": "x"}',
        '{"telegrams": ["' + WATER + '"], "deliver": 1e999}',
        '{"frame_a": "00", "format_bytes": "z"}',
        '{"a": ' + "[" * 5000 + "}",
    ],
)
def test_a_bad_line_gives_an_error_and_the_next_is_read(line: str) -> None:
    bad, good = lines_of(line, WATER)
    assert bad["error"] in ("unsupported", "length")
    assert bad["reason"]
    assert bad["records"] is None
    assert good["error"] is None


def test_the_key_of_the_command_is_for_lines_without_one() -> None:
    sent = mode_7(METER, RECORDS, KEY, counter=1).hex()
    own = {"telegrams": [sent], "key": KEY.hex()}
    other = {"telegrams": [sent], "key": "00" * 16}
    errors = [line["error"] for line in lines_of(own, other, sent, key=None)]
    assert errors == [None, "mac", "key_missing"]
    errors = [line["error"] for line in lines_of(own, other, sent, key=KEY)]
    assert errors == [None, "mac", None]


def test_lines_in_hex_are_one_capture() -> None:
    """Formats and counters go from line to line."""
    full = telegram(METER, b"\x78" + RECORDS).hex()
    compact = telegram(METER, compact_message(RECORDS)).hex()
    errors = [line["error"] for line in lines_of(compact, full, compact)]
    assert errors == ["format_unknown", None, None]
    sent = mode_7(METER, RECORDS, KEY, counter=1).hex()
    errors = [line["error"] for line in lines_of(sent, sent, key=KEY)]
    assert errors == [None, "replay"]


def test_an_object_is_a_case_of_its_own() -> None:
    full = telegram(METER, b"\x78" + RECORDS).hex()
    compact = telegram(METER, compact_message(RECORDS)).hex()
    found = lines_of(
        {"id": "a", "telegrams": [full, compact]}, {"id": "b", "telegrams": [compact]}
    )
    assert [(line["id"], line["error"]) for line in found] == [
        ("a", None),
        ("b", "format_unknown"),
    ]


def test_an_object_that_is_repeated_is_delivered_again() -> None:
    """The counter of the same case has been used then; another id is another case."""
    sent = {
        "telegrams": [mode_7(METER, RECORDS, KEY, counter=1).hex()],
        "key": KEY.hex(),
    }
    first, other = {"id": "a", **sent}, {"id": "b", **sent}
    errors = [line["error"] for line in lines_of(first, first, other, first)]
    assert errors == [None, "replay", None, None]


def test_an_id_that_is_no_text_is_given_back_as_it_came() -> None:
    (line,) = lines_of({"id": {"n": [1, None]}, "telegrams": [WATER]})
    assert line["id"] == {"n": [1, None]}


def test_the_values_of_a_load_profile_are_printed_with_it() -> None:
    records = (
        date_time_record(BASE, storage=1)
        + bcd_record("4C16", 100)
        + bytes.fromhex("4D961F 04 51 0F 05 07")
    )
    line = lines_of(telegram(METER, b"\x78" + records).hex())[0]
    profile = line["records"][2]
    assert (profile["kind"], profile["value"], profile["lvar"]) == (
        "compact_profile",
        None,
        "04",
    )
    assert profile["profile"] == {
        "spacing_control": "51",
        "spacing_value": 15,
        "spacing_unit": 1,
        "element_df": 1,
        "increment_mode": "increments",
        "elements": ["05", "07"],
        "values": [
            {"storage": 2, "datetime": "2026-01-01T00:15", "value": "105"},
            {"storage": 3, "datetime": "2026-01-01T00:30", "value": "112"},
        ],
    }


def test_a_line_without_end_is_given_up() -> None:
    chunks = [b"ab" * 300_000] * 3 + [b"\n" + WATER.encode()]
    found = list(decode_wmbus(chunks))
    assert [line["error"] for line in found] == ["length", None]


def test_memory_does_not_grow_with_the_number_of_lines() -> None:
    sent = [json.dumps(case(v, "telegrams")) for v in wmbus_vectors()]
    sent += [v["telegrams"][-1] for v in wmbus_vectors()] + ["bad line", ""]
    block = ("\n".join(sent) + "\n").encode()

    def peak_of(blocks: int) -> int:
        tracemalloc.reset_peak()
        for _ in decode_wmbus(block for _ in range(blocks)):
            pass
        return tracemalloc.get_traced_memory()[1]

    tracemalloc.start()
    peak_of(3)
    few, many = peak_of(3), peak_of(30)
    tracemalloc.stop()
    assert many < few + 50_000


def test_counters_of_ever_new_meters_do_not_grow() -> None:
    """One capture, 5,000 meters with a good counter each: the oldest are let go."""

    def sent(number: int) -> bytes:
        meter = MeterAddress.of("ELS", f"{number:08d}", 1, 7)
        return ell_ctr(meter, b"\x78" + RECORDS, KEY, session=7).hex().encode()

    lines = [sent(number) for number in range(5000)]
    again = [lines[-1], lines[0]]
    found = decode_wmbus([b"\n".join([*lines, *again])], KEY)
    errors = [line["error"] for line in found]
    assert errors == [None] * 5000 + ["replay", None]


# --- the command line ---------------------------------------------------------------


def test_half_a_surrogate_in_an_id_ends_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "telegrams.txt"
    line = '{"id": "\\ud800", "telegrams": ["' + WATER + '"]}'
    file.write_text(f"{line}\n{WATER}\n")
    assert decode.main(["wmbus", str(file)]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert json.loads(first)["id"] == "\ud800"
    assert json.loads(second)["error"] is None


def test_a_file_and_a_key_are_taken_in_any_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "telegrams.txt"
    example = vector("ox0001")
    file.write_text(example["telegrams"][0] + "\n")
    for arguments in (
        ["wmbus", str(file), "--key", example["key"]],
        ["wmbus", "--key", example["key"], str(file)],
    ):
        assert decode.main(arguments) == 0
        line = json.loads(capsys.readouterr().out)
        assert line["records"][0]["value"] == "28504.27"


@pytest.mark.parametrize(
    "arguments",
    [
        ["wmbus", "--key"],
        ["wmbus", "--key", "00"],
        ["wmbus", "--key", "zz" * 16],
        ["sml", "--key", "00" * 16],
        ["wmbus", "a", "b"],
        ["wmbus", "/no/such/file"],
    ],
)
def test_what_cannot_be_meant_ends_with_status_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert decode.main(arguments) == 2
    assert capsys.readouterr().err


def test_standard_input_is_read_as_it_comes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = io.TextIOWrapper(io.BytesIO(WATER.encode()))
    monkeypatch.setattr(sys, "stdin", source)
    assert decode.main(["wmbus"]) == 0
    assert json.loads(capsys.readouterr().out)["error"] is None


def test_the_command_needs_no_settings_and_no_database(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "casa_site", "decode", "wmbus"],
        input=WATER.encode(),
        capture_output=True,
        check=True,
        env={"CASA_STATE": str(tmp_path / "none"), "PYTHONPATH": str(Path.cwd())},
    )
    assert json.loads(ended.stdout)["records"][0]["value"] == "123.529"
    assert not (tmp_path / "none").exists()
