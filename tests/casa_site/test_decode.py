"""`./casa decode`: what it prints for captures, frames and input it cannot read."""

import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from casa_site import decode
from hardware.obis import Obis
from hardware.sml import SmlInteger, SmlMessage, encode_file
from hardware.sml_lists import GetListResponse, ListEntry
from hardware.sml_messages import Attention, message_of
from hardware.sml_transport import wrap
from tests.hardware.vectors import DATA, captures, read_json

ROOT = Path(__file__).resolve().parents[2]
ENTRY_KEYS = ["obis", "obis_hex", "status", "unit", "scaler", "type", "raw", "value"]
GOOD_FRAME = "7ea009060306077305887e"


def printed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def decode_lines(
    capsys: pytest.CaptureFixture[str], kind: str, path: Path
) -> list[dict[str, Any]]:
    assert decode.main([kind, str(path)]) == 0
    return printed(capsys)


def expected_line(frame: dict[str, Any]) -> dict[str, Any]:
    """The line that the expected.json of a capture asks for."""
    (found,) = frame["get_list"]
    entries = [{key: entry[key] for key in ENTRY_KEYS} for entry in found["entries"]]
    return {
        **{key: frame[key] for key in ("offset", "length", "transport_crc")},
        "message_tags": frame["message_tags"],
        **{key: found[key] for key in ("server_id", "device_id", "sec_index")},
        "entries": entries,
    }


def check_captures(
    capsys: pytest.CaptureFixture[str], folder: Path, files: Path
) -> None:
    for _data, expected in captures(folder):
        lines = decode_lines(capsys, "sml", files / expected["file"])
        assert lines == [expected_line(f) for f in expected["frames"]], expected["file"]


def test_the_carried_captures_are_printed_as_expected(
    capsys: pytest.CaptureFixture[str],
) -> None:
    check_captures(capsys, DATA / "sml", DATA / "sml")


def test_all_captures_of_the_shared_folder_are_printed_as_expected(
    shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shared / "testdata" / "sml"
    check_captures(capsys, folder, folder / "captures")


def check_frames(
    capsys: pytest.CaptureFixture[str], vectors: dict[str, Any], path: Path
) -> None:
    for vector in vectors["valid"]:
        path.write_text(vector["hex"])
        assert decode_lines(capsys, "hdlc", path) == [vector["fields"]]
    for vector in vectors["invalid"]:
        path.write_text(vector["hex"])
        (line,) = decode_lines(capsys, "hdlc", path)
        if vector["log_code"] == 103106:
            assert (sorted(line), line["log_code"]) == (["error", "log_code"], 103106)
        else:
            assert line["segmented"] is True
    for vector in vectors["streams"]:
        path.write_text("\n".join(vector["frames"]))
        expected = decode_lines(capsys, "hdlc", path)
        path.write_text(vector["hex"])
        lines = decode_lines(capsys, "hdlc", path)
        assert [line for line in lines if "error" not in line] == expected


@pytest.mark.req("R28")
def test_the_carried_frames_are_printed_as_expected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Frames that cannot be decoded are named with the code 103106."""
    check_frames(capsys, read_json(DATA / "hdlc" / "vectors.json"), tmp_path / "f")


def test_all_frames_of_the_shared_folder_are_printed_as_expected(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vectors = read_json(shared / "testdata" / "hdlc" / "vectors.json")
    check_frames(capsys, vectors, tmp_path / "frames")


def from_pipe(kind: str, data: bytes) -> subprocess.CompletedProcess[bytes]:
    """The command as it is started, reading standard input."""
    return subprocess.run(
        [sys.executable, "-m", "casa_site", "decode", kind],
        input=data,
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=30,
        check=False,
    )


def test_standard_input_is_read_when_no_file_is_named() -> None:
    data = (DATA / "sml" / "dzg_dwsb20_2th_3byte.bin").read_bytes()
    result = from_pipe("sml", data)
    assert [json.loads(line)["offset"] for line in result.stdout.splitlines()] == [
        0,
        252,
        753,
    ]
    assert b"249 bytes from offset 504" in result.stderr
    assert result.returncode == 0


def test_decoding_loads_no_django_and_no_database() -> None:
    code = "import sys, casa_site.decode; sys.exit('django' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=30, check=True)


def test_hex_text_may_be_broken_anywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "frames.txt"
    path.write_text("7E A009\n0603 0607\t730\n5887e\r\n" + GOOD_FRAME.upper() + "\n")
    assert [line["frame_type"] for line in decode_lines(capsys, "hdlc", path)] == [
        "UA",
        "UA",
    ]


def test_chunks_that_split_a_byte_do_not_matter() -> None:
    text = (GOOD_FRAME * 3).encode()
    for size in range(1, 30):
        pieces = (text[start : start + size] for start in range(0, len(text), size))
        assert len(list(decode.decode_hdlc(pieces))) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [("7ea0zz", "not hex text"), ("7ea00", "half a byte"), ("7eä", "not hex text")],
)
def test_what_is_not_hex_ends_with_a_message_and_status_2(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "frames.txt"
    path.write_text(GOOD_FRAME + text)
    assert decode.main(["hdlc", str(path)]) == 2
    said = capsys.readouterr()
    assert message in said.err


@pytest.mark.parametrize("name", ["missing.bin", "."])
def test_a_file_that_cannot_be_read_ends_with_a_message_and_status_2(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert decode.main(["sml", str(tmp_path / name)]) == 2
    said = capsys.readouterr()
    assert (said.out, name in said.err) == ("", True)


@pytest.mark.parametrize("arguments", [[], ["dlms"], ["sml", "a", "b"]])
def test_a_wrong_call_shows_how_it_goes(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert decode.main(arguments) == 2
    assert "usage: casa decode" in capsys.readouterr().err


def line_of(*messages: SmlMessage) -> dict[str, Any]:
    (line,) = decode.decode_sml([wrap(encode_file(messages))])
    return line


def test_a_file_without_a_list_has_no_entries() -> None:
    line = line_of(message_of(Attention(server_id=b"s", number=b"\x81"), b"\1"))
    assert (line["message_tags"], line["server_id"], line["entries"]) == (
        ["ff01"],
        None,
        [],
    )


def test_values_of_every_type_are_printed() -> None:
    values = [None, True, b"\xab", SmlInteger(-5, 2, True), SmlInteger(2043, 2)]
    obis = Obis.parse("1.8.0")
    entries = tuple(ListEntry(obis, None, None, 30, 3, value) for value in values)
    response = GetListResponse(None, b"\x09\x01EMH\0\0\0\0\x07", None, None, entries)
    line = line_of(message_of(response, b"\1"))
    assert line["device_id"] == "1EMH0000000007"
    assert [(e["type"], e["raw"], e["value"]) for e in line["entries"]] == [
        ("missing", None, None),
        ("bool", True, True),
        ("octet", "ab", "ab"),
        ("int", -5, "-5000"),
        ("uint", 2043, "2043000"),
    ]


def test_a_long_capture_is_decoded_without_growing() -> None:
    telegram = (DATA / "sml" / "EMH_eHZ361L5R.bin").read_bytes()
    tracemalloc.start()
    try:
        lines = decode.decode_sml(telegram * 50 for _ in range(60))
        count = sum(1 for _ in lines)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 3000
    assert peak < 1_000_000
