"""The registers of a calculation, and which day profiles a list can use."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hardware.obis import Obis
from tariffs.stages import ERROR_STAGE
from tariffs.trudi.model import TariffStage

C, D, E = 2, 3, 4
"""Positions of the value groups in an OBIS code."""

ELECTRICITY = 1
_IMPORT, _EXPORT = 1, 2
_ENERGY = 8


@dataclass(slots=True)
class Register:
    """A register of the result; `tariff_id` 63 is an error register.

    `amount` is the energy of the period in the raw unit of the original list.
    """

    tariff_id: int
    obis: Obis
    amount: int = 0


class NoRegister(Exception):
    """The tariff has no register for what is to be booked."""


def with_group(obis: Obis, group: int, value: int) -> Obis:
    """The OBIS code with one of its groups replaced."""
    groups = bytearray(obis.groups)
    groups[group] = value
    return Obis(bytes(groups))


def registers_of_profile(taf: int, stages: Iterable[TariffStage]) -> list[Register]:
    """One register per stage, in the order of the file; TAF2 with error registers.

    Stages with E = 63 are error registers. When there is none, one is added for each
    direction (value group C), in order of appearance. Stages without a readable OBIS
    code have no register (rule S2).
    """
    registers = [
        Register(stage.number, obis) for stage in stages if (obis := stage.obis)
    ]
    if taf == 2:
        _add_error_registers(registers)
    return registers


def _add_error_registers(registers: list[Register]) -> None:
    own = [each for each in registers if each.obis.groups[E] == ERROR_STAGE]
    for register in own:
        register.tariff_id = ERROR_STAGE
    if own:
        return
    first_of_direction: dict[int, Obis] = {}
    for register in registers:
        first_of_direction.setdefault(register.obis.groups[C], register.obis)
    registers += [
        Register(ERROR_STAGE, with_group(obis, E, ERROR_STAGE))
        for obis in first_of_direction.values()
    ]


def register_for(registers: Iterable[Register], stage: int, direction: int) -> Register:
    """The register of a stage in a direction (value group C); raises NoRegister."""
    for register in registers:
        if register.tariff_id == stage and register.obis.groups[C] == direction:
            return register
    raise NoRegister(f"stage {stage}, direction {direction}")


def valid_day_profiles(
    obis: Obis,
    stages: Sequence[TariffStage],
    stages_of_profiles: Mapping[int, Iterable[int]],
) -> list[int]:
    """The day profiles that a list can use: all their stages count its direction.

    `stages_of_profiles`: per day id the stage numbers that the profile names. Raises
    ValueError when the tariff has no stages or no day profiles.
    """
    if not stages or not stages_of_profiles:
        raise ValueError("a tariff needs stages and day profiles")
    direction = obis.groups[C]
    own = {
        stage.number
        for stage in stages
        if stage.obis and stage.obis.groups[C] == direction
    }
    return [day for day, used in stages_of_profiles.items() if own.issuperset(used)]


def total_registers(registers: Iterable[Register]) -> list[Register]:
    """The registers by OBIS code, and behind each direction its total (1-0:x.8.0).

    The total includes the error register; electricity only.
    """
    found = sorted(registers, key=lambda register: register.obis.groups)
    for direction in (_IMPORT, _EXPORT):
        parts = [each for each in found if _counts_energy(each.obis, direction)]
        if parts:
            total = Obis(bytes([ELECTRICITY, 0, direction, _ENERGY, 0, 255]))
            amount = sum(part.amount for part in parts)
            found.insert(found.index(parts[-1]) + 1, Register(0, total, amount))
    return found


def _counts_energy(obis: Obis, direction: int) -> bool:
    groups = obis.groups
    return (groups[0], groups[C], groups[D]) == (ELECTRICITY, direction, _ENERGY)
