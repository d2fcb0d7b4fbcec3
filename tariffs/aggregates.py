"""Minimum, maximum and mean of a window (tafs.md 7): pure.

A window is `(end - W, end]`; windows lie on the UTC grid and do not overlap.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from hardware.readings import RegisterValue
from tariffs.quantities import MAXIMUM, MEAN, MINIMUM, aggregated, is_angle

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MORE_DIGITS = 3
_SHORTEST_VECTOR = 1e-6


class Valued(NamedTuple):
    """A usable value and its instant."""

    at: datetime
    register: RegisterValue


def ends_at(instant: datetime, window_s: int) -> bool:
    """Whether a window of this length ends at the instant."""
    return not (instant - _EPOCH) % timedelta(seconds=window_s)


def is_enough(count: int, *, window_s: int, period_s: int) -> bool:
    """Whether half of the values that were expected are usable."""
    return 2 * count >= window_s // period_s


def aggregate(
    function: str, values: Sequence[Valued], *, period_s: int
) -> RegisterValue | None:
    """The aggregate of ascending values of one quantity; None where there is none.

    Values are compared and summed in the finest scaler.
    """
    if not values:
        return None
    if is_angle(values[0].register.obis) and function == "mean":
        return _mean_angle(values, period_s)
    finest = min(one.register.scaler for one in values)
    exact = [_scaled(one.register, finest) for one in values]
    first = values[0].register
    if function == "mean":
        return _mean(values, exact, finest, period_s)
    kind, found = (MINIMUM, min(exact)) if function == "min" else (MAXIMUM, max(exact))
    return RegisterValue(aggregated(first.obis, kind), found, finest, first.unit)


def _mean(
    values: Sequence[Valued], exact: Sequence[int], scaler: int, period_s: int
) -> RegisterValue:
    """Weighted by time, three digits more than the values, cut towards zero."""
    weights = _weights(values, period_s)
    total = sum(value * weight for value, weight in zip(exact, weights, strict=True))
    scaled = abs(total) * 10**_MORE_DIGITS // sum(weights)
    first = values[0].register
    value = scaled if total >= 0 else -scaled
    obis = aggregated(first.obis, MEAN)
    return RegisterValue(obis, value, scaler - _MORE_DIGITS, first.unit)


def _weights(values: Sequence[Valued], period_s: int) -> list[int]:
    """How long each value held: until the next one; the last one a period."""
    spans = [later.at - earlier.at for earlier, later in pairwise(values)]
    return [int(span.total_seconds()) for span in spans] + [period_s]


def _mean_angle(values: Sequence[Valued], period_s: int) -> RegisterValue | None:
    """The direction of the sum of unit vectors, 0 to 360 degrees, in thousandths.

    None when they cancel out. The only place where numbers are not exact: an angle
    is no energy.
    """
    weights = _weights(values, period_s)
    x = y = 0.0
    for one, weight in zip(values, weights, strict=True):
        angle = math.radians(float(one.register.amount))
        x += weight * math.cos(angle)
        y += weight * math.sin(angle)
    if math.hypot(x, y) < _SHORTEST_VECTOR * sum(weights):
        return None
    degrees = round(math.degrees(math.atan2(y, x)) * 1000) % 360_000
    first = values[0].register
    return RegisterValue(aggregated(first.obis, MEAN), degrees, -3, first.unit)


def _scaled(register: RegisterValue, scaler: int) -> int:
    return register.value * int(10 ** (register.scaler - scaler))
