"""What a meter counted in the slots of a day, a week, a month or a year.

For information, from the original records: differences of the counter between usable
values, each booked to the tariff stage that a TAF2 contract names. Nothing is
interpolated: energy over missing values that reaches beyond a slot belongs to no slot
and is told apart. Integers in, integers out.
"""

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from hardware.obis import ACTIVE_ENERGY_EXPORT, ACTIVE_ENERGY_IMPORT
from hardware.record import registers_of
from hardware.status_word import ptb_status
from tariffs.calendar import BERLIN, GRID, Period
from tariffs.quarter_hours import spans
from tariffs.roll_over import bound_in, unrolled
from tariffs.stages import bookings, timeline
from tariffs.switch_calendar import Unclear, carried_out_plan
from tariffs.taf2 import Tariff, is_first_coming
from tariffs.tariff_spec import tariff_of

NO_STAGE = 0
"""Energy that no contract books to a stage."""

IMPORT = ACTIVE_ENERGY_IMPORT.logical_name
EXPORT = ACTIVE_ENERGY_EXPORT.logical_name
_UNUSABLE = 3
_OBIS_DIGITS = 12
_ONE_DAY = timedelta(days=1)


class Point(NamedTuple):
    """A record of the original list: target time (UTC), status, register lines."""

    at: datetime
    status: int
    registers: str


class StagePlan(NamedTuple):
    """The stages that a contract gives a register over `[begin, end]`.

    `end` None is open; `document` is the tariff as JSON.
    """

    obis: str
    begin: datetime
    end: datetime | None
    document: str


class Register(NamedTuple):
    """A counter that is shown: its logical name and its unit."""

    obis: str
    unit: int


class Series(NamedTuple):
    """A column: a register, and the stage its energy was booked to."""

    obis: str
    stage: int


class Flow(NamedTuple):
    """What a register counted between two neighbouring usable values."""

    series: Series
    begin: datetime
    end: datetime
    amount: int


@dataclass(slots=True)
class SlotEnergy:
    """A slot: amounts by series; of `expected` quarter hours `missing` have none.

    `has_begun` is False for what lies ahead.
    """

    begin: datetime
    end: datetime
    expected: int
    missing: int
    amounts: dict[Series, int] = field(default_factory=dict)

    @property
    def has_begun(self) -> bool:
        """Whether a value could be there."""
        return self.expected > 0

    @property
    def is_gap(self) -> bool:
        """Whether nothing is known of a time that has passed."""
        return self.has_begun and not self.amounts


@dataclass(frozen=True, slots=True)
class Consumption:
    """All slots of a span; amounts are integers x 10^`scaler` in `unit`.

    `across` lies in no single slot, `went_back` are the times at which a counter was
    lower than before. `known_to` is how far the values reach.
    """

    registers: Sequence[Register]
    scaler: int
    unit: int
    known_to: datetime
    slots: Sequence[SlotEnergy]
    across: Sequence[Flow]
    went_back: Sequence[Period]

    @property
    def series(self) -> list[Series]:
        """The columns: each register in its order, its stages ascending."""
        found = {one for slot in self.slots for one in slot.amounts}
        found |= {flow.series for flow in self.across}
        return [
            series
            for register in self.registers
            for series in _of_register(found, register.obis)
        ]

    def total(self, obis: str) -> int:
        """All that a register counted, in slots and across them."""
        return sum(amount for one, amount in self.totals.items() if one.obis == obis)

    @property
    def totals(self) -> dict[Series, int]:
        """The sum of each series, in slots and across them."""
        sums: dict[Series, int] = {}
        for slot in self.slots:
            for one, amount in slot.amounts.items():
                sums[one] = sums.get(one, 0) + amount
        for flow in self.across:
            sums[flow.series] = sums.get(flow.series, 0) + flow.amount
        return sums

    @property
    def missing(self) -> int:
        """How many quarter hours have no value of their own."""
        return sum(slot.missing for slot in self.slots)


def _of_register(found: set[Series], obis: str) -> list[Series]:
    """Its series; without any value the one without a stage."""
    return sorted(one for one in found if one.obis == obis) or [Series(obis, NO_STAGE)]


def shown_registers(points: Sequence[Point]) -> list[Register]:
    """Energy drawn and fed in of an electricity meter, else the first counter.

    From the newest record that names one.
    """
    for point in reversed(points):
        counters = [one for one in registers_of(point.registers) if one.is_counter]
        names = {one.obis.logical_name: one for one in counters}
        both = [Register(n, names[n].unit) for n in (IMPORT, EXPORT) if n in names]
        if both:
            return [one for one in both if one.unit == both[0].unit]
        if counters:
            return [Register(counters[0].obis.logical_name, counters[0].unit)]
    return []


