"""TAF2 recomputed as TRuDI does it: every interval to its stage (tariffication.md 5).

Where TRuDI books a wrong amount (5.5) the basic rule is kept.
"""

from datetime import date

from django.utils.translation import gettext as _

from tariffs.stages import (
    ERROR_STAGE,
    DayPlan,
    bookings,
    carried_out,
    timeline,
    totals,
)
from tariffs.trudi.calculation import (
    CalculationFailed,
    Result,
    billing_period,
    first_readings,
    stages_of_profiles,
    usable_values,
)
from tariffs.trudi.model import AnalysisProfile, DayProfile, ReadingList, UsagePoint
from tariffs.trudi.moments import Moment
from tariffs.trudi.registers import (
    C,
    E,
    NoRegister,
    Register,
    register_for,
    registers_of_profile,
    valid_day_profiles,
)


def calculate(
    readings: UsagePoint, profile: AnalysisProfile, *, trudi_compat: bool = True
) -> Result:
    """The registers of a TAF2 period; raises CalculationFailed.

    `trudi_compat`: with the two extra rules that TRuDI has (5.4a, 5.4b).
    """
    if not readings.originals:
        text = _("Die Datei enthält keine originäre Messwertliste.")
        raise CalculationFailed("no_original_value_list", text)
    begin, end = billing_period(profile)
    result = Result(2, begin, end, registers_of_profile(2, profile.stages))
    plans = _plans(profile, trudi_compat)
    for values in readings.originals:
        result.begin, result.end = _span(values, begin, end)
        days = _days_of(values, profile, plans, result)
        if days:
            _book(result, values, days, trudi_compat)
    return result


def _plans(profile: AnalysisProfile, trudi_compat: bool) -> dict[int, DayPlan]:
    """The plan of each day profile; of two with the same id the first counts."""
    plans: dict[int, DayPlan] = {}
    for day in profile.day_profiles:
        if day.day_id is not None and day.day_id not in plans:
            plan = _plan(day, profile)
            plans[day.day_id] = carried_out(plan) if trudi_compat else plan
    return plans


def _plan(day: DayProfile, profile: AnalysisProfile) -> DayPlan:
    """A stage that is an error register itself is booked as such."""
    errors = {
        stage.number
        for stage in profile.stages
        if stage.obis and stage.obis.groups[E] == ERROR_STAGE
    }
    slots = [(slot.start, slot.stage) for slot in day.slots if slot.start is not None]
    slots.sort(key=lambda slot: slot[0])
    return [(at, ERROR_STAGE if stage in errors else stage) for at, stage in slots]


def _span(values: ReadingList, begin: Moment, end: Moment) -> tuple[Moment, Moment]:
    """The first and the last target time in the billing period, of any status."""
    inside = [
        reading.target
        for reading in values.readings
        if reading.target and begin.wall <= reading.target.wall <= end.wall
    ]
    if not inside or inside[0].wall == inside[-1].wall:
        text = _("Im Abrechnungszeitraum hat die Liste %(obis)s keine Messwerte.")
        message = text % {"obis": values.obis}
        raise CalculationFailed("no_readings_in_billing_period", message)
    return inside[0], inside[-1]


def _days_of(
    values: ReadingList,
    profile: AnalysisProfile,
    plans: dict[int, DayPlan],
    result: Result,
) -> list[tuple[date, DayPlan]]:
    """The calendar days of a list with their plans, ascending."""
    if values.obis is None:
        return []
    try:
        usable = valid_day_profiles(
            values.obis, profile.stages, stages_of_profiles(profile)
        )
    except ValueError:
        text = _("Der Tarif hat keine Tarifstufen oder keine Tagesprofile.")
        raise CalculationFailed("no_day_profile", text) from None
    first, last = result.begin.wall.date(), result.end.wall.date()
    days = {
        special.on: plans[special.day_id]
        for special in reversed(profile.special_days)
        if special.on is not None
        and special.day_id is not None
        and special.day_id in usable
        and first <= special.on <= last
    }
    return sorted(days.items(), key=lambda day: day[0])


def _book(
    result: Result,
    values: ReadingList,
    days: list[tuple[date, DayPlan]],
    trudi_compat: bool,
) -> None:
    slots = timeline(days, result.begin.wall, result.end.wall)
    booked = bookings(
        slots, usable_values(first_readings(values)), trudi_compat=trudi_compat
    )
    direction = values.obis.groups[C] if values.obis else 0
    for stage, amount in totals(booked).items():
        _register(result.registers, stage, direction).amount += amount
    result.bookings.append((values, booked))


def _register(registers: list[Register], stage: int, direction: int) -> Register:
    try:
        return register_for(registers, stage, direction)
    except NoRegister:
        text = _(
            "Der Tarif hat kein Register für Stufe %(stage)d der Richtung "
            "%(direction)d."
        )
        message = text % {"stage": stage, "direction": direction}
        raise CalculationFailed("no_register", message) from None
