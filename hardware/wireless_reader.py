"""What a stick hears, sorted: readings of our meters, refusals, and strangers.

Who is not configured costs a look into a dictionary and is not decoded further.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hardware.lmn_wireless import WirelessReading, reading_of, require_security
from hardware.wmbus import Decoder, Telegram
from hardware.wmbus_address import MeterAddress
from hardware.wmbus_compact import FormatCache
from hardware.wmbus_errors import TelegramRefused
from hardware.wmbus_obis import OMS_RULES, ObisRule
from hardware.wmbus_replay import ReplayGuard
from hardware.wmbus_sender import meter_behind, sender_of

_MOST_ADAPTERS = 256


@dataclass(frozen=True, slots=True)
class WirelessProfile:
    """How one of our meters is read: the security it must have, its own OBIS rows."""

    security: str
    rules: tuple[ObisRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Ours:
    """A good telegram of one of our meters."""

    server_id: bytes
    reading: WirelessReading


@dataclass(frozen=True, slots=True)
class Refused:
    """A telegram of one of our meters that gives no values."""

    server_id: bytes
    refusal: TelegramRefused


@dataclass(frozen=True, slots=True)
class Stranger:
    """A telegram of a meter that is none of ours."""

    address: MeterAddress


class WirelessReader:
    """Reads telegrams without CRCs; what one costs does not depend on how many meters.

    `formats` and `replay` are what must be kept over a restart.
    """

    def __init__(self, formats: FormatCache, replay: ReplayGuard) -> None:
        self._profiles: Mapping[bytes, WirelessProfile] = {}
        self._keys: Mapping[bytes, bytes] = {}
        self._adapters: dict[bytes, None] = {}
        self._decoder = Decoder(self._key_of, formats=formats, replay=replay)

    def configure(
        self, profiles: Mapping[bytes, WirelessProfile], keys: Mapping[bytes, bytes]
    ) -> None:
        """Our meters and their keys, by server id."""
        self._profiles = profiles
        self._keys = keys

    def read(
        self, telegram: bytes, received_at: datetime, *, now_s: float
    ) -> Ours | Refused | Stranger | None:
        """What a telegram is; None for one that only an adapter can have a use for.

        `received_at` is UTC, `now_s` from a clock that only grows. Raises LengthWrong
        for what is no telegram at all.
        """
        sender = sender_of(telegram)
        meant = self._ours(sender, telegram)
        if meant is None:
            return Stranger(meter_behind(telegram) or sender)
        told = self._decoder.decode(telegram, now_s=now_s)
        meter = told.meter if told.meter is not None else meant
        if meter.server_id not in self._profiles:
            meter = meant
        profile = self._profiles.get(meter.server_id)
        if profile is None:
            return None
        refusal = told.refusal or _unprotected(told, profile)
        if refusal is not None:
            return Refused(meter.server_id, refusal)
        rules = (*profile.rules, *OMS_RULES) if profile.rules else OMS_RULES
        return Ours(meter.server_id, reading_of(told, meter, received_at, rules))

    def _key_of(self, address: MeterAddress) -> bytes | None:
        return self._keys.get(address.server_id)

    def _ours(self, sender: MeterAddress, telegram: bytes) -> MeterAddress | None:
        """Whom to take a telegram for: one of our meters, or the adapter of one."""
        if sender.server_id in self._profiles:
            return sender
        behind = meter_behind(telegram)
        if behind is not None and behind.server_id in self._profiles:
            self._adapters[sender.server_id] = None
            while len(self._adapters) > _MOST_ADAPTERS:
                del self._adapters[next(iter(self._adapters))]
            return behind
        return sender if sender.server_id in self._adapters and not behind else None


def _unprotected(
    telegram: Telegram, profile: WirelessProfile
) -> TelegramRefused | None:
    """Why values must not be taken although the key opened the telegram."""
    if telegram.records is None or not telegram.records.records:
        return None
    try:
        require_security(telegram, profile.security)
    except TelegramRefused as refusal:
        return refusal
    return None
