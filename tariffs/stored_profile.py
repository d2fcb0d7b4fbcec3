"""How a spec is written into the rows of a profile: made new, or changed."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from hardware.obis import Obis
from meters.models import Meter
from tariffs import profile_spec
from tariffs.instant_spec import (
    DEFAULT_TRIGGERS,
    Aggregate,
    InstantSpec,
    Threshold,
)
from tariffs.instant_tafs import INSTANT_TAFS, RULES
from tariffs.models import EvaluationProfile, MarketParticipant, ProfileInput
from tariffs.profile_spec import InputSpec, ProfileSpec

_PSEUDONYM_BYTES = 16


def settled(spec: ProfileSpec, starts_at: datetime) -> ProfileSpec:
    """The spec as it is stored: nothing left out, one form for everything."""
    meters = Meter.objects.in_bulk([given.meter for given in spec.inputs])
    end = spec.valid_to
    return replace(
        spec,
        consumer=profile_spec.consumer_of(spec, meters),
        inputs=tuple(map(_named, spec.inputs)),
        instant_values=stored_form(spec),
        valid_from=starts_at,
        valid_to=end.replace(microsecond=0) if end else None,
    )


Named = TypeVar("Named", InputSpec, Aggregate, Threshold)


def _named(given: Named) -> Named:
    try:
        return replace(given, obis=Obis.parse(given.obis).logical_name)
    except ValueError:
        return given


def stored_form(spec: ProfileSpec) -> InstantSpec | None:
    """Aggregates, thresholds and triggers in one form for all; None without any.

    Without triggers those that the use case has by default. What is no OBIS code stays
    as it is.
    """
    if spec.taf not in INSTANT_TAFS:
        return None
    given = spec.instant_values or InstantSpec()
    allowed = RULES[spec.taf].triggers
    default = tuple(one for one in DEFAULT_TRIGGERS if one in allowed)
    return InstantSpec(
        aggregates=tuple(map(_named, given.aggregates)),
        thresholds=tuple(map(_named, given.thresholds)),
        triggers=given.triggers or default,
    )


def make(spec: ProfileSpec, *, now: datetime) -> EvaluationProfile:
    """The rows of a new profile; `spec` is settled."""
    profile = EvaluationProfile.objects.create(
        id=spec.id, created_at=now, pseudonym=_pseudonym(spec), **_columns(spec)
    )
    _write_inputs(profile, spec)
    _write_recipients(profile, spec)
    return profile


def rewrite(profile: EvaluationProfile, spec: ProfileSpec, changed: set[str]) -> None:
    """Change the rows of a profile and count its version; `spec` is settled."""
    for name, value in _columns(spec).items():
        setattr(profile, name, value)
    if spec.pseudonym or not spec.pseudonymise:
        profile.pseudonym = spec.pseudonym
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
        "instant_values": (
            spec.instant_values.document() if spec.instant_values else None
        ),
        "purpose": spec.purpose,
    }


def _pseudonym(spec: ProfileSpec) -> str:
    """Made at random where none is given; "" where the names may be told."""
    if spec.taf not in INSTANT_TAFS or not spec.pseudonymise:
        return ""
    return spec.pseudonym or secrets.token_hex(_PSEUDONYM_BYTES)


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
