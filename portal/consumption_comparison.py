"""The comparison with the span before, over the same part of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from portal.consumption_form import Choice, Span
from tariffs.consumption import Consumption, values_of
from tariffs.consumption_rows import points_at

_WHEN = {
    Span.DAY: _l("am Tag davor"),
    Span.WEEK: _l("in der Woche davor"),
    Span.MONTH: _l("im Monat davor"),
    Span.YEAR: _l("im Jahr davor"),
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Of one register: the span before up to the same place, and slot by slot.

    None where a value for it is missing; nothing is guessed.
    """

    total: int | None
    slots: Sequence[int | None]


def comparisons(choice: Choice, found: Consumption) -> dict[str, Comparison]:
    """By logical name; integers in the scaler of `found`. One query."""
    before = choice.before.slots
    marks = [before[0].begin, *(slot.end for slot in before)]
    until = choice.earlier(min(found.known_to, found.slots[-1].end))
    points = points_at(choice.meter.id, [*marks, until])
    compared = {}
    for register in found.registers:
        values, scaler = values_of(points, register, choice.meter.max_register_value)
        if scaler < found.scaler:  # a finer counter than today's: not comparable
            continue
        factor = 10 ** (scaler - found.scaler)
        exact = {at: value * factor for at, value in values.items()}
        compared[register.obis] = _compared(exact, marks, until, len(found.slots))
    return compared


def _compared(
    values: Mapping[datetime, int],
    marks: Sequence[datetime],
    until: datetime,
    count: int,
) -> Comparison:
    slots = [_difference(values, begin, end) for begin, end in pairwise(marks)]
    is_like = len(slots) == count or count <= 31  # a day of 23 hours has other places
    return Comparison(
        total=_difference(values, marks[0], until),
        slots=slots[:count] if is_like else (),
    )


def _difference(
    values: Mapping[datetime, int], begin: datetime, end: datetime
) -> int | None:
    first, last = values.get(begin), values.get(end)
    if first is None or last is None or last < first:
        return None
    return last - first


def comparison_words(now: int, before: int | None, span: Span, *, is_part: bool) -> str:
    """'6 % weniger als am Tag davor bis zum selben Zeitpunkt'; '' without a basis."""
    if not before:
        return ""
    when = str(_WHEN[span])
    if is_part:
        when = _("%(when)s bis zum selben Zeitpunkt") % {"when": when}
    percent = (abs(now - before) * 100 + before // 2) // before
    if percent == 0:
        return _("etwa wie %(when)s") % {"when": when}
    more = _("%(percent)d %% mehr als %(when)s")
    less = _("%(percent)d %% weniger als %(when)s")
    return (more if now > before else less) % {"percent": percent, "when": when}
