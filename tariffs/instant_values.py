"""The record of an instant of TAF9, TAF10 or TAF14, and whether it fires: pure.

Integers in, integers out; what comes out depends on the samples and on the state of the
thresholds before, not on when or how often it is asked (tafs.md 7 to 9).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hardware.readings import RegisterValue
from hardware.record import Record
from hardware.status_word import (
    LATER_TRIGGERED,
    METER_BASIC,
    PLACEHOLDER,
    TEMPORARY_ERROR,
    combined,
    ptb_status,
)
from tariffs.aggregates import Valued, aggregate, ends_at, is_enough
from tariffs.calendar import grid_instants
from tariffs.instant_spec import Aggregate, InstantSpec
from tariffs.instant_tafs import InstantTaf, tolerance
from tariffs.thresholds import ThresholdState, advanced

_UNUSABLE = 3


@dataclass(frozen=True, slots=True)
class SampleRow:
    """What the meter gave for an instant: its registers, its status, its times."""

    target_time: datetime
    captured_at: datetime
    status: int
    later_bits: int
    registers: tuple[RegisterValue, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A profile as the rule needs it; `inputs` are logical names."""

    profile: str
    taf: InstantTaf
    inputs: frozenset[str]
    period_s: int
    spec: InstantSpec


@dataclass(frozen=True, slots=True)
class Outcome:
    """The record of an instant, its later bits, and whether a threshold fired.

    `shown` are its instantaneous registers: what a placeholder would repeat.
    """

    record: Record
    later_bits: int
    shown: tuple[RegisterValue, ...]
    fired: bool
    is_missing: bool


def in_time(sample: SampleRow | None, instant: datetime, period_s: int) -> bool:
    """Whether there is a value that was captured near enough (tafs.md R2)."""
    if sample is None:
        return False
    return abs(sample.captured_at - instant) <= tolerance(period_s)


def outcome_of(
    rule: Rule,
    instant: datetime,
    samples: Mapping[datetime, SampleRow],
    shown_before: tuple[RegisterValue, ...],
    states: list[ThresholdState],
) -> Outcome | None:
    """The record of an instant; moves `states` on. None before the first value (D42).

    `samples` hold the instant and the longest window before it.
    """
    sample = samples.get(instant)
    own = sample if in_time(sample, instant, rule.period_s) else None
    shown = _shown(rule, own) if own else ()
    is_missing = not shown
    if is_missing:
        own, shown = None, shown_before
    fired = _advance(rule, instant, own, states)
    if not shown:
        return None
    aggregates, is_thin = _aggregates(rule, instant, samples)
    status = own.status if own else combined(PLACEHOLDER, METER_BASIC)
    record = Record(
        subject=rule.profile,
        target_time=instant,
        capture_time=own.captured_at if own else instant,
        status=status | (TEMPORARY_ERROR << 32 if is_thin else 0),
        registers=tuple(sorted((*shown, *aggregates), key=lambda one: one.obis)),
    )
    bits = (own.later_bits if own else 0) | (LATER_TRIGGERED if fired else 0)
    return Outcome(record, bits, shown, fired, is_missing)


def record_on_demand(rule: Rule, at: datetime, sample: SampleRow) -> Record | None:
    """The record of a reading that was asked for; None without a named register."""
    shown = _shown(rule, sample)
    if not shown:
        return None
    return Record(rule.profile, at, sample.captured_at, sample.status, shown)


def _shown(rule: Rule, sample: SampleRow) -> tuple[RegisterValue, ...]:
    return rule.taf.listed(
        one for one in sample.registers if one.obis.logical_name in rule.inputs
    )


def _value(
    rule: Rule, sample: SampleRow | None, instant: datetime, obis: str
) -> RegisterValue | None:
    """The listed value of an input that may be used; None otherwise."""
    if sample is None or not in_time(sample, instant, rule.period_s):
        return None
    if ptb_status(sample.status) >= _UNUSABLE:
        return None
    given = (one for one in sample.registers if one.obis.logical_name == obis)
    return next(iter(rule.taf.listed(given)), None)


def _advance(
    rule: Rule,
    instant: datetime,
    sample: SampleRow | None,
    states: list[ThresholdState],
) -> bool:
    has_fired = False
    for position, threshold in enumerate(rule.spec.thresholds):
        register = _value(rule, sample, instant, threshold.obis)
        amount = register.amount if register else None
        states[position], fires = advanced(threshold, states[position], instant, amount)
        has_fired |= fires
    return has_fired


def _aggregates(
    rule: Rule, instant: datetime, samples: Mapping[datetime, SampleRow]
) -> tuple[list[RegisterValue], bool]:
    """The aggregates whose window ends here, and whether one had too few values."""
    found, is_thin = [], False
    for wanted in rule.spec.aggregates:
        if not ends_at(instant, wanted.window_s):
            continue
        values = _window(rule, wanted, instant, samples)
        enough = is_enough(
            len(values), window_s=wanted.window_s, period_s=rule.period_s
        )
        one = aggregate(wanted.function, values, period_s=rule.period_s)
        if enough and one is not None:
            found.append(one)
        else:
            is_thin = True
    return found, is_thin


def _window(
    rule: Rule,
    wanted: Aggregate,
    instant: datetime,
    samples: Mapping[datetime, SampleRow],
) -> Sequence[Valued]:
    begin = instant - timedelta(seconds=wanted.window_s)
    return [
        Valued(at, register)
        for at in grid_instants(begin, instant, rule.period_s)
        if (register := _value(rule, samples.get(at), at, wanted.obis)) is not None
    ]
