"""Samples that were read and are not stored yet: all of them, or none, oldest first."""

import logging
import time
from collections.abc import Callable
from datetime import datetime

from django.db import Error, connection

from hardware.gateway import Gateway
from meters.samples import Taken, store_samples

MOST_KEPT = 20_000
"""While the database is away: two weeks of one value a minute."""

_RETRY_AFTER_S = 5.0

logger = logging.getLogger(__name__)


class SampleQueue:
    """The way of one interface's samples into the database; for one thread.

    What waits goes in one transaction with the marks of progress, so that no mark
    stands before a sample that is still to come. `send_hint` is called after it.
    """

    def __init__(
        self,
        gateway: Gateway,
        send_hint: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gateway = gateway
        self._send_hint = send_hint
        self._monotonic = monotonic
        self._taken: list[Taken] = []
        self._settled: dict[str, datetime] = {}
        self._ended: set[str] = set()
        self._retry_at: float | None = None

    def take(self, taken: Taken) -> None:
        """Keep a reading until it is stored."""
        self._taken.append(taken)
        if len(self._taken) > MOST_KEPT:
            logger.error("too many samples wait for the database: the oldest is lost")
            del self._taken[0]

    def settle(self, meter_id: str, instant: datetime) -> None:
        """Nothing more comes for instants up to this one."""
        self._settled[meter_id] = instant

    def end_order(self, subject: str) -> None:
        """The order was carried out, or is given up."""
        self._ended.add(subject)

    def flush(self) -> None:
        """Store what waits; after a failure not before some seconds."""
        if not (self._taken or self._settled or self._ended):
            return
        if self._retry_at is not None and self._monotonic() < self._retry_at:
            return
        try:
            store_samples(self._gateway, self._taken, self._settled, self._ended)
        except Error as error:
            logger.error("samples could not be stored and are kept: %s", error)
            connection.close_if_unusable_or_obsolete()
            self._retry_at = self._monotonic() + _RETRY_AFTER_S
            return
        self._taken, self._settled, self._ended = [], {}, set()
        self._retry_at = None
        self._send_hint()
