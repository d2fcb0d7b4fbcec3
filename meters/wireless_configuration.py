"""What is special about setting up a wireless meter (lmn-wireless.md 8, 12, 13)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hardware.stick_amb8465 import BAUDRATE as AMB8465_BAUDRATE
from hardware.stick_cul import BAUDRATE as CUL_BAUDRATE
from hardware.stick_im871a import BAUDRATE as IM871A_BAUDRATE
from hardware.wmbus_address import MeterAddress, address_of_meter_id
from hardware.wmbus_obis import rule_of
from meters.configuration_errors import MeterInvalid
from meters.models import Meter

BAUDRATES = {
    Meter.Stick.IM871A: IM871A_BAUDRATE,
    Meter.Stick.AMB8465: AMB8465_BAUDRATE,
    Meter.Stick.CUL: CUL_BAUDRATE,
}
MEDIA_OF_TYPES = {
    0x02: 1,
    0x03: 7,
    **dict.fromkeys((0x04, 0x0C, 0x0D), 6),
    **dict.fromkeys((0x0A, 0x0B), 5),
    **dict.fromkeys((0x07, 0x16), 8),
    **dict.fromkeys((0x06, 0x15), 9),
}
"""M-Bus device type -> medium of a meter profile."""

MODES = frozenset(
    {
        Meter.Security.MODE_7,
        Meter.Security.MODE_5,
        Meter.Security.CTR,
        Meter.Security.PLAIN,
    }
)
_ADDRESS_BYTES = 8
_SERVER_ID_BYTES = 9
_MBUS_ID_LENGTH = 16
_MOST_RULES = 64


class Given(NamedTuple):
    """What was given for a wireless meter, beside what all meters have."""

    server_id: str
    medium: int | None
    baudrate: int | None
    security: str | None
    stick: str
    obis_rules: Sequence[Mapping[str, str]]


def complete(meter: Meter, given: Given) -> None:
    """Fill in what a wireless meter has; raises MeterInvalid.

    The M-Bus address is the id of 16 hex digits; for a meter with an id of 14
    characters it is stated as `server_id`: 8 bytes, or 9 with 01 before them. Mode 7
    is demanded unless the profile says otherwise.
    """
    address = _address(meter.id, given.server_id)
    if len(meter.id) == _MBUS_ID_LENGTH:
        meter.id = address.meter_id
    meter.server_id = address.server_id.hex()
    meter.medium = _medium(meter.id, given.medium, address)
    meter.stick = _stick(given.stick)
    if given.baudrate is None:
        meter.baudrate = BAUDRATES[Meter.Stick(meter.stick)]
    meter.security = _security(given.security)
    meter.obis_rules = _rules(given.obis_rules)


def _address(meter_id: str, server_id: str) -> MeterAddress:
    if not server_id and len(meter_id) != _MBUS_ID_LENGTH:
        raise MeterInvalid("server_id", "the M-Bus address of the meter is needed")
    try:
        stated = bytes.fromhex(server_id)
    except ValueError:
        raise MeterInvalid("server_id", "hex digits, two for each byte") from None
    if len(stated) == _SERVER_ID_BYTES and stated[0] == 1:
        stated = stated[1:]
    if not stated:
        return address_of_meter_id(meter_id)
    if len(stated) != _ADDRESS_BYTES:
        raise MeterInvalid("server_id", "an M-Bus address has 8 bytes")
    if len(meter_id) == _MBUS_ID_LENGTH and stated.hex() != meter_id:
        raise MeterInvalid("server_id", "it is another address than the id")
    return MeterAddress(stated)


def _medium(meter_id: str, given: int | None, address: MeterAddress) -> int:
    media = set(MEDIA_OF_TYPES.values())
    if given is not None:
        if given not in media:
            raise MeterInvalid("medium", f"one of {sorted(media)}")
        return given
    if len(meter_id) != _MBUS_ID_LENGTH and int(meter_id[0], 16) in media:
        return int(meter_id[0], 16)
    if address.device_type not in MEDIA_OF_TYPES:
        raise MeterInvalid("medium", "it does not follow from the address")
    return MEDIA_OF_TYPES[address.device_type]


def _stick(given: str) -> str:
    if given not in Meter.Stick.values:
        raise MeterInvalid("stick", f"one of {', '.join(Meter.Stick.values)}")
    return given


def _security(given: str | None) -> str:
    if given is None:
        return Meter.Security.MODE_7
    if given not in MODES:
        raise MeterInvalid("security", f"one of {', '.join(sorted(MODES))}")
    return given


def _rules(given: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Rows that go before the OMS table, each checked."""
    if len(given) > _MOST_RULES:
        raise MeterInvalid("obis_rules", f"at most {_MOST_RULES}")
    for document in given:
        try:
            rule_of(document)
        except (ValueError, TypeError) as error:
            raise MeterInvalid("obis_rules", str(error)) from None
    return [dict(document) for document in given]
