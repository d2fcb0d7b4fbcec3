"""The versions of a profile as plain documents: kept, compared, read."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

from hardware.record import zulu
from tariffs.instant_spec import InstantSpec
from tariffs.models import EvaluationProfile, ProfileVersion
from tariffs.profile_spec import ProfileSpec
from tariffs.tariff_spec import TariffSpec

OPERATOR = "operator"
"""Who works at the device itself; the GWA is `gwa`."""


def document_of(spec: ProfileSpec) -> dict[str, Any]:
    """The members of a spec as JSON: instants as `2026-01-31T23:00:00Z`."""
    document: dict[str, Any] = _plain(spec)
    return document


def keep(
    profile: EvaluationProfile, document: Mapping[str, Any], *, now: datetime, by: str
) -> ProfileVersion:
    """Store what the profile is from now on, by its own version number."""
    return ProfileVersion.objects.create(
        profile=profile,
        version=profile.version,
        document=document,
        made_at=now,
        made_by=by,
    )


def document_at(profile_id: str, version: int) -> dict[str, Any]:
    """What the profile was in a version; raises ProfileVersion.DoesNotExist."""
    kept = ProfileVersion.objects.get(profile_id=profile_id, version=version)
    document: dict[str, Any] = kept.document
    return document


def differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> set[str]:
    """The names of the members that differ; the order of recipients means nothing.

    A member that was not known in the old version stands for its default.
    """
    default = document_of(ProfileSpec(id="", taf=0, inputs=()))
    return {
        name
        for name, value in new.items()
        if _ordered(name, old.get(name, default.get(name))) != _ordered(name, value)
    }


def _ordered(name: str, value: Any) -> Any:
    return sorted(value) if name == "recipients" else value


def _plain(value: Any) -> Any:
    if isinstance(value, TariffSpec | InstantSpec):
        return value.document()
    if isinstance(value, datetime):
        return zulu(value.astimezone(UTC))
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value
