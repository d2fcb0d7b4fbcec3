"""TAF2, the time-variable tariff: running registers per stage, written at instants.

Pure rules (tafs.md 4, decisions D20): integers in, integers out. The arithmetic is
that of `tariffs.stages`, which also checks bills, so that TRuDI comes to the same
amounts for every period that has a usable value at its begin and end.

A register counts from the start of the profile. At each switch of a stage and at each
end of a billing period one record holds all of them: the total (E = 0), the stages
(E = their numbers) and the error register (E = 63), for each direction of the inputs.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from hardware.obis import Obis
from hardware.readings import RegisterValue
from hardware.record import Record
from hardware.status_word import (
    METER_BASIC,
    PLACEHOLDER,
    WARNING,
    combined,
    gateway_word,
)
from tariffs.calendar import BERLIN
from tariffs.list_row import ListRow
from tariffs.roll_over import bound_in, unrolled
from tariffs.stages import ERROR_STAGE, Booking, bookings, timeline
from tariffs.switch_calendar import Calendar, carried_out_plan
from tariffs.taf1 import Input, UnitsDiffer, usable_register

TOTAL = 0
_STAGE_GROUP = 4
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Tariff:
    """The stages of a profile and when each is active."""

    stages: tuple[int, ...]
    calendar: Calendar
    trudi_compat: bool = True


class InputRows(NamedTuple):
    """An input and its rows up to an instant, ascending.

    They begin with the last usable row on the calendar's grid that was taken into
    the record before (`is_first_coming`), or with the first of all.
    """

    source: Input
    rows: Sequence[ListRow]


class Decrease(NamedTuple):
    """A counter that went back: nothing is counted over this time (tafs.md R11 c)."""

    meter: str
    obis: str
    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Energy:
    """What an input counted: bookings on the wall clock, exact in scaler and unit.

    `roll_overs`: how often its counter began at 0 again (tafs.md R11 b).
    """

    source: Input
    bookings: tuple[Booking, ...]
    decreases: tuple[Decrease, ...]
    scaler: int
    unit: int
    roll_overs: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The record of an instant, its bits of the later dialect, what is to be told.

    `unsplit` is the energy that went to the error register since the record before.
    """

    record: Record
    later_bits: int
    decreases: tuple[Decrease, ...]
    unsplit: tuple[Booking, ...]


def is_first_coming(instant: datetime) -> bool:
    """Whether a row of this time lies on the calendar's grid.

    Wall clock times that come twice are those of their first coming. (Where only the
    second has a value TRuDI takes that one, and energy is counted backwards.)
    """
    return instant.astimezone(BERLIN).fold == 0


def record_of_instant(
    profile: str,
    instant: datetime,
    before: Sequence[RegisterValue],
    given: Sequence[InputRows],
    tariff: Tariff,
) -> Outcome:
    """The derived record at a switch or the end of a period (R42).

    `before` are the registers of the record before; () for the first one, which
    starts them all at 0. Where an input has no usable value at the instant, what is
    known is repeated as in a placeholder, and its energy follows with the next value.
    Raises UnitsDiffer, and Unclear from the calendar.
    """
    energies = [
        energy
        for each in given
        if (energy := energy_of(each, instant, tariff)) is not None
    ]
    is_complete = all(_ends_at(each, instant) for each in given)
    used = [row for each in given for row in _usable_rows(each)]
    bits = 0 if is_complete else PLACEHOLDER
    if any(energy.roll_overs for energy in energies):
        bits |= WARNING
    later_bits = 0
    for row in used:
        bits |= gateway_word(row.status)
        later_bits |= row.later_bits
    latest = max((row.capture_time for row in used), default=instant)
    record = Record(
        subject=profile,
        target_time=instant,
        capture_time=latest if is_complete else instant,
        status=combined(bits, METER_BASIC),
        registers=added(before, energies, tariff),
    )
    return Outcome(
        record,
        later_bits,
        tuple(decrease for energy in energies for decrease in energy.decreases),
        tuple(b for e in energies for b in e.bookings if b.stage == ERROR_STAGE),
    )


