"""How far a profile can be evaluated, and the step that does it.

A step computes the due records from the original lists, signs them, and stores them
together with the mark up to where the profile is evaluated. What comes out depends on
the lists only, not on when or how often it is asked (tafs.md R7, R8).
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import transaction

from hardware.gateway import Gateway
from logbooks.services import log_event
from meters import value_list
from tariffs import originals, sending, taf1, taf7
from tariffs.calendar import GRID
from tariffs.inputs import input_of, settled
from tariffs.instant_evaluation import instant_step
from tariffs.list_row import ListRow
from tariffs.models import DerivedRecord, EvaluationProfile
from tariffs.schedule import (
    billing_instants,
    first_instant,
    last_instant,
    listed_instants,
)
from tariffs.step import UNITS_DIFFER, Step
from tariffs.taf2_evaluation import taf2_step
from tariffs.triggered_sending import queue_triggered

_AT_ONCE = 500


def advance(gateway: Gateway, profile: EvaluationProfile, *, now: datetime) -> int:
    """Evaluate the profile as far as its meters' lists allow; returns the new rows.

    Running it again, or twice at the same time, changes nothing.
    """
    stored = 0
    while True:
        step = _next_step(profile, now)
        if step.evaluated_to == profile.evaluated_to:
            return stored
        taken = _take(gateway, profile, step, now)
        if taken is None:
            # What is known of the profile is old; the other worker goes on with it.
            return stored
        stored += taken
        profile.evaluated_to = step.evaluated_to
        profile.threshold_states = step.threshold_states or profile.threshold_states


def _next_step(profile: EvaluationProfile, now: datetime) -> Step:
    step = _STEPS[profile.taf](profile, now)
    if step.evaluated_to == last_instant(profile):
        # The validity may end off the grid; nothing is left to do then.
        step.evaluated_to = profile.valid_to
    return step


def _take(
    gateway: Gateway, profile: EvaluationProfile, step: Step, now: datetime
) -> int | None:
    """Store a step, all or nothing; None when another worker was first.

    Or when the profile's validity was given another end meanwhile: the step may go
    beyond it, and what it calls periodic may be the final reading.
    """
    sign = value_list.sign_records if step.is_signed else value_list.unsigned_records
    signed = sign(gateway, step.records, step.later_bits)
    unchanged = EvaluationProfile.objects.filter(
        pk=profile.pk, evaluated_to=profile.evaluated_to, valid_to=profile.valid_to
    )
    with transaction.atomic():
        if not unchanged.update(**_marks(step)):
            return None
        stored = value_list.store_records(gateway, DerivedRecord, signed)
        if step.evaluated_to is not None:
            done = step.evaluated_to
            queue_triggered(gateway, profile, step.triggered, now=now)
            sending.queue_scheduled(gateway, profile, done=done, now=now)
        for event, arguments in step.events:
            log_event(
                gateway,
                event,
                *arguments,
                now=now,
                consumers=[profile.consumer_id],
                profile=profile.id,
            )
    return stored


def _marks(step: Step) -> dict[str, Any]:
    if step.threshold_states is None:
        return {"evaluated_to": step.evaluated_to}
    return {
        "evaluated_to": step.evaluated_to,
        "threshold_states": step.threshold_states,
    }


def _taf1_step(profile: EvaluationProfile, now: datetime) -> Step:
    step = Step(profile.evaluated_to)
    inputs = input_of(profile)
    due = billing_instants(profile, after=profile.evaluated_to, until=now)
    for boundary in due:
        try:
            shares = [_share(source, boundary, now) for source in inputs]
        except taf1.Undecided:
            break
        _add_sum(step, profile.id, boundary, shares)
        step.evaluated_to = boundary
    return step


def _share(source: taf1.Input, boundary: datetime, now: datetime) -> taf1.Share | None:
    """The input's share; the whole window is read only when its own value is bad."""
    own = list(originals.rows_at(source.meter, [boundary]))
    if own and (register := taf1.usable_register(source, own[0])):
        return taf1.Share(source.sign, register, own[0])
    return taf1.share_of_boundary(
        source, boundary, _surroundings(source, boundary), now=now
    )


def _surroundings(source: taf1.Input, boundary: datetime) -> taf1.Surroundings:
    before, end = boundary - GRID, boundary + taf1.LONGEST_WAIT
    return taf1.Surroundings(
        window=list(originals.rows(source.meter, before, end)),
        before=originals.last_usable(source, before),
        later=originals.first_after(source.meter, end),
        opens_list=originals.opens_at(source.meter, boundary),
    )


def _add_sum(
    step: Step, profile: str, boundary: datetime, shares: Iterable[taf1.Share | None]
) -> None:
    """Add the boundary's record; none while an input never had a value (D42)."""
    given = [share for share in shares if share is not None]
    if len(given) < len(list(shares)):
        return
    try:
        record, later_bits = taf1.record_of_boundary(profile, boundary, given)
    except taf1.UnitsDiffer as error:
        step.add_fault(f"{UNITS_DIFFER}: {profile} {error}")
        return
    step.records.append(record)
    step.later_bits.append(later_bits)


def _course_step(profile: EvaluationProfile, now: datetime) -> Step:
    """TAF7, and TAF6 with the starts of days instead of a grid."""
    step = Step(profile.evaluated_to)
    begin = profile.evaluated_to or first_instant(profile) - GRID
    end = min(last_instant(profile) or now, now)
    if begin + GRID > end:
        return step
    inputs = input_of(profile)
    meter = inputs[0].meter
    rows = list(islice(originals.rows(meter, begin, end), _AT_ONCE))
    final = list(settled(meter, rows, begin + GRID, now))
    if not final:
        return step
    step.evaluated_to = final[-1].target_time
    on_grid = set(listed_instants(profile, begin, step.evaluated_to))
    for row in final:
        if row.target_time in on_grid:
            _add_own(step, profile.id, inputs, row)
    return step


def _add_own(step: Step, profile: str, inputs: list[taf1.Input], row: ListRow) -> None:
    if not taf7.may_list(row, unsecured_allowed=inputs[0].unsecured_allowed):
        return
    record = taf7.narrowed(row, profile, frozenset(source.obis for source in inputs))
    if record is not None:
        step.records.append(record)
        step.later_bits.append(row.later_bits)


_STEPS: dict[int, Callable[[EvaluationProfile, datetime], Step]] = {
    1: _taf1_step,
    2: taf2_step,
    6: _course_step,
    7: _course_step,
    9: instant_step,
    10: instant_step,
    14: instant_step,
}
