"""What the consumption page shows: sums, chart, notes, table. No queries here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal import formats, local_time
from portal.consumption_chart import (
    clock,
    consumption_chart,
    slot_words,
    span_words,
)
from portal.consumption_comparison import Comparison, comparison_words
from portal.consumption_form import SPANS, Choice, Span
from portal.consumption_table import (
    Amounts,
    amounts_of,
    column_names,
    series_key,
    series_name,
    shown_slots,
    slot_word,
)
from portal.stage_chart import StageChart
from tariffs.calendar import GRID, Period
from tariffs.consumption import (
    EXPORT,
    NO_STAGE,
    Consumption,
    Flow,
    Series,
    SlotEnergy,
)

NOTHING = "–"
_MOST_DAYS = 31
_FINER = {Span.WEEK: Span.DAY, Span.MONTH: Span.DAY, Span.YEAR: Span.MONTH}


@dataclass(frozen=True, slots=True)
class Tile:
    """A sum above the chart; `note` compares it."""

    name: str
    key: str
    number: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """An entry of the legend and a column of the table."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Row:
    """A slot; `query` leads to the finer view, '' for none."""

    time: str
    cells: Sequence[str]
    word: str
    is_gap: bool
    is_odd: bool
    query: str


@dataclass(frozen=True, slots=True)
class SpanLink:
    """A choice of the span."""

    word: str
    query: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class ConsumptionPage:
    """All of the page below its form; `first_row` is the slot of the first row."""

    title: str
    until: str
    unit: str
    spans: Sequence[SpanLink]
    before: str
    after: str
    query: str
    tiles: Sequence[Tile]
    chart: StageChart
    legend: Sequence[Key]
    slot_name: str
    first_row: int
    rows: Sequence[Row]
    gaps: Sequence[str]
    across: Sequence[str]
    went_back: Sequence[str]
    has_values: bool
    has_export: bool
    has_earlier: bool


def consumption_page(
    choice: Choice,
    found: Consumption,
    names: Mapping[int, str],
    compared: Mapping[str, Comparison],
) -> ConsumptionPage:
    """The page of a choice."""
    series, write = found.series, Amounts.of(found)
    week = choice.days[0].isocalendar().week
    title = span_words(choice.span, found.slots, week)
    earlier = _earlier(found, compared) if choice.compares else ()
    return ConsumptionPage(
        title=title,
        until=_until(found),
        unit=write.unit,
        spans=[
            SpanLink(str(word), choice.of(span).query, span is choice.span)
            for span, word in SPANS.items()
        ],
        before=choice.before.query,
        after="" if _is_open(found) else choice.after.query,
        query=choice.query,
        tiles=_tiles(choice, found, names, compared),
        chart=consumption_chart(
            found,
            choice.span,
            title=_chart_title(choice.span),
            description=_description(title, found, write),
            earlier=earlier,
        ),
        legend=legend_of(found, names),
        slot_name=_slot_name(choice.span),
        first_row=[slot.has_begun for slot in found.slots].index(True)
        if shown_slots(found)
        else 0,
        rows=_rows(choice, found, series),
        gaps=_gap_words(found) if choice.span is Span.DAY else [],
        across=[_across_words(flow, names, write) for flow in found.across],
        went_back=[_period_words(one) for one in found.went_back],
        has_values=any(slot.amounts for slot in found.slots) or bool(found.across),
        has_export=any(one.obis == EXPORT for one in series),
        has_earlier=any(one is not None for one in earlier),
    )


def _earlier(
    found: Consumption, compared: Mapping[str, Comparison]
) -> Sequence[int | None]:
    first = next((one for one in found.registers if one.obis != EXPORT), None)
    return compared[first.obis].slots if first and first.obis in compared else ()


def _is_open(found: Consumption) -> bool:
    return found.slots[-1].end > found.known_to


def _until(found: Consumption) -> str:
    """Up to when is known while the span goes on: '25. November 2026, 03:15'."""
    if not _is_open(found):
        return ""
    time = formats.minute_time(found.known_to)
    if len(found.slots) > _MOST_DAYS:
        return time
    return f"{formats.plain_date(local_time.day(found.known_to))}, {time}"


# --- sums ---------------------------------------------------------------------------


