"""Today's curve on the start page: drawn once per quarter hour, then remembered."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from django.template.loader import render_to_string
from django.utils.translation import get_language, gettext, override

from meters.models import Meter
from portal import formats, local_time
from portal.consumption_chart import consumption_chart
from portal.consumption_form import Choice, Span
from portal.consumption_page import Tile, legend_of, tile_key
from portal.consumption_table import Amounts, series_name
from tariffs.consumption import (
    NO_STAGE,
    Consumption,
    Point,
    Series,
    StagePlan,
    counted,
)
from tariffs.consumption_rows import (
    contracts,
    known_to,
    points,
    stage_plans,
    stage_words,
)


@dataclass(frozen=True, slots=True)
class Today:
    """A meter's day so far; `html` is its sums and its chart, `key` changes with it."""

    key: str
    html: str


def today_of(consumer: str, meter: Meter, *, now: datetime) -> Today:
    """Two queries; the drawing is made anew only when there is something new."""
    day = local_time.day(now)
    first = Choice(Span.DAY, day, meter).slots[0].begin
    rows = points(meter.id, first, now)
    known = known_to(rows, now)
    found = contracts(consumer, meter.id)
    plans, names = stage_plans(found), tuple(stage_words(found).items())
    language = get_language() or ""
    html = _drawn(
        meter.id, rows, plans, names, day, known, language, meter.max_register_value
    )
    return Today(key=local_time.zulu(known), html=html)


@lru_cache(maxsize=64)
def _drawn(
    meter_id: str,
    rows: tuple[Point, ...],
    plans: tuple[StagePlan, ...],
    names: tuple[tuple[int, str], ...],
    day: date,
    known: datetime,
    language: str,
    rolls_over_at: int | None,
) -> str:
    """The page's fragment; it depends on nothing but its arguments."""
    choice = Choice(Span.DAY, day, Meter(id=meter_id))
    found = counted(
        rows,
        plans,
        choice.slots,
        first_at=rows[0].at if rows else None,
        known_to=known,
        rolls_over_at=rolls_over_at,
    )
    with override(language):
        return render_to_string(
            "portal/today.html", _context(found, dict(names), known)
        )


def _context(
    found: Consumption, names: dict[int, str], known: datetime
) -> dict[str, object]:
    write, style = Amounts.of(found), formats.page_style()
    sums = []
    for register in found.registers:
        one = Series(register.obis, NO_STAGE)
        number = write.text(found.total(register.obis), style)
        sums.append(Tile(series_name(one, names), tile_key(found, one), number))
    words = ", ".join(f"{one.name} {one.number} {write.unit}" for one in sums)
    text = gettext("Heute bis %(time)s Uhr: %(sums)s.")
    description = text % {"time": formats.minute_time(known), "sums": words}
    return {
        "sums": sums,
        "unit": write.unit,
        "until": formats.minute_time(known),
        "has_values": any(slot.amounts for slot in found.slots),
        "legend": legend_of(found, names),
        "has_export": len(found.registers) > 1,
        "chart": consumption_chart(
            found,
            Span.DAY,
            title=gettext("Heute je Viertelstunde"),
            description=description,
        ),
    }
