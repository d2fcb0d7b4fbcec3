"""What a value is: the VIF tables of EN 13757-3 (primary, FB, FD) as data.

Each row is `first code, number of codes, quantity, base unit, exponent of the first
code, coding`; each further code of a row has the next power of ten.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Coding(Enum):
    """How integer data of a VIF are to be read."""

    SIGNED = "type B"
    UNSIGNED = "type C, a number"
    IDENTITY = "type C, a name: decimal digits keep their zeros"
    BITS = "type D"
    DATE = "types F, G, I, J"
    OPAQUE = "no meaning known here"


@dataclass(frozen=True, slots=True)
class Vif:
    """One meaning: integer x `factor` x 10^`exponent` in `unit` is the value."""

    quantity: str
    unit: str = ""
    exponent: int = 0
    coding: Coding = Coding.SIGNED
    factor: int = 1


_Row = tuple[int, int, str, str, int, Coding]
B, C, N = Coding.SIGNED, Coding.UNSIGNED, Coding.IDENTITY

_PRIMARY: tuple[_Row, ...] = (
    (0x00, 8, "energy", "Wh", -3, B),
    (0x08, 8, "energy", "J", 0, B),
    (0x10, 8, "volume", "m3", -6, B),
    (0x18, 8, "mass", "kg", -3, B),
    (0x28, 8, "power", "W", -3, B),
    (0x30, 8, "power", "J/h", 0, B),
    (0x38, 8, "volume_flow", "m3/h", -6, B),
    (0x40, 8, "volume_flow", "m3/min", -7, B),
    (0x48, 8, "volume_flow", "m3/s", -9, B),
    (0x50, 8, "mass_flow", "kg/h", -3, B),
    (0x58, 4, "flow_temperature", "°C", -3, B),
    (0x5C, 4, "return_temperature", "°C", -3, B),
    (0x60, 4, "temperature_difference", "K", -3, B),
    (0x64, 4, "external_temperature", "°C", -3, B),
    (0x68, 4, "pressure", "bar", -3, B),
    (0x6C, 1, "date", "", 0, Coding.DATE),
    (0x6D, 1, "datetime", "", 0, Coding.DATE),
    (0x6E, 1, "hca", "", 0, B),
    (0x6F, 1, "reserved", "", 0, Coding.OPAQUE),
    (0x78, 1, "fabrication_no", "", 0, N),
    (0x79, 1, "enhanced_identification", "", 0, N),
    (0x7A, 1, "bus_address", "", 0, N),
    (0x7C, 1, "text_vif", "", 0, B),
    (0x7E, 1, "any", "", 0, Coding.OPAQUE),
)

_FB: tuple[_Row, ...] = (
    (0x00, 2, "energy", "Wh", 5, B),
    (0x02, 2, "reactive_energy", "varh", 3, B),
    (0x04, 2, "apparent_energy", "VAh", 3, B),
    (0x08, 2, "energy", "J", 8, B),
    (0x0C, 4, "energy", "cal", 5, B),
    (0x10, 2, "volume", "m3", 2, B),
    (0x14, 4, "reactive_power", "var", 0, B),
    (0x18, 2, "mass", "kg", 5, C),
    (0x1A, 2, "relative_humidity", "%", -1, C),
    (0x20, 1, "volume", "ft3", 0, B),
    (0x21, 1, "volume", "ft3", -1, B),
    (0x28, 2, "power", "W", 5, B),
    (0x2A, 1, "phase_angle_voltage", "°", -1, B),
    (0x2B, 1, "phase_angle_current", "°", -1, B),
    (0x2C, 4, "frequency", "Hz", -3, B),
    (0x30, 2, "power", "J/h", 8, B),
    (0x34, 4, "apparent_power", "VA", 0, B),
    (0x74, 4, "temperature_limit", "°C", -3, B),
    (0x78, 8, "cumulated_max_power", "W", -3, B),
)

_FD: tuple[_Row, ...] = (
    (0x00, 4, "credit", "currency", -3, B),
    (0x04, 4, "debit", "currency", -3, B),
    (0x08, 1, "access_number", "", 0, N),
    (0x09, 1, "medium", "", 0, N),
    (0x0A, 1, "manufacturer", "", 0, N),
    (0x0B, 1, "parameter_set_id", "", 0, N),
    (0x0C, 1, "model_version", "", 0, N),
    (0x0D, 1, "hardware_version", "", 0, N),
    (0x0E, 1, "firmware_version", "", 0, N),
    (0x0F, 1, "software_version", "", 0, N),
    (0x10, 1, "customer_location", "", 0, N),
    (0x11, 1, "customer", "", 0, N),
    (0x12, 1, "access_code_user", "", 0, N),
    (0x13, 1, "access_code_operator", "", 0, N),
    (0x14, 1, "access_code_system_operator", "", 0, N),
    (0x15, 1, "access_code_developer", "", 0, N),
    (0x16, 1, "password", "", 0, N),
    (0x17, 1, "error_flags", "", 0, Coding.BITS),
    (0x18, 1, "error_mask", "", 0, Coding.BITS),
    (0x19, 1, "security_key", "", 0, Coding.OPAQUE),
    (0x1A, 1, "digital_output", "", 0, Coding.BITS),
    (0x1B, 1, "digital_input", "", 0, Coding.BITS),
    (0x1C, 1, "baud_rate", "", 0, C),
    (0x1D, 1, "response_delay_time", "", 0, C),
    (0x1E, 1, "retry", "", 0, C),
    (0x1F, 1, "remote_control", "", 0, Coding.BITS),
    (0x20, 1, "first_storage_number", "", 0, C),
    (0x21, 1, "last_storage_number", "", 0, C),
    (0x22, 1, "storage_block_size", "", 0, C),
    (0x23, 1, "tariff_and_subunit_descriptor", "", 0, C),
    (0x28, 1, "storage_interval", "month", 0, C),
    (0x29, 1, "storage_interval", "year", 0, C),
    (0x2A, 1, "operator_specific_data", "", 0, Coding.OPAQUE),
    (0x2B, 1, "time_point_second", "", 0, C),
    (0x30, 1, "start_of_tariff", "", 0, Coding.DATE),
    (0x38, 1, "period_of_tariff", "month", 0, C),
    (0x39, 1, "period_of_tariff", "year", 0, C),
    (0x3A, 1, "dimensionless", "", 0, B),
    (0x3B, 1, "wmbus_data_container", "", 0, Coding.OPAQUE),
    (0x40, 16, "voltage", "V", -9, B),
    (0x50, 16, "current", "A", -12, B),
    (0x60, 1, "reset_counter", "", 0, C),
    (0x61, 1, "cumulation_counter", "", 0, C),
    (0x62, 1, "control_signal", "", 0, C),
    (0x63, 1, "day_of_week", "", 0, C),
    (0x64, 1, "week_number", "", 0, C),
    (0x65, 1, "time_point_of_day_change", "", 0, C),
    (0x66, 1, "state_of_parameter_activation", "", 0, N),
    (0x67, 1, "special_supplier_information", "", 0, N),
    (0x70, 1, "battery_change", "", 0, Coding.DATE),
    (0x71, 1, "rf_level", "dBm", 0, B),
    (0x74, 1, "remaining_battery_life", "d", 0, C),
    (0x75, 1, "stop_count", "", 0, C),
    (0x76, 1, "manufacturer_data_container", "", 0, Coding.OPAQUE),
)

_SECONDS = (1, 60, 3600, 86400)
_LONG_TIMES = ("h", "d", "month", "year")


def _rows(rows: Iterable[_Row]) -> dict[int, Vif]:
    return {
        first + step: Vif(quantity, unit, exponent + step, coding)
        for first, count, quantity, unit, exponent, coding in rows
        for step in range(count)
    }


def _durations(
    first: int, quantity: str, coding: Coding, skip: int = 0
) -> dict[int, Vif]:
    """Four codes: seconds, minutes, hours, days, all given in seconds."""
    return {
        first + step: Vif(quantity, "s", 0, coding, _SECONDS[step])
        for step in range(skip, 4)
    }


def _long_durations(first: int, quantity: str) -> dict[int, Vif]:
    """Four codes: hours, days, months, years, each in its own unit."""
    return {
        first + step: Vif(quantity, unit, 0, Coding.UNSIGNED)
        for step, unit in enumerate(_LONG_TIMES)
    }


PRIMARY_VIFS = {
    **_rows(_PRIMARY),
    **_durations(0x20, "on_time", B),
    **_durations(0x24, "operating_time", B),
    **_durations(0x70, "averaging_duration", B),
    **_durations(0x74, "actuality_duration", B),
}
"""Primary VIFs; 7F is not among them, it is the manufacturer's when VIFEs follow."""

FB_VIFS = _rows(_FB)
"""Second table: the byte behind FB."""

FD_VIFS = {
    **_rows(_FD),
    **_durations(0x24, "storage_interval", C),
    **_durations(0x2C, "duration_since_readout", C),
    **_durations(0x30, "duration_of_tariff", C, skip=1),
    **_durations(0x34, "period_of_tariff", C),
    **_durations(0x3C, "transmission_period", C),
    **_long_durations(0x68, "duration_since_cumulation"),
    **_long_durations(0x6C, "battery_operating_time"),
}
"""Third table: the byte behind FD."""

RESERVED = Vif("reserved", coding=Coding.OPAQUE)
RESERVED_FB = Vif("reserved_fb", coding=Coding.OPAQUE)
RESERVED_FD = Vif("reserved_fd", coding=Coding.OPAQUE)
MANUFACTURER = Vif("manufacturer_specific", coding=Coding.OPAQUE)
