"""`./casa bench`: how figures are judged, and that every figure still runs."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from casa_site.bench import command
from casa_site.bench.figure import Figure, Goal, Quantity, with_unit
from casa_site.bench.rounds import Work, cpu_rounds, median_ratio

PROJECT = Path(__file__).parents[2]
RUNNING = {
    figure
    for name in ("polled-page", "running")
    for figure in command.GROUPS[name].figures
}
ALL = {figure for group in command.GROUPS.values() for figure in group.figures}


def a_figure(value: float = 2500.0, limit: float = 2000.0) -> Figure:
    return Figure(
        id="P1",
        title="records per CPU second",
        value=value,
        unit="/s",
        goal=Goal("at least", limit),
        references=(Quantity("signed", 1300.0, "/s"),),
        conditions="64 meters",
    )


@pytest.mark.parametrize(
    ("bound", "value", "is_met"),
    [
        ("at least", 2.0, True),
        ("at least", 1.99, False),
        ("at most", 2.0, True),
        ("at most", 2.01, False),
    ],
)
def test_the_limit_itself_meets_the_goal(
    bound: Any, value: float, is_met: bool
) -> None:
    assert Goal(bound, 2.0).is_met_by(value) is is_met


def test_a_figure_stands_beside_its_goal_and_references() -> None:
    assert a_figure().as_text().split("\n") == [
        "P1   records per CPU second",
        "     2,500 /s                 goal at least 2,000 /s           met",
        "     1,300 /s                 signed",
        "     (64 meters)",
    ]
    assert "NOT MET" in a_figure(1999.9).as_text()
    assert a_figure(1999.9).as_json()["met"] is False


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12345.6, "12,346 /s"),
        (99.96, "100.0 /s"),
        (12.34, "12.3 /s"),
        (1.045, "1.04 /s"),
    ],
)
def test_numbers_have_the_digits_that_say_something(value: float, text: str) -> None:
    assert with_unit(value, "/s") == text


def test_works_take_turns_after_one_pass_that_is_not_measured() -> None:
    done: list[str] = []

    def prepared(name: str) -> Work:
        return lambda: done.append(name)

    seconds = cpu_rounds(
        {"a": lambda: prepared("a"), "b": lambda: prepared("b")}, rounds=3
    )
    assert "".join(done) == "ab" + "ab" + "ba" + "ab"
    assert {name: len(taken) for name, taken in seconds.items()} == {"a": 3, "b": 3}


def test_a_ratio_is_taken_round_by_round() -> None:
    """One slow round slows both, and the median leaves one odd round out."""
    assert median_ratio([2.0, 20.0, 9.0], [1.0, 10.0, 1.0]) == 2.0


def test_a_missed_goal_is_said_but_is_no_failure() -> None:
    assert command._summary([a_figure(), a_figure(1.0)]).endswith("NOT MET: P1")
    assert "NOT MET" not in command._summary([a_figure()])


def test_groups_and_figures_can_be_named() -> None:
    assert command._wanted(["records", "p4"]) == {"P1", "P2", "P3", "P4"}
    assert command._wanted([]) == ALL


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["P99"]) == 2
    assert "P99" in capsys.readouterr().err


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "casa_site", "bench", *arguments],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=180,
    )


def smallest(names: set[str]) -> list[dict[str, Any]]:
    """The figures in their smallest form; what they read back was right."""
    result = bench("--smallest", "--json", *sorted(names))
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    figures: list[dict[str, Any]] = report["figures"]
    assert {figure["id"] for figure in figures} == names
    missed = [figure["id"] for figure in figures if not figure["met"]]
    assert report["missed"] == missed
    return figures


def test_every_figure_that_needs_no_running_gateway_can_be_measured() -> None:
    """Each with a number, what it is compared with, and what was measured."""
    for figure in smallest(ALL - RUNNING):
        assert figure["value"] > 0, figure
        assert all(one["value"] > 0 for one in figure["references"]), figure


@pytest.mark.slow
def test_the_figures_of_a_running_gateway_can_be_measured() -> None:
    """Idle CPU may be nothing within a second; memory and start never are."""
    figures = {figure["id"]: figure for figure in smallest(RUNNING)}
    assert figures["P10"]["value"] > 20
    assert figures["P18"]["value"] > 0.1
    assert figures["POLL"]["value"] > 0
    names = [one["name"] for one in figures["P10"]["references"]]
    roles = {role for name in names for role in name.split(", ")}
    assert {"supervisor", "han", "lmn", "worker", "beat"} <= roles
    assert not any(role.startswith("demo") for role in roles)
