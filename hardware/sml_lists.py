"""GetList.Res: the list of registers that a meter sends (lmn-wired.md 7.3, 8).

The time and value types here are shared by all SML messages.
"""

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from hardware.errors import FrameUndecodable
from hardware.obis import ACTIVE_POWER, Obis
from hardware.readings import MeterReading, RegisterValue
from hardware.sml import (
    SmlElement,
    SmlInteger,
    SmlMessage,
    byte_of,
    i8,
    list_of,
    number_of,
    u8,
    u32,
)
from hardware.units import NO_UNIT

GET_LIST_RESPONSE = 0x0701

_METER_EXPORTS = 1 << 11
_SIMPLE_TIMES = (u8(1), u8(2))
_DZG_PREFIX = bytes.fromhex("0a01445a4700")
_DZG_SERIALS = (range(42_000_000, 49_000_000), range(55_000_000, 59_000_000))
_DZG_WIDTHS = (1, 2, 3)

_obis = lru_cache(maxsize=4096)(Obis)
_new_tuple = tuple.__new__  # a third of the time of the class's own


class SmlTime(NamedTuple):
    """A time of a meter: kind 1 operating seconds, 2 UTC, 3 local time.

    Kind 0 is a bare number without a kind, as Holley meters send it; it counts as
    operating seconds. `value` is in seconds, the two offsets of kind 3 in minutes.
    """

    kind: int
    value: int
    offset: int = 0
    season_offset: int = 0

    @property
    def sec_index(self) -> int | None:
        """Operating seconds, None for a time of day."""
        return self.value if self.kind < 2 else None

    @property
    def instant(self) -> datetime | None:
        """The time of day, UTC; None for operating seconds."""
        return datetime.fromtimestamp(self.value, UTC) if self.kind >= 2 else None


class ListEntry(NamedTuple):
    """One register of a list; `value` is None where the meter sent none.

    `status` is the status word as sent, `unit` a DLMS code, `scaler` a power of ten.
    """

    obis: Obis
    status: int | None
    val_time: SmlTime | None
    unit: int | None
    scaler: int | None
    value: SmlElement
    value_signature: bytes | None = None

    @property
    def amount(self) -> Decimal | None:
        """The exact amount, None where the value is not a number."""
        if not isinstance(self.value, SmlInteger):
            return None
        return Decimal(self.value.value).scaleb(self.scaler or 0)


class GetListResponse(NamedTuple):
    """The body of a GetList.Res."""

    client_id: bytes | None
    server_id: bytes
    list_name: bytes | None
    act_sensor_time: SmlTime | None
    entries: tuple[ListEntry, ...]
    list_signature: bytes | None = None
    act_gateway_time: SmlTime | None = None

    @property
    def tag(self) -> int:
        """The kind of the message."""
        return GET_LIST_RESPONSE


def get_list_response(message: SmlMessage) -> GetListResponse:
    """Read a GetList.Res; raises FrameUndecodable for another form or kind."""
    if message.tag != GET_LIST_RESPONSE:
        raise FrameUndecodable("not a GetList.Res")
    body = list_of(message.body, 7)
    client, server, name, sensor_time, entries, signature, gateway_time = body
    if not isinstance(server, bytes):
        raise FrameUndecodable("a GetList.Res without server id")
    return GetListResponse(
        client if isinstance(client, bytes) else None,
        server,
        name if isinstance(name, bytes) else None,
        sml_time(sensor_time),
        _entries(entries),
        signature if isinstance(signature, bytes) else None,
        sml_time(gateway_time),
    )


def _entries(element: SmlElement) -> tuple[ListEntry, ...]:
    """Read the entries; one whose name is no OBIS code is no register and skipped."""
    found = []
    for entry in list_of(element):
        name, status, val_time, unit, scaler, value, signature = list_of(entry, 7)
        if not isinstance(name, bytes):
            raise FrameUndecodable("a list entry without name")
        if len(name) != 6:
            continue
        fields = (
            _obis(name),
            None if status is None else number_of(status),
            None if val_time is None else sml_time(val_time),
            None if unit is None else byte_of(unit),
            None if scaler is None else byte_of(scaler),
            value,
            signature if isinstance(signature, bytes) else None,
        )
        found.append(_new_tuple(ListEntry, fields))
    return tuple(found)


