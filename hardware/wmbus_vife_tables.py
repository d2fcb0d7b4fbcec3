"""What changes the meaning of a value: VIFE codes of EN 13757-3 as data.

A code may name itself only, or change the value: a power of ten, another unit (a
duration, a count), a date instead of a number, or "must not be used" (record errors).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Vife:
    """One extension; what it does not change is None, 0 or 1."""

    name: str
    exponent: int = 0
    unit: str | None = None
    factor: int = 1
    is_date: bool = False
    is_error: bool = False


_NAMES = {
    0x12: "average",
    0x13: "inverse_compact_profile",
    0x14: "relative_deviation",
    0x1D: "standard_conform",
    0x1E: "compact_profile_with_registers",
    0x1F: "compact_profile",
    0x20: "per_second",
    0x21: "per_minute",
    0x22: "per_hour",
    0x23: "per_day",
    0x24: "per_week",
    0x25: "per_month",
    0x26: "per_year",
    0x27: "per_revolution",
    0x28: "per_input_pulse_0",
    0x29: "per_input_pulse_1",
    0x2A: "per_output_pulse_0",
    0x2B: "per_output_pulse_1",
    0x2C: "per_litre",
    0x2D: "per_m3",
    0x2E: "per_kg",
    0x2F: "per_k",
    0x30: "per_kwh",
    0x31: "per_gj",
    0x32: "per_kw",
    0x33: "per_k_litre",
    0x34: "per_v",
    0x35: "per_a",
    0x36: "times_s",
    0x37: "times_s_per_v",
    0x38: "times_s_per_a",
    0x3A: "uncorrected",
    0x3B: "forward_flow",
    0x3C: "backward_flow",
    0x3D: "non_metric",
    0x3E: "at_base_conditions",
    0x3F: "obis_declaration",
    0x40: "lower_limit",
    0x48: "upper_limit",
    0x68: "value_during_lower_limit_exceed",
    0x69: "leakage",
    0x6C: "value_during_upper_limit_exceed",
    0x6D: "overflow",
    0x7E: "future_value",
}

_DATES = {
    0x39: "start_date_of",
    0x42: "limit_exceed_begin_lower_first",
    0x43: "limit_exceed_end_lower_first",
    0x46: "limit_exceed_begin_lower_last",
    0x47: "limit_exceed_end_lower_last",
    0x4A: "limit_exceed_begin_upper_first",
    0x4B: "limit_exceed_end_upper_first",
    0x4E: "limit_exceed_begin_upper_last",
    0x4F: "limit_exceed_end_upper_last",
    0x6A: "begin_date_of_first",
    0x6B: "end_date_of_first",
    0x6E: "begin_date_of_last",
    0x6F: "end_date_of_last",
}

_COUNTS = {
    0x41: "lower_limit_exceed_count",
    0x49: "upper_limit_exceed_count",
}

_SECONDS = (1, 60, 3600, 86400)
_DURATIONS = {
    0x50: "limit_exceed_duration_lower_first",
    0x54: "limit_exceed_duration_lower_last",
    0x58: "limit_exceed_duration_upper_first",
    0x5C: "limit_exceed_duration_upper_last",
    0x60: "duration_first",
    0x64: "duration_last",
}

_NO_ERROR = 0x00
_ERRORS = [*range(0x01, 0x10), 0x15, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1C]
"""Record errors; 15 no data, 16 overflow, 17 underflow, 18 data error."""

VIFES: dict[int, Vife] = {
    _NO_ERROR: Vife("vife_00"),
    **{code: Vife(f"vife_{code:02x}", is_error=True) for code in _ERRORS},
    **{code: Vife(name) for code, name in _NAMES.items()},
    **{code: Vife(name, is_date=True) for code, name in _DATES.items()},
    **{code: Vife(name, unit="") for code, name in _COUNTS.items()},
    **{
        first + step: Vife(name, unit="s", factor=seconds)
        for first, name in _DURATIONS.items()
        for step, seconds in enumerate(_SECONDS)
    },
    **{0x70 + n: Vife(f"factor_1e{n - 6}", exponent=n - 6) for n in range(8)},
    **{0x78 + n: Vife(f"additive_constant_1e{n - 3}") for n in range(4)},
    0x7D: Vife("factor_1e3", exponent=3),
}
"""Code without its top bit -> meaning; 7C and 7F are introductions, not among them."""

COMBINED = 0x7C
"""The next byte comes from COMBINED_VIFES."""
MANUFACTURER_FOLLOWS = 0x7F
"""All VIFEs that follow are the manufacturer's."""

COMBINED_VIFES: dict[int, Vife] = {
    code: Vife(name)
    for code, name in {
        0x01: "phase_l1",
        0x02: "phase_l2",
        0x03: "phase_l3",
        0x04: "neutral",
        0x05: "phases_l1_l2",
        0x06: "phases_l2_l3",
        0x07: "phases_l3_l1",
        0x08: "quadrant_1",
        0x09: "quadrant_2",
        0x0A: "quadrant_3",
        0x0B: "quadrant_4",
        0x0C: "import_minus_export",
        0x10: "absolute_accumulation",
    }.items()
}

PROFILE_KINDS = {
    0x13: "inverse_compact_profile",
    0x1E: "compact_profile_with_registers",
    0x1F: "compact_profile",
}
"""VIFEs that make a record hold a load profile (Annex F)."""


def vife_of(code: int) -> Vife:
    """The meaning of a VIFE; unassigned ones are called by their number."""
    return VIFES.get(code) or Vife(f"vife_{code:02x}")


def combined_vife_of(code: int) -> Vife:
    """The meaning of a byte behind FC."""
    return COMBINED_VIFES.get(code) or Vife(f"vife_fc_{code:02x}")
