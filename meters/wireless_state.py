"""What must outlive a restart of the wireless side: counters and formats.

Without the counters an old telegram would be taken again, without the formats compact
frames could not be read until the next full ones. Both are kept at once: before
anything that came with them is stored.
"""

import logging
from collections.abc import Iterable
from datetime import datetime

from django.db import Error, connection, transaction
from django.db.models import F

from hardware.wmbus_address import MeterAddress
from hardware.wmbus_compact import FormatCache
from hardware.wmbus_crc import format_signature
from hardware.wmbus_replay import MESSAGE, SESSION, Counted, ReplayGuard
from meters.models import RadioPort, WirelessCounter, WirelessFormat

FORMATS_KEPT = 1024

logger = logging.getLogger(__name__)


class KeptCounters(ReplayGuard):
    """A replay guard that knows which counters are not stored yet."""

    def __init__(self, counters: dict[str, int]) -> None:
        super().__init__(counters)
        self.unstored: dict[str, int] = {}

    def accept(self, counted: Counted) -> None:
        """Remember a counter; check it first."""
        super().accept(counted)
        self.unstored[counted.name] = counted.value

    def forget(self, address: MeterAddress) -> None:
        """Begin anew with a meter, as after a change of its key."""
        super().forget(address)
        for kind in (MESSAGE, SESSION):
            self.unstored.pop(f"{kind}:{address.meter_id}", None)

    def raise_to(self, counters: dict[str, int]) -> None:
        """Take over counters that somebody else has stored."""
        own = self.counters
        self._last.update(
            {name: max(value, own.get(name, value)) for name, value in counters.items()}
        )


class KeptFormats(FormatCache):
    """A format cache that knows which formats are not stored yet."""

    def __init__(self, known: Iterable[tuple[bytes, bytes]] = ()) -> None:
        super().__init__(known, limit=FORMATS_KEPT)
        self.unstored: list[tuple[bytes, bytes]] = []

    def learn(self, address: MeterAddress, heads: bytes) -> None:
        """Keep the format of a full frame of this meter for all of its kind."""
        before = self.changes
        super().learn(address, heads)
        if self.changes != before:
            self.unstored.append((address.type_key, heads))


class WirelessState:
    """Counters and formats of one stick; loading raises django.db.Error."""

    def __init__(self, port: str) -> None:
        self._port = port
        self._received = 0
        self.counters = KeptCounters(_stored_counters())
        self.formats = KeptFormats(_stored_formats())

    def reload_counters(self) -> None:
        """Take over what other sticks have heard; raises django.db.Error."""
        self.counters.raise_to(_stored_counters())

    def forget_counters(self, address: MeterAddress) -> None:
        """Begin anew with a meter that has a new key; raises django.db.Error."""
        forget_stored_counters(address)
        self.counters.forget(address)

    def note_received(self) -> None:
        """A good telegram of one of our meters came."""
        self._received += 1

    def store(self, now: datetime) -> bool:
        """Store what is new in one transaction; False when the database fails.

        Then it is tried again at the next call, and nothing else must be stored before.
        """
        if not (self._received or self.counters.unstored or self.formats.unstored):
            return True
        try:
            with transaction.atomic():
                self._store(now)
        except Error as error:
            logger.error("counters of wireless meters could not be stored: %s", error)
            connection.close_if_unusable_or_obsolete()
            return False
        self.counters.unstored = {}
        self.formats.unstored = []
        self._received = 0
        return True

    def _store(self, now: datetime) -> None:
        if self.counters.unstored:
            _store_counters(self.counters.unstored)
        if self.formats.unstored:
            _store_formats(self.formats.unstored, now)
        if not self._received:
            return
        ports = RadioPort.objects.filter(pk=self._port)
        if not ports.update(received=F("received") + self._received, received_at=now):
            RadioPort.objects.create(
                port=self._port, received=self._received, received_at=now
            )


def forget_stored_counters(address: MeterAddress) -> None:
    """Begin anew with a meter whose key has changed: no old telegram fits the new one.

    A meter may count on from zero then, and would be taken for a replay.
    """
    WirelessCounter.objects.filter(address=address.meter_id).delete()


def _stored_counters() -> dict[str, int]:
    rows = WirelessCounter.objects.values_list("kind", "address", "value")
    return {f"{kind}:{address}": value for kind, address, value in rows}


def _stored_formats() -> list[tuple[bytes, bytes]]:
    rows = WirelessFormat.objects.order_by("learned_at")
    return [
        (bytes.fromhex(type_key), bytes(heads))
        for type_key, heads in rows.values_list("type_key", "heads")
    ]


def _store_counters(counters: dict[str, int]) -> None:
    names = (name.partition(":") for name in counters)
    WirelessCounter.objects.bulk_create(
        [
            WirelessCounter(kind=kind, address=address, value=value)
            for (kind, _, address), value in zip(names, counters.values(), strict=True)
        ],
        update_conflicts=True,
        unique_fields=["address", "kind"],
        update_fields=["value"],
    )


def _store_formats(formats: list[tuple[bytes, bytes]], now: datetime) -> None:
    rows = {
        (type_key.hex(), format_signature(heads)): WirelessFormat(
            type_key=type_key.hex(),
            signature=format_signature(heads),
            heads=heads,
            learned_at=now,
        )
        for type_key, heads in formats
    }
    WirelessFormat.objects.bulk_create(
        rows.values(),
        update_conflicts=True,
        unique_fields=["type_key", "signature"],
        update_fields=["heads", "learned_at"],
    )
    newest = WirelessFormat.objects.order_by("-learned_at")
    too_old = newest.values_list("learned_at", flat=True)[FORMATS_KEPT:].first()
    if too_old is not None:
        WirelessFormat.objects.filter(learned_at__lte=too_old).delete()
