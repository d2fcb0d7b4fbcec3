"""Counters that begin at 0 again when they are full (tafs.md R11 b).

A fall is taken for a roll-over only where the meter's profile says how far its
counters count, and only from the last tenth of that into the first one; any other fall
stays a fall, and nothing is counted over it. Integers in, integers out.
"""

from collections.abc import Hashable, Mapping
from typing import TypeVar

At = TypeVar("At", bound=Hashable)
_TENTHS = 10


def bound_in(bound: int | None, scaler: int) -> int | None:
    """A bound (in whole units) in another scaler; None where that is not exact."""
    if bound is None:
        return None
    if scaler <= 0:
        return bound * int(10**-scaler)
    whole, rest = divmod(bound, int(10**scaler))
    return None if rest else whole


def is_roll_over(before: int, after: int, bound: int) -> bool:
    """Whether a counter with this bound rolled over between two neighbouring values."""
    is_full = 9 * bound < _TENTHS * before <= _TENTHS * bound
    return is_full and 0 <= _TENTHS * after < bound


def unrolled(values: Mapping[At, int], bound: int | None) -> tuple[dict[At, int], int]:
    """Values (ascending in time) as a counter without an end would show them.

    With it how often the counter rolled over. `bound` is in the values' scaler; None:
    they stay as they are.
    """
    if bound is None:
        return dict(values), 0
    found: dict[At, int] = {}
    times, before = 0, None
    for at, value in values.items():
        if before is not None and is_roll_over(before, value, bound):
            times += 1
        found[at] = value + times * bound
        before = value
    return found, times
