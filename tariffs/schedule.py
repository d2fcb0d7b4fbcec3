"""When a profile registers: its validity, its billing cycle, its instants."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from tariffs import taf6
from tariffs.calendar import (
    GRID,
    BillingCycle,
    Period,
    billing_periods,
    day_hour,
    first_on_grid,
    grid_instants,
    last_on_grid,
    merged,
)
from tariffs.instant_tafs import INSTANT_TAFS
from tariffs.models import EvaluationProfile, ProfileInput

TAF6 = 6


def inputs_of(profile: EvaluationProfile) -> list[ProfileInput]:
    """The inputs in their order; no query when they were fetched with the profile."""
    return list(profile.inputs.all())


def hour_of(profile: EvaluationProfile) -> int:
    """The local hour at which the profile's billing calendar day starts."""
    inputs = inputs_of(profile)
    return day_hour(inputs[0].meter.medium) if inputs else 0


def cycle_of(profile: EvaluationProfile) -> BillingCycle:
    """How the profile is billed."""
    return BillingCycle(
        unit=profile.billing_unit,
        count=profile.billing_count,
        day=profile.billing_day,
        hour=hour_of(profile),
    )


def step_of(profile: EvaluationProfile) -> timedelta:
    """The grid of its list: of its own for TAF9, TAF10, TAF14 (decisions D41)."""
    return grid_step(profile.taf, profile.registration_period_s)


def grid_step(taf: int, registration_period_s: int) -> timedelta:
    """The grid of a list of this use case."""
    return timedelta(seconds=registration_period_s) if taf in INSTANT_TAFS else GRID


def listed_instants(
    profile: EvaluationProfile, begin: datetime, end: datetime
) -> Iterator[datetime]:
    """The instants in `(begin, end]` of TAF6 and TAF7, ascending."""
    hour = hour_of(profile)
    if profile.taf == TAF6:
        return taf6.instants(begin, end, hour)
    return grid_instants(begin, end, profile.registration_period_s, hour)


def first_instant(profile: EvaluationProfile) -> datetime:
    """Where the initial reading is taken: on the grid, not before the validity."""
    return first_on_grid(profile.valid_from, step_of(profile))


def last_instant(profile: EvaluationProfile) -> datetime | None:
    """Where the final reading is taken; None while no end is set."""
    end = profile.valid_to
    return last_on_grid(end, step_of(profile)) if end else None


def shown_periods(profile: EvaluationProfile, *, until: datetime) -> Iterator[Period]:
    """The billing periods as they are shown, ascending: merged to weeks (D13)."""
    cycle = cycle_of(profile)
    periods = billing_periods(cycle, profile.valid_from, profile.valid_to, until=until)
    return merged(periods) if cycle.is_merged else periods


def billing_instants(
    profile: EvaluationProfile, *, after: datetime | None, until: datetime
) -> Iterator[datetime]:
    """Initial reading, billing boundaries, final reading in `(after, until]`."""
    first, last = first_instant(profile), last_instant(profile)
    if after is None or after < first:
        if first > until:
            return
        yield first
        after = first
    for boundary in cycle_of(profile).boundaries(after):
        if last is not None and boundary >= last:
            break
        if boundary > until:
            return
        yield boundary
    if last is not None and after < last <= until:
        yield last
