"""The energy of a simulated connection at any second, from its load curve.

A quarter hour has one mean power (curves.py); within it the power changes every ten
seconds and keeps its sign, so that the energy at the end of the quarter is exact and
both counters only ever rise. Days are summed once and kept.
"""

import threading
from collections.abc import Callable
from functools import lru_cache, partial
from itertools import accumulate

from hardware.simulator.curves import Profile, day_powers, noise

DayPowers = Callable[[int, int], tuple[int, ...]]
"""96 mean powers of a day from seed and day, as `curves.day_powers`."""

DAY_S = 86_400
QUARTER_S = 900
_SLOT_S = 10
_SLOTS = QUARTER_S // _SLOT_S
_WS_PER_QUARTER = QUARTER_S // 10
"""Watt seconds of a quarter hour per 0.1 W."""
_DAYS_KEPT = 4


class EnergyCurve:
    """Energy drawn and fed in since the start of day `first_day`, power at any time.

    Times are whole Unix seconds, not before `first_day`; energies in 0.1 Ws, powers
    in 0.1 W, positive = drawn.
    """

    def __init__(self, profile: Profile | DayPowers, seed: int, first_day: int) -> None:
        self._powers: DayPowers = (
            profile if callable(profile) else partial(day_powers, profile)
        )
        self._seed = seed
        self._first_day = first_day
        self._days_before = [(0, 0)]  # energies in Ws up to the start of each day
        self._lock = threading.Lock()  # a test asks while the bus thread answers
        self._day = lru_cache(_DAYS_KEPT)(self._compute_day)
        self._slots = lru_cache(_DAYS_KEPT)(self._compute_slots)

    def energies_at(self, second: int) -> tuple[int, int]:
        """Energy drawn and energy fed in, in 0.1 Ws."""
        day, in_day = divmod(second, DAY_S)
        quarter, in_quarter = divmod(in_day, QUARTER_S)
        drawn, fed = self._before_day(day)
        _, sums_drawn, sums_fed = self._day(day)
        drawn, fed = (drawn + sums_drawn[quarter]) * 10, (fed + sums_fed[quarter]) * 10
        inside = self._inside_quarter(day, quarter, in_quarter) if in_quarter else 0
        return (drawn + inside, fed) if inside > 0 else (drawn, fed - inside)

    def power_at(self, second: int) -> int:
        """Power in the ten seconds that hold this second, in 0.1 W, with sign."""
        day, in_day = divmod(second, DAY_S)
        quarter, in_quarter = divmod(in_day, QUARTER_S)
        before, after = self._slots(day, quarter)[in_quarter // _SLOT_S :][:2]
        return after - before

    def direction_at(self, second: int) -> int:
        """1 while energy is drawn, -1 while it is fed in, 0 without load."""
        day, in_day = divmod(second, DAY_S)
        power = self._day(day)[0][in_day // QUARTER_S]
        return (power > 0) - (power < 0)

    def _inside_quarter(self, day: int, quarter: int, in_quarter: int) -> int:
        """Energy since the start of the quarter in 0.1 Ws, with sign."""
        slot, in_slot = divmod(in_quarter, _SLOT_S)
        before, after = self._slots(day, quarter)[slot : slot + 2]
        return before * 10 + (after - before) * in_slot

    def _before_day(self, day: int) -> tuple[int, int]:
        """Energies in Ws before the day; sums further days where none was asked."""
        index = day - self._first_day
        if index < 0:
            raise ValueError("before the meter was installed")
        with self._lock:
            while len(self._days_before) <= index:
                self._sum_next_day()
        return self._days_before[index]

    def _sum_next_day(self) -> None:
        day = self._first_day + len(self._days_before) - 1
        _, drawn, fed = self._day(day)
        before_drawn, before_fed = self._days_before[-1]
        self._days_before.append((before_drawn + drawn[-1], before_fed + fed[-1]))

    def _compute_day(
        self, day: int
    ) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Powers of the quarters; sums in Ws before each of them, one more at last."""
        powers = self._powers(self._seed, day)
        drawn = (max(power, 0) * _WS_PER_QUARTER for power in powers)
        fed = (max(-power, 0) * _WS_PER_QUARTER for power in powers)
        return powers, (0, *accumulate(drawn)), (0, *accumulate(fed))

    def _compute_slots(self, day: int, quarter: int) -> tuple[int, ...]:
        """Energy in Ws, with sign, at each ten seconds of a quarter: 91 sums."""
        power = self._day(day)[0][quarter]
        total = abs(power) * _SLOTS
        sums = (0, *accumulate(self._weights(day * 96 + quarter)))
        sign = 1 if power >= 0 else -1
        return tuple(sign * (total * part // sums[-1]) for part in sums)

    def _weights(self, quarter_number: int) -> list[int]:
        """How the energy of a quarter spreads over it: small changes, a few peaks."""
        weights: list[int] = []
        for minute in range(QUARTER_S // 60):
            chance = noise(self._seed, quarter_number, minute)
            level = 70 + (chance & 0x3F)
            if chance >> 6 & 0xF == 0:
                level *= 2
            weights += [level + (chance >> 6 + slot & 0x7) for slot in range(6)]
        return weights
