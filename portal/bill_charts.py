"""What the bill page draws and lists: a day by quarter hours, a period by days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _

from portal import formats, local_time
from portal.stage_chart import Slot, StageChart, Tick, stage_chart, stage_key
from tariffs.calendar import BERLIN, day_start
from tariffs.quarter_hours import Span, spans
from tariffs.stages import Booking
from tariffs.trudi.labels import stage_label
from tariffs.trudi.model import ReadingList
from tariffs.trudi.units import WATT_HOUR, display_unit, display_value

_ONE_DAY = timedelta(days=1)
_QUARTER_S, _HOUR_S = 900, 3600
_HOURS_BETWEEN_TICKS = 3
_MOST_DAY_TICKS = 10


@dataclass(frozen=True, slots=True)
class StageWords:
    """A stage: its number, what the tariff calls it, its colour."""

    number: int
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table beside a chart; no amount: nothing is known."""

    time: str
    amount: str
    stage: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class DayRow:
    """A day: its energy by stage in the order of the legend, and their sum."""

    day: str
    amounts: Sequence[str]
    total: str


@dataclass(frozen=True, slots=True)
class ListCharts:
    """The charts of one original list."""

    title: str
    unit: str
    legend: Sequence[StageWords]
    day: StageChart
    quarters: Sequence[Row]
    missing: int
    days: StageChart
    day_rows: Sequence[DayRow]
    across: Sequence[Row]


def list_charts(
    index: int,
    values: ReadingList,
    booked: Sequence[Booking],
    day: date,
    names: dict[int, str],
) -> ListCharts:
    """Both charts of a list with their tables; `names` are the tariff's own."""
    amount = Amounts.of(values)
    found = spans(usable_by_time(values), booked)
    legend = _legend(booked, names)
    slots, rows = _quarters(values, list(found), day, amount, legend)
    day_slots, day_rows = _days(booked, amount, legend)
    return ListCharts(
        title=_title(values),
        unit=amount.unit,
        legend=legend,
        day=_day_chart(f"day-{index}", day, slots, amount),
        quarters=rows,
        missing=sum(slot.is_gap for slot in slots),
        days=_days_chart(f"days-{index}", booked, day_slots, amount),
        day_rows=day_rows,
        across=_across(booked, amount, legend),
    )


@dataclass(frozen=True, slots=True)
class Amounts:
    """How the raw integers of a list are written."""

    uom: int
    multiplier: int
    scaler: int

    @classmethod
    def of(cls, values: ReadingList) -> "Amounts":
        """Of a list that has a type."""
        kind = values.reading_type
        if kind is None or kind.uom is None or kind.multiplier is None:
            return cls(0, 0, 0)
        return cls(kind.uom, kind.multiplier, kind.scaler)

    @property
    def unit(self) -> str:
        """The unit as shown."""
        return display_unit(self.uom, self.multiplier)

    @property
    def exponent(self) -> int:
        """The power of ten of the integers, counted in `unit`."""
        in_kilo = self.uom == WATT_HOUR and self.multiplier == 0
        return self.scaler - 3 if in_kilo else self.scaler

    def text(self, value: int) -> str:
        """The number without its unit."""
        return display_value(value, self.uom, self.multiplier, self.scaler)


def usable_by_time(values: ReadingList) -> dict[datetime, int]:
    """The usable values of a list by the time they stand for, UTC."""
    return {
        reading.time.utc: reading.value
        for reading in values.readings
        if reading.time and reading.value is not None and reading.is_usable
    }


def days_of(booked: Sequence[Booking]) -> list[date]:
    """The local days from the first booking to the last one."""
    if not booked:
        return []
    first, last = booked[0].begin.date(), _last_day(booked[-1])
    return [first + n * _ONE_DAY for n in range((last - first).days + 1)]


def _last_day(booking: Booking) -> date:
    """The day of the energy; midnight belongs to the day that it ends."""
    return (booking.end - timedelta(seconds=1)).date()


def _title(values: ReadingList) -> str:
    text = _("%(obis)s des Zählers %(meter)s")
    return text % {"obis": values.obis, "meter": values.meter_id.lower()}


def _legend(booked: Sequence[Booking], names: dict[int, str]) -> list[StageWords]:
    return [
        StageWords(stage, stage_words(stage, names), stage_key(stage))
        for stage in sorted({booking.stage for booking in booked})
    ]


def stage_words(stage: int, names: dict[int, str]) -> str:
    """'Tarifregister 1 (HT)'."""
    name = names.get(stage, "")
    label = stage_label(stage)
    return f"{label} ({name})" if name else label


# --- a day --------------------------------------------------------------------------


