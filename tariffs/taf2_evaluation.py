"""The step of a TAF2 profile: one switch, or one end of a billing period."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from hardware.readings import RegisterValue
from hardware.record import registers_of
from logbooks.catalogue import Event
from tariffs.calendar import GRID
from tariffs.inputs import is_settled_until, rows_of_inputs
from tariffs.models import DerivedRecord, EvaluationProfile
from tariffs.schedule import billing_instants, first_instant, last_instant
from tariffs.step import UNITS_DIFFER, Step
from tariffs.switch_calendar import Switch, Unclear, switches
from tariffs.taf1 import UnitsDiffer
from tariffs.taf2 import InputRows, Outcome, Tariff, record_of_instant
from tariffs.tariff_spec import tariff_of


class Due(NamedTuple):
    """An instant at which a record is due; `switch` when the stage changes."""

    at: datetime
    switch: Switch | None = None


def taf2_step(profile: EvaluationProfile, now: datetime) -> Step:
    """The next record that is due; nothing while its readings may still come."""
    step = Step(profile.evaluated_to)
    tariff = tariff_of(profile.tariff or {}).tariff
    due = next_due(profile, tariff, until=now)
    if due is None:
        return step
    given = rows_of_inputs(profile, profile.evaluated_to, due.at)
    if not _are_settled(profile, given, due.at, now):
        return step
    try:
        before = registers_before(profile, due.at)
        outcome = record_of_instant(profile.id, due.at, before, given, tariff)
        _add(step, outcome)
    except (UnitsDiffer, Unclear) as error:
        step.add_fault(f"{UNITS_DIFFER}: {profile.id} {error}")
    _tell_switch(step, profile, due.switch)
    step.evaluated_to = due.at
    return step


def next_due(
    profile: EvaluationProfile, tariff: Tariff, *, until: datetime
) -> Due | None:
    """The first instant after what is evaluated at which a record is due.

    Initial reading, switches of stages, ends of billing periods, final reading.
    """
    done, first = profile.evaluated_to, first_instant(profile)
    billed = next(billing_instants(profile, after=done, until=until), None)
    if done is None or done < first:
        return Due(billed) if billed else None
    last = last_instant(profile)
    end = min(last - GRID, until) if last else until
    if billed is not None:
        end = min(end, billed)
    compat = tariff.trudi_compat
    change = next(switches(tariff.calendar, done, end, trudi_compat=compat), None)
    if change is not None:
        return Due(change.at, change)
    return Due(billed) if billed else None


def registers_before(
    profile: EvaluationProfile, instant: datetime
) -> Sequence[RegisterValue]:
    """The registers of the last record before an instant; () without one."""
    records = DerivedRecord.objects.filter(profile=profile, target_time__lt=instant)
    lines = records.order_by("-target_time").values_list("registers", flat=True)
    return registers_of(lines.first() or "")


def _are_settled(
    profile: EvaluationProfile, given: list[InputRows], at: datetime, now: datetime
) -> bool:
    done = profile.evaluated_to
    expected = done + GRID if done else first_instant(profile)
    return all(
        is_settled_until(
            each.source.meter,
            [row for row in each.rows if row.target_time >= expected],
            expected,
            at,
            now,
        )
        for each in given
    )


def _add(step: Step, outcome: Outcome) -> None:
    """Add the record; none while no input ever had a value (D42)."""
    if outcome.record.registers:
        step.records.append(outcome.record)
        step.later_bits.append(outcome.later_bits)
    for decrease in outcome.decreases:
        step.add_fault(
            f"Zählerstand gefallen, nichts gezählt: {decrease.meter} {decrease.obis}"
        )


def _tell_switch(step: Step, profile: EvaluationProfile, switch: Switch | None) -> None:
    """Log a switch (21002); those before the profile was made are history (D52)."""
    if switch is None or (profile.created_at and switch.at < profile.created_at):
        return
    stages = (str(switch.old), str(switch.new))
    step.events.append((Event.TARIFF_STAGE_SWITCHED, stages))
