"""Costs: exact decimals, rounded where the supplier rounds; nothing is guessed."""

from datetime import date, datetime, timedelta
from decimal import Decimal, Inexact
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffs.calendar import Period, day_start, local_day
from tariffs.costs import (
    BasePrice,
    Energy,
    Mode,
    Price,
    Prices,
    Rounding,
    Where,
    base_cost,
    costs,
    total,
)
from tests.tariffs.builders import QUARTER, utc

BEGIN = utc("2026-03-28 23:00")
"""The begin of the day of 23 hours."""

DAYS = [date(2026, 3, 28), date(2026, 10, 24), date(2026, 6, 21)]


def energy(n: int, amount: str, *, stage: int = 1, quarters: int = 1) -> Energy:
    begin = BEGIN + n * QUARTER
    return Energy(begin, begin + quarters * QUARTER, stage, Decimal(amount))


def fixed(price: str, stage: int = 1, begin: datetime = BEGIN) -> Price:
    return Price(begin, None, Decimal(price), stage)


@pytest.mark.parametrize(
    ("rounding", "amount"),
    [
        # 0.125, 0.125 and 0.005 EUR; the first two on one day, stages 1, 2 and 1.
        (Rounding(Where.PERIOD, Mode.HALF_UP, 2), "0.26"),
        (Rounding(Where.PERIOD, Mode.HALF_EVEN, 2), "0.26"),
        (Rounding(Where.QUARTER_HOUR, Mode.HALF_UP, 2), "0.27"),
        (Rounding(Where.QUARTER_HOUR, Mode.HALF_EVEN, 2), "0.24"),
        (Rounding(Where.DAY, Mode.HALF_UP, 2), "0.26"),
        (Rounding(Where.DAY, Mode.HALF_EVEN, 2), "0.25"),
        (Rounding(Where.STAGE, Mode.HALF_UP, 2), "0.26"),
        (Rounding(Where.STAGE, Mode.HALF_EVEN, 2), "0.25"),
        (Rounding(Where.STAGE, Mode.HALF_UP, 3), "0.255"),
        (Rounding(Where.PERIOD, Mode.HALF_UP, 0), "0"),
    ],
)
def test_amounts_are_rounded_where_the_supplier_rounds(
    rounding: Rounding, amount: str
) -> None:
    prices = Prices.of([fixed("25"), fixed("50", 2)], rounding)
    parts = costs(
        [energy(0, "0.5"), energy(1, "0.25", stage=2), energy(100, "0.02")], prices
    )
    found = total(parts, rounding)
    assert found.exact == Decimal("0.255")
    assert str(found.rounded) == amount
    assert found.is_complete


def test_a_gap_in_the_prices_is_named_and_never_filled() -> None:
    end = BEGIN + QUARTER
    later = BEGIN + 2 * QUARTER
    prices = Prices.of(
        [Price(BEGIN, end, Decimal(10), 1), fixed("20", begin=later)], Rounding()
    )
    parts = costs([energy(n, "1") for n in range(3)], prices)
    assert [part.price for part in parts] == [10, None, 20]
    found = total(parts, Rounding())
    assert (found.exact, found.unpriced) == (Decimal("0.3"), 1)
    assert not found.is_complete


@pytest.mark.parametrize(
    ("second", "price"), [("10", Decimal(10)), ("11", None)], ids=["same", "other"]
)
def test_energy_over_a_gap_has_a_price_only_when_it_is_the_same_all_the_time(
    second: str, price: Decimal | None
) -> None:
    middle = BEGIN + QUARTER
    prices = Prices.of(
        [Price(BEGIN, middle, Decimal(10), 1), fixed(second, begin=middle)], Rounding()
    )
    (part,) = costs([energy(0, "2", quarters=3)], prices)
    assert part.price == price


def test_a_price_for_every_stage_stands_in_for_stages_without_their_own() -> None:
    prices = Prices.of([fixed("10", 0), fixed("20", 2)], Rounding())
    parts = costs([energy(0, "1"), energy(1, "1", stage=2)], prices)
    assert [part.price for part in parts] == [10, 20]


def test_the_error_register_has_no_price_of_its_own() -> None:
    prices = Prices.of([fixed("10"), fixed("20", 2)], Rounding())
    (part,) = costs([energy(0, "1", stage=63)], prices)
    assert part.amount is None


def test_a_sum_that_would_lose_a_digit_fails_instead() -> None:
    prices = Prices.of([fixed("1" * 60)], Rounding())
    with pytest.raises(Inexact):
        costs([energy(0, "1" * 60)], prices)


