"""The daily look at the certificates of the store: what ends, and what has ended.

Near its end a certificate raises an alarm, for the administrator has to act; when it
has ended, fault 2200041 goes into the system log, once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hardware.gateway import Gateway
from hardware.root_certificates import root_certificates
from logbooks.alarms import AlarmKind, clear_alarms, open_alarms, raise_alarm
from logbooks.certificate_store import Holder, Stage, State
from logbooks.models import Certificate
from logbooks.services import log_fault

WARNED_BEFORE_END = timedelta(days=60)
EXPIRED = 2200041

_KINDS = (AlarmKind.CERTIFICATE_ENDS, AlarmKind.CERTIFICATE_EXPIRED)


@dataclass(frozen=True, slots=True)
class Ending:
    """A certificate in force, by a name for the administrator, and when it ends."""

    subject: str
    not_after: datetime

    def alarm(self, now: datetime) -> AlarmKind | None:
        """What it is time to say about it."""
        if self.not_after <= now:
            return AlarmKind.CERTIFICATE_EXPIRED
        near = self.not_after <= now + WARNED_BEFORE_END
        return AlarmKind.CERTIFICATE_ENDS if near else None


def check_certificates(gateway: Gateway, *, now: datetime) -> list[Ending]:
    """Raise and clear the alarms; returns what ends soon or has ended."""
    found = [each for each in _in_force(gateway) if each.alarm(now) is not None]
    for kind in _KINDS:
        wanted = {each.subject for each in found if each.alarm(now) is kind}
        standing = open_alarms().filter(kind=kind).values_list("subject", flat=True)
        clear_alarms(kind, [each for each in standing if each not in wanted], now=now)
        for subject in sorted(wanted):
            began = raise_alarm(kind, code=EXPIRED, now=now, subject=subject)
            if began and kind is AlarmKind.CERTIFICATE_EXPIRED:
                log_fault(gateway, EXPIRED, now=now)
    return found


def _in_force(gateway: Gateway) -> list[Ending]:
    """Certificates in force that nobody renews by himself, and the roots."""
    entries = Certificate.objects.filter(
        state__in=(State.ACTIVE, State.PENDING)
    ).exclude(stage=Stage.SELF_SIGNED)
    found = [Ending(_subject(entry), entry.not_after) for entry in entries]
    return found + [
        Ending(f"ROOT {root.subject.rfc4514_string()}"[:200], root.not_valid_after_utc)
        for root in root_certificates(gateway.security_module)
    ]


def _subject(entry: Certificate) -> str:
    """Whose certificate it is; a consumer's name is not for those who see alarms."""
    whose = "" if entry.holder == Holder.CONSUMER else f" {entry.holder_id}".rstrip()
    return f"{entry.holder}{whose} {entry.kind} {entry.fingerprint[:16]}"
