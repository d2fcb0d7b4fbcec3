"""Readings on demand: TAF6 for a key date, TAF9 and TAF10 now (tafs.md 5, 7; R45, R48).

Only the administrator asks, for a recipient that the profile names.
"""

from datetime import date, datetime, timedelta

from django.db import transaction

from hardware.gateway import Gateway
from logbooks.catalogue import Event
from logbooks.services import log_event, log_fault
from meters import samples, value_list
from meters.models import Sample
from tariffs import outbox, selectors, taf6
from tariffs.calendar import BERLIN, Period
from tariffs.instant_evaluation import meter_of, rule_of, sample_row
from tariffs.instant_spec import ON_DEMAND
from tariffs.instant_values import record_on_demand
from tariffs.lifecycle import with_inputs
from tariffs.models import (
    DerivedRecord,
    EvaluationProfile,
    OnDemandDelivery,
    OutboxRow,
)
from tariffs.schedule import TAF6, first_instant, hour_of, inputs_of, last_instant

NO_SUCH_PROFILE, NO_SUCH_DAY, NO_READING = 400001, 400036, 400036
GIVE_UP_AFTER = timedelta(seconds=60)
"""How long a meter may take to be read for a request."""

_ONE_SECOND = timedelta(seconds=1)
_State = OnDemandDelivery.State


class OnDemandRefused(Exception):
    """The request is refused; `code` is the fault of the manual, ch. 9.4."""

    code = NO_SUCH_PROFILE


class NotOffered(OnDemandRefused):
    """The profile does not exist, does not run, or has no such trigger."""


class RecipientUnknown(OnDemandRefused):
    """The profile does not name this recipient: 16004/4, nothing is sent (R45)."""


class NoSuchDay(OnDemandRefused):
    """The day lies outside of what is kept, or has no value."""

    code = NO_SUCH_DAY


def request(
    gateway: Gateway,
    profile_id: str,
    *,
    recipient: str,
    now: datetime,
    day: date | None = None,
    reason: str = OnDemandDelivery.Reason.OTHER,
) -> OnDemandDelivery:
    """Send the recipient what he asks for; TAF6 needs the `day`, others read now.

    Values of TAF6 stand in the outbox at once, those of TAF9 and TAF10 when the meter
    was read, within a minute. Raises OnDemandRefused, which is logged.
    """
    profile = _profile(profile_id)
    try:
        _check(profile, recipient, now)
        with transaction.atomic():
            if profile.taf == TAF6:
                return _select(gateway, profile, recipient, day, reason, now)
            return _order(profile, recipient, reason, now)
    except RecipientUnknown:
        asked = day or now.astimezone(BERLIN).date()
        _log(gateway, profile, Event.ON_DEMAND_RECIPIENT_UNKNOWN, asked, recipient, now)
        raise
    except OnDemandRefused as refusal:
        log_fault(gateway, refusal.code, now=now, consumers=[profile.consumer_id])
        raise


def complete_ordered(gateway: Gateway, *, now: datetime) -> int:
    """Put into the outbox what was read on demand; returns how many requests."""
    waiting = OnDemandDelivery.objects.filter(state=_State.ORDERED)
    return sum(_complete(gateway, one, now) for one in waiting.order_by("requested_at"))


def _profile(profile_id: str) -> EvaluationProfile:
    states = EvaluationProfile.State
    offered = with_inputs().filter(state__in=[states.ACTIVE, states.ENDED])
    profile = offered.filter(pk=profile_id).first()
    if profile is None:
        raise NotOffered(f"there is no profile {profile_id} that runs")
    return profile


def _check(profile: EvaluationProfile, recipient: str, now: datetime) -> None:
    given = profile.instant_values or {}
    if profile.taf != TAF6 and ON_DEMAND not in given.get("triggers", ()):
        raise NotOffered(f"profile {profile.id} is not read on demand")
    if not profile.recipients.filter(pk=recipient).exists():
        raise RecipientUnknown(f"profile {profile.id} does not name {recipient}")
    if profile.taf != TAF6 and profile.state != EvaluationProfile.State.ACTIVE:
        raise NotOffered(f"profile {profile.id} has ended")


