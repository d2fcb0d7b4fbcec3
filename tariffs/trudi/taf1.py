"""TAF1 recomputed as TRuDI does it: the difference over the billing period.

The steps and their order are those of tariffication.md 4; each failure ends the
calculation. Readings between begin and end play no part, and there is no error
register.
"""

from datetime import datetime

from django.utils.translation import gettext as _

from tariffs.stages import Booking
from tariffs.trudi.calculation import (
    CalculationFailed,
    Result,
    billing_period,
    first_readings,
    stages_of_profiles,
    usable_values,
)
from tariffs.trudi.model import AnalysisProfile, ReadingList, UsagePoint
from tariffs.trudi.moments import Moment
from tariffs.trudi.registers import Register, registers_of_profile, valid_day_profiles

MOST_LISTS = 3
LENGTHS = (1, 2, 3, 6, 12)
"""Billing periods in months (decisions D25)."""


def calculate(readings: UsagePoint, profile: AnalysisProfile) -> Result:
    """The registers of a TAF1 period; raises CalculationFailed."""
    originals = readings.originals
    _check_lists(readings, originals, profile)
    begin, end = billing_period(profile)
    _check_period(begin.wall, end.wall)
    registers = registers_of_profile(1, profile.stages)
    result = Result(1, begin, end, registers)
    for values in originals:
        booking = _booking(values, profile, begin, end)
        _register(registers, booking.stage).amount += booking.amount
        result.bookings.append((values, [booking]))
    return result


def _check_lists(
    readings: UsagePoint, originals: list[ReadingList], profile: AnalysisProfile
) -> None:
    if not originals:
        text = _("Die Datei enthält keine originäre Messwertliste.")
        raise CalculationFailed("no_original_value_list", text)
    if len(originals) > MOST_LISTS:
        text = _("TAF1 kennt höchstens %(most)d originäre Messwertlisten.")
        raise CalculationFailed(
            "too_many_original_value_lists", text % {"most": MOST_LISTS}
        )
    if len(originals) != len(readings.lists):
        text = _("Für TAF1 darf die Datei nur originäre Messwertlisten enthalten.")
        raise CalculationFailed("not_only_original_value_lists", text)
    if len(profile.stages) > len(originals):
        text = _("Es gibt mehr Tarifstufen als originäre Messwertlisten.")
        raise CalculationFailed("more_tariff_stages_than_lists", text)


def _check_period(begin: datetime, end: datetime) -> None:
    if begin.day != 1:
        text = _("Der Abrechnungszeitraum beginnt nicht an einem Monatsersten.")
        raise CalculationFailed("billing_period_not_at_month_start", text)
    if end not in (_months_later(begin, months) for months in LENGTHS):
        text = _("Der Abrechnungszeitraum dauert nicht 1, 2, 3, 6 oder 12 Monate.")
        raise CalculationFailed("billing_period_length", text)


def _months_later(begin: datetime, months: int) -> datetime | None:
    """So many months after a first day of a month; None beyond the calendar."""
    years, month = divmod(begin.month - 1 + months, 12)
    try:
        return begin.replace(year=begin.year + years, month=month + 1)
    except ValueError:
        return None


def _booking(
    values: ReadingList, profile: AnalysisProfile, begin: Moment, end: Moment
) -> Booking:
    usable = usable_values(first_readings(values))
    if begin.wall not in usable:
        text = _("Zum Beginn (%(time)s) gibt es keinen gültigen Messwert.")
        message = text % {"time": begin.isoformat()}
        raise CalculationFailed("no_valid_start_reading", message)
    if end.wall not in usable:
        text = _("Zum Ende (%(time)s) gibt es keinen gültigen Messwert.")
        message = text % {"time": end.isoformat()}
        raise CalculationFailed("no_valid_end_reading", message)
    stage = _stage(values, profile, begin.wall, end.wall)
    return Booking(begin.wall, end.wall, stage, usable[end.wall] - usable[begin.wall])


def _stage(
    values: ReadingList, profile: AnalysisProfile, begin: datetime, end: datetime
) -> int:
    """The stage that the first slot of the list's only day profile names."""
    day_id = _day_profile(values, profile)
    days = (end - begin).days
    uses = sum(special.day_id == day_id for special in profile.special_days)
    if days <= 0 or uses % days != 0:
        text = _(
            "Das Tagesprofil gilt an %(uses)d Tagen; der Abrechnungszeitraum hat "
            "%(days)d."
        )
        message = text % {"uses": uses, "days": days}
        raise CalculationFailed("special_day_profile_count", message)
    slots = next(day.slots for day in profile.day_profiles if day.day_id == day_id)
    return slots[0].stage


def _day_profile(values: ReadingList, profile: AnalysisProfile) -> int:
    named = stages_of_profiles(profile)
    obis = values.obis
    try:
        found = valid_day_profiles(obis, profile.stages, named) if obis else []
    except ValueError:
        found = []
    if len(found) != 1 or not named[found[0]]:
        text = _("Zur Liste %(obis)s passen %(count)d Tagesprofile statt genau einem.")
        message = text % {"obis": obis, "count": len(found)}
        raise CalculationFailed("day_profile_count", message)
    return found[0]


def _register(registers: list[Register], stage: int) -> Register:
    return next(register for register in registers if register.tariff_id == stage)
