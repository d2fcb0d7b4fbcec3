"""The life of a profile: made, changed, begun, ended, replaced, deleted.

Every step is a version that is kept, and an entry in the log of the consumer, in the
system log and, signed, in the calibration log (gateway-model.md 4).
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import Prefetch, QuerySet

from hardware.gateway import Gateway
from hardware.record import zulu
from logbooks.catalogue import Event
from logbooks.services import log_event
from tariffs import profile_spec, stored_profile, versions
from tariffs.calendar import BERLIN
from tariffs.models import (
    OWED_STATES,
    EvaluationProfile,
    OutboxRow,
    ProfileInput,
)
from tariffs.profile_spec import Problem, ProfileInvalid, ProfileSpec
from tariffs.schedule import inputs_of
from tariffs.versions import OPERATOR

CHANGEABLE = frozenset(
    {"name", "metering_point", "supplier_id", "recipients", "schedule", "valid_to"}
)
"""What may change while a profile runs. All else decides which values it has: there the
profile is ended and another takes over (`replace_profile`)."""

NO_END = "unbefristet"
_State = EvaluationProfile.State


class ProfileFixed(ProfileInvalid):
    """Members that do not change in the state in which the profile is."""


@transaction.atomic
def create_profile(
    gateway: Gateway,
    spec: ProfileSpec,
    *,
    now: datetime,
    backdated: bool = False,
    by: str = OPERATOR,
) -> EvaluationProfile:
    """Make a profile and start it when its validity has begun; 20010 is logged.

    A `valid_from` in the past is moved to `now`. Only the demo, which brings the
    history along, leaves it there with `backdated`. Raises ProfileInvalid.
    """
    starts_at = profile_spec.start_of(spec, now=now, backdated=backdated)
    profile_spec.check(spec, starts_at=starts_at, now=now)
    stored = stored_profile.settled(spec, starts_at)
    profile = stored_profile.make(stored, now=now)
    versions.keep(profile, versions.document_of(stored), now=now, by=by)
    _log_of(gateway, profile, Event.PROFILE_CREATED, profile.id, now=now)
    start_when_due(gateway, profile, now)
    return profile


@transaction.atomic
def change_profile(
    gateway: Gateway, spec: ProfileSpec, *, now: datetime, by: str = OPERATOR
) -> EvaluationProfile:
    """Make the profile what `spec` says, as a new version; 20011, 20032 for its end.

    `spec` is the whole profile; where it leaves `valid_from` out, the begin stays.
    Before the begin everything but the consumer may change, later only `CHANGEABLE`.
    It holds from the next registration on, never for what is past. Nothing happens
    when nothing differs. Raises ProfileInvalid, EvaluationProfile.DoesNotExist.
    """
    profile = _locked(spec.id)
    starts_at = _begin(spec, profile, now)
    profile_spec.check(spec, starts_at=starts_at, now=now, is_new=False)
    wanted = stored_profile.settled(spec, starts_at)
    document = versions.document_of(wanted)
    changed = versions.differing(_document(profile), document)
    if not changed:
        return profile
    _check_change(profile, changed)
    if "valid_to" in changed and wanted.valid_to:
        _check_end(profile, wanted.valid_to, now)
    stored_profile.rewrite(profile, wanted, changed)
    _keep_change(gateway, profile, document, now, by, end_moved="valid_to" in changed)
    return profile


@transaction.atomic
def end_profile(
    gateway: Gateway,
    profile_id: str,
    *,
    at: datetime,
    now: datetime,
    by: str = OPERATOR,
) -> EvaluationProfile:
    """Move the end of the validity to `at`, not before `now`; 20032 and 20011.

    A profile whose end is reached by that ends at once (20012). Raises
    ProfileInvalid; EvaluationProfile.DoesNotExist for an unknown id.
    """
    profile = _locked(profile_id)
    end = at.replace(microsecond=0)
    _check_end(profile, end, now)
    document = {**_document(profile), "valid_to": zulu(end.astimezone(UTC))}
    profile.valid_to = end
    profile.version += 1
    profile.save(update_fields=["valid_to", "version"])
    _keep_change(gateway, profile, document, now, by, end_moved=True)
    return profile


@transaction.atomic
def replace_profile(
    gateway: Gateway,
    profile_id: str,
    spec: ProfileSpec,
    *,
    at: datetime,
    now: datetime,
    by: str = OPERATOR,
) -> EvaluationProfile:
    """End a profile at `at` and let another, with an id of its own, take over there.

    For all that must not change while a profile runs: another tariff, other inputs, a
    new meter (tafs.md R12). Raises as `end_profile` and `create_profile` do, and then
    changes nothing.
    """
    end_profile(gateway, profile_id, at=at, now=now, by=by)
    return create_profile(gateway, replace(spec, valid_from=at), now=now, by=by)


@transaction.atomic
def delete_profile(
    gateway: Gateway, profile_id: str, *, now: datetime
) -> EvaluationProfile:
    """Delete a profile that has ended, or has not begun; 20013.

    Its lists stay with the consumer until their retention ends. Raises ProfileInvalid
    while values are still to be computed or owed to somebody.
    """
    profile = _locked(profile_id)
    _check_delete(profile)
    profile.state = _State.DELETED
    profile.save(update_fields=["state"])
    _log_of(gateway, profile, Event.PROFILE_DELETED, profile.id, now=now)
    return profile


def start_when_due(gateway: Gateway, profile: EvaluationProfile, now: datetime) -> None:
    """Start a planned profile whose validity has begun (4294946295)."""
    if profile.state != _State.PLANNED or profile.valid_from > now:
        return
    meters = dict.fromkeys(given.meter_id for given in inputs_of(profile))
    with transaction.atomic():
        if _changed(profile, _State.PLANNED, _State.ACTIVE):
            taf = f"{profile.taf} ({profile.id})"
            listed = ", ".join(meters)
            _log_of(gateway, profile, Event.TAF_STARTED, taf, listed, now=now)


def end_when_due(gateway: Gateway, profile: EvaluationProfile, now: datetime) -> None:
    """End an active profile whose validity is over (20012)."""
    ends_at = profile.valid_to
    if profile.state != _State.ACTIVE or ends_at is None or ends_at > now:
        return
    with transaction.atomic():
        if _changed(profile, _State.ACTIVE, _State.ENDED):
            _log_of(gateway, profile, Event.PROFILE_ENDED, profile.id, now=now)


def with_inputs() -> QuerySet[EvaluationProfile]:
    """All profiles, fetched with their inputs and meters."""
    inputs = ProfileInput.objects.select_related("meter")
    return EvaluationProfile.objects.prefetch_related(Prefetch("inputs", inputs))


def _locked(profile_id: str) -> EvaluationProfile:
    return with_inputs().select_for_update().get(pk=profile_id)


def _document(profile: EvaluationProfile) -> dict[str, Any]:
    return versions.document_at(profile.id, profile.version)


def _begin(spec: ProfileSpec, profile: EvaluationProfile, now: datetime) -> datetime:
    """When it begins: a past begin that was moved at the time does not differ."""
    if spec.valid_from is None or spec.valid_from <= profile.valid_from <= now:
        return profile.valid_from
    return profile_spec.start_of(spec, now=now, backdated=False)


def _check_change(profile: EvaluationProfile, changed: set[str]) -> None:
    if profile.state in (_State.ENDED, _State.DELETED):
        raise _refused("", f"profile {profile.id} has ended already")
    fixed: Iterable[str] = changed - CHANGEABLE
    if profile.state == _State.PLANNED:
        fixed = changed & {"consumer"}
    if fixed := sorted(fixed):
        message = "does not change while a profile runs: end it and make another"
        raise ProfileFixed([Problem(f"/{name}", message) for name in fixed])


def _check_end(profile: EvaluationProfile, end: datetime, now: datetime) -> None:
    if profile.state not in (_State.PLANNED, _State.ACTIVE):
        raise _refused("/valid_to", f"profile {profile.id} has ended already")
    if end < now.replace(microsecond=0):
        raise _refused("/valid_to", "must not be in the past")
    if end <= profile.valid_from:
        raise _refused("/valid_to", "must be after valid_from")
    if end >= profile_spec.NO_CALENDAR_FROM:
        raise _refused("/valid_to", profile_spec.TOO_LATE)


def _check_delete(profile: EvaluationProfile) -> None:
    if profile.state == _State.PLANNED:
        return
    if profile.state == _State.DELETED:
        raise _refused("", f"profile {profile.id} was deleted already")
    if profile.state != _State.ENDED:
        raise _refused("", f"profile {profile.id} runs: end it first")
    done, end = profile.evaluated_to, profile.valid_to
    if end and (done is None or done < end):
        raise _refused("", f"the final reading of {profile.id} is still to come")
    owed = OutboxRow.objects.filter(profile=profile, state__in=OWED_STATES)
    if count := owed.count():
        raise _refused("", f"{count} deliveries of {profile.id} are still owed")


def _refused(pointer: str, message: str) -> ProfileInvalid:
    return ProfileInvalid([Problem(pointer, message)])


def _keep_change(
    gateway: Gateway,
    profile: EvaluationProfile,
    document: Mapping[str, Any],
    now: datetime,
    by: str,
    *,
    end_moved: bool,
) -> None:
    versions.keep(profile, document, now=now, by=by)
    if end_moved:
        end = profile.valid_to
        local = f"{end.astimezone(BERLIN):%Y-%m-%d %H:%M:%S}" if end else NO_END
        _log_of(gateway, profile, Event.END_DATE_CORRECTED, local, now=now)
    _log_of(gateway, profile, Event.PROFILE_UPDATED, profile.id, now=now)
    start_when_due(gateway, profile, now)
    end_when_due(gateway, profile, now)


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
