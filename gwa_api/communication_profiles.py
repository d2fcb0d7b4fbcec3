"""Communication profiles: made, changed and deleted by the GWA (20003)."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from gwa_api.models import CommunicationProfile
from gwa_api.proxy_profiles import is_address
from hardware.cms_suite import EnvelopeSuite
from hardware.gateway import Gateway
from logbooks.catalogue import Event
from logbooks.services import ALL_CONSUMERS, log_event
from tariffs.models import EvaluationProfile, MarketParticipant
from tariffs.profile_spec import Problem, ProfileInvalid

_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_PATH = re.compile(r"/[A-Za-z0-9._~/-]{0,199}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_MOST_ADDRESSES = 8


@dataclass(frozen=True, slots=True)
class WaySpec:
    """What a communication profile shall be; `participant` "" stands for the GWA."""

    id: str
    addresses: tuple[str, ...]
    participant: str = ""
    path: str = "/deliveries"
    sni: str = ""
    route: str = CommunicationProfile.Route.DIRECT
    suite: str = EnvelopeSuite.CMS_ECKAEG_AES_128_GCM.name
    compressed: bool = True
    management_addresses: tuple[str, ...] = ()


@transaction.atomic
def save_way(gateway: Gateway, spec: WaySpec, *, now: datetime) -> CommunicationProfile:
    """Make the way to a partner, or change it; a change is told (20003).

    Raises ProfileInvalid with every problem.
    """
    problems = list(_problems(spec))
    if problems:
        raise ProfileInvalid(problems)
    earlier = CommunicationProfile.objects.select_for_update().filter(pk=spec.id)
    way = earlier.first() or CommunicationProfile(id=spec.id, version=0)
    way.version += 1
    way.participant_id = spec.participant or None
    way.addresses = list(spec.addresses)
    way.management_addresses = list(spec.management_addresses)
    for name in ("path", "sni", "route", "suite", "compressed"):
        setattr(way, name, getattr(spec, name))
    way.save()
    if way.version > 1:
        _tell(gateway, way, now)
    return way


def delete_way(profile_id: str) -> bool:
    """Delete a communication profile; False when there is none."""
    deleted, _rows = CommunicationProfile.objects.filter(pk=profile_id).delete()
    return bool(deleted)


def _tell(gateway: Gateway, way: CommunicationProfile, now: datetime) -> None:
    """To those whose values go this way; the GWA concerns everybody."""
    concerned: Collection[str] = ALL_CONSUMERS
    if way.participant_id is not None:
        profiles = EvaluationProfile.objects.filter(recipients=way.participant_id)
        concerned = sorted(set(profiles.values_list("consumer_id", flat=True)))
    log_event(
        gateway,
        Event.COMMUNICATION_PROFILE_UPDATED,
        way.id,
        ", ".join(way.addresses),
        now=now,
        consumers=concerned,
    )


def _problems(spec: WaySpec) -> Iterator[Problem]:
    if not _ID.fullmatch(spec.id):
        yield Problem("/id", "1 to 32 of A-Z, a-z, 0-9, _ and -")
    if not 1 <= len(spec.addresses) <= _MOST_ADDRESSES:
        yield Problem("/addresses", f"1 to {_MOST_ADDRESSES} of host:port")
    for position, address in enumerate(spec.addresses):
        if not is_address(address):
            yield Problem(f"/addresses/{position}", "must be host:port")
    yield from _management_problems(spec)
    if not _PATH.fullmatch(spec.path):
        yield Problem("/path", "must be an absolute path")
    if spec.sni and not _HOST.fullmatch(spec.sni):
        yield Problem("/sni", "must be a host name")
    if spec.route not in set(CommunicationProfile.Route):
        yield Problem("/route", "must be direct or via_gwa")
    if spec.suite not in EnvelopeSuite.__members__:
        listed = ", ".join(EnvelopeSuite.__members__)
        yield Problem("/suite", f"must be one of {listed}")
    yield from _partner_problems(spec)


def _management_problems(spec: WaySpec) -> Iterator[Problem]:
    if len(spec.management_addresses) > _MOST_ADDRESSES:
        yield Problem("/management_addresses", f"at most {_MOST_ADDRESSES}")
    if spec.management_addresses and spec.participant:
        yield Problem("/management_addresses", "only the GWA manages")
    for position, address in enumerate(spec.management_addresses):
        if not is_address(address):
            yield Problem(f"/management_addresses/{position}", "must be host:port")


def _partner_problems(spec: WaySpec) -> Iterator[Problem]:
    others = CommunicationProfile.objects.exclude(pk=spec.id)
    if not spec.participant:
        if spec.route != CommunicationProfile.Route.DIRECT:
            yield Problem("/route", "the GWA is always reached directly")
        if others.filter(participant=None).exists():
            yield Problem("/participant", "there is a way to the GWA already")
    elif not MarketParticipant.objects.filter(pk=spec.participant).exists():
        yield Problem("/participant", f"there is no participant {spec.participant!r}")
    elif others.filter(participant=spec.participant).exists():
        yield Problem("/participant", "there is a way to him already")
