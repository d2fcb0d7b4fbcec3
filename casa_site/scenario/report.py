"""How a scenario went: for people and as JSON."""

from collections.abc import Iterator
from typing import Any

from casa_site.scenario.finding import Finding
from casa_site.scenario.runner import Done, Report, StepResult
from casa_site.scenario.schema import Scenario

_MET, _NOT_MET = "ok", "DIFFERENT"


def heading(scenario: Scenario) -> str:
    """Name, what it covers, and when it begins."""
    covers = ", ".join(scenario.covers)
    return f"{scenario.name}\ncovers {covers}; from {scenario.begin:%Y-%m-%d %H:%M} UTC"


def lines_of(result: StepResult) -> Iterator[str]:
    """A step: when, what was done, what was expected and what came."""
    note = f"  {result.step.note}" if result.step.note else ""
    yield f"{result.at:%Y-%m-%d %H:%M:%S}{note}"
    for done in result.done:
        yield f"    {done.word} {done.given}: {done.came}"
    for finding in result.findings:
        yield from _lines_of(finding, result)


def summary(report: Report) -> str:
    """One line at the end."""
    looked = sum(len(one.findings) for one in report.results)
    different = len(report.differences)
    words = f"{different} different" if different else "all as expected"
    return f"{looked} looked at: {words}"


def as_json(report: Report) -> dict[str, Any]:
    """The whole report."""
    scenario = report.scenario
    return {
        "file": str(scenario.path),
        "name": scenario.name,
        "covers": list(scenario.covers),
        "met": report.is_met,
        "steps": [_step(one) for one in report.results],
    }


def _lines_of(finding: Finding, result: StepResult) -> Iterator[str]:
    if finding.is_met:
        yield f"    {_MET:4}{finding.what}: {finding.came}"
        return
    yield f"    {_NOT_MET} (line {result.step.line}) {finding.what}"
    yield f"        expected {finding.expected}"
    yield f"        came     {finding.came}"


def _step(result: StepResult) -> dict[str, Any]:
    return {
        "at": result.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "line": result.step.line,
        "note": result.step.note,
        "done": [_done(one) for one in result.done],
        "findings": [
            {
                "what": one.what,
                "expected": one.expected,
                "came": one.came,
                "met": one.is_met,
            }
            for one in result.findings
        ],
    }


def _done(done: Done) -> dict[str, str]:
    return {"word": done.word, "given": done.given, "came": done.came}
