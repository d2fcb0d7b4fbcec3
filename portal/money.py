"""How money, prices and amounts of energy are written: exact decimals, in words."""

from decimal import Decimal

from portal.formats import NumberStyle, decimal_text

EURO_PLACES, PRICE_PLACES, ENERGY_PLACES = 2, 2, 3


def exact_text(value: Decimal, places: int, style: NumberStyle) -> str:
    """All digits of a decimal, at least `places` behind the mark."""
    sign, digits, exponent = value.normalize().as_tuple()
    assert isinstance(exponent, int)  # no infinity comes out of sums and products
    number = int("".join(map(str, digits)) or "0")
    shown = max(places, -exponent)
    return decimal_text(-number if sign else number, exponent, shown, style)


def euro(value: Decimal, style: NumberStyle) -> str:
    """EUR with at least two decimals."""
    return exact_text(value, EURO_PLACES, style)


def price(value: Decimal, style: NumberStyle) -> str:
    """ct/kWh with at least two decimals."""
    return exact_text(value, PRICE_PLACES, style)


def energy(value: Decimal, style: NumberStyle) -> str:
    """kWh with at least three decimals."""
    return exact_text(value, ENERGY_PLACES, style)
