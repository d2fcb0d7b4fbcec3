"""Telegrams that could not be decoded, kept for the technician, within limits (D32).

Kept are the head, which names sender and kind, the length and the reason; the rest
only where it is encrypted, for it may hold readings.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import Error, connection, transaction
from django.db.models import QuerySet

from hardware.errors import FrameUndecodable, LmnError
from meters.models import KeptTelegram

KEPT = 200
"""The newest so many are kept, of all ports together."""
LONGEST_HEADER = 32
LONGEST_PAYLOAD = 1024
MOST_A_MINUTE = 10
"""Of one port; a disturbed line must not push out all others."""

_LONGEST_REASON = 120

logger = logging.getLogger(__name__)


@transaction.atomic
def keep_telegram(
    *,
    port: str,
    header: bytes,
    length: int,
    reason: str,
    encrypted_payload: bytes = b"",
    now: datetime,
) -> KeptTelegram:
    """Keep a telegram and drop the oldest beyond the limit.

    `header` is cut to 32 bytes, `encrypted_payload` to 1,024. Give the payload only
    where it cannot be read without a key.
    """
    kept = KeptTelegram.objects.create(
        received_at=now,
        port=port,
        header=header[:LONGEST_HEADER].hex(),
        length=length,
        reason=reason[:_LONGEST_REASON],
        payload=encrypted_payload[:LONGEST_PAYLOAD],
    )
    KeptTelegram.objects.filter(pk__lte=kept.pk - KEPT).delete()
    return kept


def kept_telegrams(limit: int = KEPT) -> QuerySet[KeptTelegram]:
    """What is kept, newest first."""
    return KeptTelegram.objects.order_by("-pk")[:limit]


class TelegramKeeper:
    """Keeps the telegrams of one port, not more than some a minute.

    A database that fails does not stop the port. `port` gives its name.
    """

    def __init__(self, port: Callable[[], str]) -> None:
        self._port = port
        self._minute: datetime | None = None
        self._in_minute = 0

    def keep(self, error: LmnError, now: datetime) -> None:
        """Keep what could not be decoded; other faults are no telegrams."""
        if not isinstance(error, FrameUndecodable) or not error.length:
            return
        if not self._may_keep(now):
            return
        try:
            keep_telegram(
                port=self._port(),
                header=error.header,
                length=error.length,
                reason=str(error),
                now=now,
            )
        except Error as failure:
            logger.error("a telegram could not be kept: %s", failure)
            connection.close_if_unusable_or_obsolete()

    def _may_keep(self, now: datetime) -> bool:
        if self._minute is None or abs(now - self._minute) >= timedelta(minutes=1):
            self._minute, self._in_minute = now, 0
        self._in_minute += 1
        return self._in_minute <= MOST_A_MINUTE
