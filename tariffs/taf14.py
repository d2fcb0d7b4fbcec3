"""TAF14, high-frequency values for value-added services (tafs.md 8, R51 to R53)."""

from collections.abc import Iterable

from hardware.readings import RegisterValue
from tariffs.quantities import ENERGIES, POWERS

QUANTITIES = frozenset({*ENERGIES, *POWERS})
SMALLEST_PERIOD_S = 60
"""Going below it is this line, and a bus that is quick enough."""
TRIGGERS = frozenset({"periodic", "threshold", "ad_hoc"})
SENDS_ALL_ON_THRESHOLD = True


def listed(registers: Iterable[RegisterValue]) -> tuple[RegisterValue, ...]:
    """The registers of the list: as the meter gives them, ascending."""
    return tuple(sorted(registers, key=lambda one: one.obis))
