"""What a meter said: register values and whole readings."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from hardware.obis import Obis
from hardware.units import COUNTED_UNITS


@dataclass(frozen=True, slots=True)
class RegisterValue:
    """One register: `value` x 10^`scaler` in the DLMS unit `unit`; never a float."""

    obis: Obis
    value: int
    scaler: int
    unit: int

    @property
    def amount(self) -> Decimal:
        """The exact amount in the unit."""
        return Decimal(self.value).scaleb(self.scaler)

    @property
    def is_counter(self) -> bool:
        """A counter: a current total in a unit of energy or volume (decisions D45)."""
        return self.unit in COUNTED_UNITS and self.obis.may_count


@dataclass(frozen=True, slots=True)
class MeterReading:
    """All registers that one meter gave at one time.

    `captured_at` is UTC; `status` is the meter's own 32-bit word (lmn-wired.md 7.5);
    registers are in ascending OBIS order.
    """

    server_id: bytes
    captured_at: datetime
    status: int
    registers: tuple[RegisterValue, ...]

    @property
    def counters(self) -> tuple[RegisterValue, ...]:
        """The registers that go into the original list by default."""
        return tuple(r for r in self.registers if r.is_counter)
