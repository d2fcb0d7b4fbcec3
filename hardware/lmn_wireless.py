"""From a decoded wireless telegram to readings: now, and from its load profiles.

The security that a meter's profile demands is checked here: a decoder alone opens
whatever the key opens.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hardware.readings import MeterReading
from hardware.wmbus import Telegram
from hardware.wmbus_address import MeterAddress
from hardware.wmbus_errors import NotEncrypted
from hardware.wmbus_obis import (
    OMS_RULES,
    ObisRule,
    profile_registers_of,
    registers_of,
)
from hardware.wmbus_profile import ProfileValue, expanded, moment_of, read_profile
from hardware.wmbus_records import Record
from hardware.wmbus_status import MeterStatus
from hardware.wmbus_time import MeterTime

MODE_7, MODE_5, CTR, PLAIN = "mode7", "mode5", "ctr", "plain"
"""What a profile may demand: security modes of the transport layer, AES-CTR of the
extended link layer, or nothing. Only mode 7 proves who sent it, and when."""

STATUS_SHIFT = 24
"""Where the status byte stands in a wireless meter's word (gateway-model.md 3.9)."""

_CLOCK_TOLERANCE = timedelta(seconds=90)
"""How far a meter's clock, told to the minute, may be off for its profiles to count."""


@dataclass(frozen=True, slots=True)
class WirelessReading:
    """What one telegram says.

    `current` was captured when the telegram arrived; `past` are the values of load
    profiles at their own times, ascending. `clock_is_off`: the meter's clock cannot be
    believed, so there is no past.
    """

    current: MeterReading
    past: tuple[MeterReading, ...] = ()
    clock_is_off: bool = False


def require_security(telegram: Telegram, demanded: str) -> None:
    """Raise NotEncrypted when the telegram is protected less than is demanded."""
    mode = telegram.transport.mode if telegram.transport is not None else 0
    is_counted = telegram.extended is not None and telegram.extended.is_encrypted
    fits = {
        MODE_7: mode == 7 and telegram.keys is not None,
        MODE_5: telegram.is_protected and mode in (5, 7),
        CTR: telegram.is_protected and is_counted,
        PLAIN: True,
    }
    if not fits[demanded]:
        raise NotEncrypted(f"security mode {mode}, demanded is {demanded}")


def reading_of(
    telegram: Telegram,
    meter: MeterAddress,
    received_at: datetime,
    rules: Sequence[ObisRule] = OMS_RULES,
) -> WirelessReading:
    """The readings in a telegram of `meter` that was not refused.

    `received_at` is UTC. What is not in the table of `rules` gives no register.
    """
    records = telegram.records.records if telegram.records is not None else ()
    status = _word(telegram)
    mapped = registers_of(records, meter.device_type, rules)
    current = MeterReading(meter.server_id, received_at, status, mapped.registers)
    past = _past(records, meter, status, rules)
    is_off = _clock_is_off(records, past, received_at)
    return WirelessReading(current, () if is_off else past, is_off)


def _word(telegram: Telegram) -> int:
    """The meter's word, with the status byte as it was sent in its upper byte."""
    value = (telegram.transport.status if telegram.transport else None) or 0
    return MeterStatus(value).word | value << STATUS_SHIFT


def _past(
    records: Sequence[Record],
    meter: MeterAddress,
    status: int,
    rules: Sequence[ObisRule],
) -> tuple[MeterReading, ...]:
    values = [*_bases(records), *expanded(records)]
    if not values:
        return ()
    by_time = profile_registers_of(values, meter.device_type, rules)
    readings = (
        MeterReading(meter.server_id, at.as_utc(), status, registers)
        for at, registers in by_time.items()
        if at.digits != "date"
    )
    return tuple(sorted(readings, key=lambda reading: reading.captured_at))


def _bases(records: Sequence[Record]) -> Iterator[ProfileValue]:
    """The values that profiles begin with, at their times."""
    storages = {r.header.storage for r in records if read_profile(r) is not None}
    if not storages:
        return
    times = _times(records)
    for record in records:
        header = record.header
        at = times.get(header.storage)
        if header.storage in storages and header.profile is None and at is not None:
            yield ProfileValue(record, header.storage, at, record.value)


def _times(records: Sequence[Record]) -> dict[int, MeterTime]:
    """By storage number, the first date or time that stands for itself."""
    found: dict[int, MeterTime] = {}
    for record in records:
        at = None if record.header.vife else moment_of(record)
        if at is not None:
            found.setdefault(record.header.storage, at)
    return found


def _clock_is_off(
    records: Sequence[Record], past: Sequence[MeterReading], received_at: datetime
) -> bool:
    """Whether values come from the future, or the time now is told wrong."""
    if not past:
        return False
    if past[-1].captured_at > received_at + _CLOCK_TOLERANCE:
        return True
    has_base_now = any(
        record.header.storage == 0 and read_profile(record) is not None
        for record in records
    )
    told = _times(records).get(0)
    if told is None or told.digits == "date" or has_base_now:
        return False
    return abs(told.as_utc() - received_at) > _CLOCK_TOLERANCE