def energy_of(given: InputRows, instant: datetime, tariff: Tariff) -> Energy | None:
    """What an input counted over its rows up to an instant; None without a usable row.

    Raises UnitsDiffer when the unit of its register changes.
    """
    usable = [
        (row.target_time, register)
        for row in given.rows
        if is_first_coming(row.target_time)
        and (register := usable_register(given.source, row)) is not None
    ]
    if not usable:
        return None
    scaler = min(register.scaler for _at, register in usable)
    unit = usable[0][1].unit
    if any(register.unit != unit for _at, register in usable):
        raise UnitsDiffer(given.source.obis)
    values = {
        at.astimezone(BERLIN).replace(tzinfo=None): _in_scaler(register, scaler)
        for at, register in usable
    }
    bound = bound_in(given.source.rolls_over_at, scaler)
    values, roll_overs = unrolled(values, bound)
    booked = _booked(values, instant, tariff)
    good, decreases = _without_decreases(given.source, booked)
    return Energy(given.source, good, decreases, scaler, unit, roll_overs)


def _booked(
    values: dict[datetime, int], until: datetime, tariff: Tariff
) -> list[Booking]:
    begin = next(iter(values))
    end = until.astimezone(BERLIN).replace(tzinfo=None)
    days = (
        (day, carried_out_plan(tariff.calendar, day, trudi_compat=tariff.trudi_compat))
        for day in _days(begin.date(), end.date())
    )
    slots = timeline(days, begin, end)
    return bookings(slots, values, trudi_compat=tariff.trudi_compat)


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += _ONE_DAY


def _without_decreases(
    source: Input, booked: Iterable[Booking]
) -> tuple[tuple[Booking, ...], tuple[Decrease, ...]]:
    good, decreases = [], []
    for booking in booked:
        if booking.amount >= 0:
            good.append(booking)
        else:
            where = (booking.begin, booking.end)
            decreases.append(Decrease(source.meter, source.obis, *where))
    return tuple(good), tuple(decreases)


def _ends_at(given: InputRows, instant: datetime) -> bool:
    if not given.rows or given.rows[-1].target_time != instant:
        return False
    return usable_register(given.source, given.rows[-1]) is not None


def _usable_rows(given: InputRows) -> list[ListRow]:
    """The rows that were used for this record: all but the one of the record before."""
    used = [row for row in given.rows if usable_register(given.source, row)]
    return used[1:] or used


def added(
    before: Sequence[RegisterValue], energies: Sequence[Energy], tariff: Tariff
) -> tuple[RegisterValue, ...]:
    """The registers with the energies added, ascending by OBIS; exact, in the finest
    scaler.

    Each direction has its total, its stages and its error register from the start.
    Raises UnitsDiffer when inputs of one direction count in different units.
    """
    sums = {value.obis: value for value in before}
    for energy in energies:
        source = Obis(bytes.fromhex(energy.source.obis))
        for stage in (TOTAL, *tariff.stages, ERROR_STAGE):
            amount = _amount(energy, stage)
            share = RegisterValue(
                _of_stage(source, stage), amount, energy.scaler, energy.unit
            )
            known = sums.get(share.obis)
            sums[share.obis] = _sum(known, share) if known else share
    return tuple(sums[obis] for obis in sorted(sums))


def _amount(energy: Energy, stage: int) -> int:
    return energy.source.sign * sum(
        booking.amount for booking in energy.bookings if stage in (TOTAL, booking.stage)
    )


def _of_stage(source: Obis, stage: int) -> Obis:
    groups = bytearray(source.groups)
    groups[_STAGE_GROUP] = stage
    return Obis(bytes(groups))


def _sum(one: RegisterValue, other: RegisterValue) -> RegisterValue:
    if one.unit != other.unit:
        raise UnitsDiffer(str(one.obis))
    scaler = min(one.scaler, other.scaler)
    total = _in_scaler(one, scaler) + _in_scaler(other, scaler)
    return RegisterValue(one.obis, total, scaler, one.unit)


def _in_scaler(register: RegisterValue, scaler: int) -> int:
    return register.value * int(10 ** (register.scaler - scaler))
