"""A figure of the benchmarks: what was measured, beside its references and its goal."""

from dataclasses import asdict, dataclass
from typing import Any, Literal


class ResultWrong(Exception):
    """What was read back is not what went in: the figure is worth nothing."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A measured number that a figure is compared with."""

    name: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Goal:
    """Where a figure should lie (decisions.md, section 5)."""

    bound: Literal["at least", "at most"]
    limit: float

    def is_met_by(self, value: float) -> bool:
        """Whether the value lies on the right side; the limit itself does."""
        return value >= self.limit if self.bound == "at least" else value <= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the report; `conditions` say what exactly was measured."""

    id: str
    title: str
    value: float
    unit: str
    goal: Goal
    references: tuple[Quantity, ...] = ()
    conditions: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the goal is reached."""
        return self.goal.is_met_by(self.value)

    def as_json(self) -> dict[str, Any]:
        """The figure as plain data."""
        return {**asdict(self), "met": self.is_met}

    def as_text(self) -> str:
        """The figure for people, some lines."""
        goal = f"goal {self.goal.bound} {with_unit(self.goal.limit, self.unit)}"
        verdict = "met" if self.is_met else "NOT MET"
        measured = with_unit(self.value, self.unit)
        lines = [
            f"{self.id:4} {self.title}",
            f"     {measured:24} {goal:32} {verdict}",
        ]
        for one in self.references:
            lines.append(f"     {with_unit(one.value, one.unit):24} {one.name}")
        if self.conditions:
            lines.append(f"     ({self.conditions})")
        return "\n".join(lines)


def with_unit(value: float, unit: str) -> str:
    """The number with as many digits as say something, and its unit."""
    size = abs(value)
    text = f"{value:,.0f}" if size >= 100 else f"{value:.{1 if size >= 10 else 2}f}"
    return f"{text} {unit}".rstrip()