def _tiles(
    choice: Choice,
    found: Consumption,
    names: Mapping[int, str],
    compared: Mapping[str, Comparison],
) -> list[Tile]:
    """Each register, then the stages where there are any."""
    write, style = Amounts.of(found), formats.page_style()
    tiles = []
    for register in found.registers:
        series = Series(register.obis, NO_STAGE)
        total = found.total(register.obis)
        before = compared.get(register.obis)
        note = comparison_words(
            total,
            before.total if before else None,
            choice.span,
            is_part=_is_open(found),
        )
        name = series_name(series, names)
        tiles.append(
            Tile(name, tile_key(found, series), write.text(total, style), note)
        )
    sums = found.totals
    columns = [(one.name, one.key) for one in legend_of(found, names)]
    has_stages = any(one.stage != NO_STAGE for one in found.series)
    return tiles + [
        Tile(name, key, write.text(sums[one], style))
        for one, (name, key) in zip(found.series, columns, strict=True)
        if has_stages and one.obis != EXPORT
    ]


def tile_key(found: Consumption, series: Series) -> str:
    """The two-coloured key where the register is drawn in stages."""
    own = [one for one in found.series if one.obis == series.obis]
    if len(own) > 1:
        return "stages"
    return series_key(own[0], found.series)


def legend_of(found: Consumption, names: Mapping[int, str]) -> list[Key]:
    """Name and colour of each series."""
    series = found.series
    return [
        Key(name, series_key(one, series))
        for one, name in zip(series, column_names(found, names), strict=True)
    ]


# --- words of the chart -------------------------------------------------------------


def _chart_title(span: Span) -> str:
    return {
        Span.DAY: _("Je Viertelstunde"),
        Span.YEAR: _("Je Monat"),
    }.get(span) or _("Je Tag")


def _slot_name(span: Span) -> str:
    return {Span.DAY: _("Zeit"), Span.YEAR: _("Monat")}.get(span) or _("Tag")


def _description(title: str, found: Consumption, write: Amounts) -> str:
    """What somebody hears who does not see the chart."""
    style = formats.page_style()
    parts = [
        f"{series_name(Series(one.obis, NO_STAGE), {})} "
        f"{write.text(found.total(one.obis), style)} {write.unit}"
        for one in found.registers
    ]
    text = _("%(span)s: %(sums)s. %(missing)d Viertelstunden ohne Wert.")
    values = {"span": title, "sums": ", ".join(parts), "missing": found.missing}
    table = _("Die Tabelle darunter nennt alle Werte.")
    return f"{text % values} {table}"


# --- table and notes ----------------------------------------------------------------


def _rows(choice: Choice, found: Consumption, series: Sequence[Series]) -> list[Row]:
    write = Amounts.of(found)
    return [
        _row(choice, slot, series, write, slot_word(slot, found.known_to))
        for slot in shown_slots(found)
        if slot.missing or not choice.only_gaps
    ]


def _row(
    choice: Choice,
    slot: SlotEnergy,
    series: Sequence[Series],
    write: Amounts,
    word: str,
) -> Row:
    style = formats.page_style()
    finer = _FINER.get(choice.span)
    day = slot.begin + GRID
    return Row(
        time=slot_words(slot, choice.span),
        cells=[
            NOTHING if value is None else write.text(value, style)
            for value in amounts_of(slot, series)
        ],
        word=word,
        is_gap=slot.is_gap,
        is_odd=bool(slot.missing),
        query=choice.of(finer, local_time.day(day)).query if finer else "",
    )


def _gap_words(found: Consumption) -> list[str]:
    """Each run of quarter hours without a value: 'Von 09:15 bis 10:00 Uhr ...'."""
    runs: list[list[SlotEnergy]] = []
    for slot in found.slots:
        if slot.is_gap and runs and runs[-1][-1].end == slot.begin:
            runs[-1].append(slot)
        elif slot.is_gap:
            runs.append([slot])
    return [_run_words(run) for run in runs]


def _run_words(run: Sequence[SlotEnergy]) -> str:
    text = ngettext(
        "Von %(begin)s bis %(end)s Uhr fehlt %(count)d Viertelstundenwert.",
        "Von %(begin)s bis %(end)s Uhr fehlen %(count)d Viertelstundenwerte.",
        len(run),
    )
    values = {"begin": clock(run[0].begin), "end": clock(run[-1].end)}
    return text % {**values, "count": len(run)}


def _across_words(flow: Flow, names: Mapping[int, str], write: Amounts) -> str:
    number = write.text(flow.amount, formats.page_style())
    words = f"{number} {write.unit} {series_name(flow.series, names)}"
    return f"{_period_words(Period(flow.begin, flow.end))}: {words}"


def _period_words(period: Period) -> str:
    begin, end = map(formats.record_stamp, period)
    return f"{begin} – {end}"