def _select(
    gateway: Gateway,
    profile: EvaluationProfile,
    recipient: str,
    day: date | None,
    reason: str,
    now: datetime,
) -> OnDemandDelivery:
    """The value at the start of the day, from the list that is there."""
    if day is None:
        raise NoSuchDay("the day is needed")
    hour = hour_of(profile)
    at = taf6.instant_of(day, hour)
    last = last_instant(profile)
    is_valid = first_instant(profile) <= at and (last is None or at <= last)
    if not is_valid or not taf6.is_offered(day, now=now, hour=hour):
        raise NoSuchDay(f"{day} is not offered")
    span = Period(at - _ONE_SECOND, at)
    if not any(selectors.period_rows(profile, span)):
        raise NoSuchDay(f"there is no value of {day}")
    _log(gateway, profile, Event.ON_DEMAND_TRIGGERED, day, recipient, now)
    _enqueue(gateway, profile, recipient, at, now)
    return OnDemandDelivery.objects.create(
        profile=profile,
        recipient_id=recipient,
        day=day,
        reason=reason,
        state=_State.QUEUED,
        target_time=at,
        requested_at=now,
    )


def _order(
    profile: EvaluationProfile, recipient: str, reason: str, now: datetime
) -> OnDemandDelivery:
    at = now.replace(microsecond=0)
    if at.second == 0:  # the instants of the grids are full minutes
        at += _ONE_SECOND
    delivery = OnDemandDelivery.objects.create(
        profile=profile,
        recipient_id=recipient,
        reason=reason,
        state=_State.ORDERED,
        target_time=at,
        requested_at=now,
    )
    samples.order_reading(
        meter_of(profile),
        subject=delivery.id.hex,
        registers=sorted({given.obis for given in inputs_of(profile)}),
        at=at,
        give_up_at=at + GIVE_UP_AFTER,
    )
    return delivery


def _complete(gateway: Gateway, delivery: OnDemandDelivery, now: datetime) -> bool:
    profile = with_inputs().get(pk=delivery.profile_id)
    meter, at = meter_of(profile), delivery.target_time
    sample = samples.samples_at(meter, [at]).get(at)
    if sample is not None:
        return _deliver(gateway, profile, delivery, sample, now)
    is_late = now > at + 2 * GIVE_UP_AFTER
    if is_late or not samples.is_ordered(delivery.id.hex):
        _fail(gateway, profile, delivery, now)
    return False


def _deliver(
    gateway: Gateway,
    profile: EvaluationProfile,
    delivery: OnDemandDelivery,
    sample: Sample,
    now: datetime,
) -> bool:
    at = delivery.target_time
    record = record_on_demand(rule_of(profile), at, sample_row(sample))
    if record is None:
        _fail(gateway, profile, delivery, now)
        return False
    signed = value_list.unsigned_records(gateway, [record], [sample.later_bits])
    with transaction.atomic():
        if not _claim(delivery, _State.QUEUED):
            return False
        value_list.store_records(gateway, DerivedRecord, signed)
        _enqueue(gateway, profile, delivery.recipient_id, at, now)
    return True


def _fail(
    gateway: Gateway,
    profile: EvaluationProfile,
    delivery: OnDemandDelivery,
    now: datetime,
) -> None:
    with transaction.atomic():
        if _claim(delivery, _State.FAILED, fault=NO_READING):
            log_fault(gateway, NO_READING, now=now, consumers=[profile.consumer_id])


def _claim(delivery: OnDemandDelivery, state: str, fault: int = 0) -> bool:
    ordered = OnDemandDelivery.objects.filter(pk=delivery.pk, state=_State.ORDERED)
    return ordered.update(state=state, fault=fault) == 1


def _enqueue(
    gateway: Gateway,
    profile: EvaluationProfile,
    recipient: str,
    at: datetime,
    now: datetime,
) -> None:
    outbox.enqueue(
        gateway,
        profile,
        kind=OutboxRow.Kind.ON_DEMAND,
        begin=at - _ONE_SECOND,
        end=at,
        recipients=[recipient],
        now=now,
    )


def _log(
    gateway: Gateway,
    profile: EvaluationProfile,
    event: Event,
    day: date,
    recipient: str,
    now: datetime,
) -> None:
    log_event(
        gateway,
        event,
        str(day),
        recipient,
        now=now,
        consumers=[profile.consumer_id],
        recipient=recipient,
        profile=profile.id,
    )
