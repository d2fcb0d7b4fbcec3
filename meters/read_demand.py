"""When a meter is to be read beside the quarter hours: grids and single orders.

Pure rules without clock, port or database. A demand is that of a profile of the layer
above; all instants lie on the UTC grid of its period (tafs.md R1, R2).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hardware.obis import Obis

ORDER = 0
"""The period of a demand that asks for one reading only."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Demand:
    """Registers of a meter every `period_s` seconds in `[begin, end]`.

    With the period `ORDER` once, at `begin` or as soon as it can be, given up at `end`.
    """

    subject: str
    period_s: int
    registers: tuple[Obis, ...]
    begin: datetime
    end: datetime | None = None

    @property
    def is_order(self) -> bool:
        """Whether it asks for one reading only."""
        return self.period_s == ORDER

    def next_after(self, instant: datetime) -> datetime | None:
        """The first demanded instant later than `instant`; None when there is none."""
        period = timedelta(seconds=self.period_s)
        following = _EPOCH + ((instant - _EPOCH) // period + 1) * period
        first = _EPOCH + -((_EPOCH - self.begin) // period) * period
        found = max(following, first)
        return None if self.end is not None and found > self.end else found

    def is_due_at(self, instant: datetime) -> bool:
        """Whether it demands a reading for exactly this instant."""
        return self.next_after(instant - timedelta(microseconds=1)) == instant


def tolerance(period_s: int) -> timedelta:
    """How far from its instant a reading may be captured: 3 % (tafs.md R2)."""
    return timedelta(milliseconds=30 * period_s)


def grids(demands: Iterable[Demand]) -> list[Demand]:
    """Those that come again and again."""
    return [one for one in demands if not one.is_order]


def orders(demands: Iterable[Demand]) -> list[Demand]:
    """Those that ask for one reading only."""
    return [one for one in demands if one.is_order]


def next_instant(demands: Iterable[Demand], after: datetime) -> datetime | None:
    """The first instant later than `after` at which one of the grids is due."""
    instants = (one.next_after(after) for one in grids(demands))
    return min((each for each in instants if each is not None), default=None)


def longest_wait(demands: Iterable[Demand]) -> timedelta:
    """How long an instant stays open: the tolerance of the longest period."""
    return tolerance(max((one.period_s for one in grids(demands)), default=0))


def wanted_at(demands: Iterable[Demand], instant: datetime) -> tuple[Obis, ...]:
    """The registers that the grids want at this instant, ascending, each once."""
    return _together(one for one in grids(demands) if one.is_due_at(instant))


def _together(demands: Iterable[Demand]) -> tuple[Obis, ...]:
    return tuple(sorted({obis for one in demands for obis in one.registers}))


def with_registers(
    base: Sequence[Obis], demands: Iterable[Demand], instant: datetime
) -> tuple[Obis, ...]:
    """What to ask for at an instant that is a quarter hour as well."""
    return tuple(dict.fromkeys((*base, *wanted_at(demands, instant))))
