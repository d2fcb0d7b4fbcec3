"""Configures the gateway from one document: all of it, or nothing.

The same services as those of the GWA API do the work, so the same rules hold. What is
there already as it stands in the document is left alone; what differs is refused, or
changed when that is asked for.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from django.db import transaction

from gwa_api import existing
from gwa_api.json_object import DocumentInvalid
from gwa_api.new_meter import make_meter
from gwa_api.schemas import (
    Configuration,
    ConsumerEntry,
    MeterEntry,
    ParticipantEntry,
    configuration,
)
from hardware.gateway import Gateway
from logbooks.services import log_fault
from meters.accounts import AccountInvalid, create_account, new_password
from meters.configuration import create_consumer
from meters.configuration_errors import ConfigurationInvalid
from meters.models import Account
from tariffs.lifecycle import change_profile, create_profile
from tariffs.participants import change_participant, create_participant
from tariffs.profile_spec import Problem, ProfileInvalid, ProfileSpec
from tariffs.tariff_check import tariff_warnings

UNSECURED = (
    "is read without the security of the LMN: TAF1, TAF2 and TAF7 leave its values "
    "out, unless it has allow_unsecured_billing"
)

_CHANGEABLE = ("participants", "profiles")


class _Named(Protocol):
    @property
    def id(self) -> str: ...


Entry = TypeVar("Entry", bound=_Named)


@dataclass(slots=True)
class ApplyResult:
    """What was done: ids by kind, passwords that were made, and what to know.

    `passwords` maps consumers to new passwords; they are stored nowhere in clear.
    """

    created: dict[str, list[str]] = field(default_factory=dict)
    changed: dict[str, list[str]] = field(default_factory=dict)
    unchanged: dict[str, list[str]] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def apply(
    gateway: Gateway,
    document: dict[str, Any],
    *,
    now: datetime,
    change: bool = False,
) -> ApplyResult:
    """Create what the document names; raises DocumentInvalid, then nothing changed.

    With `change` participants and profiles that differ are made what it says, as far
    as they may change; without it they are refused. Profiles that are refused are
    logged as fault 600104.
    """
    try:
        wanted = configuration(document)
        with transaction.atomic():
            return _Application(gateway, now, change).run(wanted)
    except DocumentInvalid as error:
        if any(p.pointer.startswith("/profiles/") for p in error.problems):
            log_fault(gateway, ProfileInvalid.code, now=now)
        raise


class _Application:
    """One run over a document, inside a transaction."""

    def __init__(self, gateway: Gateway, now: datetime, change: bool) -> None:
        self._gateway = gateway
        self._now = now
        self._changes: dict[str, Callable[[Any], None]] = {}
        if change:
            self._changes = {
                "participants": self._change_participant,
                "profiles": self._change_profile,
            }
        self._result = ApplyResult()
        self._problems: list[Problem] = []

    def run(self, wanted: Configuration) -> ApplyResult:
        """Create everything; raises DocumentInvalid when anything was refused."""
        differences = existing.Differences(self._gateway, self._now)
        self._each("consumers", wanted.consumers, differences.consumer, self._consumer)
        self._each("meters", wanted.meters, differences.meter, self._meter)
        self._each(
            "participants",
            wanted.participants,
            differences.participant,
            self._participant,
        )
        self._each("profiles", wanted.profiles, differences.profile, self._profile)
        if self._problems:
            raise DocumentInvalid(self._problems)
        return self._result

    def _each(
        self,
        kind: str,
        entries: Sequence[Entry],
        differences: Callable[[Entry], list[str] | None],
        create: Callable[[Entry], None],
    ) -> None:
        """Create each entry of a kind, or compare it with what is there."""
        for position, entry in enumerate(entries):
            pointer = f"/{kind}/{position}"
            found = differences(entry)
            if found is None:
                if self._created(pointer, entry, create):
                    self._result.created.setdefault(kind, []).append(entry.id)
            elif found and kind in self._changes:
                if self._created(pointer, entry, self._changes[kind]):
                    self._result.changed.setdefault(kind, []).append(entry.id)
            elif found:
                text = _differs(kind, entry.id, found)
                self._problems.append(Problem(pointer, text))
            else:
                self._result.unchanged.setdefault(kind, []).append(entry.id)

    def _created(
        self, pointer: str, entry: Entry, create: Callable[[Entry], None]
    ) -> bool:
        try:
            create(entry)
        except ProfileInvalid as error:
            self._problems += (
                Problem(pointer + one.pointer, one.message) for one in error.problems
            )
        except (ConfigurationInvalid, AccountInvalid) as error:
            self._problems.append(Problem(f"{pointer}/{error.field}", error.reason))
        else:
            return True
        return False

    def _consumer(self, entry: ConsumerEntry) -> None:
        consumer = create_consumer(
            self._gateway, entry.id, name=entry.name, auth=entry.auth
        )
        password = entry.password or new_password(self._gateway)
        create_account(
            self._gateway,
            username=entry.id,
            role=Account.Role.CONSUMER,
            consumer=consumer,
            password=password,
        )
        if entry.password is None:
            self._result.passwords[entry.id] = password

    def _meter(self, entry: MeterEntry) -> None:
        meter = make_meter(self._gateway, entry, now=self._now)
        if meter.is_plain_source and not meter.allow_unsecured_billing:
            self._result.warnings.append(f"meter {meter.id} {UNSECURED}")

    def _participant(self, entry: ParticipantEntry) -> None:
        create_participant(entry.id, name=entry.name, inbox=entry.inbox)

    def _change_participant(self, entry: ParticipantEntry) -> None:
        change_participant(entry.id, name=entry.name, inbox=entry.inbox)

    def _change_profile(self, spec: ProfileSpec) -> None:
        change_profile(self._gateway, spec, now=self._now)

    def _profile(self, spec: ProfileSpec) -> None:
        profile = create_profile(self._gateway, spec, now=self._now)
        if spec.tariff:
            self._result.warnings += (
                f"profile {spec.id}: {text}"
                for text in tariff_warnings(spec.tariff, profile.valid_from)
            )


def _differs(kind: str, id_: str, members: Iterable[str]) -> str:
    listed = ", ".join(members)
    way = "--change changes it"
    if kind not in _CHANGEABLE:
        way = "changing is not built yet"
    return f"{id_} exists already with another {listed}; {way}"
