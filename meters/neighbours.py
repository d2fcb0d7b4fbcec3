"""Wireless meters of others that a stick hears, listed for the technician.

A stick hears the whole neighbourhood, so the list is bounded and written now and then
only.
"""

import logging
from datetime import datetime, timedelta

from django.db import Error, connection

from hardware.wmbus_address import MeterAddress
from meters.models import UnknownMeter
from meters.unknown_meters import KEPT, list_unknown

WRITTEN_EVERY = timedelta(minutes=1)

logger = logging.getLogger(__name__)


class Neighbours:
    """Collects what one stick hears of meters that are not configured."""

    def __init__(self, port: str) -> None:
        self._port = port
        self._heard: dict[bytes, UnknownMeter] = {}
        self._written_at: datetime | None = None

    def note(self, address: MeterAddress, rssi_dbm: int | None, now: datetime) -> None:
        """One of their telegrams came."""
        server_id = address.server_id
        self._heard.pop(server_id, None)
        self._heard[server_id] = UnknownMeter(
            server_id=server_id.hex(), port=self._port, seen_at=now, rssi_dbm=rssi_dbm
        )
        while len(self._heard) > KEPT:
            del self._heard[next(iter(self._heard))]

    def write(self, now: datetime) -> None:
        """Bring the table up to date, at once and then once a minute; never raises."""
        written_at = self._written_at
        if not self._heard or (
            written_at is not None and abs(now - written_at) < WRITTEN_EVERY
        ):
            return
        self._written_at = now
        try:
            list_unknown(self._port, list(self._heard.values()))
        except Error as error:
            logger.error("unknown meters could not be listed: %s", error)
            connection.close_if_unusable_or_obsolete()
            return
        self._heard.clear()
