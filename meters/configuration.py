"""How consumers and meters are set up (R20, R21, decisions D9, D10, D44)."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import transaction

from hardware.device_id import canonical_meter_id, server_id_of
from hardware.gateway import Gateway
from hardware.sym_pairing import KEY_BYTES, SERVER_ID_BYTES
from logbooks.catalogue import Event
from logbooks.services import log_event, open_consumer_log
from meters import wireless_configuration
from meters.configuration_errors import (
    ConsumerInvalid,
    MeterInvalid,
)
from meters.credential_store import keep_master_key
from meters.models import PLAIN_SOURCES, Consumer, Meter, profile_id_rule
from meters.registers import logical_names
from meters.wireless_configuration import Given

MEDIA = {1, 5, 6, 7, 8, 9}
"""Electricity, cooling, heat, gas, cold water, hot water (gateway-model.md 2)."""

BAUDRATES = {300, 600, 1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200} | {
    230_400,
    460_800,
    921_600,
}
DEFAULT_BAUDRATES = {
    Meter.Source.HDLC: 921_600,
    Meter.Source.SML_PUSH: 9600,
    Meter.Source.D0_PUSH: 9600,
    Meter.Source.D0_PULL: 300,
    Meter.Source.REPLAY: 9600,
    Meter.Source.WMBUS: 57_600,
}
"""The wired LMN; the optical head of most meters (lmn-wired.md 8). A pulled meter
begins at its speed and names the one to go on with; a file is played at its."""

LARGEST_REGISTER = 10**15
"""More than any counter has: in Wh, twelve digits of kWh."""

LOGIN_METHODS = {"password", "certificate"}
PLAIN_SOURCE = "Zähler {meter} ohne LMN-Sicherung eingerichtet, Werte nicht geprüft"
_URL_SCHEMES = {"socket", "rfc2217", "loop", "file"}
_LONGEST_SERVER_ID = 20
_LONGEST_PORT = 200
_LONGEST_NAME = 64
_DEVICE_ID_LENGTH = 14

Text = TypeVar("Text")
Read = TypeVar("Read")


@transaction.atomic
def create_consumer(
    gateway: Gateway,
    consumer_id: str,
    *,
    name: str = "-",
    auth: Collection[str] = ("password",),
) -> Consumer:
    """Create a consumer and open his log; raises ConsumerInvalid.

    `auth` names how he may log in: "password", "certificate" or both.
    """
    try:
        profile_id_rule(consumer_id)
    except ValidationError:
        raise ConsumerInvalid("id", "1 to 32 of A-Z, a-z, 0-9, _ and -") from None
    check_consumer(name, auth)
    if Consumer.objects.filter(pk=consumer_id).exists():
        raise ConsumerInvalid("id", f"there is a consumer {consumer_id} already")
    consumer = Consumer.objects.create(
        id=consumer_id,
        name=name,
        password_login="password" in auth,
        certificate_login="certificate" in auth,
    )
    open_consumer_log(consumer_id)
    return consumer


def check_consumer(name: str, auth: Collection[str]) -> None:
    """Raises ConsumerInvalid for a name or ways to log in that cannot be."""
    if not auth or not set(auth) <= LOGIN_METHODS:
        raise ConsumerInvalid("auth", "password, certificate or both")
    if len(name) > _LONGEST_NAME:
        raise ConsumerInvalid("name", f"at most {_LONGEST_NAME} characters")


@transaction.atomic
def create_meter(
    gateway: Gateway,
    meter_id: str,
    *,
    consumer: str,
    source: str,
    port: str,
    server_id: str = "",
    medium: int | None = None,
    baudrate: int | None = None,
    name: str = "-",
    registers: Sequence[str] = (),
    allow_unsecured_billing: bool = False,
    security: str | None = None,
    master_key: str = "",
    stick: str = "",
    obis_rules: Sequence[Mapping[str, str]] = (),
    max_register_value: int | None = None,
    now: datetime,
) -> Meter:
    """Create a meter; raises MeterInvalid.

    `meter_id` and `server_id` (hex) come in every form of D9; an id of 14 characters
    gives the server id when it is left out, and its first digit the medium. Registers
    that are left out are fixed by the first record. `master_key` (32 hex digits) is
    what a wired meter is paired by, or the key of a wireless one; wired `security` is
    "tls" unless it is said to be "plain". Wireless: see `wireless_configuration`.
    """
    id_ = _checked("id", canonical_meter_id, meter_id)
    meter = Meter(
        id=id_,
        consumer=_consumer(consumer),
        name=_within("name", name, _LONGEST_NAME),
        source=_checked("source", Meter.Source, source),
        port=_port(port),
        baudrate=_baudrate(source, baudrate),
        registers=_checked("registers", logical_names, registers),
        allow_unsecured_billing=allow_unsecured_billing,
        max_register_value=check_max_register_value(max_register_value),
        valid_from=now.replace(microsecond=0),
    )
    given = Given(server_id, medium, baudrate, security, stick, obis_rules)
    _complete(meter, given)
    _keep(gateway, meter, master_key, now)
    return meter


def _keep(gateway: Gateway, meter: Meter, master_key: str, now: datetime) -> None:
    """Store a meter that is complete, with its key."""
    _refuse_what_is_taken(meter)
    key = _master_key(meter, master_key)
    meter.save(force_insert=True)
    if key is not None:
        keep_master_key(gateway, meter, key, now=now)
    _tell_of_plain_source(gateway, meter, now)


def check_name(name: str) -> None:
    """Raises MeterInvalid for a name that is too long."""
    _within("name", name, _LONGEST_NAME)


def check_max_register_value(given: int | None) -> int | None:
    """Where counters roll over, in whole units (tafs.md R11); raises MeterInvalid."""
    if given is not None and not 0 < given <= LARGEST_REGISTER:
        raise MeterInvalid("max_register_value", f"1 to {LARGEST_REGISTER}")
    return given


def check_port(meter: Meter) -> None:
    """Raises MeterInvalid when a changed meter cannot be where it says it is."""
    _port(meter.port)
    if meter.is_active:
        _refuse_unfit_line(meter)


def _refuse_what_is_taken(meter: Meter) -> None:
    _refuse_doubles(meter)
    _refuse_unfit_line(meter)


def _complete(meter: Meter, given: Given) -> None:
    """Fill in what follows from the id and the source of a meter."""
    if meter.is_wireless:
        wireless_configuration.complete(meter, given)
        return
    for field, value in (("stick", given.stick), ("obis_rules", given.obis_rules)):
        if value:
            raise MeterInvalid(field, "only wireless meters have it")
    meter.server_id = _server_id(meter.id, given.server_id)
    meter.medium = _medium(meter.id, given.medium)
    meter.security = _security(given.security, meter.source)


def _tell_of_plain_source(gateway: Gateway, meter: Meter, now: datetime) -> None:
    """The owner's log says that the values of this meter are not secured."""
    if meter.is_plain_source:
        warning = PLAIN_SOURCE.format(meter=meter.pk)
        owner = [meter.consumer_id]
        log_event(gateway, Event.VALUE_WARNING, warning, now=now, consumers=owner)


