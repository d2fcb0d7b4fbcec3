"""TAF9, actual feed-in power: what is fed in, total and by phase (tafs.md 7, R47).

The meter gives one power with sign; what is listed is `max(0, -P)` under the code of
the direction that is fed in (`1-0:2.7.0` for `1-0:16.7.0`).
"""

from collections.abc import Iterable
from dataclasses import replace

from hardware.readings import RegisterValue
from tariffs.quantities import POWERS, fed_in

QUANTITIES = frozenset(POWERS)
SMALLEST_PERIOD_S = 60
TRIGGERS = frozenset({"periodic", "threshold", "on_demand"})
SENDS_ALL_ON_THRESHOLD = False


def listed(registers: Iterable[RegisterValue]) -> tuple[RegisterValue, ...]:
    """The registers of the list for those of the meter, ascending."""
    found = (
        replace(one, obis=fed_in(one.obis), value=max(0, -one.value))
        for one in registers
    )
    return tuple(sorted(found, key=lambda one: one.obis))
