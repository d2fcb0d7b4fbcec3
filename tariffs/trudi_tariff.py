"""The tariff of a TAF2 profile as TRuDI takes it: the calendar of a period, unrolled.

With it in the file a bill can be recomputed without the supplier's file.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from hardware.obis import Obis
from tariffs.calendar import BERLIN, Period
from tariffs.models import EvaluationProfile
from tariffs.stages import DayPlan
from tariffs.tariff_spec import DefaultRule, TariffSpec
from tariffs.trudi.model import (
    AnalysisProfile,
    DayProfile,
    DaySlot,
    Interval,
    SpecialDay,
    TariffStage,
)
from tariffs.trudi.moments import Moment

_STAGE_GROUP = 4


def interval_of(period: Period) -> Interval:
    """A period as the files state it."""
    seconds = int((period.end - period.begin).total_seconds())
    return Interval(Moment.at(period.begin), seconds)


def analysis_of(
    profile: EvaluationProfile,
    spec: TariffSpec,
    totals: Sequence[Obis],
    period: Period,
) -> AnalysisProfile:
    """The tariff over a period; `totals` are the registers that are split (E = 0).

    Stage numbers are unique over all registers, as TRuDI wants them: those of the
    second one go on behind the first one's.
    """
    unrolled = _Unrolled()
    days = list(_days(period))
    plans = {day: spec.calendar.plan(day) for day in days}
    for position, total in enumerate(totals):
        numbers = {
            stage.number: position * len(spec.stages) + index
            for index, stage in enumerate(spec.stages, start=1)
        }
        for stage in spec.stages:
            name = "" if stage.name == "-" else stage.name
            code = obis_of_stage(total, stage.number)
            unrolled.stages.append(TariffStage(numbers[stage.number], code, name))
        for day in days:
            unrolled.add(day, [(at, numbers[stage]) for at, stage in plans[day]])
    return AnalysisProfile(
        tariff_use_case=2,
        tariff_id=profile.id,
        billing_period=interval_of(period),
        stages=unrolled.stages,
        default_stage=_default(spec),
        has_change_trigger=True,
        has_time_trigger=True,
        day_profiles=unrolled.profiles,
        special_days=unrolled.days,
    )


def obis_of_stage(total: Obis, stage: int) -> str:
    """The register of a stage as the files write it: 12 hex digits, upper case."""
    groups = bytearray(total.groups)
    groups[_STAGE_GROUP] = stage
    return groups.hex().upper()


@dataclass(slots=True)
class _Unrolled:
    """Collects the kinds of days; equal ones are one."""

    stages: list[TariffStage] = field(default_factory=list)
    profiles: list[DayProfile] = field(default_factory=list)
    days: list[SpecialDay] = field(default_factory=list)
    _known: dict[tuple[tuple[time, int], ...], int] = field(default_factory=dict)

    def add(self, day: date, plan: DayPlan) -> None:
        """A day with the 96 quarter hours of its plan."""
        key = tuple(plan)
        if key not in self._known:
            self._known[key] = len(self._known) + 1
            slots = [DaySlot(at, stage) for at, stage in plan]
            self.profiles.append(DayProfile(self._known[key], slots))
        self.days.append(SpecialDay(day, self._known[key]))


def _days(period: Period) -> Iterator[date]:
    """The local days of which some quarter hour lies in the period."""
    begin, end = (at.astimezone(BERLIN).replace(tzinfo=None) for at in period)
    day = begin.date()
    while datetime.combine(day, time()) < end:
        yield day
        day += timedelta(days=1)


def _default(spec: TariffSpec) -> int:
    """Read and never used by TRuDI; it must be there."""
    defaults = [rule.stage for rule in spec.rules if isinstance(rule, DefaultRule)]
    numbers = [stage.number for stage in spec.stages]
    return numbers.index(defaults[0]) + 1 if defaults else 1
