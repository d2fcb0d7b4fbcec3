"""Proxy profiles: made, changed and deleted by the GWA; read by the proxy."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address

from django.db import transaction

from gwa_api.cls.profile import Profile, Scenario, split_address
from gwa_api.cls.socks import is_server_name
from gwa_api.models import ProxyProfile
from hardware.gateway import Gateway
from logbooks.certificate_store import (
    active_certificates,
    end_certificate,
    pin_certificate,
)
from logbooks.models import Certificate
from meters.models import Consumer
from tariffs.models import MarketParticipant
from tariffs.profile_spec import Problem, ProfileInvalid

LONGEST_DURATION_S = 48 * 3600
"""A TLS connection lives two days at most (TR-03116-3)."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_MOST_ADDRESSES = 8


@dataclass(frozen=True, slots=True)
class ProxySpec:
    """What a proxy profile shall be; `cls_certificate` is DER or PEM, b"" to keep the
    one that is pinned."""

    id: str
    scenario: str
    consumer: str
    emt: str
    local_server_name: str
    wan_addresses: tuple[str, ...]
    cls_certificate: bytes = b""
    cls_address: str = ""
    wan_sni: str = ""
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    max_duration_s: int = LONGEST_DURATION_S
    idle_timeout_s: int = 300
    connect_timeout_s: int = 30
    max_parallel: int = 1


@transaction.atomic
def save_proxy_profile(
    gateway: Gateway, spec: ProxySpec, *, now: datetime
) -> ProxyProfile:
    """Make a proxy profile, or change the one of this id.

    A new certificate of the CLS takes the place of the old one. Raises ProfileInvalid
    with every problem, CertificateRefused for a certificate that is none for TLS.
    """
    earlier = ProxyProfile.objects.select_for_update().filter(pk=spec.id).first()
    problems = list(_problems(spec, earlier))
    if problems:
        raise ProfileInvalid(problems)
    profile = earlier or ProxyProfile(id=spec.id, version=0)
    profile.version += 1
    for name in _PLAIN:
        setattr(profile, name, getattr(spec, name))
    profile.consumer_id, profile.emt_id = spec.consumer, spec.emt
    profile.wan_addresses = list(spec.wan_addresses)
    profile.valid_from = spec.valid_from or (earlier.valid_from if earlier else now)
    profile.save()
    if spec.cls_certificate:
        _pin(spec, now)
    return profile


@transaction.atomic
def delete_proxy_profile(profile_id: str, *, now: datetime) -> bool:
    """Delete a profile; its connections end within seconds. False when unknown."""
    deleted, _rows = ProxyProfile.objects.filter(pk=profile_id).delete()
    for entry in _pinned(profile_id):
        end_certificate(entry.fingerprint, now=now)
    return bool(deleted)


def profiles_in_force(*, now: datetime) -> list[Profile]:
    """What the proxy may connect now; a profile without both certificates may not."""
    rows = ProxyProfile.objects.filter(valid_from__lte=now).exclude(valid_to__lte=now)
    return [profile for row in rows.order_by("pk") for profile in _as_seen(row)]


_PLAIN = (
    "scenario",
    "local_server_name",
    "cls_address",
    "wan_sni",
    "valid_to",
    "max_duration_s",
    "idle_timeout_s",
    "connect_timeout_s",
    "max_parallel",
)


def _as_seen(row: ProxyProfile) -> Iterator[Profile]:
    cls = _pinned(row.id).first()
    emt = active_certificates(Certificate.Holder.EMT, Certificate.Kind.TLS, row.emt_id)
    if cls is None or not emt:
        return
    yield Profile(
        id=row.id,
        version=row.version,
        scenario=Scenario(row.scenario),
        local_server_name=row.local_server_name,
        cls_certificate=bytes(cls.der),
        cls_address=row.cls_address,
        wan_addresses=tuple(row.wan_addresses),
        wan_sni=row.wan_sni,
        emt_certificates=tuple(bytes(one.der) for one in emt),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        max_duration=timedelta(seconds=row.max_duration_s),
        idle_timeout=timedelta(seconds=row.idle_timeout_s),
        connect_timeout=timedelta(seconds=row.connect_timeout_s),
        max_parallel=row.max_parallel,
        consumer=row.consumer_id,
    )


