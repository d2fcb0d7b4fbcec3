"""Telegrams of our wireless meters that give no values: kept, logged, an alarm.

What may be an attack or a wrong key is told to the owner once per episode; what is
merely not understood yet, as a compact frame before its full one, is only kept.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import Error, connection, transaction

from hardware.gateway import Gateway
from hardware.wmbus_errors import FragmentAwaited, TelegramRefused
from hardware.wmbus_frame import HEAD
from logbooks.alarms import AlarmKind, clear_alarms, raise_alarm
from logbooks.catalogue import Event
from logbooks.services import log_event
from meters import selectors
from meters.kept_telegrams import MOST_A_MINUTE, keep_telegram
from meters.transport_watch import TransportWatch

REFUSED = "Telegramm des Zählers {meter} abgewiesen: {reason}"
REASONS = {
    "mac": "Prüfwert der Nachricht (MAC) falsch",
    "key": "Schlüssel falsch",
    "key_missing": "kein Schlüssel hinterlegt",
    "plain": "nicht so verschlüsselt wie gefordert",
    "replay": "Nachrichtenzähler schon verwendet",
}
"""Refusals that are told, with their words; the others are kept only."""

_NO_ALARM = frozenset({"replay"})
"""A repeater sends each telegram again; that is no fault of the transport."""
_TOLD_AGAIN_AFTER = timedelta(hours=1)

logger = logging.getLogger(__name__)


class RefusedTelegrams:
    """Takes the refused telegrams of one stick; a failing database does not stop it."""

    def __init__(self, gateway: Gateway, port: Callable[[], str]) -> None:
        self._gateway = gateway
        self._port = port
        self._watch = TransportWatch()
        self._told_at: dict[tuple[str, str], datetime] = {}
        self._alarmed: set[str] = set()
        self._kept_at: datetime | None = None
        self._kept = 0

    def take(
        self, meter_id: str, telegram: bytes, refusal: TelegramRefused, now: datetime
    ) -> None:
        """A telegram of this meter was refused; never raises."""
        if isinstance(refusal, FragmentAwaited):
            return
        self._keep(telegram, refusal, now)
        if refusal.name not in REASONS:
            return
        try:
            with transaction.atomic():
                self._tell(meter_id, refusal.name, now)
                self._alarm(meter_id, refusal.name, now)
        except Error as error:
            self._outlive(error)

    def take_noise(self, data: bytes, reason: str, now: datetime) -> None:
        """Bytes of the stick were no telegram at all; never raises."""
        if data and self._may_keep(now):
            self._store(data, reason, b"", now)

    def clear(self, meter_id: str, now: datetime) -> None:
        """A good telegram of this meter came; never raises."""
        if meter_id in self._alarmed and self._watch.is_calm(meter_id, now):
            self._alarmed.discard(meter_id)
            try:
                clear_alarms(AlarmKind.TRANSPORT_ERRORS, [meter_id], now=now)
            except Error as error:
                self._outlive(error)

    def _tell(self, meter_id: str, name: str, now: datetime) -> None:
        told_at = self._told_at.get((meter_id, name))
        if told_at is not None and abs(now - told_at) < _TOLD_AGAIN_AFTER:
            return
        text = REFUSED.format(meter=meter_id, reason=REASONS[name])
        owners = selectors.owners_of([meter_id])
        log_event(self._gateway, Event.VALUE_WARNING, text, now=now, consumers=owners)
        self._told_at[meter_id, name] = now

    def _alarm(self, meter_id: str, name: str, now: datetime) -> None:
        if name in _NO_ALARM or not self._watch.note(meter_id, now):
            return
        code = Event.VALUE_WARNING.value[0]
        kind = AlarmKind.TRANSPORT_ERRORS
        raise_alarm(kind, code=code, subject=meter_id, now=now)
        self._alarmed.add(meter_id)

    def _keep(self, telegram: bytes, refusal: TelegramRefused, now: datetime) -> None:
        if not self._may_keep(now):
            return
        is_encrypted = refusal.name in ("key", "key_missing", "mac", "replay")
        payload = telegram[HEAD:] if is_encrypted else b""
        self._store(
            telegram[:HEAD], f"{refusal.name}: {refusal}", payload, now, telegram
        )

    def _store(
        self,
        header: bytes,
        reason: str,
        payload: bytes,
        now: datetime,
        whole: bytes | None = None,
    ) -> None:
        try:
            keep_telegram(
                port=self._port(),
                header=header[:HEAD],
                length=len(header if whole is None else whole),
                reason=reason,
                encrypted_payload=payload,
                now=now,
            )
        except Error as error:
            self._outlive(error)

    def _may_keep(self, now: datetime) -> bool:
        kept_at = self._kept_at
        if kept_at is None or abs(now - kept_at) >= timedelta(minutes=1):
            self._kept_at, self._kept = now, 0
        self._kept += 1
        return self._kept <= MOST_A_MINUTE

    def _outlive(self, error: Error) -> None:
        logger.error("a refused telegram could not be noted: %s", error)
        connection.close_if_unusable_or_obsolete()
