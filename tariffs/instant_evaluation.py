"""The step of a TAF9, TAF10 or TAF14 profile: its instants, as far as they are settled.

The samples come from the meters' side with the mark up to where nothing more comes
(`meters.samples`); so the step never waits and never guesses.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice

from hardware.readings import RegisterValue
from hardware.record import registers_of
from meters import samples
from meters.models import Sample
from tariffs.calendar import grid_instants
from tariffs.instant_spec import AD_HOC, THRESHOLD, instant_spec_of
from tariffs.instant_tafs import RULES
from tariffs.instant_values import Outcome, Rule, SampleRow, outcome_of
from tariffs.models import DerivedRecord, EvaluationProfile
from tariffs.quantities import MAXIMUM, MEAN, MINIMUM
from tariffs.schedule import first_instant, inputs_of, last_instant
from tariffs.step import Step
from tariffs.thresholds import ThresholdState, state_of

SETTLED_ANYWAY = timedelta(hours=24)
"""What a meter that is read no more did not give by then never comes."""

LONGEST_CATCH_UP = timedelta(days=42)
"""No longer than values are kept (decisions D23)."""

_AT_ONCE = 500


def rule_of(profile: EvaluationProfile) -> Rule:
    """The profile as its rule needs it."""
    return Rule(
        profile=profile.id,
        taf=RULES[profile.taf],
        inputs=frozenset(given.obis for given in inputs_of(profile)),
        period_s=profile.registration_period_s,
        spec=instant_spec_of(profile.instant_values or {}),
    )


def meter_of(profile: EvaluationProfile) -> str:
    """The one meter that such a profile reads."""
    return inputs_of(profile)[0].meter_id


def sample_row(row: Sample) -> SampleRow:
    """A stored sample as plain data."""
    return SampleRow(
        row.target_time,
        row.captured_at,
        row.status,
        row.later_bits,
        registers_of(row.registers),
    )


def instant_step(profile: EvaluationProfile, now: datetime) -> Step:
    """The next instants that are settled, at most some hundred."""
    step = Step(profile.evaluated_to, is_signed=False)
    instants = _due(profile, now)
    if not instants:
        return step
    rule = rule_of(profile)
    states = states_of(profile)
    known = _samples(profile, rule, instants)
    shown = _shown_before(profile, instants[0])
    for instant in instants:
        outcome = outcome_of(rule, instant, known, shown, states)
        if outcome is not None:
            shown = outcome.shown
            _add(step, rule, outcome)
    step.threshold_states = [state.document() for state in states]
    step.evaluated_to = instants[-1]
    return step


def states_of(profile: EvaluationProfile) -> list[ThresholdState]:
    """How the thresholds stand, in their order; inside before the first value."""
    count = len(instant_spec_of(profile.instant_values or {}).thresholds)
    stored = [state_of(one) for one in profile.threshold_states or []]
    return [*stored, *[ThresholdState()] * count][:count]


def longest_window(profile: EvaluationProfile) -> timedelta:
    """How far back the aggregates of an instant reach."""
    spec = instant_spec_of(profile.instant_values or {})
    longest_s = max((one.window_s for one in spec.aggregates), default=0)
    return timedelta(seconds=longest_s)


def _due(profile: EvaluationProfile, now: datetime) -> list[datetime]:
    period = timedelta(seconds=profile.registration_period_s)
    begin = profile.evaluated_to or first_instant(profile) - period
    last = last_instant(profile)
    end = min(now, _settled(meter_of(profile), now))
    end = end if last is None else min(end, last)
    begin = max(begin, now - LONGEST_CATCH_UP)
    grid = grid_instants(begin, end, profile.registration_period_s)
    return list(islice(grid, _AT_ONCE))


def _settled(meter: str, now: datetime) -> datetime:
    anyway = now - SETTLED_ANYWAY
    return max(samples.settled_to([meter]).get(meter, anyway), anyway)


def _samples(
    profile: EvaluationProfile, rule: Rule, instants: list[datetime]
) -> dict[datetime, SampleRow]:
    begin = instants[0] - longest_window(profile)
    wanted = {*grid_instants(begin, instants[-1], rule.period_s), instants[0]}
    found = samples.samples_at(meter_of(profile), wanted)
    return {at: sample_row(row) for at, row in found.items()}


def _shown_before(
    profile: EvaluationProfile, instant: datetime
) -> tuple[RegisterValue, ...]:
    earlier = DerivedRecord.objects.filter(profile=profile, target_time__lt=instant)
    last = earlier.order_by("-target_time").values_list("registers", flat=True).first()
    return tuple(_instantaneous(registers_of(last))) if last else ()


def _instantaneous(registers: Iterable[RegisterValue]) -> Iterable[RegisterValue]:
    aggregates = (MINIMUM, MEAN, MAXIMUM)
    return (one for one in registers if one.obis.groups[3] not in aggregates)


def _add(step: Step, rule: Rule, outcome: Outcome) -> None:
    step.records.append(outcome.record)
    step.later_bits.append(outcome.later_bits)
    triggers, at = rule.spec.triggers, outcome.record.target_time
    if outcome.fired and THRESHOLD in triggers:
        step.triggered.append((THRESHOLD, at))
    elif AD_HOC in triggers and not outcome.is_missing:
        step.triggered.append((AD_HOC, at))
