"""TAF10, grid state: powers, voltages, currents, frequency, angles (tafs.md 7, R49)."""

from collections.abc import Iterable

from hardware.readings import RegisterValue
from tariffs.quantities import ANGLES, CURRENTS, FREQUENCY, POWERS, VOLTAGES

QUANTITIES = frozenset({*POWERS, FREQUENCY, *VOLTAGES, *CURRENTS, *ANGLES})
SMALLEST_PERIOD_S = 60
TRIGGERS = frozenset({"periodic", "threshold", "on_demand"})
SENDS_ALL_ON_THRESHOLD = False


def listed(registers: Iterable[RegisterValue]) -> tuple[RegisterValue, ...]:
    """The registers of the list: as the meter gives them, ascending."""
    return tuple(sorted(registers, key=lambda one: one.obis))
