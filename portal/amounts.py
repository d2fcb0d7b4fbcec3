"""Amounts as the exports and the JSON interface write them, fast.

What depends on the register and not on its value is looked up once. Values are cut,
never rounded (decisions D46); `formats` writes the digits.
"""

from functools import lru_cache
from typing import NamedTuple

from hardware.obis import Obis
from hardware.readings import RegisterValue
from portal.formats import (
    PLAIN,
    READING_PLACES,
    NumberStyle,
    decimal_text,
    reading_unit,
)

_ENERGY = frozenset({30, 31, 32})
_POWER = frozenset({27, 28, 29})
_SHORT_UNITS = {
    13: (0, "m^3"),
    14: (0, "m^3"),
    19: (-3, "m^3"),
    27: (0, "W"),
    28: (0, "VA"),
    29: (0, "var"),
    30: (-3, "kWh"),
    31: (-3, "kVAh"),
    32: (-3, "kvarh"),
    33: (0, "A"),
    35: (0, "V"),
    44: (0, "Hz"),
}
"""DLMS unit -> shift of the exponent and the unit text TRuDI knows; others stop it."""


class Shape(NamedTuple):
    """How the amounts of one register are written.

    `point` is how many digits of the value stand behind the decimal point, and
    `zeros` what is put behind them; None where that is not enough to write it.
    """

    exponent: int
    places: int
    unit: str
    point: int
    zeros: str | None


def _shape(exponent: int, places: int, unit: str) -> Shape:
    missing = places + exponent
    zeros = "0" * missing if exponent < 0 <= missing else None
    return Shape(exponent, places, unit, -exponent, zeros)


@lru_cache(maxsize=1024)
def page_shape(obis: str, scaler: str, unit: str) -> Shape:
    """As the pages write it: counters with six decimals in kWh and the like."""
    register = RegisterValue(Obis(bytes.fromhex(obis)), 0, int(scaler), int(unit))
    shift = -3 if register.unit in _ENERGY else 0
    if register.unit in _ENERGY or register.is_counter:
        places = READING_PLACES
    else:
        places = 1 if register.unit in _POWER else max(0, -register.scaler)
    return _shape(register.scaler + shift, places, reading_unit(register.unit))


@lru_cache(maxsize=1024)
def short_shape(scaler: str, unit: str) -> Shape | None:
    """As the short JSON form writes it; None for a unit that TRuDI does not know."""
    if int(unit) not in _SHORT_UNITS:
        return None
    shift, text = _SHORT_UNITS[int(unit)]
    return _shape(int(scaler) + shift, READING_PLACES, text)


def cell(value: str, shape: Shape, style: NumberStyle) -> str:
    """The number alone: '23.163,627000'.

    The usual case only sets a point between the digits of the value, which has no
    leading zeros; everything else is arithmetic.
    """
    _exponent, _places, _unit, point, zeros = shape
    if zeros is None or len(value) <= point or value[0] == "-":
        return decimal_text(int(value), shape.exponent, shape.places, style)
    whole = value[:-point]
    if style.group and len(whole) > 3:
        whole = f"{int(whole):,}".replace(",", style.group)
    return f"{whole}{style.decimal}{value[-point:]}{zeros}"


def plain_amount(value: str, shape: Shape) -> str:
    """Number with a decimal point and unit, one blank: '23163.627000 kWh'."""
    number = cell(value, shape, PLAIN)
    return f"{number} {shape.unit}" if shape.unit else number