def _pinned(profile_id: str):  # type: ignore[no-untyped-def]
    return active_certificates(Certificate.Holder.CLS, Certificate.Kind.TLS, profile_id)


def _pin(spec: ProxySpec, now: datetime) -> None:
    holder = Certificate.Holder.CLS
    # Its validity is not looked at: the exact certificate is what counts.
    entry = pin_certificate(
        spec.cls_certificate, holder=holder, holder_id=spec.id, now=None
    )
    for earlier in _pinned(spec.id).exclude(pk=entry.pk):
        end_certificate(earlier.fingerprint, now=now)


def _problems(spec: ProxySpec, earlier: ProxyProfile | None) -> Iterator[Problem]:
    if not _ID.fullmatch(spec.id):
        yield Problem("/id", "1 to 32 of A-Z, a-z, 0-9, _ and -")
    if spec.scenario not in set(Scenario):
        yield Problem("/scenario", "must be HKS3, HKS4 or HKS5")
    if not is_server_name(spec.local_server_name):
        yield Problem("/local_server_name", "1 to 63 of a-z, 0-9, . and -")
    elif _is_taken(spec):
        yield Problem("/local_server_name", "another profile has this name")
    if not Consumer.objects.filter(pk=spec.consumer).exists():
        yield Problem("/consumer", f"there is no consumer {spec.consumer!r}")
    if not MarketParticipant.objects.filter(pk=spec.emt).exists():
        yield Problem("/emt", f"there is no participant {spec.emt!r}")
    yield from _address_problems(spec)
    yield from _limit_problems(spec)
    begin = spec.valid_from or (earlier.valid_from if earlier else None)
    if spec.valid_to and begin and spec.valid_to <= begin:
        yield Problem("/valid_to", "must be after valid_from")
    if not spec.cls_certificate and not _pinned(spec.id).exists():
        yield Problem("/cls_certificate", "is needed")


def _is_taken(spec: ProxySpec) -> bool:
    named = ProxyProfile.objects.filter(local_server_name=spec.local_server_name)
    return named.exclude(pk=spec.id).exists()


def _address_problems(spec: ProxySpec) -> Iterator[Problem]:
    if not 1 <= len(spec.wan_addresses) <= _MOST_ADDRESSES:
        yield Problem("/wan_addresses", f"1 to {_MOST_ADDRESSES} of host:port")
    for position, address in enumerate(spec.wan_addresses):
        if not is_address(address):
            yield Problem(f"/wan_addresses/{position}", "must be host:port")
    dials = spec.scenario in (Scenario.EMT, Scenario.GATEWAY)
    if dials and not spec.cls_address:
        yield Problem("/cls_address", "is needed when the gateway calls the CLS")
    if spec.cls_address and not is_address(spec.cls_address):
        yield Problem("/cls_address", "must be host:port")
    if spec.wan_sni and not _HOST.fullmatch(spec.wan_sni):
        yield Problem("/wan_sni", "must be a host name")


def is_address(text: str) -> bool:
    try:
        host, port = split_address(text)
    except ValueError:
        return False
    if not 1 <= port <= 65535 or not text.isascii():
        return False
    try:
        ip_address(host)
    except ValueError:
        return _HOST.fullmatch(host) is not None
    return True


_LIMITS = {
    "max_duration_s": (1, LONGEST_DURATION_S),
    "idle_timeout_s": (1, LONGEST_DURATION_S),
    "connect_timeout_s": (1, 300),
    "max_parallel": (1, 256),
}


def _limit_problems(spec: ProxySpec) -> Iterator[Problem]:
    for name, (least, most) in _LIMITS.items():
        if not least <= getattr(spec, name) <= most:
            yield Problem(f"/{name}", f"must be from {least} to {most}")
