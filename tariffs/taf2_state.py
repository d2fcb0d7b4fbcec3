"""The registers of a TAF2 profile between its records, computed on request.

What is stored stands as it is; from there the energy up to an instant is added by the
same rule, and not signed (decisions D58).
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hardware.readings import RegisterValue
from hardware.record import registers_of
from hardware.status_word import is_placeholder
from tariffs.derived import own_rows
from tariffs.inputs import rows_of_inputs
from tariffs.list_row import ListRow
from tariffs.models import DerivedRecord, EvaluationProfile
from tariffs.switch_calendar import Unclear
from tariffs.taf1 import UnitsDiffer, usable_register
from tariffs.taf2 import InputRows, Tariff, is_first_coming, record_of_instant
from tariffs.tariff_spec import tariff_of


def states(
    profile: EvaluationProfile, instants: Sequence[datetime]
) -> Iterator[ListRow]:
    """The row at each instant, ascending as they are given.

    The stored record where there is one. An instant at which an input has no usable
    value is left out.
    """
    if not instants:
        return
    stored = _stored(profile, instants[0], instants[-1])
    base = stored[0].target_time if stored else None
    given = rows_of_inputs(profile, base, instants[-1])
    walk = _Walk(profile.id, tariff_of(profile.tariff or {}).tariff, stored, given)
    for instant in instants:
        row = walk.at(instant)
        if row is not None:
            yield row


def _stored(
    profile: EvaluationProfile, first: datetime, last: datetime
) -> list[ListRow]:
    """The records up to the last instant, from the one before the first on."""
    records = DerivedRecord.objects.filter(profile=profile, target_time__lte=last)
    before = records.filter(target_time__lte=first).order_by("-target_time")
    begin = before.values_list("target_time", flat=True).first()
    return list(own_rows(records.filter(target_time__gte=begin or first)))


@dataclass(slots=True)
class _Walk:
    """Goes forward through rows that were read once; knows the registers so far."""

    profile: str
    tariff: Tariff
    stored: Sequence[ListRow]
    given: Sequence[InputRows]
    _known_to: datetime | None = None
    _registers: Sequence[RegisterValue] = field(default=())

    def at(self, instant: datetime) -> ListRow | None:
        """The row at an instant that is not before the last one."""
        position = bisect_right(self.stored, instant, key=_time_of)
        row = self.stored[position - 1] if position else None
        if row and (self._known_to is None or row.target_time > self._known_to):
            self._known_to = row.target_time
            self._registers = registers_of(row.registers)
        if row and row.target_time == instant:
            return None if is_placeholder(row.status) else row
        return self._computed(instant)

    def _computed(self, instant: datetime) -> ListRow | None:
        rows = [self._rows(each, instant) for each in self.given]
        try:
            outcome = record_of_instant(
                self.profile, instant, self._registers, rows, self.tariff
            )
        except (UnitsDiffer, Unclear):
            return None
        if is_placeholder(outcome.record.status):
            return None
        if is_first_coming(instant):
            self._known_to, self._registers = instant, outcome.record.registers
        return ListRow.computed(outcome.record, outcome.later_bits)

    def _rows(self, given: InputRows, instant: datetime) -> InputRows:
        """The input's rows from the last one that is in the registers already."""
        end = bisect_right(given.rows, instant, key=_time_of)
        start = 0
        if self._known_to is not None:
            start = bisect_right(given.rows, self._known_to, key=_time_of) - 1
            while start > 0 and not _counts(given, given.rows[start]):
                start -= 1
        return InputRows(given.source, given.rows[max(start, 0) : end])


def _counts(given: InputRows, row: ListRow) -> bool:
    is_usable = usable_register(given.source, row) is not None
    return is_usable and is_first_coming(row.target_time)


def _time_of(row: ListRow) -> datetime:
    return row.target_time