def _checked(field: str, reader: Callable[[Text], Read], given: Text) -> Read:
    try:
        return reader(given)
    except ValueError as error:
        raise MeterInvalid(field, str(error)) from None


def _within(field: str, text: str, longest: int) -> str:
    if len(text) > longest:
        raise MeterInvalid(field, f"at most {longest} characters")
    return text


def _consumer(consumer_id: str) -> Consumer:
    consumer = Consumer.objects.filter(pk=consumer_id).first()
    if consumer is None:
        raise MeterInvalid("consumer", f"there is no consumer {consumer_id}")
    return consumer


def _server_id(meter_id: str, given: str) -> str:
    """The server id in hex: as given, else made from the id (decisions D44)."""
    try:
        server_id = bytes.fromhex(given) if given else server_id_of(meter_id)
    except ValueError:
        raise MeterInvalid("server_id", "hex digits, two for each byte") from None
    if not 0 < len(server_id) <= _LONGEST_SERVER_ID:
        raise MeterInvalid("server_id", f"1 to {_LONGEST_SERVER_ID} bytes")
    return server_id.hex()


def _medium(meter_id: str, given: int | None) -> int:
    if given is None:
        stated = int(meter_id[0], 16)
        return stated if len(meter_id) == 14 and stated in MEDIA else 1
    if given not in MEDIA:
        raise MeterInvalid("medium", f"one of {sorted(MEDIA)}")
    return given


