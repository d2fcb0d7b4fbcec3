"""What the gateway administrator reads of profiles; the consumer is told of each look.

Reading one evaluation profile is 20029, one meter's profile 20030 (gateway-model.md 4).
A list holds no more than ids, use cases and states, and tells nobody. No value of a
meter and no entry of a consumer's log comes out of here (R77).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hardware.gateway import Gateway
from logbooks.catalogue import Event
from logbooks.services import log_event
from meters.models import Meter
from tariffs import versions
from tariffs.models import EvaluationProfile
from tariffs.profile_spec import is_id


@dataclass(frozen=True, slots=True)
class ProfileLine:
    """A profile in the list of all."""

    id: str
    taf: int
    state: str
    version: int


@dataclass(frozen=True, slots=True)
class ProfileRead:
    """A profile as the GWA gets it; `document` as in `tariffs.versions`."""

    line: ProfileLine
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class VersionLine:
    """When a version of a profile was made, by whom, and what it was."""

    version: int
    made_at: datetime
    made_by: str
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class MeterRead:
    """A meter's profile as the GWA gets it: no key, no reading."""

    id: str
    server_id: str
    consumer: str
    name: str
    medium: int
    source: str
    security: str
    registers: tuple[str, ...]
    valid_from: datetime | None
    is_active: bool
    version: int


def profile_lines() -> list[ProfileLine]:
    """All profiles, deleted ones too, by id; nobody is told."""
    profiles = EvaluationProfile.objects.order_by("pk")
    return [_line(profile) for profile in profiles]


def read_profile(
    gateway: Gateway, profile_id: str, *, now: datetime
) -> ProfileRead | None:
    """One profile as it is now, and 20029 to its consumer; None when there is none."""
    profile = _found(profile_id)
    if profile is None:
        return None
    document = versions.document_at(profile.id, profile.version)
    _tell(gateway, profile, now)
    return ProfileRead(_line(profile), document)


def read_versions(
    gateway: Gateway, profile_id: str, *, now: datetime
) -> list[VersionLine]:
    """What a profile was, oldest first, and 20029 to its consumer; [] for none."""
    profile = _found(profile_id)
    if profile is None:
        return []
    _tell(gateway, profile, now)
    return [
        VersionLine(one.version, one.made_at, one.made_by, one.document)
        for one in profile.versions.order_by("version")
    ]


def read_meter(gateway: Gateway, meter_id: str, *, now: datetime) -> MeterRead | None:
    """One meter's profile, and 20030 to its consumer; None when there is none."""
    meter = Meter.objects.filter(pk=meter_id).first() if is_id(meter_id) else None
    if meter is None:
        return None
    log_event(
        gateway,
        Event.METER_PROFILE_READ_BY_GWA,
        meter.id,
        now=now,
        consumers=[meter.consumer_id],
    )
    return MeterRead(
        id=meter.id,
        server_id=meter.server_id,
        consumer=meter.consumer_id,
        name=meter.name,
        medium=meter.medium,
        source=meter.source,
        security=meter.security,
        registers=tuple(meter.registers),
        valid_from=meter.valid_from,
        is_active=meter.is_active,
        version=meter.version,
    )


def _found(profile_id: str) -> EvaluationProfile | None:
    """No database is asked for what cannot be an id."""
    if not is_id(profile_id):
        return None
    return EvaluationProfile.objects.filter(pk=profile_id).first()


def _line(profile: EvaluationProfile) -> ProfileLine:
    return ProfileLine(profile.id, profile.taf, profile.state, profile.version)


def _tell(gateway: Gateway, profile: EvaluationProfile, now: datetime) -> None:
    log_event(
        gateway,
        Event.PROFILE_READ_BY_GWA,
        profile.id,
        now=now,
        consumers=[profile.consumer_id],
        profile=profile.id,
    )
