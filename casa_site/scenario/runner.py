"""Lets a scenario happen and looks at what it expects."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from casa_site.scenario.actions import DO
from casa_site.scenario.expectations import LOOK
from casa_site.scenario.finding import Finding
from casa_site.scenario.installation import Installation
from casa_site.scenario.logs_expected import skip_what_is_there
from casa_site.scenario.schema import Scenario, Step
from casa_site.scenario.vocabulary import Call
from hardware.gateway import Gateway


@dataclass(frozen=True, slots=True)
class Done:
    """An action and what came of it, in words."""

    word: str
    given: str
    came: str


@dataclass(frozen=True, slots=True)
class StepResult:
    """What happened in a step: when (true time, UTC), and what was found."""

    at: datetime
    step: Step
    done: tuple[Done, ...]
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class Report:
    """How a scenario went; `is_met` when everything came as expected."""

    scenario: Scenario
    results: list[StepResult] = field(default_factory=list)

    @property
    def differences(self) -> list[Finding]:
        """What came otherwise."""
        found = (finding for one in self.results for finding in one.findings)
        return [finding for finding in found if not finding.is_met]

    @property
    def is_met(self) -> bool:
        """Whether all came as expected."""
        return not self.differences


def run(scenario: Scenario, gateway: Gateway) -> Report:
    """Let it happen to a new gateway with empty tables; all its steps are looked at.

    Raises FileInvalid when the file asks for what cannot be done.
    """
    report = Report(scenario)
    for result in happening(scenario, gateway):
        report.results.append(result)
    return report


def happening(scenario: Scenario, gateway: Gateway) -> Iterator[StepResult]:
    """The steps in the order of time, each when it has been done and looked at."""
    site = Installation(scenario, gateway)
    with _the_same_chances(scenario.name), site.set_up():
        skip_what_is_there(site)
        for step in sorted(scenario.steps, key=lambda one: one.at):
            yield _taken(site, step)
        site.run_to(scenario.begin + scenario.end)


def _taken(site: Installation, step: Step) -> StepResult:
    site.run_to(site.time.begin + step.at)
    at = site.time.now
    done = tuple(_done(site, call) for call in step.actions)
    if done:
        site.settle()
    findings = tuple(
        finding for call in step.expected for finding in _looked(site, call)
    )
    return StepResult(at, step, done, findings)


def _done(site: Installation, call: Call) -> Done:
    given = ", ".join(
        f"{name} {value}"
        for name, value in call.given.items()
        if name not in ("body", "password")
    )
    try:
        came = DO[call.word](site, call.given)
    except (KeyError, ValueError, AssertionError) as error:
        raise call.part.refuse(f"cannot be done: {error!r}") from None
    return Done(call.word, given, came)


def _looked(site: Installation, call: Call) -> Iterator[Finding]:
    try:
        yield from LOOK[call.word](site, call.given)
    except KeyError as error:
        raise call.part.refuse(f"there is no {error}") from None


@contextmanager
def _the_same_chances(seed: str) -> Iterator[None]:
    """Pauses that are drawn at random in the product are the same in each run."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)
