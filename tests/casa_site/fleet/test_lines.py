"""Lines that share a thread: each in its turn, and none by the fault of another."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casa_site.fleet.lines import FleetLines, Line


@dataclass
class FakeTime:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class PlannedLine:
    """Rests `rest_s` after each step; fails when told to."""

    name: str
    time: FakeTime
    rest_s: float
    fails: bool = False
    steps: list[float] = field(default_factory=list)

    @property
    def member(self) -> Any:
        return SimpleNamespace(huid=self.name)

    def step(self) -> float:
        self.steps.append(self.time.now)
        if self.fails:
            raise ValueError("broken")
        return self.rest_s


def served(time: FakeTime, *lines: PlannedLine) -> FleetLines:
    return FleetLines(cast("tuple[Line, ...]", lines), time)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=20))
def test_each_line_is_served_exactly_when_it_is_due(rests: list[int]) -> None:
    time = FakeTime()
    lines = [PlannedLine(str(n), time, rest) for n, rest in enumerate(rests)]
    fleet = served(time, *lines)
    while time.now < 100:
        time.now += min(1.0, fleet.serve_due() or 1.0)
    for line in lines:
        assert line.steps == [float(t) for t in range(0, 100, int(line.rest_s))]


@pytest.mark.django_db
def test_a_line_that_fails_holds_up_no_other_and_is_tried_again() -> None:
    time = FakeTime()
    broken, well = PlannedLine("1", time, 1, fails=True), PlannedLine("2", time, 1)
    fleet = served(time, broken, well)
    for second in range(11):
        time.now = float(second)
        fleet.serve_due()
    assert well.steps == [float(t) for t in range(11)]
    assert broken.steps == [0.0, 5.0, 10.0]


def test_it_waits_until_the_next_is_due_and_a_second_at_most() -> None:
    time = FakeTime()
    assert served(time, PlannedLine("1", time, 0.25)).serve_due() == 0.25
    assert served(time, PlannedLine("1", time, 60)).serve_due() == 1.0
    assert served(time).serve_due() == 1.0
