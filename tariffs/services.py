"""What is written about profiles: made, started, evaluated, ended, sent."""

import logging
from datetime import datetime, timedelta

from django.db import Error, transaction
from django.db.models import F, Prefetch, Q, QuerySet

from hardware.gateway import Gateway
from hardware.obis import Obis
from logbooks.catalogue import Event
from logbooks.selectors import system_log
from logbooks.services import log_event, log_fault
from meters.models import Meter
from tariffs import evaluation, profile_spec
from tariffs.calendar import BERLIN
from tariffs.models import (
    Dispatch,
    EvaluationProfile,
    MarketParticipant,
    ProfileInput,
)
from tariffs.profile_spec import InputSpec, Problem, ProfileInvalid, ProfileSpec
from tariffs.schedule import inputs_of

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


@transaction.atomic
def create_profile(
    gateway: Gateway, spec: ProfileSpec, *, now: datetime, backdated: bool = False
) -> EvaluationProfile:
    """Make a profile and start it when its validity has begun; 20010 is logged.

    A `valid_from` in the past is moved to `now`. Only the demo, which brings the
    history along, leaves it there with `backdated`. Raises ProfileInvalid.
    """
    starts_at = profile_spec.start_of(spec, now=now, backdated=backdated)
    profile_spec.check(spec, starts_at=starts_at, now=now)
    profile = _saved(spec, starts_at, now)
    _log_of(gateway, profile, Event.PROFILE_CREATED, profile.id, now=now)
    _start_when_due(gateway, profile, now)
    return profile


def create_participant(participant_id: str, *, name: str = "-") -> MarketParticipant:
    """Make a market participant; raises ProfileInvalid."""
    problems = list(profile_spec.participant_problems(participant_id, name))
    if problems:
        raise ProfileInvalid(problems)
    return MarketParticipant.objects.create(id=participant_id, name=name)


@transaction.atomic
def end_profile(
    gateway: Gateway, profile_id: str, *, at: datetime, now: datetime
) -> EvaluationProfile:
    """Move the end of the validity to `at`, not before `now`; 20032 and 20011.

    A profile whose end is reached by that ends at once (20012). Raises
    ProfileInvalid; EvaluationProfile.DoesNotExist for an unknown id.
    """
    profile = _with_inputs().get(pk=profile_id)
    end = at.replace(microsecond=0)
    _check_end(profile, end, now)
    profile.valid_to = end
    profile.version += 1
    profile.save(update_fields=["valid_to", "version"])
    local = f"{end.astimezone(BERLIN):%Y-%m-%d %H:%M:%S}"
    _log_of(gateway, profile, Event.END_DATE_CORRECTED, local, now=now)
    _log_of(gateway, profile, Event.PROFILE_UPDATED, profile.id, now=now)
    _end_when_due(gateway, profile, now)
    return profile


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
    for profile in _unfinished():
        _start_when_due(gateway, profile, now)
        _end_when_due(gateway, profile, now)
        if profile.valid_from <= now:
            stored += _evaluated(gateway, profile, now)
    return stored


def _unfinished() -> QuerySet[EvaluationProfile]:
    """Profiles that are not over, or whose final reading is still to come."""
    state = EvaluationProfile.State
    is_open = Q(evaluated_to=None) | Q(evaluated_to__lt=F("valid_to"))
    return _with_inputs().filter(
        Q(state__in=[state.PLANNED, state.ACTIVE]) | Q(state=state.ENDED) & is_open
    )


def _with_inputs() -> QuerySet[EvaluationProfile]:
    inputs = ProfileInput.objects.select_related("meter")
    return EvaluationProfile.objects.prefetch_related(Prefetch("inputs", inputs))


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


def _start_when_due(
    gateway: Gateway, profile: EvaluationProfile, now: datetime
) -> None:
    state = EvaluationProfile.State
    if profile.state != state.PLANNED or profile.valid_from > now:
        return
    meters = dict.fromkeys(given.meter_id for given in inputs_of(profile))
    with transaction.atomic():
        if _changed(profile, state.PLANNED, state.ACTIVE):
            taf = f"{profile.taf} ({profile.id})"
            listed = ", ".join(meters)
            _log_of(gateway, profile, Event.TAF_STARTED, taf, listed, now=now)


def _end_when_due(gateway: Gateway, profile: EvaluationProfile, now: datetime) -> None:
    state = EvaluationProfile.State
    ends_at = profile.valid_to
    if profile.state != state.ACTIVE or ends_at is None or ends_at > now:
        return
    with transaction.atomic():
        if _changed(profile, state.ACTIVE, state.ENDED):
            _log_of(gateway, profile, Event.PROFILE_ENDED, profile.id, now=now)


def _changed(profile: EvaluationProfile, old: str, new: str) -> bool:
    """Move the state in the database; False when another worker was first."""
    rows = EvaluationProfile.objects.filter(pk=profile.pk, state=old)
    is_ours = rows.update(state=new) == 1
    profile.state = new
    return is_ours


def _log_of(
    gateway: Gateway,
    profile: EvaluationProfile,
    event: Event,
    *arguments: str,
    now: datetime,
) -> None:
    log_event(
        gateway,
        event,
        *arguments,
        now=now,
        consumers=[profile.consumer_id],
        profile=profile.id,
    )


def _saved(spec: ProfileSpec, starts_at: datetime, now: datetime) -> EvaluationProfile:
    meters = Meter.objects.in_bulk([given.meter for given in spec.inputs])
    profile = EvaluationProfile.objects.create(
        id=spec.id,
        taf=spec.taf,
        name=spec.name,
        consumer_id=profile_spec.consumer_of(spec, meters),
        metering_point=spec.metering_point,
        supplier_id=spec.supplier_id,
        valid_from=starts_at,
        valid_to=spec.valid_to,
        registration_period_s=spec.registration_period_s,
        billing_unit=spec.billing_unit,
        billing_count=spec.billing_count,
        billing_day=spec.billing_day,
        tariff=spec.tariff.document() if spec.tariff else None,
        created_at=now,
        send_schedule=spec.schedule,
    )
    ProfileInput.objects.bulk_create(
        ProfileInput(
            profile=profile,
            position=position,
            meter_id=given.meter,
            obis=Obis.parse(given.obis).logical_name,
            sign=given.sign,
        )
        for position, given in enumerate(spec.inputs)
    )
    profile.recipients.set(MarketParticipant.objects.filter(pk__in=spec.recipients))
    return profile


def _check_end(profile: EvaluationProfile, end: datetime, now: datetime) -> None:
    state = EvaluationProfile.State
    if profile.state not in (state.PLANNED, state.ACTIVE):
        message = f"profile {profile.id} has ended already"
    elif end < now.replace(microsecond=0):
        message = "must not be in the past"
    elif end <= profile.valid_from:
        message = "must be after valid_from"
    elif end >= profile_spec.NO_CALENDAR_FROM:
        message = profile_spec.TOO_LATE
    else:
        return
    raise ProfileInvalid([Problem("/valid_to", message)])