def _quarters(
    values: ReadingList,
    found: Sequence[Span],
    day: date,
    amount: Amounts,
    legend: Sequence[StageWords],
) -> tuple[list[Slot], list[Row]]:
    step = timedelta(seconds=_step_s(values))
    words = {stage.number: stage.name for stage in legend}
    exact = {span.begin: span for span in found if span.end - span.begin == step}
    slots, rows = [], []
    begin, end = day_start(day, 0), day_start(day + _ONE_DAY, 0)
    while begin < end:
        span = exact.get(begin)
        time = _span_text(begin, begin + step)
        if span:
            slots.append(Slot([(span.stage, span.amount)]))
            rows.append(Row(time, amount.text(span.amount), words[span.stage]))
        else:
            slots.append(Slot(is_gap=True))
            rows.append(Row(time, "", "", _("keine Werte")))
        begin += step
    return slots, rows


def _step_s(values: ReadingList) -> int:
    """The grid of the list, at most an hour: longer ones follow the wall clock."""
    period = values.reading_type.measurement_period if values.reading_type else 0
    is_usual = 0 < period <= _HOUR_S and _HOUR_S % period == 0
    return period if is_usual else _QUARTER_S


def _span_text(begin: datetime, end: datetime) -> str:
    """'02:00 A-02:15 A' in the hour that comes twice, else '02:00-02:15'."""
    return f"{_clock(begin)}\u2013{_clock(end)}"


def _clock(instant: datetime) -> str:
    stamp = local_time.page_stamp(instant)
    return stamp[11:16] + stamp[19:]


def _day_chart(
    id_: str, day: date, slots: Sequence[Slot], amount: Amounts
) -> StageChart:
    title = _("Viertelstunden am %(day)s") % {"day": formats.long_date(day)}
    missing = sum(slot.is_gap for slot in slots)
    text = _(
        "%(all)d Werte, %(missing)d davon fehlen. Die Tabelle darunter nennt alle."
    )
    return stage_chart(
        id_,
        slots,
        _hour_ticks(day, len(slots)),
        exponent=amount.exponent,
        title=title,
        description=text % {"all": len(slots), "missing": missing},
        unit=amount.unit,
    )


def _hour_ticks(day: date, count: int) -> list[Tick]:
    begin, end = day_start(day, 0), day_start(day + _ONE_DAY, 0)
    length = (end - begin) // timedelta(hours=1)
    ticks = []
    for hour in range(length):
        clock = (begin + timedelta(hours=hour)).astimezone(BERLIN)
        if clock.hour % _HOURS_BETWEEN_TICKS == 0:
            ticks.append(Tick(hour * count // length, f"{clock:%H}"))
    return [*ticks, Tick(count, "24")]


# --- the days of a period -----------------------------------------------------------


def _days(
    booked: Sequence[Booking], amount: Amounts, legend: Sequence[StageWords]
) -> tuple[list[Slot], list[DayRow]]:
    sums: dict[date, dict[int, int]] = {}
    for booking in booked:
        if not _is_across(booking):
            of_day = sums.setdefault(booking.begin.date(), {})
            of_day[booking.stage] = of_day.get(booking.stage, 0) + booking.amount
    slots, rows = [], []
    for day in days_of(booked):
        of_day = sums.get(day, {})
        slots.append(Slot(sorted(of_day.items()), is_gap=not of_day))
        amounts = [
            amount.text(of_day[stage.number]) if stage.number in of_day else ""
            for stage in legend
        ]
        total = amount.text(sum(of_day.values())) if of_day else ""
        rows.append(DayRow(formats.long_date(day), amounts, total))
    return slots, rows


def _is_across(booking: Booking) -> bool:
    """Whether it lies in more than one day and so is the energy of none."""
    return booking.begin.date() != _last_day(booking)


def _across(
    booked: Sequence[Booking], amount: Amounts, legend: Sequence[StageWords]
) -> list[Row]:
    words = {stage.number: stage.name for stage in legend}
    return [
        Row(booking_text(booking), amount.text(booking.amount), words[booking.stage])
        for booking in booked
        if _is_across(booking)
    ]


def booking_text(booking: Booking) -> str:
    """'2026-03-01 23:45 – 2026-03-02 00:30', wall clock."""
    return f"{booking.begin:%Y-%m-%d %H:%M} \u2013 {booking.end:%Y-%m-%d %H:%M}"


def _days_chart(
    id_: str, booked: Sequence[Booking], slots: Sequence[Slot], amount: Amounts
) -> StageChart:
    days = days_of(booked)
    every = -(-len(days) // _MOST_DAY_TICKS) or 1
    form = "%d.%m." if len(days) > every else "%d.%m.%Y"
    ticks = [
        Tick(index, f"{day:{form}}")
        for index, day in enumerate(days)
        if index % every == 0
    ]
    return stage_chart(
        id_,
        slots,
        ticks,
        exponent=amount.exponent,
        title=_("Energie je Tag und Stufe"),
        description=_("%(count)d Tage. Die Tabelle darunter nennt alle.")
        % {"count": len(days)},
        unit=amount.unit,
    )
