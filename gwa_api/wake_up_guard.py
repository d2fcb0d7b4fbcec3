"""Which datagrams wake the gateway: everything else is dropped without an answer.

What costs little is asked first; a signature is checked at most five times per minute
and source (wan.md 5).
"""

import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime

from django.db.models import Q

from gwa_api.models import ManagementState
from hardware import wake_up
from hardware.certificate_path import CertificateRefused
from hardware.gateway import Gateway
from hardware.security_module import SignatureInvalid
from hardware.wake_up import WakeUp, WakeUpMalformed, WakeUpRefused
from logbooks.certificate_store import (
    Holder,
    Kind,
    active_certificates,
    parsed,
    path_of,
)
from logbooks.services import log_fault

CHECKS, PER_S = 5, 60.0
MOST_SOURCES = 1024
LARGEST = 256

_log = logging.getLogger(__name__)


class CheckLimit:
    """So many signature checks per source and time; sources are few, or all wait."""

    def __init__(self) -> None:
        self._checks: dict[str, deque[float]] = {}

    def allows(self, source: str, at: float) -> bool:
        """Whether this source may have one more check at `at` (monotonic seconds)."""
        if source not in self._checks and len(self._checks) >= MOST_SOURCES:
            self._forget(at)
            if len(self._checks) >= MOST_SOURCES:
                return False
        checks = self._checks.setdefault(source, deque())
        while checks and at - checks[0] >= PER_S:
            checks.popleft()
        if len(checks) >= CHECKS:
            return False
        checks.append(at)
        return True

    def _forget(self, at: float) -> None:
        quiet = [one for one, seen in self._checks.items() if at - seen[-1] >= PER_S]
        for source in quiet:
            del self._checks[source]


class WakeUpGuard:
    """Decides on datagrams; `monotonic` is what the limit counts by."""

    def __init__(self, gateway: Gateway, monotonic: Callable[[], float]) -> None:
        self._gateway, self._monotonic = gateway, monotonic
        self._limit = CheckLimit()
        self._last: datetime | None = None
        self._dropped = 0

    def load(self) -> None:
        """Take the time of the last message that was followed from the database."""
        state = ManagementState.objects.filter(pk=1).first()
        self._last = state.last_wake_up if state else None

    def is_worth_a_check(self, data: bytes, source: str, now: datetime) -> bool:
        """What can be said at no cost: form, recipient, time, limit of the source."""
        try:
            message = wake_up.read(data[: LARGEST + 1])
            self._check(message, now)
        except (WakeUpMalformed, WakeUpRefused):
            return False
        return self._limit.allows(source, self._monotonic())

    def is_good(self, data: bytes, now: datetime) -> bool:
        """Whether it is to be followed; then it is used up. Asks the database.

        While the gateway has no valid time nothing is. A signature that is nobody's
        is told in the system log.
        """
        if not self._gateway.clock.is_valid:
            return False
        message = wake_up.read(data)
        self.load()
        try:
            self._check(message, now)
            self._check_signature(message, now)
        except WakeUpRefused as refused:
            _log.info("wake-up dropped: %s", refused)
            return False
        return self._use_up(message)

    def _check(self, message: WakeUp, now: datetime) -> None:
        huid = self._gateway.huid
        wake_up.check(message, huid=huid, now=now, last_accepted=self._last)

    def _check_signature(self, message: WakeUp, now: datetime) -> None:
        for entry in active_certificates(Holder.GWA, Kind.SIG):
            certificate = parsed(entry)
            try:
                path_of(self._gateway, certificate, kind=Kind.SIG, now=now)
                wake_up.check_signature(message, certificate.public_key())  # type: ignore[arg-type]
            except (CertificateRefused, WakeUpRefused):
                continue
            return
        log_fault(self._gateway, SignatureInvalid.code, now=now)
        raise WakeUpRefused("signature")

    def _use_up(self, message: WakeUp) -> bool:
        """Of two processes with the same message one gets it."""
        ManagementState.objects.get_or_create(pk=1)
        older = Q(last_wake_up=None) | Q(last_wake_up__lt=message.sent_at)
        state = ManagementState.objects.filter(older, pk=1)
        is_ours = state.update(last_wake_up=message.sent_at) == 1
        self._last = message.sent_at
        return is_ours