def sml_time(element: SmlElement) -> SmlTime | None:
    """Read an SML time, None when it was left out; raises FrameUndecodable."""
    if element is None:
        return None
    if isinstance(element, SmlInteger):
        return SmlTime(0, _u32_of(element))
    kind, value = list_of(element, 2)
    if kind in _SIMPLE_TIMES:
        return SmlTime(number_of(kind), _u32_of(value))
    if kind != u8(3):
        raise FrameUndecodable("not an SML time")
    instant, offset, season_offset = list_of(value, 3)
    offsets = number_of(offset), number_of(season_offset)
    return SmlTime(3, _u32_of(instant), *offsets)


def _u32_of(element: SmlElement) -> int:
    value = number_of(element)
    if not 0 <= value < 1 << 32:
        raise FrameUndecodable("an SML time that does not fit into four bytes")
    return value


def time_element(time: SmlTime | None) -> SmlElement:
    """Return the element of a time."""
    if time is None:
        return None
    if time.kind == 0:
        return u32(time.value)
    if time.kind == 3:
        offsets = (time.offset, time.season_offset)
        local = tuple(SmlInteger(minutes, 2, True) for minutes in offsets)
        return (u8(3), (u32(time.value), *local))
    return (u8(time.kind), u32(time.value))


def list_response_element(response: GetListResponse) -> SmlElement:
    """Return the element of a GetList.Res."""
    return (
        response.client_id,
        response.server_id,
        response.list_name,
        time_element(response.act_sensor_time),
        tuple(_entry_element(entry) for entry in response.entries),
        response.list_signature,
        time_element(response.act_gateway_time),
    )


def _entry_element(entry: ListEntry) -> SmlElement:
    return (
        entry.obis.groups,
        status_element(entry.status),
        time_element(entry.val_time),
        None if entry.unit is None else u8(entry.unit),
        None if entry.scaler is None else i8(entry.scaler),
        entry.value,
        entry.value_signature,
    )


def status_element(status: int | None) -> SmlElement:
    """A status word: four bytes, eight where it needs them."""
    if status is None:
        return None
    return SmlInteger(status, 4 if status < 1 << 32 else 8)


def meter_reading(response: GetListResponse, captured_at: datetime) -> MeterReading:
    """Return the registers of a list: the numbers that have a unit, OBIS ascending.

    The status is that of the first entry that has one (0 when none has). The sign of
    the power of DZG DVS74 meters is put right (lmn-wired.md 8, rule 5).
    """
    entries = response.entries
    status = next((e.status for e in entries if e.status is not None), 0)
    mends_power = _sends_power_unsigned(response.server_id, status)
    registers: dict[bytes, RegisterValue] = {}
    for entry in entries:
        number, unit = entry.value, entry.unit
        if type(number) is not SmlInteger or not unit or unit == NO_UNIT:
            continue
        value = number.value
        if mends_power and entry.obis == ACTIVE_POWER:
            value = _as_unsigned(number)
        register = RegisterValue(entry.obis, value, entry.scaler or 0, unit)
        registers.setdefault(entry.obis.groups, register)
    ascending = tuple([registers[groups] for groups in sorted(registers)])
    return MeterReading(response.server_id, captured_at, status, ascending)


def _sends_power_unsigned(server_id: bytes, status: int) -> bool:
    """Whether this is a DZG DVS74 that does not say that it exports."""
    if not server_id.startswith(_DZG_PREFIX) or len(server_id) != 10:
        return False
    serial = int.from_bytes(server_id[6:], "big")
    is_dvs74 = any(serial in serials for serials in _DZG_SERIALS)
    return is_dvs74 and not status & _METER_EXPORTS


def _as_unsigned(number: SmlInteger) -> int:
    if number.value < 0 and number.width in _DZG_WIDTHS:
        return number.value + (1 << 8 * number.width)
    return number.value
