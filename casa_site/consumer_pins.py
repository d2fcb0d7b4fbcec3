"""Which client certificates the HAN listener lets in, as the database has them now."""

import logging
import time
from collections.abc import Callable

from django.db import Error, close_old_connections

from meters.account_certificates import consumer_pins

logger = logging.getLogger(__name__)

FRESH_S = 2.0
"""After so long a new certificate connects; one that was withdrawn logs in nowhere
at once, since each request looks at it again."""

Pins = tuple[bytes, ...]


class ConsumerPins:
    """The certificates of consumers (DER), looked up once every two seconds at most.

    While the database does not answer the last ones stay.
    """

    def __init__(
        self,
        look_up: Callable[[], Pins] = consumer_pins,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look_up = look_up
        self._monotonic = monotonic
        self._pins: Pins = ()
        self._looked_at: float | None = None

    def __call__(self) -> Pins:
        """The certificates; for one thread at a time."""
        now = self._monotonic()
        if self._looked_at is None or now - self._looked_at >= FRESH_S:
            self._looked_at = now
            self._look()
        return self._pins

    def _look(self) -> None:
        try:
            self._pins = self._look_up()
        except Error as error:
            logger.error("the consumers' certificates cannot be read: %s", error)
            close_old_connections()
