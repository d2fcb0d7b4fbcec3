"""What gas, water and heat meters count: curves as those of `curves`, per quarter hour.

The unit of the curves is one tenth of a watt. Gas is told in watts of its heat, ten
kilowatt hours to the cubic metre; water in millilitres an hour.
"""

from datetime import date

from hardware.simulator.curves import QUARTERS_PER_DAY, between, noise

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_LOCAL_SHIFT = 4

# Mean heat of a flat by month in watts; kitchen and hot water come on top.
_HEATING = (5200, 4700, 3600, 2200, 900, 250, 150, 150, 600, 1900, 3700, 4900)
_HOT_WATER_W = 1400
# Mean draw of a household by local hour, in litres an hour.
_WATER = (
    *(1, 1, 1, 1, 2, 8, 26, 34, 22, 12, 9, 10),
    *(14, 12, 8, 7, 8, 12, 19, 24, 20, 14, 8, 3),
)


def heating(seed: int, day: int) -> tuple[int, ...]:
    """Heat drawn in a UTC day, 96 means in 0.1 W: a boiler or a heat meter."""
    month = date.fromordinal(_EPOCH_ORDINAL + day).month
    weather = between(60, 140, noise(seed, day, 301))
    return tuple(
        10 * _heating_quarter(seed, day, quarter, _HEATING[month - 1] * weather // 100)
        for quarter in range(QUARTERS_PER_DAY)
    )


def _heating_quarter(seed: int, day: int, quarter: int, mean: int) -> int:
    local = (quarter + _LOCAL_SHIFT) % QUARTERS_PER_DAY
    chance = noise(seed, day, quarter, 4)
    is_night = local < 20 or local >= 88
    load = mean * between(35, 60, chance) // 100 if is_night else mean
    if 24 <= local < 34 or 72 <= local < 80:
        load += between(0, 2 * _HOT_WATER_W, noise(seed, day, quarter, 5))
    return load * between(80, 120, chance) // 100


def water(seed: int, day: int) -> tuple[int, ...]:
    """Water drawn in a UTC day, 96 means in 0.1 ml/h; mostly nothing at night."""
    return tuple(
        _water_quarter(seed, day, quarter) for quarter in range(QUARTERS_PER_DAY)
    )


def _water_quarter(seed: int, day: int, quarter: int) -> int:
    local = (quarter + _LOCAL_SHIFT) % QUARTERS_PER_DAY
    mean = _WATER[local // 4]
    chance = noise(seed, day, quarter, 6)
    if chance % 100 < 55 and mean < 20:
        return 0
    return 10_000 * mean * between(40, 200, chance) // 100
