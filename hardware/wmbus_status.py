"""The status byte of a transport header (EN 13757-7, table of STS)."""

from dataclasses import dataclass

from hardware.status_word import METER_BASIC, METER_FATAL

_APPLICATION = ("ok", "busy", "error", "alarm")
_POWER_LOW, _PERMANENT, _TEMPORARY = 0x04, 0x08, 0x10


@dataclass(frozen=True, slots=True)
class MeterStatus:
    """What a meter says about itself; bits 5 to 7 are the manufacturer's."""

    value: int

    @property
    def application(self) -> str:
        """ok, busy, error, or alarm (an abnormal condition)."""
        return _APPLICATION[self.value & 3]

    @property
    def is_power_low(self) -> bool:
        """The battery or the supply is weak."""
        return bool(self.value & _POWER_LOW)

    @property
    def is_fatal(self) -> bool:
        """A permanent error: values must not be used."""
        return bool(self.value & _PERMANENT)

    @property
    def is_temporary(self) -> bool:
        """A temporary error."""
        return bool(self.value & _TEMPORARY)

    @property
    def has_passing_error(self) -> bool:
        """An error that may pass: temporary, of the application, or an alarm."""
        return self.is_temporary or self.application in ("error", "alarm")

    @property
    def manufacturer_bits(self) -> int:
        """Bits 5 to 7, 0..7."""
        return self.value >> 5

    @property
    def word(self) -> int:
        """The meter's 32-bit status word that stands for this byte."""
        return METER_BASIC | (METER_FATAL if self.is_fatal else 0)