def counted(
    points: Sequence[Point],
    plans: Sequence[StagePlan],
    slots: Sequence[Period],
    *,
    first_at: datetime | None,
    known_to: datetime,
    rolls_over_at: int | None = None,
) -> Consumption:
    """What the registers counted in these slots (ascending, without holes).

    `points` ascending, both ends included; before `first_at` the meter had no list.
    `rolls_over_at` is where its counters begin at 0 again (`tariffs.roll_over`).
    """
    registers = shown_registers(points)
    found = {one.obis: values_of(points, one, rolls_over_at) for one in registers}
    scaler = min((one[1] for one in found.values()), default=0)
    begin = max(first_at, slots[0].begin) if first_at else known_to
    energies = [_empty(slot, begin, known_to) for slot in slots]
    across: list[Flow] = []
    went_back: list[Period] = []
    for obis, (values, own_scaler) in found.items():
        factor = 10 ** (own_scaler - scaler)
        for flow in _flows(obis, values, plans):
            if flow.amount < 0:
                went_back.append(Period(flow.begin, flow.end))
            else:
                _put(energies, across, flow._replace(amount=flow.amount * factor))
    _count(energies, found)
    return Consumption(
        registers=registers,
        scaler=scaler,
        unit=registers[0].unit if registers else 0,
        known_to=known_to,
        slots=energies,
        across=across,
        went_back=went_back,
    )


def _empty(slot: Period, begin: datetime, known_to: datetime) -> SlotEnergy:
    expected = max(0, (min(slot.end, known_to) - max(slot.begin, begin)) // GRID)
    return SlotEnergy(slot.begin, slot.end, expected, expected)


_verdict = lru_cache(maxsize=4096)(ptb_status)


def values_of(
    points: Iterable[Point], register: Register, rolls_over_at: int | None = None
) -> tuple[dict[datetime, int], int]:
    """The usable values of a register by their time, in the finest scaler.

    Where the counter rolled over they go on as if it had no end.
    """
    usable = []
    for point in points:
        if _verdict(point.status) < _UNUSABLE:
            for line in point.registers.split("\n"):
                if line[:_OBIS_DIGITS] == register.obis:
                    _obis, value, scaler, unit = line.split(" ")
                    if int(unit) == register.unit:
                        usable.append((point.at, int(value), int(scaler)))
    finest = min((scaler for _at, _value, scaler in usable), default=0)
    values = {at: value * 10 ** (scaler - finest) for at, value, scaler in usable}
    return unrolled(values, bound_in(rolls_over_at, finest))[0], finest


def _flows(
    obis: str, values: Mapping[datetime, int], plans: Iterable[StagePlan]
) -> Iterator[Flow]:
    stages: dict[datetime, int] = {}
    for plan in plans:
        if plan.obis == obis:
            with suppress(Unclear):  # a calendar that ends before this day
                stages |= _stages(values, plan)
    for (begin, first), (end, last) in pairwise(values.items()):
        series = Series(obis, stages.get(begin, NO_STAGE))
        yield Flow(series, begin, end, last - first)


def _stages(values: Mapping[datetime, int], plan: StagePlan) -> dict[datetime, int]:
    """Begin of each span between values that the contract covers -> its stage."""
    covered = {
        at: value
        for at, value in values.items()
        if plan.begin <= at and (plan.end is None or at <= plan.end)
    }
    if not covered:
        return {}
    wall = {
        at.astimezone(BERLIN).replace(tzinfo=None): value
        for at, value in covered.items()
        if is_first_coming(at)
    }
    tariff = _tariff(plan.document)
    begin, end = next(iter(wall)), next(reversed(wall))
    days = (
        (day, carried_out_plan(tariff.calendar, day, trudi_compat=tariff.trudi_compat))
        for day in _days(begin.date(), end.date())
    )
    booked = bookings(
        timeline(days, begin, end), wall, trudi_compat=tariff.trudi_compat
    )
    return {span.begin: span.stage for span in spans(covered, booked)}


@lru_cache(maxsize=64)
def _tariff(document: str) -> Tariff:
    return tariff_of(json.loads(document)).tariff


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += _ONE_DAY


def _put(slots: Sequence[SlotEnergy], across: list[Flow], flow: Flow) -> None:
    """Into the slot that holds all of it; what is outside of all is left out."""
    index = bisect_right(slots, flow.begin, key=lambda slot: slot.begin) - 1
    if index >= 0 and flow.end <= slots[index].end:
        amounts = slots[index].amounts
        amounts[flow.series] = amounts.get(flow.series, 0) + flow.amount
    elif slots[0].begin <= flow.begin and flow.end <= slots[-1].end:
        across.append(flow)


def _count(
    slots: Sequence[SlotEnergy],
    found: Mapping[str, tuple[Mapping[datetime, int], int]],
) -> None:
    """Take the quarter hours off that have a value at both ends in every register."""
    whole: set[datetime] | None = None
    for values, _scaler in found.values():
        begins = {at for at, end in pairwise(values) if end - at == GRID}
        whole = begins if whole is None else whole & begins
    for begin in whole or ():
        index = bisect_right(slots, begin, key=lambda slot: slot.begin) - 1
        if index >= 0 and begin + GRID <= slots[index].end:
            slots[index].missing -= 1
