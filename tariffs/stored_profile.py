"""How a spec is written into the rows of a profile: made new, or changed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from hardware.obis import Obis
from meters.models import Meter
from tariffs import profile_spec
from tariffs.models import EvaluationProfile, MarketParticipant, ProfileInput
from tariffs.profile_spec import ProfileSpec


def settled(spec: ProfileSpec, starts_at: datetime) -> ProfileSpec:
    """The spec as it is stored: nothing left out, one form for everything."""
    meters = Meter.objects.in_bulk([given.meter for given in spec.inputs])
    end = spec.valid_to
    return replace(
        spec,
        consumer=profile_spec.consumer_of(spec, meters),
        inputs=tuple(
            replace(given, obis=Obis.parse(given.obis).logical_name)
            for given in spec.inputs
        ),
        valid_from=starts_at,
        valid_to=end.replace(microsecond=0) if end else None,
    )


def make(spec: ProfileSpec, *, now: datetime) -> EvaluationProfile:
    """The rows of a new profile; `spec` is settled."""
    profile = EvaluationProfile.objects.create(
        id=spec.id, created_at=now, **_columns(spec)
    )
    _write_inputs(profile, spec)
    _write_recipients(profile, spec)
    return profile


def rewrite(profile: EvaluationProfile, spec: ProfileSpec, changed: set[str]) -> None:
    """Change the rows of a profile and count its version; `spec` is settled."""
    for name, value in _columns(spec).items():
        setattr(profile, name, value)
    profile.version += 1
    profile.save()
    if "inputs" in changed:
        profile.inputs.all().delete()
        _write_inputs(profile, spec)
    if "recipients" in changed:
        _write_recipients(profile, spec)


def _columns(spec: ProfileSpec) -> Mapping[str, Any]:
    return {
        "taf": spec.taf,
        "name": spec.name,
        "consumer_id": spec.consumer,
        "metering_point": spec.metering_point,
        "supplier_id": spec.supplier_id,
        "valid_from": spec.valid_from,
        "valid_to": spec.valid_to,
        "registration_period_s": spec.registration_period_s,
        "billing_unit": spec.billing_unit,
        "billing_count": spec.billing_count,
        "billing_day": spec.billing_day,
        "tariff": spec.tariff.document() if spec.tariff else None,
        "send_schedule": spec.schedule,
    }


def _write_inputs(profile: EvaluationProfile, spec: ProfileSpec) -> None:
    ProfileInput.objects.bulk_create(
        ProfileInput(
            profile=profile,
            position=position,
            meter_id=given.meter,
            obis=given.obis,
            sign=given.sign,
        )
        for position, given in enumerate(spec.inputs)
    )


def _write_recipients(profile: EvaluationProfile, spec: ProfileSpec) -> None:
    profile.recipients.set(MarketParticipant.objects.filter(pk__in=spec.recipients))
