"""./casa requirements: which test proves what, and how it went last."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from casa_site import last_results, proofs, requirements
from casa_site.last_results import Recorder, Result
from casa_site.requirements import Requirement

MODULE = """
import pytest
pytestmark = [pytest.mark.slow, pytest.mark.req("R1")]

@pytest.mark.req("R2", "R3")
def test_two(): ...

@pytest.mark.parametrize("n", [pytest.param(1, marks=pytest.mark.req("R4")), 2])
def test_one_of_its_sets(n): ...

def helper(): ...

@pytest.mark.req("R5")
class TestTogether:
    @pytest.mark.req("R2")
    def test_inside(self): ...
"""
OUTCOMES = """
import pytest

def test_good(): ...
def test_bad(): assert False
@pytest.mark.parametrize("n", [1, 2, 3])
def test_one_of_three_is_bad(n): assert n != 2
@pytest.mark.parametrize("n", [1, 2])
def test_one_of_two_is_skipped(n):
    if n == 1:
        pytest.skip("not here")
@pytest.mark.skip
def test_skipped(): ...
@pytest.fixture
def broken(): raise OSError
def test_that_cannot_begin(broken): ...
@pytest.fixture
def ending_badly():
    yield
    raise OSError
def test_that_ends_badly(ending_badly): ...
"""
AT = "2026-11-25T04:00:00Z"
TEST = "tests/test_it.py::test_it"
ONE = Requirement(name="R42", title="a switch", tests=(TEST,))


@pytest.fixture
def tests(tmp_path: Path) -> Path:
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_it.py").write_text(MODULE)
    (folder / "it.py").write_text(MODULE)
    return folder


def test_marks_count_at_functions_classes_modules_and_parameters(tests: Path) -> None:
    two, one = "tests/test_it.py::test_two", "tests/test_it.py::test_one_of_its_sets"
    inside = "tests/test_it.py::TestTogether::test_inside"
    assert proofs.find(tests) == {
        "R1": [two, one, inside],
        "R2": [two, inside],
        "R3": [two],
        "R4": [one],
        "R5": [inside],
    }


def test_every_requirement_has_a_title_and_every_mark_a_requirement() -> None:
    found = requirements.collect({})
    assert [each.name for each in found] == [f"R{n}" for n in range(1, 171)]
    assert all(each.title and (each.tests or each.reason) for each in found)


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "two"])
def test_a_run_leaves_how_each_test_went(
    tmp_path: Path, workers: tuple[str, ...]
) -> None:
    (tmp_path / "test_them.py").write_text(OUTCOMES)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    kept = tmp_path / "kept.json"
    program = (
        "import sys, pytest; from pathlib import Path; "
        "from casa_site.last_results import Recorder; "
        "pytest.main(sys.argv[2:], [Recorder(Path(sys.argv[1]))])"
    )
    words = ["-p", "no:django", "-p", "no:cacheprovider", *workers, str(tmp_path)]
    # This run may itself be a worker's, and says so to its children.
    own_environment = {k: v for k, v in os.environ.items() if "PYTEST" not in k}
    subprocess.run(
        [sys.executable, "-c", program, str(kept), *words],
        cwd=tmp_path,
        env={**own_environment, "PYTHONPATH": str(requirements.BASE)},
        capture_output=True,
        timeout=120,
    )
    outcomes = {
        name.partition("::")[2]: result.outcome
        for name, result in last_results.load(kept).items()
    }
    assert outcomes == {
        "test_good": "passed",
        "test_bad": "failed",
        "test_one_of_three_is_bad": "failed",
        "test_one_of_two_is_skipped": "passed",
        "test_skipped": "skipped",
        "test_that_cannot_begin": "failed",
        "test_that_ends_badly": "failed",
    }


def test_a_later_run_changes_only_what_it_ran(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    last_results.keep(kept, {"a": Result("failed", AT), "b": Result("passed", AT)})
    last_results.keep(kept, {"a": Result("passed", "later")})
    assert last_results.load(kept) == {
        "a": Result("passed", "later"),
        "b": Result("passed", AT),
    }


def test_a_folder_that_takes_nothing_ends_no_run(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "missing" / "kept.json")
    report = pytest.TestReport(TEST, ("", 0, ""), {}, "passed", None, "call")
    recorder.pytest_runtest_logreport(report)
    recorder.pytest_sessionfinish(None)  # type: ignore[arg-type]
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize("content", ["{", "[]", '{"a": 1}', '{"a": {"x": 1}}'])
def test_results_that_are_none_are_said_to_be(
    tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text(content)
    assert requirements.main(["--results", str(kept)]) == 2
    assert "casa: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("requirement", "state", "needs_work"),
    [
        (ONE, "not run", True),
        (replace(ONE, results={TEST: Result("passed", AT)}), "proved", False),
        (replace(ONE, results={TEST: Result("skipped", AT)}), "not run", True),
        (
            replace(
                ONE, results={TEST: Result("failed", AT), "b": Result("passed", AT)}
            ),
            "FAILED",
            True,
        ),
        (replace(ONE, tests=(), reason="not built"), "open", True),
        (replace(ONE, tests=(), reason="-", limit="a modem"), "open", False),
        (replace(ONE, limit="a modem"), "not run", True),
    ],
)
def test_only_a_passing_test_proves(
    requirement: Requirement, state: str, needs_work: bool
) -> None:
    assert (requirement.state, requirement.needs_work) == (state, needs_work)


def test_the_command_shows_each_test_with_its_result_and_fails_without_proof(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept.json"
    assert requirements.main(["r129", "--results", str(kept)]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith("R129  not run  Self-test once in 24 hours\n")
    names = proofs.find(requirements.TESTS)["R129"]
    kept.write_text(json.dumps({n: {"outcome": "passed", "at": AT} for n in names}))
    assert requirements.main(["R129", "--results", str(kept)]) == 0
    printed = capsys.readouterr().out
    assert all(f"passed   {AT} {name}\n" in printed for name in names)
    assert printed.endswith("1 requirements: 1 proved\n")


@pytest.mark.parametrize("name", ["R0", "R171", "42", "R", "R٤"])
def test_a_requirement_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(SystemExit) as end:
        requirements.main([name])
    assert end.value.code == 2


def test_a_mark_of_an_unknown_requirement_is_a_problem(
    tests: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tests / "test_it.py").write_text(MODULE.replace("R4", "R400"))
    monkeypatch.setattr(requirements, "TESTS", tests)
    assert requirements.problems() == ["no such requirement: R400"]


def test_an_old_page_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requirements, "PAGE", tmp_path / "requirements.md")
    old = ["docs/requirements.md is old: ./casa requirements --markdown"]
    assert requirements.problems() == old
    assert requirements.main(["--markdown"]) == 0
    assert requirements.problems() == []
    monkeypatch.setattr(requirements, "TESTS", tmp_path)
    assert requirements.problems() == old
