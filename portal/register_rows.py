"""Registers as rows of a small table: code, plain name, amount, unit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hardware.readings import RegisterValue
from portal import formats
from portal.register_names import register_name


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """A row: Zeitstempel, Register, aktueller Wert (R116)."""

    time: str
    register: str
    name: str
    number: str
    unit: str


def register_rows(
    registers: Iterable[RegisterValue], time: str
) -> Sequence[RegisterRow]:
    """The rows of registers that were read at `time`."""
    style = formats.page_style()
    return [
        RegisterRow(
            time=time,
            register=register.obis.logical_name,
            name=register_name(register.obis),
            number=formats.register_number(register, style),
            unit=formats.reading_unit(register.unit),
        )
        for register in registers
    ]