def _baudrate(source: str, given: int | None) -> int:
    return DEFAULT_BAUDRATES[Meter.Source(source)] if given is None else given


def _port(port: str) -> str:
    """A device such as /dev/ttyUSB0, a file, or a URL such as socket://host:port."""
    parts = urlsplit(port)
    is_path = port.startswith("/") and not port.endswith("/")
    is_url = parts.scheme in _URL_SCHEMES and "://" in port
    if not (is_path or is_url) or len(port) > _LONGEST_PORT:
        raise MeterInvalid("port", "a device /dev/..., socket://host:port or a file")
    return port


def _security(given: str | None, source: str) -> Meter.Security:
    """On the bus TLS, unless "plain" is demanded expressly (decisions D38)."""
    if given is not None:
        return _checked("security", Meter.Security, given)
    is_wired = source == Meter.Source.HDLC
    return Meter.Security.TLS if is_wired else Meter.Security.PLAIN


def _master_key(meter: Meter, given: str) -> bytes | None:
    """The key as bytes; None for a meter that is read in plain."""
    if meter.security == Meter.Security.PLAIN:
        if given:
            raise MeterInvalid("master_key", "a meter read in plain has none")
        return None
    if meter.is_wireless:
        return _key(given)
    if meter.source != Meter.Source.HDLC:
        raise MeterInvalid("security", "only meters on the wired LMN speak TLS")
    if meter.security != Meter.Security.TLS:
        raise MeterInvalid("security", "tls or plain")
    if (
        len(meter.server_id) != 2 * SERVER_ID_BYTES
        or len(meter.id) != _DEVICE_ID_LENGTH
    ):
        raise MeterInvalid(
            "server_id", "TLS needs a meter with 14 characters, 10 bytes"
        )
    if not given:
        raise MeterInvalid("master_key", 'needed, unless the security is "plain"')
    return _key(given)


def _key(given: str) -> bytes:
    if not re.fullmatch(rf"[0-9a-fA-F]{{{2 * KEY_BYTES}}}", given):
        raise MeterInvalid("master_key", f"{2 * KEY_BYTES} hex digits")
    return bytes.fromhex(given)


def _refuse_doubles(meter: Meter) -> None:
    """Two meters with one id or one server id cannot be told apart (R20)."""
    if Meter.objects.filter(pk=meter.pk).exists():
        raise MeterInvalid("id", f"there is a meter {meter.pk} already")
    if Meter.objects.filter(server_id=meter.server_id).exists():
        raise MeterInvalid("server_id", "another meter has this server id")


def _refuse_unfit_line(meter: Meter) -> None:
    """A bus is shared by wired meters of one speed; a pushing meter shares nothing."""
    if meter.baudrate not in BAUDRATES:
        raise MeterInvalid("baudrate", f"one of {sorted(BAUDRATES)}")
    there = Meter.objects.filter(port=meter.port, is_active=True)
    other = there.exclude(pk=meter.pk).first()
    if other is None:
        return
    if meter.source in PLAIN_SOURCES or other.source != meter.source:
        raise MeterInvalid("port", f"{meter.port} is taken by another meter")
    if other.stick != meter.stick:
        raise MeterInvalid("stick", f"at {meter.port} there is an {other.stick}")
    if other.baudrate != meter.baudrate:
        raise MeterInvalid("baudrate", f"the bus {meter.port} runs at another speed")
