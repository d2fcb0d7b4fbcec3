"""What is due in the profiles: begun, evaluated, ended; and what was sent."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import Error
from django.db.models import F, Q, QuerySet

from hardware.gateway import Gateway
from logbooks.selectors import system_log
from logbooks.services import log_fault
from tariffs import evaluation, on_demand, read_schedule
from tariffs.lifecycle import (
    create_profile,
    end_profile,
    end_when_due,
    start_when_due,
    with_inputs,
)
from tariffs.models import Dispatch, EvaluationProfile
from tariffs.participants import create_participant
from tariffs.profile_spec import InputSpec, ProfileInvalid, ProfileSpec

__all__ = [
    "InputSpec",
    "ProfileInvalid",
    "ProfileSpec",
    "create_participant",
    "create_profile",
    "end_profile",
    "evaluate_due",
    "record_dispatch",
]

DERIVED_LIST_FAULT = 300052
_FAULT_LOGGED_EVERY = timedelta(minutes=15)

_log = logging.getLogger(__name__)


def record_dispatch(
    profile_id: str,
    recipient_id: str,
    *,
    begin: datetime,
    end: datetime,
    sent_at: datetime,
) -> Dispatch:
    """Note that a recipient acknowledged the values of `(begin, end]` (D22)."""
    return Dispatch.objects.create(
        profile_id=profile_id,
        recipient_id=recipient_id,
        begin=begin,
        end=end,
        sent_at=sent_at,
    )


def evaluate_due(gateway: Gateway, *, now: datetime) -> int:
    """Start, evaluate and end what is due; returns how many records were stored.

    May run at any time, as often as wanted, in any number of workers. What cannot be
    stored is logged (300052) and tried again by the next run (R33).
    """
    stored = 0
    profiles = list(_unfinished())
    _plan_reads(profiles)
    for profile in profiles:
        start_when_due(gateway, profile, now)
        end_when_due(gateway, profile, now)
        if profile.valid_from <= now:
            stored += _evaluated(gateway, profile, now)
    on_demand.complete_ordered(gateway, now=now)
    if stored:
        read_schedule.forget_evaluated(profiles)
    return stored


def _plan_reads(profiles: Iterable[EvaluationProfile]) -> None:
    """A failure costs the instants of some seconds, not the evaluation."""
    try:
        read_schedule.bring_up_to_date(profiles)
    except Error:
        _log.exception("when meters are to be read could not be stored")


def _unfinished() -> QuerySet[EvaluationProfile]:
    """Profiles that are not over, or whose final reading is still to come."""
    state = EvaluationProfile.State
    is_open = Q(evaluated_to=None) | Q(evaluated_to__lt=F("valid_to"))
    return with_inputs().filter(
        Q(state__in=[state.PLANNED, state.ACTIVE]) | Q(state=state.ENDED) & is_open
    )


def _evaluated(gateway: Gateway, profile: EvaluationProfile, now: datetime) -> int:
    try:
        return evaluation.advance(gateway, profile, now=now)
    except Error:
        _log.exception("profile %s: records not stored", profile.id)
        _report_fault(gateway, profile, now)
        return 0


def _report_fault(gateway: Gateway, profile: EvaluationProfile, now: datetime) -> None:
    """Log 300052, but not again with every tick while the fault stands."""
    try:
        recent = system_log(begin=now - _FAULT_LOGGED_EVERY)
        if all(line.event_id != DERIVED_LIST_FAULT for line in recent):
            consumers = [profile.consumer_id]
            log_fault(gateway, DERIVED_LIST_FAULT, now=now, consumers=consumers)
    except Error:
        _log.exception("fault %s could not be logged", DERIVED_LIST_FAULT)
