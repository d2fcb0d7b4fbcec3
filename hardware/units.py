"""Unit codes of DLMS/COSEM (IEC 62056-6-2, enumeration of units)."""

UNIT_NAMES: dict[int, str] = {
    4: "d",
    5: "h",
    6: "min",
    7: "s",
    8: "°",
    9: "°C",
    13: "m³",
    14: "m³",
    15: "m³/h",
    19: "l",
    20: "kg",
    24: "bar",
    25: "J",
    26: "J/h",
    27: "W",
    28: "VA",
    29: "var",
    30: "Wh",
    31: "VAh",
    32: "varh",
    33: "A",
    34: "C",
    35: "V",
    44: "Hz",
    52: "K",
    56: "%",
    57: "Ah",
}
"""Unit code -> symbol; codes that are not listed have no symbol here."""

WATT_HOUR = 30
WATT = 27
CUBIC_METRE = 13
NO_UNIT = 255

COUNTED_UNITS = frozenset({13, 14, 19, 25, 30, 31, 32})
"""Units of energy or volume: what a counter counts (decisions D45)."""
