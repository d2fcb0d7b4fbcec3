"""The costs of a contract: as its registers count, over the clock change, with gaps."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from hardware.gateway import Gateway
from hardware.record import registers_of
from meters.models import Meter
from tariffs import selectors
from tariffs.calendar import Period, day_start
from tariffs.cost_report import CostReport, cost_report
from tariffs.energy import energies, is_priced
from tariffs.models import EvaluationProfile, PriceRow, PriceSeries
from tariffs.price_file import PricesInvalid
from tariffs.price_series import facts_of, has_prices, import_prices, remove_prices
from tariffs.profile_spec import InputSpec
from tariffs.services import evaluate_due
from tests.tariffs.builders import (
    EXPORT,
    GAP,
    IMPORT,
    QUARTER,
    a_meter,
    a_profile,
    course,
    store,
    utc,
)
from tests.tariffs.test_bill_check import NIGHT

SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
NOON = timedelta(hours=12)
PRICES = """\
rundung;zeitraum;kaufmaennisch;2
grundpreis;0,40;tag
stufe;von;bis;preis
1;2026-01-01;;30
2;2026-01-01;;20
"""
FLAT = PRICES.replace("1;2026", "0;2026").replace("2;2026-01-01;;20\n", "")


def a_contract(
    gateway: Gateway, day: date, *, taf: int, meter: Meter, obis: str = IMPORT
) -> EvaluationProfile:
    """A contract that begins at midnight of a day."""
    return a_profile(
        gateway,
        InputSpec(meter.id, obis),
        taf=taf,
        id=f"taf{taf}",
        now=day_start(day, 0),
        valid_from=day_start(day, 0),
        tariff=NIGHT if taf == 2 else None,
    )


def day_of(day: date) -> Period:
    return Period(day_start(day, 0), day_start(day + timedelta(days=1), 0))


def reported(profile: EvaluationProfile, day: date, prices: str) -> CostReport:
    """The costs of a day."""
    now = day_of(day).end
    import_prices(profile, prices.encode(), source="operator", now=now)
    report = cost_report(profile, day_of(day), now=now)
    assert report is not None
    return report


def a_day(gateway: Gateway, day: date, *, gone: set[datetime] = frozenset()) -> Meter:  # type: ignore[assignment]
    """A meter that counts 1 Wh in each quarter hour of a day."""
    meter = a_meter(gateway)
    values = course(*day_of(day))
    store(gateway, meter, {at: v for at, v in values.items() if at not in gone})
    return meter


@pytest.mark.parametrize(
    ("day", "quarters", "night"), [(SPRING, 92, 28), (AUTUMN, 100, 36)]
)
def test_a_day_of_the_clock_change_costs_what_its_hours_cost(
    gateway: Gateway, db: None, day: date, quarters: int, night: int
) -> None:
    """10 x 0.1 Wh a quarter hour: the hour that is missing or comes twice is night."""
    meter = a_day(gateway, day)
    report = reported(a_contract(gateway, day, taf=2, meter=meter), day, PRICES)
    assert len(report.quarter_hours(day)) == quarters
    assert all(parts for _at, parts in report.quarter_hours(day))
    assert report.of_stage(2).energy == Decimal(night) / 1000
    exact = Decimal((quarters - night) * 30 + night * 20) / 1000 / 100
    assert report.total.exact == exact
    assert report.of_day(day).exact == exact
    assert report.base == Decimal("0.4")
    assert report.total.is_complete


def test_the_energy_of_the_stages_is_that_of_the_registers(
    gateway: Gateway, db: None
) -> None:
    """With a missing switch, a gap over midnight and a placeholder."""
    first, last = date(2026, 10, 24), date(2026, 10, 27)
    begin, end = day_start(first, 0), day_start(last, 0)
    values = course(begin, end + QUARTER, step=7)
    switch, midnight = begin + timedelta(hours=22), day_start(AUTUMN, 0)
    for at in (switch, midnight, midnight + QUARTER):
        del values[at]
    gap = values.pop(begin + NOON)
    meter = a_meter(gateway)
    store(gateway, meter, values)
    store(gateway, meter, {begin + NOON: gap}, status=GAP)
    profile = a_contract(gateway, first, taf=2, meter=meter)
    evaluate_due(gateway, now=end + timedelta(days=3))
    period = Period(begin, end)
    (row,) = [
        each
        for each in selectors.period_rows(profile, period)
        if each.target_time == day_start(date(2026, 10, 26), 0) + timedelta(hours=22)
    ]
    counted = {one.obis.groups[4]: one.value for one in registers_of(row.registers)}
    found = {0: Decimal(0), 1: Decimal(0), 2: Decimal(0), 63: Decimal(0)}
    for energy in energies(profile, Period(begin, row.target_time)):
        for stage in (0, energy.stage):
            found[stage] += energy.amount
    assert found[63] > 0
    assert {stage: int(kwh.scaleb(4)) for stage, kwh in found.items()} == counted


def test_energy_in_the_error_register_costs_nothing_that_is_known(
    gateway: Gateway, db: None
) -> None:
    day = date(2026, 6, 1)
    gone = {day_start(day, 0) + timedelta(hours=6)}
    meter = a_day(gateway, day, gone=gone)
    report = reported(a_contract(gateway, day, taf=2, meter=meter), day, PRICES)
    assert report.total.unpriced == Decimal("0.002")
    assert [len(parts) for _at, parts in report.quarter_hours(day)].count(0) == 2
    assert [cost.amount for cost in report.gaps(day)] == [None]


def test_a_gap_within_a_stage_has_its_price(gateway: Gateway, db: None) -> None:
    day = date(2026, 6, 1)
    meter = a_day(gateway, day, gone={day_start(day, 0) + NOON})
    report = reported(a_contract(gateway, day, taf=2, meter=meter), day, PRICES)
    assert report.total.is_complete
    (gap,) = report.gaps(day)
    assert (gap.price, gap.amount) == (Decimal(30), Decimal("0.0006"))


@pytest.mark.parametrize("taf", [1, 7])
def test_a_contract_without_stages_has_one_price(
    gateway: Gateway, db: None, taf: int
) -> None:
    day = date(2026, 6, 1)
    meter = a_day(gateway, day)
    report = reported(a_contract(gateway, day, taf=taf, meter=meter), day, FLAT)
    assert (report.stages, report.total.rounded) == ([0], Decimal("0.03"))
    assert report.total.exact == Decimal("0.0288")


def test_only_what_is_drawn_is_priced(gateway: Gateway, db: None) -> None:
    meter = a_meter(gateway)
    drawn = a_contract(gateway, SPRING, taf=7, meter=meter)
    fed = a_contract(gateway, SPRING, taf=1, meter=meter, obis=EXPORT)
    assert (is_priced(drawn), is_priced(fed)) == (True, False)


def test_a_running_period_is_known_up_to_now(gateway: Gateway, db: None) -> None:
    day = date(2026, 6, 1)
    meter = a_day(gateway, day)
    profile = a_contract(gateway, day, taf=7, meter=meter)
    now = day_start(day, 0) + NOON
    import_prices(profile, FLAT.encode(), source="consumer", now=now)
    report = cost_report(profile, day_of(day), now=now)
    assert report is not None
    assert (len(report.costs), report.base) == (48, None)
    assert len(report.quarter_hours(day)) == 48


# --- import -------------------------------------------------------------------------


@pytest.fixture
def profile(gateway: Gateway, db: None) -> EvaluationProfile:
    return a_contract(gateway, SPRING, taf=2, meter=a_meter(gateway))


NOW = utc("2026-04-01 00:00")


def fetched() -> EvaluationProfile:
    """The contract as a page fetches it."""
    found = selectors.profile_of("hks2", "taf2")
    assert found is not None
    return found


def test_prices_come_back_exactly_and_can_be_removed(
    profile: EvaluationProfile,
) -> None:
    text = PRICES.replace(";;30", ";2026-12-31;30,123456")
    import_prices(profile, text.encode(), source="consumer", now=NOW)
    facts = facts_of(profile)
    assert facts is not None
    assert (facts.size, facts.end, facts.source) == (2, None, "consumer")
    assert facts.base is not None and facts.base.amount == Decimal("0.4")
    report = cost_report(profile, day_of(SPRING), now=NOW)
    assert report is not None
    begin = day_of(SPRING).begin
    assert report.prices.over(begin, NOW, 1) == Decimal("30.123456")
    assert remove_prices(profile)
    assert not remove_prices(profile)
    assert (has_prices(fetched()), PriceRow.objects.count()) == (False, 0)
    assert cost_report(profile, day_of(SPRING), now=NOW) is None


@pytest.mark.parametrize("line", ["3;2026-01-01;;10\n", "2;2026-05-01;;10\n", "x\n"])
def test_with_one_wrong_line_nothing_is_changed(
    profile: EvaluationProfile, line: str
) -> None:
    """An unknown stage, an overlap, no price."""
    import_prices(profile, PRICES.encode(), source="operator", now=NOW)
    before = list(PriceRow.objects.values_list())
    with pytest.raises(PricesInvalid) as caught:
        content = (PRICES + line).encode()
        import_prices(profile, content, source="consumer", now=NOW)
    assert [each.where for each in caught.value.problems] == ["Zeile 6"]
    assert list(PriceRow.objects.values_list()) == before
    assert PriceSeries.objects.get().source == "operator"


def test_the_operator_imports_and_removes_by_command(
    profile: EvaluationProfile, tmp_path: Path
) -> None:
    file = tmp_path / "prices.csv"
    file.write_text(PRICES)
    said = StringIO()
    call_command("import_prices", profile.id, str(file), stdout=said)
    assert said.getvalue() == "prices of taf2: 2 imported\n"
    file.write_text(PRICES + "x\n")
    with pytest.raises(CommandError, match="nothing was changed\nLine 6: "):
        call_command("import_prices", profile.id, str(file))
    assert has_prices(fetched())
    call_command("import_prices", profile.id, remove=True, stdout=said)
    assert not has_prices(fetched())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nobody", "x"], "no profile"),
        (["taf2"], "name a file"),
        (["taf2", "/nowhere/x.csv"], "No such file"),
    ],
)
def test_the_command_says_what_is_missing(
    profile: EvaluationProfile, arguments: list[str], words: str
) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("import_prices", *arguments)
