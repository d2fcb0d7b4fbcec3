"""The use cases whose values are taken at instants of their own: TAF9, TAF10, TAF14."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from hardware.readings import RegisterValue
from tariffs import taf9, taf10, taf14

INSTANT_TAFS = frozenset({9, 10, 14})


@dataclass(frozen=True, slots=True)
class InstantTaf:
    """What a use case takes, how it lists it, what makes it send."""

    quantities: frozenset[str]
    smallest_period_s: int
    triggers: frozenset[str]
    sends_all_on_threshold: bool
    listed: Callable[[Iterable[RegisterValue]], tuple[RegisterValue, ...]]


RULES = {
    number: InstantTaf(
        module.QUANTITIES,
        module.SMALLEST_PERIOD_S,
        module.TRIGGERS,
        module.SENDS_ALL_ON_THRESHOLD,
        module.listed,
    )
    for number, module in ((9, taf9), (10, taf10), (14, taf14))
}


def tolerance(period_s: int) -> timedelta:
    """How far from its instant a value may be captured: 3 % (tafs.md R2)."""
    return timedelta(milliseconds=30 * period_s)
