"""Scenario files: what is read, how an error is named, what a difference looks like."""

import json
import re
from pathlib import Path

import pytest

from casa_site.scenario import command
from casa_site.scenario.actions import DO
from casa_site.scenario.document import FileInvalid, parsed
from casa_site.scenario.expectations import LOOK
from casa_site.scenario.library import FOLDER, found
from casa_site.scenario.report import as_json, lines_of, summary
from casa_site.scenario.runner import run
from casa_site.scenario.schema import load
from casa_site.scenario.vocabulary import ACTIONS, EXPECTATIONS
from hardware.gateway import Gateway

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "scenarios.md"
SMALL = """\
name: A small one
covers: [R31]
begin: 2026-03-03T11:58:00Z
installation:
  consumers:
    - id: meier
  meters:
    - {id: 1emh0000000011, consumer: meier, source: sml_push, port: /dev/sml}
faults:
  - {kind: silence, meter: 1emh0000000011, begin: 00:10:00}
steps:
  - at: 00:03:00
    note: a quarter hour
    login: {user: meier}
    expect:
      answer: {status: 303}
      original_list: {1emh0000000011: {records: 1}}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "a.yaml"
    path.write_text(text)
    return path


def test_plain_values_are_what_yaml_1_2_says() -> None:
    text = "[1, -2, 0x20000, true, false, null, on, no, 12:30:00, 010, 1.5, '7', yes]"
    assert parsed(text, "f").plain() == [
        *(1, -2, 0x20000, True, False, None),
        *("on", "no", "12:30:00", "010", "1.5", "7", "yes"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f: the file is empty"),
        ("a: &x 1\nb: *x", "f, line 1: anchors and aliases are not taken"),
        ("a: 1\nb: 2\na: 3", "f, line 3: 'a' is there twice"),
        ("a: !!python/name:os.system", "f, line 1: tags are not taken"),
        ("a: 1\nb: [1", "f, line 2: expected ',' or ']', but got '<stream end>'"),
        ("- " * 30 + "1", "f, line 1: deeper than 20 levels"),
        ("? [a]\n: 1", "f, line 1: a key has to be a plain word"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_with_its_line(
    text: str, message: str
) -> None:
    with pytest.raises(FileInvalid, match=re.escape(message)):
        parsed(text, "f").plain()


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        (("covers: [R31]\n", ""), 1, "'covers' is missing"),
        (("covers: [R31]", "covers: [X1]"), 2, "covers[0]: a requirement (R28) or"),
        (("T11:58:00Z", "T11:58:00"), 3, "begin: a time with its offset is wanted"),
        (("installation:", "colour: red\ninstallation:"), 4, "unknown key 'colour'"),
        ((", port: /dev/sml", ""), 8, "installation.meters[0]: 'port' is missing"),
        (("kind: silence", "kind: song"), 10, "faults[0]: 'song' is not a valid"),
        (("begin: 00:10:00", "begin: 10"), 10, "faults[0]: '10' is no time"),
        (("at: 00:03:00", "at: soon"), 12, "steps[0].at: 'soon' is no time"),
        (("login: {user: meier}", "dance: {}"), 14, "steps[0]: unknown key 'dance'"),
        (("{user: meier}", "{}"), 14, "steps[0].login: 'user' is missing"),
        (("status: 303", "status: ok"), 16, "answer.status: a whole number is wanted"),
        (("records: 1", "rows: 1"), 17, "1emh0000000011: unknown key 'rows'"),
    ],
)
def test_an_error_names_file_line_and_key(
    tmp_path: Path, change: tuple[str, str], line: int, message: str
) -> None:
    path = written(tmp_path, SMALL.replace(*change))
    with pytest.raises(FileInvalid) as refused:
        load(path)
    assert str(refused.value).startswith(f"{path}, line {line}: ")
    assert message in str(refused.value)


@pytest.mark.django_db(transaction=True)
def test_what_the_gateway_refuses_is_named_by_line_and_key(
    tmp_path: Path, gateway: Gateway
) -> None:
    path = written(tmp_path, SMALL.replace("/dev/sml", "nothing"))
    with pytest.raises(FileInvalid) as refused:
        run(load(path), gateway)
    assert f"{path}, line 8: installation.meters[0].port: " in str(refused.value)


@pytest.mark.django_db(transaction=True)
def test_a_difference_says_what_was_expected_and_what_came(
    tmp_path: Path, gateway: Gateway
) -> None:
    report = run(
        load(written(tmp_path, SMALL.replace("records: 1", "records: 2"))), gateway
    )
    assert not report.is_met
    (difference,) = report.differences
    assert (difference.expected, difference.came) == ("2", "1")
    text = "\n".join(lines_of(report.results[0]))
    assert "DIFFERENT (line 12) list 1emh0000000011, records" in text
    assert "expected 2" in text
    assert summary(report) == "3 looked at: 1 different"
    document = json.loads(json.dumps(as_json(report)))
    assert document["met"] is False
    assert [one["met"] for one in document["steps"][0]["findings"]].count(False) == 1


def test_every_word_has_its_function_and_stands_in_the_document() -> None:
    assert DO.keys() == ACTIONS.keys()
    assert LOOK.keys() == EXPECTATIONS.keys()
    text = DOCUMENT.read_text()
    for word, said in {**ACTIONS, **EXPECTATIONS}.items():
        assert f"| `{word}` |" in text, word
        for key in said.keys:
            assert f"`{key}`" in text, (word, key)


def test_the_example_of_the_document_can_be_read(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(name:.*?)```", DOCUMENT.read_text(), re.S)
    scenario = load(written(tmp_path, example))
    assert scenario.steps


def test_a_name_means_the_library_unless_there_is_such_a_file(tmp_path: Path) -> None:
    assert found("silent-meter") == FOLDER / "silent-meter.yaml"
    own = written(tmp_path, SMALL)
    assert found(str(own)) == own


def test_the_list_names_every_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["list", "--json"]) == command.AS_EXPECTED
    rows = json.loads(capsys.readouterr().out)
    assert {Path(row["file"]) for row in rows} == set(FOLDER.glob("*.yaml"))


def test_a_file_that_cannot_be_used_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, "name: x")
    assert command.main(["run", str(path)]) == command.UNUSABLE
    assert f"{path}, line 1: 'covers' is missing" in capsys.readouterr().err