@pytest.mark.parametrize(
    ("base", "begin", "end", "amount"),
    [
        (BasePrice(Decimal("0.35")), "2026-03-01", "2026-04-01", "10.85"),
        (BasePrice(Decimal("0.35")), "2026-03-29", "2026-03-30", "0.35"),
        (BasePrice(Decimal("9.9"), True), "2026-03-01", "2026-04-01", "9.9"),
        (BasePrice(Decimal("9.9"), True), "2025-12-01", "2026-03-01", "29.7"),
        (BasePrice(Decimal("9.9"), True), "2026-03-02", "2026-04-01", None),
    ],
)
def test_the_standing_charge_is_for_whole_days_or_months(
    base: BasePrice, begin: str, end: str, amount: str | None
) -> None:
    bounds = [day_start(date.fromisoformat(day), 0) for day in (begin, end)]
    found = base_cost(base, Period(*bounds))
    assert found == (Decimal(amount) if amount else None)


def test_no_standing_charge_is_split() -> None:
    period = Period(BEGIN, BEGIN + timedelta(hours=5))
    assert base_cost(BasePrice(Decimal(1)), period) is None


# --- an oracle ----------------------------------------------------------------------


@st.composite
def situations(
    draw: st.DrawFn,
) -> tuple[list[Energy], list[Price], Rounding]:
    """Two days, one of them with a clock change; gaps in values and in prices."""
    first = draw(st.sampled_from(DAYS))
    begin = day_start(first, 0)
    end = day_start(first + timedelta(days=2), 0)
    found, at = [], begin
    while at < end:
        length = draw(st.sampled_from([1, 1, 1, 1, 1, 2, 9]))
        stop = min(at + length * QUARTER, end)
        amount = Decimal(draw(st.integers(0, 10**6))).scaleb(-4)
        found.append(Energy(at, stop, draw(st.integers(1, 2)), amount))
        at = stop
    prices = []
    for stage in (0, 1) if draw(st.booleans()) else (1, 2):
        at = begin
        while at < end:
            stop = at + draw(st.sampled_from([1, 4, 50, 200])) * QUARTER
            if draw(st.integers(0, 5)):
                value = Decimal(draw(st.integers(-(10**3), 10**5))).scaleb(-3)
                prices.append(Price(at, stop, value, stage))
            at = stop
    rounding = Rounding(
        draw(st.sampled_from(Where)),
        draw(st.sampled_from(Mode)),
        draw(st.integers(0, 4)),
    )
    return found, draw(st.permutations(prices)), rounding


def slow_price(energy: Energy, prices: list[Price]) -> Fraction | None:
    """Looks at each quarter hour, through all prices."""
    stages = {price.stage for price in prices}
    stage = energy.stage if energy.stage in stages else 0
    seen, at = set(), energy.begin
    while at < energy.end:
        valid = [
            Fraction(one.price)
            for one in prices
            if one.stage == stage and one.begin <= at and (not one.end or at < one.end)
        ]
        if not valid:
            return None
        seen.add(valid[0])
        at += QUARTER
    return seen.pop() if len(seen) == 1 else None


def slow_rounded(amount: Fraction, rounding: Rounding) -> Fraction:
    """To the nearest by comparing both neighbours."""
    scale = 10**rounding.digits
    low = amount * scale // 1
    rest = amount * scale - low
    up = rest > Fraction(1, 2)
    if rest == Fraction(1, 2):
        is_even = low % 2 == 0
        away = amount > 0
        up = away if rounding.mode == Mode.HALF_UP else not is_even
    return Fraction(low + up, scale)


@given(situations())
def test_costs_equal_those_of_a_slow_oracle(
    situation: tuple[list[Energy], list[Price], Rounding],
) -> None:
    """And the quarter hours add up to the period before rounding."""
    energies, given_prices, rounding = situation
    prices = Prices.of(given_prices, rounding)
    parts = costs(energies, prices)
    exact, groups, unpriced = Fraction(0), dict[object, Fraction](), Fraction(0)
    for energy in energies:
        price = slow_price(energy, given_prices)
        if price is None:
            unpriced += Fraction(energy.amount)
            continue
        amount = Fraction(energy.amount) * price / 100
        exact += amount
        key = {
            Where.QUARTER_HOUR: energy.begin,
            Where.DAY: local_day(energy.end - timedelta(seconds=1), 0),
            Where.STAGE: energy.stage,
            Where.PERIOD: "",
        }[rounding.where]
        groups[key] = groups.get(key, Fraction(0)) + amount
    found = total(parts, rounding)
    assert Fraction(found.exact) == exact
    assert Fraction(found.unpriced) == unpriced
    assert Fraction(found.energy) == sum(Fraction(one.amount) for one in energies)
    rounded = sum(
        (slow_rounded(each, rounding) for each in groups.values()), Fraction()
    )
    assert Fraction(found.rounded) == rounded
    assert sum((part.amount or Decimal(0) for part in parts), Decimal(0)) == found.exact
    days = {local_day(one.end - timedelta(seconds=1), 0) for one in energies}
    by_day = [
        total(
            (
                p
                for p in parts
                if local_day(p.energy.end - timedelta(seconds=1), 0) == d
            ),
            rounding,
        )
        for d in days
    ]
    assert sum((each.exact for each in by_day), Decimal(0)) == found.exact
