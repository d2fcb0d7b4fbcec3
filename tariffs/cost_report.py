"""The costs of a contract over a period, by stage, by day, by quarter hour.

For information: a bill is made by the supplier, and checked with TRuDI.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from tariffs.calendar import GRID, Period, day_start, grid_instants, local_day
from tariffs.costs import (
    Cost,
    Prices,
    Rounding,
    Total,
    base_cost,
    costs,
    energy_day,
    is_of_one_day,
    total,
)
from tariffs.energy import covered, energies
from tariffs.models import EvaluationProfile
from tariffs.price_series import prices_of

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CostReport:
    """All of a period; `costs` are ascending, `covered` is what is known by now.

    `base` is the standing charge, None where there is none or where it would have to
    be split.
    """

    period: Period
    covered: Period
    prices: Prices
    costs: Sequence[Cost]
    base: Decimal | None = None
    by_day: dict[date, list[Cost]] = field(default_factory=dict)
    across: list[Cost] = field(default_factory=list)

    @property
    def rounding(self) -> Rounding:
        """The supplier's."""
        return self.prices.rounding

    @property
    def total(self) -> Total:
        """The energy's costs, without the standing charge."""
        return total(self.costs, self.rounding)

    def of_stage(self, stage: int) -> Total:
        """Of one stage."""
        return total((c for c in self.costs if c.energy.stage == stage), self.rounding)

    @property
    def stages(self) -> list[int]:
        """The stages that counted, ascending."""
        return sorted({cost.energy.stage for cost in self.costs})

    @property
    def days(self) -> list[date]:
        """The local days of what is covered, ascending."""
        begin, end = self.covered
        if end <= begin:
            return []
        first = local_day(begin, 0)
        last = local_day(end - timedelta(seconds=1), 0)
        return [first + n * _ONE_DAY for n in range((last - first).days + 1)]

    def of_day(self, day: date) -> Total:
        """Of the energy that was counted within a day."""
        return total(self.by_day.get(day, ()), self.rounding)

    def quarter_hours(self, day: date) -> list[tuple[datetime, list[Cost]]]:
        """Begin of each covered quarter hour of a day and its costs; none: a gap."""
        exact: dict[datetime, list[Cost]] = {}
        for cost in self.by_day.get(day, ()):
            if cost.energy.end - cost.energy.begin == GRID:
                exact.setdefault(cost.energy.begin, []).append(cost)
        begin = max(day_start(day, 0), self.covered.begin)
        end = min(day_start(day + _ONE_DAY, 0), self.covered.end)
        ends = grid_instants(begin, end, int(GRID.total_seconds()))
        return [(at - GRID, exact.get(at - GRID, [])) for at in ends]

    def gaps(self, day: date) -> list[Cost]:
        """Energy of a day of which values are missing in between."""
        parts = self.by_day.get(day, ())
        return [c for c in parts if c.energy.end - c.energy.begin > GRID]


def cost_report(
    profile: EvaluationProfile, period: Period, *, now: datetime
) -> CostReport | None:
    """The costs of a period up to now; None without a price series."""
    prices = prices_of(profile, period)
    if prices is None:
        return None
    known = covered(profile, period, now)
    found = costs(energies(profile, known), prices)
    base = None
    if prices.base and known == period:
        base = base_cost(prices.base, period)
    report = CostReport(period, known, prices, found, base)
    _sort(report, found)
    return report


def _sort(report: CostReport, found: Iterable[Cost]) -> None:
    """Energy over midnight belongs to no day."""
    for cost in found:
        if is_of_one_day(cost.energy):
            report.by_day.setdefault(energy_day(cost.energy), []).append(cost)
        else:
            report.across.append(cost)
