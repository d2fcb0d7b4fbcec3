"""What a configuration document holds, and how its JSON is read.

The body of a profile is that of rest-gwa.md 4.1; the document is the one of the
command `apply`. Everything but ids, the consumer and source of a meter, the use case
and the inputs of a profile may be left out.
"""

from dataclasses import dataclass, field
from typing import Any

from gwa_api.instant_schema import instant_spec
from gwa_api.json_object import NEEDED, DocumentInvalid, JsonObject
from gwa_api.tariff_schema import TARIFF, tariff_spec
from hardware.device_id import canonical_meter_id
from tariffs.instant_tafs import INSTANT_TAFS
from tariffs.profile_spec import BUILT_TAFS, InputSpec, Problem, ProfileSpec
from tariffs.tariff_spec import TariffSpec

QUARTER_HOUR_S = 900

_DOCUMENT = ("consumers", "meters", "participants", "profiles")
_CONSUMER = ("id", "name", "password", "auth")
_METER = (
    "id",
    "consumer",
    "name",
    "medium",
    "source",
    "port",
    "baudrate",
    "server_id",
    "registers",
    "allow_unsecured_billing",
    "security",
    "master_key",
    "stick",
    "obis_rules",
    "max_register_value",
)
_OBIS_RULE = ("dib", "vib", "obis")
_PARTICIPANT = ("id", "name", "inbox")
_INSTANT_VALUES = INSTANT_TAFS
_ONLY_FOR = {
    "tariff": frozenset({2}),
    "aggregates": _INSTANT_VALUES,
    "thresholds": _INSTANT_VALUES,
    "triggers": _INSTANT_VALUES,
    "pseudonym": _INSTANT_VALUES,
    "pseudonymise": _INSTANT_VALUES,
    "purpose": _INSTANT_VALUES,
}
"""Members of a profile that its body may have with some use cases only."""
_PROFILE = (
    "id",
    "taf",
    "name",
    "consumer",
    "metering_point",
    "supplier_id",
    "valid_from",
    "valid_to",
    "inputs",
    "registration_period",
    "billing_period",
    "delivery",
    *_ONLY_FOR,
)
_INPUT = ("meter", "obis", "sign")
_BILLING = ("unit", "count", "day")
_DELIVERY = ("recipients", "schedule")
_RECIPIENT = ("participant", "route")


@dataclass(frozen=True, slots=True)
class ConsumerEntry:
    """A consumer; without `password` one is made at random."""

    id: str
    name: str
    password: str | None
    auth: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MeterEntry:
    """A meter; None stands for what the meter's id or source decides."""

    id: str
    consumer: str
    name: str
    source: str
    port: str
    medium: int | None
    baudrate: int | None
    server_id: str
    registers: tuple[str, ...]
    allow_unsecured_billing: bool
    security: str | None
    master_key: str = field(repr=False)
    """Written only: no interface ever gives it out."""
    stick: str
    obis_rules: tuple[dict[str, str], ...]
    max_register_value: int | None
    """Where the counters begin at 0 again, in whole units (Wh, m³); None: unknown."""


@dataclass(frozen=True, slots=True)
class ParticipantEntry:
    """A market participant; `inbox` is the folder of his deliveries, "" for none."""

    id: str
    name: str
    inbox: str


@dataclass(frozen=True, slots=True)
class Configuration:
    """A whole document, in the order in which things depend on each other."""

    consumers: tuple[ConsumerEntry, ...]
    meters: tuple[MeterEntry, ...]
    participants: tuple[ParticipantEntry, ...]
    profiles: tuple[ProfileSpec, ...]


def configuration(document: dict[str, Any]) -> Configuration:
    """The typed document; raises DocumentInvalid with every problem of its form."""
    problems: list[Problem] = []
    whole = JsonObject(document, "", problems, allowed=_DOCUMENT)
    read = Configuration(
        consumers=tuple(map(_consumer, whole.parts("consumers", _CONSUMER))),
        meters=tuple(map(_meter, whole.parts("meters", _METER))),
        participants=tuple(
            map(_participant, whole.parts("participants", _PARTICIPANT))
        ),
        profiles=tuple(map(_profile, whole.parts("profiles", _PROFILE))),
    )
    if problems:
        raise DocumentInvalid(problems)
    return read


def profile_of(document: dict[str, Any]) -> ProfileSpec:
    """One profile (rest-gwa.md 4.1, with its id); raises DocumentInvalid."""
    problems: list[Problem] = []
    read = _profile(JsonObject(document, "", problems, allowed=_PROFILE))
    if problems:
        raise DocumentInvalid(problems)
    return read


