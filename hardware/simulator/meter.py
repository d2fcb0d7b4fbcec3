"""A simulated three-phase meter: its registers at any time, without state.

What it says depends only on server id, profile, seed and time, so that history, live
values and the truth that a test asks for agree to the last digit.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from hardware import status_word
from hardware.obis import (
    ACTIVE_ENERGY_EXPORT,
    ACTIVE_ENERGY_IMPORT,
    ACTIVE_POWER,
    Obis,
)
from hardware.readings import RegisterValue
from hardware.simulator.curves import Profile, between, noise
from hardware.simulator.energy import DAY_S, EnergyCurve
from hardware.units import WATT, WATT_HOUR

INSTALLED_AT = datetime(2024, 1, 1, tzinfo=UTC)
"""When simulated meters began to count, if nothing else is said."""

FIRMWARE_VERSION = b"SIM-1.0"

_AMPERE, _VOLT, _HERTZ, _DEGREE = 33, 35, 44, 8
_TENTHS_WS_PER_TENTH_WH = 3600

_POWER_PRESENT = 1 << 8
_EXPORT_SUM = 1 << 11
_EXPORT_PHASES = 0b111 << 12
_VOLTAGES_PRESENT = 0b111 << 18


@dataclass(frozen=True, slots=True)
class Disturbance:
    """Status bits that the meter shows from `begin` up to, not including, `end`."""

    begin: datetime
    end: datetime
    status_bits: int


class SimulatedMeter:
    """A basic meter (FNN) with import and export counters.

    `server_id` are the ten bytes on the wire. Raises ValueError when asked for a time
    before `installed_at` (UTC, midnight).
    """

    def __init__(
        self,
        server_id: bytes,
        profile: Profile = "household_pv",
        seed: int = 1,
        *,
        installed_at: datetime = INSTALLED_AT,
        disturbances: Sequence[Disturbance] = (),
    ) -> None:
        self.server_id = server_id
        self._seed = _mixed_seed(server_id, seed)
        self._installed = int(installed_at.timestamp())
        self._curve = EnergyCurve(profile, self._seed, self._installed // DAY_S)
        self._disturbances = tuple(disturbances)
        exports = profile == "household_pv"
        self._start_import = between(2_000_000, 90_000_000, noise(self._seed, 1))
        self._start_export = (
            between(1_000_000, 60_000_000, noise(self._seed, 2)) if exports else 0
        )

    def registers_at(self, now: datetime) -> tuple[RegisterValue, ...]:
        """All registers, ascending by OBIS; counters in 0.1 Wh."""
        return tuple(
            sorted(
                self.counters_at(now) + self.measurements_at(now), key=lambda r: r.obis
            )
        )

    def register_at(self, obis: Obis, now: datetime) -> RegisterValue | None:
        """One register, None when the meter has no such register."""
        values = self.counters_at(now)
        if obis not in (ACTIVE_ENERGY_IMPORT, ACTIVE_ENERGY_EXPORT):
            values = self.measurements_at(now)
        return next((value for value in values if value.obis == obis), None)

    def counters_at(self, now: datetime) -> tuple[RegisterValue, ...]:
        """1.8.0 and 2.8.0 in 0.1 Wh."""
        drawn, fed = self._curve.energies_at(int(now.timestamp()))
        counts = (
            (ACTIVE_ENERGY_IMPORT, self._start_import, drawn),
            (ACTIVE_ENERGY_EXPORT, self._start_export, fed),
        )
        return tuple(
            RegisterValue(
                obis, start + energy // _TENTHS_WS_PER_TENTH_WH, -1, WATT_HOUR
            )
            for obis, start, energy in counts
        )

    def measurements_at(self, now: datetime) -> tuple[RegisterValue, ...]:
        """Powers, voltages, currents, frequency and angles in the ten seconds of now.

        The powers of the phases sum up to 16.7.0, and 16.7.0 over time to the energies.
        """
        second = int(now.timestamp())
        power = self._curve.power_at(second)
        slot = second // 10
        phases = self._phase_powers(power, slot)
        frequency = between(499, 501, noise(self._seed, slot, 60))
        values = [
            RegisterValue(ACTIVE_POWER, power, -1, WATT),
            RegisterValue(_code(14, 7), frequency, -1, _HERTZ),
            RegisterValue(_code(81, 7, 1), 120, 0, _DEGREE),
            RegisterValue(_code(81, 7, 2), 240, 0, _DEGREE),
        ]
        for phase, phase_power in enumerate(phases):
            values += self._phase_values(phase, phase_power, slot)
        return tuple(values)

    def status_at(self, now: datetime) -> int:
        """The 32-bit word of a basic meter (lmn-wired.md 7.5)."""
        direction = self._curve.direction_at(int(now.timestamp()))
        word = status_word.METER_BASIC | _VOLTAGES_PRESENT
        if direction:
            word |= _POWER_PRESENT
        if direction < 0:
            word |= _EXPORT_SUM | _EXPORT_PHASES
        for disturbance in self._disturbances:
            if disturbance.begin <= now < disturbance.end:
                word |= disturbance.status_bits
        return word

    def second_index_at(self, now: datetime) -> int:
        """The meter's operating seconds, as SML secIndex."""
        return int(now.timestamp()) - self._installed

    def _phase_powers(self, power: int, slot: int) -> tuple[int, int, int]:
        first = power * between(28, 40, noise(self._seed, slot // 6, 61)) // 100
        second = power * between(26, 36, noise(self._seed, slot // 6, 62)) // 100
        return first, second, power - first - second

    def _phase_values(self, phase: int, power: int, slot: int) -> list[RegisterValue]:
        """Power, voltage, current and angle of phase 0, 1 or 2."""
        group = 20 * phase
        voltage = between(2285, 2355, noise(self._seed, slot, 63, phase))
        angle = between(2, 14, noise(self._seed, slot // 6, 64, phase))
        current = abs(power) * 102 // voltage
        return [
            RegisterValue(_code(36 + group, 7), power, -1, WATT),
            RegisterValue(_code(32 + group, 7), voltage, -1, _VOLT),
            RegisterValue(_code(31 + group, 7), current, -2, _AMPERE),
            RegisterValue(
                _code(81, 7, 4 + 11 * phase),
                angle if power >= 0 else 180 - angle,
                0,
                _DEGREE,
            ),
        ]


def _code(c: int, d: int, e: int = 0) -> Obis:
    return Obis(bytes((1, 0, c, d, e, 255)))


def _mixed_seed(server_id: bytes, seed: int) -> int:
    digest = hashlib.sha256(server_id + seed.to_bytes(8, "big")).digest()
    return int.from_bytes(digest[:8], "big")
