"""What energy costs by a price series: exact decimals, rounded where the supplier does.

Pure rules. Energy in kWh, prices in ct/kWh, amounts in EUR, all Decimal; a sum that
would not be exact raises. Energy without exactly one price is not priced: it is never
guessed, and named beside the sum.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import (
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)
from enum import StrEnum
from typing import NamedTuple

from tariffs.calendar import BERLIN, Period, day_start, local_day

EVERY_STAGE = 0
"""A price for whatever stage is active."""

_ONE_DAY = timedelta(days=1)
_INSTANT = timedelta(seconds=1)
_EXACT = Context(
    prec=80, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow], Emax=999
)


class Where(StrEnum):
    """What the supplier rounds: each amount of this, before adding them up."""

    QUARTER_HOUR = "quarter_hour"
    DAY = "day"
    STAGE = "stage"
    PERIOD = "period"


class Mode(StrEnum):
    """How an amount exactly between two is rounded."""

    HALF_UP = "half_up"
    HALF_EVEN = "half_even"


class Rounding(NamedTuple):
    """The supplier's rounding of amounts in EUR."""

    where: Where = Where.PERIOD
    mode: Mode = Mode.HALF_UP
    digits: int = 2

    def of(self, amount: Decimal) -> Decimal:
        """The amount as the supplier states it."""
        half = ROUND_HALF_UP if self.mode == Mode.HALF_UP else ROUND_HALF_EVEN
        step = Decimal(1).scaleb(-self.digits)
        return amount.quantize(step, rounding=half, context=Context(prec=80))


class BasePrice(NamedTuple):
    """The standing charge: EUR per local day or calendar month."""

    amount: Decimal
    per_month: bool = False


class Price(NamedTuple):
    """A price in ct/kWh of a stage from `begin` to before `end` (UTC; None: open)."""

    begin: datetime
    end: datetime | None
    price: Decimal
    stage: int = EVERY_STAGE


@dataclass(frozen=True, slots=True)
class Prices:
    """A price series; the prices of a stage do not overlap and are ascending."""

    rounding: Rounding
    by_stage: Mapping[int, Sequence[Price]]
    base: BasePrice | None = None
    begins: Mapping[int, Sequence[datetime]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, prices: Iterable[Price], rounding: Rounding, base: BasePrice | None = None
    ) -> "Prices":
        """A series of these prices, in any order."""
        found: dict[int, list[Price]] = {}
        for price in sorted(prices, key=lambda one: one.begin):
            found.setdefault(price.stage, []).append(price)
        begins = {stage: [one.begin for one in given] for stage, given in found.items()}
        return cls(rounding, found, base, begins)

    def over(self, begin: datetime, end: datetime, stage: int) -> Decimal | None:
        """The price that holds all the time from `begin` to `end`.

        None where there is none, or more than one.
        """
        wanted = stage if stage in self.by_stage else EVERY_STAGE
        given = self.by_stage.get(wanted, ())
        index = bisect_right(self.begins.get(wanted, ()), begin) - 1
        price, at = None, begin
        while at < end:
            if not 0 <= index < len(given) or not _holds(given[index], at):
                return None
            if price is not None and given[index].price != price:
                return None
            price = given[index].price
            until = given[index].end
            if until is None or until >= end:
                return price
            at, index = until, index + 1
        return price


def _holds(price: Price, at: datetime) -> bool:
    return price.begin <= at and (price.end is None or at < price.end)


class Energy(NamedTuple):
    """Energy in kWh counted between two instants (UTC) in a stage."""

    begin: datetime
    end: datetime
    stage: int
    amount: Decimal


class Cost(NamedTuple):
    """Energy with its price (ct/kWh) and its exact amount (EUR); None: no price."""

    energy: Energy
    price: Decimal | None
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class Total:
    """A sum of costs: energy in kWh, amounts in EUR.

    `exact` is the sum before rounding, `rounded` that of the rounded parts. Energy
    without a price is in `unpriced` and in no amount.
    """

    energy: Decimal
    unpriced: Decimal
    exact: Decimal
    rounded: Decimal

    @property
    def is_complete(self) -> bool:
        """Whether all energy has a price."""
        return not self.unpriced


def costs(energies: Iterable[Energy], prices: Prices) -> list[Cost]:
    """Each energy with what it costs, exactly."""
    found = []
    for energy in energies:
        price = prices.over(energy.begin, energy.end, energy.stage)
        amount = None
        if price is not None:
            amount = _EXACT.multiply(energy.amount, price)
            amount = amount.scaleb(-2, context=_EXACT)
        found.append(Cost(energy, price, amount))
    return found


def total(parts: Iterable[Cost], rounding: Rounding) -> Total:
    """The sum of costs, rounded where the supplier rounds."""
    energy = unpriced = exact = Decimal(0)
    groups: dict[object, Decimal] = {}
    for part in parts:
        energy = _EXACT.add(energy, part.energy.amount)
        if part.amount is None:
            unpriced = _EXACT.add(unpriced, part.energy.amount)
            continue
        exact = _EXACT.add(exact, part.amount)
        key = _rounded_with(part.energy, rounding.where)
        groups[key] = _EXACT.add(groups.get(key, Decimal(0)), part.amount)
    rounded = sum(map(rounding.of, groups.values()), Decimal(0))
    return Total(energy, unpriced, exact, rounded)


def _rounded_with(energy: Energy, where: Where) -> object:
    """What an amount is added to before rounding."""
    match where:
        case Where.QUARTER_HOUR:
            return energy.begin
        case Where.DAY:
            return energy_day(energy)
        case Where.STAGE:
            return energy.stage
        case _:
            return None


def energy_day(energy: Energy) -> date:
    """The local day in which energy ends; midnight ends the day before."""
    return local_day(energy.end - _INSTANT, 0)


def is_of_one_day(energy: Energy) -> bool:
    """Whether energy was counted within one local day."""
    return local_day(energy.begin, 0) == energy_day(energy)


def base_cost(base: BasePrice, period: Period) -> Decimal | None:
    """The standing charge of a period, EUR; None where it would have to be split.

    A period of whole local days, or for a monthly price of whole calendar months.
    """
    first, last = local_day(period.begin, 0), local_day(period.end, 0)
    if (day_start(first, 0), day_start(last, 0)) != (period.begin, period.end):
        return None
    if not base.per_month:
        return _EXACT.multiply(base.amount, Decimal((last - first).days))
    if first.day != 1 or last.day != 1:
        return None
    months = (last.year - first.year) * 12 + last.month - first.month
    return _EXACT.multiply(base.amount, Decimal(months))


def is_on_quarter_hour(instant: datetime) -> bool:
    """Whether an instant is the begin of a quarter hour."""
    local = instant.astimezone(BERLIN)
    return local.minute % 15 == 0 and not (local.second or local.microsecond)
