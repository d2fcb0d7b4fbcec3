"""What the visitor of the consumption page chose: a span, a day in it, a meter."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext_lazy as _l

from meters.models import Meter
from portal.day_field import EARLIEST, LATEST, DayField
from tariffs.calendar import BERLIN, GRID, Period, day_start

_ONE_DAY = timedelta(days=1)
_DAYS_OF_WEEK = 7
_MONTHS = 12


class Span(StrEnum):
    """How much the page shows."""

    DAY = "tag"
    WEEK = "woche"
    MONTH = "monat"
    YEAR = "jahr"


SPANS = {
    Span.DAY: _l("Tag"),
    Span.WEEK: _l("Woche"),
    Span.MONTH: _l("Monat"),
    Span.YEAR: _l("Jahr"),
}
GAPS = "luecken"
ROWS = {"": _l("Alle"), GAPS: _l("Nur mit Lücken")}


@dataclass(frozen=True, slots=True)
class Choice:
    """A valid choice; `day` lies in the span that is shown, `meter` is his own."""

    span: Span
    day: date
    meter: Meter
    compares: bool = False
    only_gaps: bool = False

    @property
    def days(self) -> tuple[date, date]:
        """The first day, and the day behind the last one."""
        return bounds(self.span, self.day)

    @property
    def before(self) -> "Choice":
        """The same for the span before."""
        return replace(self, day=self.days[0] - _ONE_DAY)

    @property
    def after(self) -> "Choice":
        """The same for the span behind."""
        return replace(self, day=self.days[1])

    def of(self, span: Span, day: date | None = None) -> "Choice":
        """Another span around the same day, or around another one."""
        return replace(self, span=span, day=day or self.day)

    @property
    def query(self) -> str:
        """The query text of the page with this choice."""
        values: dict[str, object] = {
            "zeitraum": self.span.value,
            "tag": self.day,
            "zaehler": self.meter.id,
        }
        values |= {"vergleich": "1"} if self.compares else {}
        return urlencode(values | ({"werte": GAPS} if self.only_gaps else {}))

    @property
    def slots(self) -> list[Period]:
        """The places of the chart, ascending: quarter hours, days or months; UTC."""
        first, behind = self.days
        if self.span is Span.DAY:
            begin, end = day_start(first, 0), day_start(behind, 0)
            count = (end - begin) // GRID
            return [
                Period(begin + n * GRID, begin + (n + 1) * GRID) for n in range(count)
            ]
        marks = [day_start(one, 0) for one in _marks(self.span, first, behind)]
        return [Period(*pair) for pair in pairwise(marks)]

    def earlier(self, instant: datetime) -> datetime:
        """The instant at the same place of the span before, by the wall clock."""
        local = instant.astimezone(BERLIN).replace(tzinfo=None, fold=0)
        first, earlier_first = self.days[0], self.before.days[0]
        moved = _moved(self.span, local, first, earlier_first)
        limit = datetime.combine(first, datetime.min.time())
        return min(moved, limit).replace(tzinfo=BERLIN).astimezone(UTC)


def bounds(span: Span, day: date) -> tuple[date, date]:
    """The first day of the span around a day, and the day behind its last one."""
    if span is Span.DAY:
        return day, day + _ONE_DAY
    if span is Span.WEEK:
        first = day - day.weekday() * _ONE_DAY
        return first, first + _DAYS_OF_WEEK * _ONE_DAY
    if span is Span.MONTH:
        first = day.replace(day=1)
        return first, _next_month(first)
    return date(day.year, 1, 1), date(day.year + 1, 1, 1)


def _next_month(first: date) -> date:
    return (first + 31 * _ONE_DAY).replace(day=1)


def _marks(span: Span, first: date, behind: date) -> list[date]:
    if span is Span.YEAR:
        months = [date(first.year, month, 1) for month in range(1, _MONTHS + 1)]
        return [*months, behind]
    return [first + n * _ONE_DAY for n in range((behind - first).days + 1)]


def _moved(span: Span, local: datetime, first: date, earlier: date) -> datetime:
    """A year back keeps month and day, everything else the time from the begin."""
    if span is Span.YEAR and local.year == first.year:
        day = min(local.day, 28) if local.month == 2 else local.day
        return local.replace(year=earlier.year, day=day)
    if span is Span.YEAR:
        return local.replace(year=local.year - 1)
    return local - (first - earlier)


class ConsumptionForm(forms.Form):
    """The form above the chart of a meter; a day left out is today."""

    zeitraum = forms.ChoiceField(
        required=False, choices=[(span.value, word) for span, word in SPANS.items()]
    )
    tag = DayField(required=False)
    vergleich = forms.BooleanField(required=False)
    werte = forms.ChoiceField(required=False, choices=list(ROWS.items()))

    def __init__(self, data: Any, meter: Meter, *, today: date) -> None:
        super().__init__(data)
        self._meter = meter
        self._today = today

    def clean_tag(self) -> date:
        """The day; today when it was left out."""
        day: date = self.cleaned_data["tag"] or self._today
        if not EARLIEST.year + 1 < day.year < LATEST.year - 1:
            raise forms.ValidationError(self.fields["tag"].error_messages["invalid"])
        return day

    @property
    def chosen(self) -> Choice:
        """The choice; today when the form was refused."""
        if not self.is_valid():
            return Choice(Span.DAY, self._today, self._meter)
        cleaned = self.cleaned_data
        return Choice(
            span=Span(cleaned["zeitraum"] or Span.DAY),
            day=cleaned["tag"],
            meter=self._meter,
            compares=cleaned["vergleich"],
            only_gaps=cleaned["werte"] == GAPS,
        )
