"""What there is already, compared with a document: which members differ."""

from collections.abc import Iterator
from datetime import datetime

from gwa_api.schemas import ConsumerEntry, MeterEntry, ParticipantEntry
from hardware.gateway import Gateway
from meters.credential_store import is_master_key
from meters.models import Account, Consumer, Meter
from meters.registers import logical_names
from tariffs.instant_tafs import INSTANT_TAFS
from tariffs.models import EvaluationProfile, MarketParticipant
from tariffs.profile_spec import ProfileSpec
from tariffs.stored_profile import stored_form

Pairs = Iterator[tuple[str, object, object]]
"""Member, what the document says, what is there."""


class Differences:
    """Compares entries of a document with what the gateway has.

    Each method returns None when there is no such thing yet, else the names of the
    members that differ. What the document leaves out and the gateway found by itself
    (server id, medium, speed, registers) does not differ.
    """

    def __init__(self, gateway: Gateway, now: datetime) -> None:
        self._gateway = gateway
        self._now = now

    def consumer(self, entry: ConsumerEntry) -> list[str] | None:
        """A consumer and, when the document has one, his password."""
        found = Consumer.objects.filter(pk=entry.id).first()
        return None if found is None else _different(_consumer(entry, found))

    def meter(self, entry: MeterEntry) -> list[str] | None:
        """A meter."""
        found = Meter.objects.filter(pk=entry.id).first()
        if found is None:
            return None
        return _different(_meter(entry, found)) + self._security(entry, found)

    def participant(self, entry: ParticipantEntry) -> list[str] | None:
        """A market participant."""
        found = MarketParticipant.objects.filter(pk=entry.id).first()
        return None if found is None else _different(_participant(entry, found))

    def profile(self, spec: ProfileSpec) -> list[str] | None:
        """A profile; a begin that had passed and was moved does not differ."""
        found = EvaluationProfile.objects.filter(pk=spec.id).first()
        if found is None:
            return None
        return _different(_profile(spec, found)) + _validity(spec, found, self._now)

    def _security(self, entry: MeterEntry, found: Meter) -> list[str]:
        """A key that is left out does not differ: it is never given out either."""
        wanted, key = entry.security, entry.master_key
        pairs: list[tuple[str, object, object]] = []
        if wanted is not None:
            pairs.append(("security", wanted, found.security))
        if key:
            is_same = is_master_key(self._gateway, found, key)
            pairs.append(("master_key", True, is_same))
        return _different(iter(pairs))


def _different(pairs: Pairs) -> list[str]:
    return [member for member, wanted, there in pairs if wanted != there]


def _consumer(entry: ConsumerEntry, found: Consumer) -> Pairs:
    yield "name", entry.name, found.name
    yield "auth", "password" in entry.auth, found.password_login
    if entry.password is not None:
        account = Account.objects.filter(consumer=found).first()
        is_same = account is not None and account.check_password(entry.password)
        yield "password", True, is_same


def _participant(entry: ParticipantEntry, found: MarketParticipant) -> Pairs:
    yield "name", entry.name, found.name
    yield "inbox", entry.inbox, found.inbox


def _meter(entry: MeterEntry, found: Meter) -> Pairs:
    yield "consumer", entry.consumer, found.consumer_id
    yield "name", entry.name, found.name
    yield "source", entry.source, found.source
    yield "port", entry.port, found.port
    unsecured = entry.allow_unsecured_billing
    yield "allow_unsecured_billing", unsecured, found.allow_unsecured_billing
    yield "max_register_value", entry.max_register_value, found.max_register_value
    if entry.medium is not None:
        yield "medium", entry.medium, found.medium
    if entry.baudrate is not None:
        yield "baudrate", entry.baudrate, found.baudrate
    if entry.server_id:
        yield "server_id", _server_id(entry, found), found.server_id
    if found.is_wireless or entry.stick or entry.obis_rules:
        yield "stick", entry.stick, found.stick
        yield "obis_rules", list(entry.obis_rules), found.obis_rules
    if entry.registers:
        yield "registers", _names(entry.registers), sorted(found.registers)


def _profile(spec: ProfileSpec, found: EvaluationProfile) -> Pairs:
    yield "taf", spec.taf, found.taf
    yield "name", spec.name, found.name
    yield "metering_point", spec.metering_point, found.metering_point
    yield "supplier_id", spec.supplier_id, found.supplier_id
    yield "registration_period", spec.registration_period_s, found.registration_period_s
    wanted = (spec.billing_unit, spec.billing_count, spec.billing_day)
    there = (found.billing_unit, found.billing_count, found.billing_day)
    yield "billing_period", wanted, there
    inputs = [(one.meter_id, one.obis, one.sign) for one in found.inputs.all()]
    given = [(one.meter, *_names([one.obis]), one.sign) for one in spec.inputs]
    yield "inputs", given, inputs
    recipients = {one.id for one in found.recipients.all()}
    delivery = set(spec.recipients), spec.schedule
    yield "delivery", delivery, (recipients, found.send_schedule)
    tariff = spec.tariff.document() if spec.tariff else None
    yield "tariff", tariff, found.tariff
    yield from _instant_values(spec, found)
    if spec.consumer:
        yield "consumer", spec.consumer, found.consumer_id


def _instant_values(spec: ProfileSpec, found: EvaluationProfile) -> Pairs:
    """A pseudonym that is left out was made by the gateway and does not differ."""
    given = stored_form(spec)
    yield "triggers", given.document() if given else None, found.instant_values
    yield "purpose", spec.purpose, found.purpose
    if found.taf in INSTANT_TAFS:
        yield "pseudonymise", spec.pseudonymise, bool(found.pseudonym)
    if spec.pseudonym:
        yield "pseudonym", spec.pseudonym, found.pseudonym


def _validity(spec: ProfileSpec, found: EvaluationProfile, now: datetime) -> list[str]:
    begin = spec.valid_from or found.valid_from
    was_moved = begin <= found.valid_from <= now
    differing = [] if was_moved or begin == found.valid_from else ["valid_from"]
    return differing if spec.valid_to == found.valid_to else [*differing, "valid_to"]


def _server_id(entry: MeterEntry, found: Meter) -> str:
    """As it is stored: an M-Bus address may be stated without the 01 before it."""
    stated = entry.server_id.lower()
    is_bare = found.is_wireless and len(stated) + 2 == len(found.server_id)
    return f"01{stated}" if is_bare else stated


def _names(registers: tuple[str, ...] | list[str]) -> list[str]:
    """Logical names; what is no OBIS code stays as it is and so differs."""
    try:
        return logical_names(registers)
    except ValueError:
        return list(registers)
