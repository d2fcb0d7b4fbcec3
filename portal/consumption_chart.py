"""The chart of a consumption: import above the zero line, energy fed in below it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.utils import dateformat
from django.utils.translation import gettext as _

from portal import formats, local_time
from portal.consumption_form import Span
from portal.consumption_table import Amounts, unstaged_key
from portal.stage_chart import Slot, StageChart, Tick, stage_chart
from tariffs.calendar import BERLIN
from tariffs.consumption import EXPORT, Consumption, SlotEnergy

_HOURS_BETWEEN_TICKS = 3
_ONE_HOUR = timedelta(hours=1)


def consumption_chart(
    found: Consumption,
    span: Span,
    *,
    title: str,
    description: str,
    earlier: Sequence[int | None] = (),
) -> StageChart:
    """The chart; `earlier` is what the span before drew in each slot."""
    marks = [*earlier, *([None] * len(found.slots))]
    slots = [_slot(slot, mark) for slot, mark in zip(found.slots, marks, strict=False)]
    write = Amounts.of(found)
    return stage_chart(
        "energy",
        slots,
        _ticks(found.slots, span),
        exponent=write.exponent,
        title=title,
        description=description,
        unit=write.unit,
        unstaged_key=unstaged_key(found.series),
    )


def _slot(slot: SlotEnergy, earlier: int | None) -> Slot:
    above: Mapping[int, int] = {
        one.stage: amount for one, amount in slot.amounts.items() if one.obis != EXPORT
    }
    below = sum(amount for one, amount in slot.amounts.items() if one.obis == EXPORT)
    return Slot(
        sorted(above.items()),
        is_gap=slot.is_gap,
        below=below,
        earlier=earlier,
        is_later=not slot.has_begun,
    )


def _ticks(slots: Sequence[SlotEnergy], span: Span) -> list[Tick]:
    if span is Span.DAY:
        return _hours(slots)
    return [
        Tick(index, _tick_words(slot.begin, span), is_centred=True)
        for index, slot in enumerate(slots)
    ]


def _hours(slots: Sequence[SlotEnergy]) -> list[Tick]:
    ticks = []
    for index, slot in enumerate(slots):
        clock = slot.begin.astimezone(BERLIN)
        if clock.minute == 0 and clock.hour % _HOURS_BETWEEN_TICKS == 0:
            ticks.append(Tick(index, f"{clock:%H}"))
    return [*ticks, Tick(len(slots), "24")]


def _tick_words(begin: datetime, span: Span) -> str:
    day = local_time.day(begin)
    if span is Span.WEEK:
        return dateformat.format(day, "D j.n.")
    return f"{day.day}." if span is Span.MONTH else dateformat.format(day, "M")


def slot_words(slot: SlotEnergy, span: Span) -> str:
    """The name of a slot: '07:00–07:15', 'Montag, 1. Juni 2026', 'Juni 2026'."""
    if span is Span.DAY:
        return f"{clock(slot.begin)}\u2013{clock(slot.end)}"
    day = local_time.day(slot.begin)
    if span is Span.YEAR:
        return dateformat.format(day, "F Y")
    return formats.long_date(day)


def clock(instant: datetime) -> str:
    """'02:15', with ' A' or ' B' in the hour that comes twice."""
    stamp = local_time.page_stamp(instant)
    return stamp[11:16] + stamp[19:]


def span_words(span: Span, slots: Sequence[SlotEnergy], week: int) -> str:
    """The whole span in words: a date, a week, a month, a year."""
    first = local_time.day(slots[0].begin)
    last = local_time.day(slots[-1].begin)
    if span is Span.DAY:
        return formats.long_date(first)
    if span is Span.WEEK:
        words = {"week": week, "first": formats.plain_date(first)}
        text = _("Woche %(week)d, %(first)s bis %(last)s")
        return text % {**words, "last": formats.plain_date(last)}
    return dateformat.format(first, "F Y" if span is Span.MONTH else "Y")
