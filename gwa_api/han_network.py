"""The network of the HAN interface, changed on trial (R111).

The gateway itself may not set addresses of its host: a program does that which the
operator names (`CASA_HAN_SETTER`). It gets the wanted state as JSON on its standard
input and ends with 0 when that holds.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from ipaddress import ip_interface

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from gwa_api.models import HanNetwork
from hardware.gateway import Gateway
from logbooks.catalogue import Event
from logbooks.services import ALL_CONSUMERS, log_event
from tariffs.problem import Problem
from tariffs.profile_spec import ProfileInvalid

TRIAL = timedelta(seconds=120)
"""The old state comes back then, unless the GWA has come in again."""

SERVICE = "service"
"""Instead of a connection: the technician, who says himself that a change holds."""

PROFILE = "han"
"""Its name as a communication profile (20003)."""

_SETTER_S = 20
_MOST = 8
_HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9-]{1,63}){0,3}")


class NotChanged(Exception):
    """The network stays as it is; the text says why."""


@dataclass(frozen=True, slots=True)
class Network:
    """What the HAN interface shall have."""

    addresses: Sequence[str]
    host_names: Sequence[str]
    dhcp: bool


def current() -> HanNetwork:
    """The row; a new one, not stored, while nothing was set."""
    return HanNetwork.objects.first() or HanNetwork()


def change(
    gateway: Gateway, wanted: Network, *, over: str, now: datetime
) -> HanNetwork:
    """Set the network on trial; `over` names the connection of the order.

    Raises ProfileInvalid with every problem, NotChanged when it cannot be set.
    """
    if problems := list(_problems(wanted)):
        raise ProfileInvalid(problems)
    with transaction.atomic():
        HanNetwork.objects.get_or_create(pk=1)
        row = HanNetwork.objects.select_for_update().get(pk=1)
        if row.returns_at is not None:
            raise NotChanged("another change is still on trial")
        before = asdict(_of(row))
        _store(row, wanted)
        row.before, row.returns_at, row.changed_over = before, now + TRIAL, over
        row.save()
        _tell(gateway, wanted, now)
        _set(wanted)
    return row


def note_access(over: str) -> None:
    """The administrator is here: over a new connection a change has proved itself.

    His own change; that of the technician is proved in the house alone.
    """
    _end_trial(HanNetwork.objects.exclude(changed_over__in=(over, SERVICE)))


def keep(*, over: str) -> bool:
    """Whoever made a change says that it holds; False when none of his is on trial."""
    return _end_trial(HanNetwork.objects.filter(changed_over=over))


def return_when_due(gateway: Gateway, *, now: datetime) -> bool:
    """Take back a change that did not prove itself; whether that was done."""
    with transaction.atomic():
        due = HanNetwork.objects.select_for_update().filter(returns_at__lte=now)
        row = due.first()
        if row is None or row.before is None:
            return False
        wanted = Network(**row.before)
        _store(row, wanted)
        row.before, row.returns_at, row.changed_over = None, None, ""
        row.save()
        _tell(gateway, wanted, now)
        _set(wanted)
    return True


def _end_trial(rows: QuerySet[HanNetwork]) -> bool:
    on_trial = rows.exclude(returns_at=None)
    return bool(on_trial.update(returns_at=None, before=None, changed_over=""))


def _of(row: HanNetwork) -> Network:
    return Network(row.addresses, row.host_names, row.dhcp)


def _store(row: HanNetwork, wanted: Network) -> None:
    row.version += 1
    row.addresses, row.host_names = list(wanted.addresses), list(wanted.host_names)
    row.dhcp = wanted.dhcp


def _tell(gateway: Gateway, wanted: Network, now: datetime) -> None:
    targets = ", ".join([*wanted.addresses, *wanted.host_names]) or "DHCP"
    event = Event.COMMUNICATION_PROFILE_UPDATED
    log_event(gateway, event, PROFILE, targets, now=now, consumers=ALL_CONSUMERS)


def _set(wanted: Network) -> None:
    """Let the operator's program do it; raises NotChanged."""
    if not settings.HAN_SETTER:
        raise NotChanged("no program sets the network here (CASA_HAN_SETTER)")
    document = json.dumps(asdict(wanted)).encode()
    try:
        done = subprocess.run(
            [settings.HAN_SETTER],
            input=document,
            capture_output=True,
            timeout=_SETTER_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotChanged(str(error)) from None
    if done.returncode:
        raise NotChanged(f"the program ended with {done.returncode}")


def _problems(wanted: Network) -> Iterator[Problem]:
    for position, address in enumerate(wanted.addresses):
        if not _is_address(address):
            message = "an address with its network: 192.168.2.10/24"
            yield Problem(f"/addresses/{position}", message)
    for position, name in enumerate(wanted.host_names):
        if not _HOST_NAME.fullmatch(name):
            yield Problem(f"/host_names/{position}", "must be a host name")
    if not wanted.addresses and not wanted.dhcp:
        yield Problem("/addresses", "an address, or dhcp")
    if max(len(wanted.addresses), len(wanted.host_names)) > _MOST:
        yield Problem("/addresses", f"at most {_MOST}")


def _is_address(text: str) -> bool:
    try:
        address = ip_interface(text)
    except ValueError:
        return False
    barred = address.is_loopback or address.is_multicast or address.is_unspecified
    return "/" in text and not barred
