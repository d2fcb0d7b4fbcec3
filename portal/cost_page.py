"""What the pages of costs show: sums, days, quarter hours, each with its words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from portal import formats, local_time, money
from portal.stage_chart import Slot, StageChart, Tick, stage_chart, stage_key
from tariffs.calendar import GRID
from tariffs.cost_report import CostReport
from tariffs.costs import EVERY_STAGE, Cost, Mode, Rounding, Total, Where
from tariffs.stages import ERROR_STAGE

_WHERE_WORDS = {
    Where.QUARTER_HOUR: _l("je Viertelstunde"),
    Where.DAY: _l("je Tag"),
    Where.STAGE: _l("je Stufe"),
    Where.PERIOD: _l("über den ganzen Zeitraum"),
}
_MODE_WORDS = {
    Mode.HALF_UP: _l("kaufmännisch"),
    Mode.HALF_EVEN: _l("zur geraden Ziffer"),
}
_MOST_DAY_TICKS = 10


@dataclass(frozen=True, slots=True)
class SumRow:
    """A sum of energy and money; `missing` is energy without a price."""

    name: str
    energy: str
    amount: str
    missing: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class DayRow:
    """A day; `value` is what its link asks for."""

    value: str
    day: str
    energy: str
    amount: str
    missing: str
    is_shown: bool


@dataclass(frozen=True, slots=True)
class QuarterRow:
    """A quarter hour, or a span of which values are missing in between."""

    time: str
    energy: str
    stage: str
    price: str
    amount: str
    is_gap: bool = False


@dataclass(frozen=True, slots=True)
class CostPage:
    """All of the page."""

    rounded: str
    exact: str
    energy: str
    missing: str
    base: str
    with_base: str
    has_base: bool
    rounding: str
    until: str
    stages: Sequence[SumRow]
    chart: StageChart
    days: Sequence[DayRow]
    across: Sequence[QuarterRow]
    day: str
    quarters: Sequence[QuarterRow]


def cost_page(
    report: CostReport, names: Mapping[int, str], wanted: date | None
) -> CostPage:
    """The page of a report; `wanted` is the day to look at, else the last one."""
    days = report.days
    day = wanted if wanted in days else (days[-1] if days else None)
    found = report.total
    style = formats.page_style()
    base = report.base
    return CostPage(
        rounded=money.euro(found.rounded, style),
        exact=money.euro(found.exact, style),
        energy=money.energy(found.energy, style),
        missing=missing(found),
        base=money.euro(base, style) if base is not None else "",
        with_base=money.euro(found.rounded + base, style) if base is not None else "",
        has_base=report.prices.base is not None,
        rounding=rounding_words(report.rounding),
        until=_until(report),
        stages=[_stage_row(report, stage, names) for stage in report.stages],
        chart=_chart(report),
        days=[_day_row(report, one, is_shown=one == day) for one in days],
        across=[_quarter_row(cost, names, is_gap=True) for cost in report.across],
        day=formats.long_date(day) if day else "",
        quarters=list(quarter_rows(report, day, names)) if day else [],
    )


def missing(found: Total) -> str:
    """The energy without a price in kWh; '' when all has one."""
    if found.is_complete:
        return ""
    return money.energy(found.unpriced, formats.page_style())


def rounding_words(rounding: Rounding) -> str:
    """'kaufmännisch auf 2 Stellen, je Tag'."""
    return _("%(mode)s auf %(digits)d Stellen, %(where)s") % {
        "mode": _MODE_WORDS[rounding.mode],
        "digits": rounding.digits,
        "where": _WHERE_WORDS[rounding.where],
    }


def stage_word(stage: int, names: Mapping[int, str]) -> str:
    """'Stufe 1 (HT)'; the contract without stages has one price."""
    if stage == ERROR_STAGE:
        return _("Fehlerregister")
    if stage == EVERY_STAGE:
        return _("ohne Stufen")
    name = names.get(stage, "")
    word = _("Stufe %(stage)s") % {"stage": stage}
    return f"{word} ({name})" if name else word


def _until(report: CostReport) -> str:
    """Up to when is known, while the period goes on; else ''."""
    if report.covered.end >= report.period.end:
        return ""
    return formats.record_time(report.covered.end)


def _stage_row(report: CostReport, stage: int, names: Mapping[int, str]) -> SumRow:
    found = report.of_stage(stage)
    style = formats.page_style()
    return SumRow(
        name=stage_word(stage, names),
        energy=money.energy(found.energy, style),
        amount=_amount(found),
        missing=missing(found),
        key=stage_key(stage),
    )


def _amount(found: Total) -> str:
    """EUR as rounded; '' when no part has a price."""
    if found.unpriced == found.energy and found.unpriced:
        return ""
    return money.euro(found.rounded, formats.page_style())


def _day_row(report: CostReport, day: date, *, is_shown: bool) -> DayRow:
    found = report.of_day(day)
    has_energy = bool(report.by_day.get(day))
    return DayRow(
        value=day.isoformat(),
        day=formats.long_date(day),
        energy=money.energy(found.energy, formats.page_style()) if has_energy else "",
        amount=_amount(found) if has_energy else "",
        missing=missing(found),
        is_shown=is_shown,
    )


# --- quarter hours ------------------------------------------------------------------


def quarter_rows(
    report: CostReport, day: date, names: Mapping[int, str]
) -> Iterator[QuarterRow]:
    """The quarter hours of a day, ascending; a missing one has no energy."""
    for begin, parts in report.quarter_hours(day):
        if parts:
            for part in parts:
                yield _quarter_row(part, names)
        else:
            yield QuarterRow(_span(begin, begin + GRID), "", "", "", "", is_gap=True)


def _quarter_row(
    cost: Cost, names: Mapping[int, str], *, is_gap: bool = False
) -> QuarterRow:
    style = formats.page_style()
    energy = cost.energy
    time = _span(energy.begin, energy.end)
    if is_gap:
        begin, end = map(formats.record_stamp, (energy.begin, energy.end))
        time = f"{begin} \u2013 {end}"
    return QuarterRow(
        time=time,
        energy=money.energy(energy.amount, style),
        stage=stage_word(energy.stage, names),
        price=money.price(cost.price, style) if cost.price is not None else "",
        amount=money.euro(cost.amount, style) if cost.amount is not None else "",
        is_gap=is_gap,
    )


def _span(begin: datetime, end: datetime) -> str:
    return f"{clock(begin)}\u2013{clock(end)}"


def clock(instant: datetime) -> str:
    """'02:15', with ' A' or ' B' in the hour that comes twice."""
    stamp = local_time.page_stamp(instant)
    return stamp[11:16] + stamp[19:]


# --- chart --------------------------------------------------------------------------


def _chart(report: CostReport) -> StageChart:
    """The exact costs of each day by stage, a day with unpriced energy or
    without any is a gap."""
    slots = [_slot(report.by_day.get(day, ())) for day in report.days]
    every = -(-len(slots) // _MOST_DAY_TICKS) or 1
    ticks = [
        Tick(index, f"{day:%d.%m.}")
        for index, day in enumerate(report.days)
        if index % every == 0
    ]
    return stage_chart(
        "costs",
        slots,
        ticks,
        exponent=-4,
        title=_("Kosten je Tag und Stufe"),
        description=_("%(count)d Tage. Die Tabelle darunter nennt alle.")
        % {"count": len(slots)},
        unit="EUR",
    )


def _slot(parts: Sequence[Cost]) -> Slot:
    sums: dict[int, Decimal] = {}
    for part in parts:
        if part.amount is None:
            return Slot(is_gap=True)
        stage = part.energy.stage
        sums[stage] = sums.get(stage, Decimal(0)) + part.amount
    heights = [(stage, int(amount.scaleb(4))) for stage, amount in sorted(sums.items())]
    return Slot(heights, is_gap=not heights)
