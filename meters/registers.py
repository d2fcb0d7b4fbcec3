"""Which registers of a meter go into its original list (decisions D16, D45)."""

from collections.abc import Sequence

from hardware.obis import Obis
from hardware.readings import MeterReading, RegisterValue


def counters_of(reading: MeterReading) -> list[str]:
    """The logical names of the counters in a reading: what a first record fixes."""
    return [register.obis.logical_name for register in reading.counters]


def marked_registers(
    marks: Sequence[str], reading: MeterReading
) -> tuple[RegisterValue, ...]:
    """The registers of a reading that `marks` names; its counters when empty."""
    if not marks:
        return reading.counters
    wanted = {bytes.fromhex(mark) for mark in marks}
    return tuple(r for r in reading.registers if r.obis.groups in wanted)


def logical_names(texts: Sequence[str]) -> list[str]:
    """OBIS codes in any accepted form as logical names, ascending, each once.

    Raises ValueError for what is not an OBIS code.
    """
    return sorted({Obis.parse(text).logical_name for text in texts})