def meter_of(document: dict[str, Any]) -> MeterEntry:
    """One meter with its id; raises DocumentInvalid."""
    problems: list[Problem] = []
    read = _meter(JsonObject(document, "", problems, allowed=_METER))
    if problems:
        raise DocumentInvalid(problems)
    return read


def _consumer(body: JsonObject) -> ConsumerEntry:
    auth = body.texts("auth", ["password"])
    if "certificate" in auth:
        body.refuse("auth", "login by certificate is not built yet")
    return ConsumerEntry(
        id=body.text("id"),
        name=body.text("name", "-"),
        password=body.text("password") if body.has("password") else None,
        auth=auth,
    )


def _meter(body: JsonObject) -> MeterEntry:
    return MeterEntry(
        id=_meter_id(body, "id"),
        consumer=body.text("consumer"),
        name=body.text("name", "-"),
        source=body.text("source"),
        port=body.text("port"),
        medium=body.integer("medium"),
        baudrate=body.integer("baudrate"),
        server_id=body.text("server_id", ""),
        registers=body.texts("registers"),
        allow_unsecured_billing=body.flag("allow_unsecured_billing"),
        security=body.text("security") if body.has("security") else None,
        master_key=body.text("master_key", ""),
        stick=body.text("stick", ""),
        obis_rules=tuple(map(_obis_rule, body.parts("obis_rules", _OBIS_RULE))),
        max_register_value=body.integer("max_register_value"),
    )


def _obis_rule(body: JsonObject) -> dict[str, str]:
    return {name: body.text(name) for name in _OBIS_RULE}


def _participant(body: JsonObject) -> ParticipantEntry:
    return ParticipantEntry(
        id=body.text("id"),
        name=body.text("name", "-"),
        inbox=body.text("inbox", ""),
    )


def _profile(body: JsonObject) -> ProfileSpec:
    taf = body.integer("taf")
    if taf is None and not body.has("taf"):
        body.refuse("taf", NEEDED)
    if not body.has("inputs"):
        body.refuse("inputs", NEEDED)
    if taf in BUILT_TAFS:
        _refuse_foreign_members(body, taf)
    billing = body.part("billing_period", _BILLING)
    delivery = body.part("delivery", _DELIVERY)
    return ProfileSpec(
        id=body.text("id"),
        taf=taf or 0,
        inputs=tuple(map(_input, body.parts("inputs", _INPUT))),
        consumer=body.text("consumer", ""),
        name=body.text("name", "-"),
        metering_point=body.text("metering_point", "-"),
        supplier_id=body.text("supplier_id", "-"),
        valid_from=body.instant("valid_from"),
        valid_to=body.instant("valid_to"),
        registration_period_s=body.duration_s("registration_period", QUARTER_HOUR_S),
        billing_unit=billing.text("unit", billing_unit_of(taf)),
        billing_count=billing.integer("count", 1) or 0,
        billing_day=billing.integer("day", 1) or 0,
        recipients=_recipients(delivery),
        schedule=delivery.text("schedule", ""),
        tariff=_tariff(body) if taf == 2 else None,
        instant_values=instant_spec(body) if taf in INSTANT_TAFS else None,
        pseudonym=body.text("pseudonym", ""),
        pseudonymise=body.flag("pseudonymise", default=True),
        purpose=body.text("purpose", ""),
    )


def billing_unit_of(taf: int | None) -> str:
    """The unit of the billing period where none is stated (decisions D13)."""
    return "week" if taf in INSTANT_TAFS else "month"


def _tariff(body: JsonObject) -> TariffSpec | None:
    if not body.has("tariff"):
        body.refuse("tariff", NEEDED)
        return None
    return tariff_spec(body.part("tariff", TARIFF))


def _refuse_foreign_members(body: JsonObject, taf: int) -> None:
    for name, tafs in _ONLY_FOR.items():
        if body.has(name) and taf not in tafs:
            listed = " and ".join(f"TAF{number}" for number in sorted(tafs))
            body.refuse(name, f"only for {listed}")


def _input(body: JsonObject) -> InputSpec:
    return InputSpec(
        meter=_meter_id(body, "meter"),
        obis=body.text("obis"),
        sign=body.integer("sign", 1) or 0,
    )


def _recipients(delivery: JsonObject) -> tuple[str, ...]:
    """The participants that receive the values."""
    recipients = []
    for body in delivery.parts("recipients", _RECIPIENT):
        if body.has("route"):
            body.refuse("route", "stands in his communication profile")
        recipients.append(body.text("participant"))
    return tuple(recipients)


def _meter_id(body: JsonObject, name: str) -> str:
    text = body.text(name)
    try:
        return canonical_meter_id(text) if text else ""
    except ValueError as error:
        body.refuse(name, str(error))
        return ""
