"""Load curves of simulated connections: mean power per quarter hour, exact integers.

Everything is a function of (seed, day, quarter hour), without floating point and
without state, so that a meter can be asked for any time and says the same each time.
Powers are in 0.1 W, positive = drawn from the grid. Local time is taken as UTC + 1 h.
"""

from collections.abc import Callable
from datetime import date
from typing import Literal

Profile = Literal["household", "household_pv", "heat_pump"]

QUARTERS_PER_DAY = 96
_MASK = (1 << 64) - 1
_MINUTES_PER_QUARTER = 15
_LOCAL_SHIFT = 4
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()

# Mean load of a household by local hour, in watts.
_WORKDAY = (
    *(150, 130, 120, 120, 130, 190, 420, 520, 330, 240, 230, 280),
    *(420, 310, 230, 230, 290, 480, 720, 830, 740, 560, 380, 220),
)
_WEEKEND = (
    *(200, 160, 130, 120, 120, 130, 190, 330, 520, 610, 540, 620),
    *(860, 640, 430, 380, 420, 540, 700, 780, 690, 560, 420, 280),
)
# Per month, at its middle: outside temperature in 0.1 degrees Celsius, minutes of
# daylight, and noon power of the photovoltaic system on a clear day in watts.
_TEMPERATURE = (8, 14, 48, 92, 138, 170, 188, 184, 142, 96, 48, 18)
_DAYLIGHT = (505, 595, 710, 830, 935, 990, 965, 870, 755, 640, 535, 480)
_NOON_POWER = (2900, 4300, 5900, 7000, 7500, 7600, 7500, 7100, 6200, 4800, 3200, 2500)
_SOLAR_NOON_MINUTE = 680  # UTC, 10 degrees east
_HEATING_LIMIT = 165
_COMPRESSOR_W = 2350


def noise(seed: int, *keys: int) -> int:
    """16 bits that look random and depend only on the arguments (0..65535)."""
    mixed = seed
    for key in keys:
        mixed = (mixed ^ key) * 0x9E3779B97F4A7C15 & _MASK
        mixed ^= mixed >> 29
    return (mixed * 0xBF58476D1CE4E5B9 & _MASK) >> 48


def between(low: int, high: int, chance: int) -> int:
    """The value that a noise of 16 bits picks out of low..high."""
    return low + ((high - low + 1) * chance >> 16)


def day_powers(profile: Profile, seed: int, day: int) -> tuple[int, ...]:
    """96 mean powers of a UTC day in 0.1 W; `day` counts from 1970-01-01."""
    return _CURVES[profile](seed, day)


def _household(seed: int, day: int) -> tuple[int, ...]:
    today = date.fromordinal(_EPOCH_ORDINAL + day)
    hours = _WEEKEND if today.weekday() > 4 else _WORKDAY
    winter = 1000 + 2 * (190 - _by_month(_TEMPERATURE, today))
    return tuple(
        _household_quarter(seed, day, quarter, hours) * winter // 100
        for quarter in range(QUARTERS_PER_DAY)
    )


def _household_quarter(
    seed: int, day: int, quarter: int, hours: tuple[int, ...]
) -> int:
    """Mean load in watts: the curve, its variation, and now and then an appliance."""
    local = (quarter + _LOCAL_SHIFT) % QUARTERS_PER_DAY
    mean = hours[local // 4]
    chance = noise(seed, day, quarter)
    load = mean * between(65, 125, chance) // 100
    if chance & 0xFF < mean >> 4:
        load += between(350, 1700, noise(seed, day, quarter, 1))
    return load


def _household_pv(seed: int, day: int) -> tuple[int, ...]:
    today = date.fromordinal(_EPOCH_ORDINAL + day)
    load = _household(seed, day)
    daylight = _by_month(_DAYLIGHT, today)
    clear = between(12, 100, noise(seed, day, 200)) * _by_month(_NOON_POWER, today)
    generated = (
        _sun(quarter, daylight) * _clouds(seed, day, quarter) * clear // 1_000_000
        for quarter in range(QUARTERS_PER_DAY)
    )
    return tuple(used - made for used, made in zip(load, generated, strict=True))


def _sun(quarter: int, daylight: int) -> int:
    """Height of the sun in thousandths of noon: a parabola over the daylight."""
    minute = quarter * _MINUTES_PER_QUARTER + _MINUTES_PER_QUARTER // 2
    off_noon = 2 * abs(minute - _SOLAR_NOON_MINUTE)
    if off_noon >= daylight:
        return 0
    return 1000 - 1000 * off_noon * off_noon // (daylight * daylight)


def _clouds(seed: int, day: int, quarter: int) -> int:
    """What passing clouds leave of the day's sun, in percent."""
    return between(70, 100, noise(seed, day, quarter, 2))


def _heat_pump(seed: int, day: int) -> tuple[int, ...]:
    today = date.fromordinal(_EPOCH_ORDINAL + day)
    weather = between(-55, 55, noise(seed, day, 201))
    mean = _by_month(_TEMPERATURE, today) + weather
    return tuple(
        10 * _heat_pump_quarter(seed, day, quarter, mean)
        for quarter in range(QUARTERS_PER_DAY)
    )


def _heat_pump_quarter(seed: int, day: int, quarter: int, mean: int) -> int:
    """Mean load in watts: standby, heating in cycles, hot water twice a day."""
    local = (quarter + _LOCAL_SHIFT) % QUARTERS_PER_DAY
    chance = noise(seed, day, quarter)
    cold = _HEATING_LIMIT - (mean + _sun(quarter, 960) * 40 // 1000 - 20)
    load = between(9, 14, chance)
    if local in (16, 17, 52):
        load += between(2000, 2300, chance)
    elif cold > 0:
        load += 45
        if chance % 1000 < min(cold * 4, 950):
            load += _COMPRESSOR_W + between(-250, 350, noise(seed, day, quarter, 3))
    return load


def _by_month(table: tuple[int, ...], today: date) -> int:
    """The value of a monthly table, linear between the middles of the months."""
    months = today.month - 1, (today.month if today.day >= 15 else today.month - 2) % 12
    distance = abs(today.day - 15)
    here, there = (table[month] for month in months)
    return here + (there - here) * distance // 31


_CURVES: dict[Profile, Callable[[int, int], tuple[int, ...]]] = {
    "household": _household,
    "household_pv": _household_pv,
    "heat_pump": _heat_pump,
}
