"""Units of the files (ESPI `uom`), their symbols, and the DLMS codes they stand for."""

from decimal import Decimal
from typing import NamedTuple

from django.utils.formats import number_format

WATT_HOUR = 72


class Unit(NamedTuple):
    """A unit: its symbol, and the DLMS codes that it may come from."""

    symbol: str
    dlms: tuple[int, ...] = ()


UNITS: dict[int, Unit] = {
    0: Unit("", (255,)),
    5: Unit("A", (33,)),
    29: Unit("V", (35,)),
    31: Unit("J", (25,)),
    33: Unit("Hz", (44,)),
    38: Unit("W", (27,)),
    42: Unit("m³", (13, 14)),
    61: Unit("VA", (28,)),
    63: Unit("var", (29,)),
    65: Unit("CosPhi"),
    67: Unit("V²"),
    69: Unit("A²"),
    71: Unit("VAh", (31,)),
    72: Unit("Wh", (30,)),
    73: Unit("varh", (32,)),
    106: Unit("Ah", (57,)),
    119: Unit("ft³"),
    122: Unit("ft³/h"),
    125: Unit("m³/h"),
    128: Unit("US gl"),
    129: Unit("US gl/h"),
}
"""By their number in the files; others fail (rule M5)."""

PREFIXES = {-6: "μ", -3: "m", 0: "", 1: "da", 2: "h", 3: "k", 6: "M", 9: "G"}
"""SI prefixes by powerOfTenMultiplier; others fail (rule M5)."""

_KILO = 3
_DECIMALS_OF_WHOLE_NUMBERS = 2


def display_unit(uom: int, multiplier: int) -> str:
    """The symbol as it is shown: `kWh` also for Wh without a prefix."""
    if uom == WATT_HOUR and multiplier == 0:
        return "kWh"
    symbol = UNITS[uom].symbol if uom in UNITS else ""
    return PREFIXES.get(multiplier, "") + symbol if symbol else ""


def display_value(value: int, uom: int, multiplier: int, scaler: int) -> str:
    """A raw value as it is shown beside `display_unit`, in the active language.

    `12.345,6789` in German. All digits of the value, two decimals for whole numbers.
    """
    exponent = scaler - _KILO if uom == WATT_HOUR and multiplier == 0 else scaler
    decimals = -exponent if exponent < 0 else _DECIMALS_OF_WHOLE_NUMBERS
    amount = Decimal(value).scaleb(exponent)
    return number_format(amount, decimals, use_l10n=True, force_grouping=True)


def uom_of(dlms_unit: int) -> int | None:
    """The unit of the files for a DLMS unit code; None when there is none."""
    return next((uom for uom, unit in UNITS.items() if dlms_unit in unit.dlms), None)
