"""Alarms to the administrator (R162): each once, signed, until he has taken it.

A POST of SignedData over JSON to the way of the GWA; any 2xx, or 409 for one that he
has, is his acknowledgement. Sent in a lock-down too: that is when he has to know.
"""

import json
import random
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from gwa_api.models import AlarmReport, CommunicationProfile
from gwa_api.partners import peer_of, way_to_gwa
from gwa_api.wan_client import ConnectionFailed, WanClient
from hardware.certificate_path import CertificateRefused
from hardware.cms_error import CmsFault
from hardware.cms_signed import sign
from hardware.gateway import Gateway
from hardware.record import zulu
from hardware.security_faults import SecurityModuleFault
from logbooks.alarms import open_alarms
from logbooks.models import Alarm
from logbooks.services import log_fault

PATH = "/alarms"
SCHEMA = "casa-alarm-v1"
CONTENT_TYPE = "application/cms+json; encapsulatingContent=signedData"
AT_ONCE = 50
KEPT = 5000
"""Reports that were taken are remembered, the newest so many."""

_FIRST_WAIT_S, _LONGEST_WAIT_S = 60, 6 * 3600


def is_due(*, now: datetime) -> bool:
    """Whether there is an alarm to be noted, or one that can be sent now."""
    if way_to_gwa() is None:
        return False
    known = AlarmReport.objects.values("alarm")
    if open_alarms().exclude(pk__in=known).exists():
        return True
    owed = AlarmReport.objects.filter(reported_at=None).order_by("alarm").first()
    return owed is not None and owed.next_attempt_at <= now


def report_alarms(gateway: Gateway, *, now: datetime) -> int:
    """Send what stands and was not taken yet; how many the administrator has taken.

    Nothing happens without a way to him. He gets them in the order of their begin;
    when one cannot be sent, the others wait with it.
    """
    way = way_to_gwa()
    if way is None:
        return 0
    waiting = _waiting(gateway, now)
    if not waiting:
        return 0
    client = WanClient(peer_of(gateway, way, now=now))
    taken = 0
    try:
        for report in waiting:
            if not _sent(client, way, report, now):
                break
            taken += 1
    finally:
        client.close()
    _forget_old()
    return taken


def document_of(gateway: Gateway, alarm: Alarm, message_id: uuid.UUID) -> bytes:
    """What is signed: kind, subject, code, begin and count of an alarm, as JSON."""
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "alarm_id": str(message_id),
        "gateway": gateway.huid,
        "kind": alarm.kind,
        "subject": alarm.subject,
        "code": alarm.code,
        "since": zulu(alarm.since),
        "count": alarm.count,
    }
    return json.dumps(content, separators=(",", ":")).encode()


def _waiting(gateway: Gateway, now: datetime) -> list[AlarmReport]:
    known = AlarmReport.objects.values("alarm")
    try:
        for alarm in open_alarms().exclude(pk__in=known)[:AT_ONCE]:
            _make(gateway, alarm, now)
    except (SecurityModuleFault, ValueError):
        log_fault(gateway, CmsFault.SIGN, now=now)
    owed = AlarmReport.objects.filter(reported_at=None).order_by("alarm")
    first = owed.first()
    if first is None or first.next_attempt_at > now:
        return []
    return list(owed[:AT_ONCE])


def _make(gateway: Gateway, alarm: Alarm, now: datetime) -> None:
    message_id = uuid.uuid4()
    content = sign(gateway.security_module, document_of(gateway, alarm, message_id))
    AlarmReport.objects.get_or_create(
        pk=alarm.pk,
        defaults={
            "message_id": message_id,
            "content": content,
            "made_at": now,
            "next_attempt_at": now,
        },
    )


def _sent(
    client: WanClient, way: CommunicationProfile, report: AlarmReport, now: datetime
) -> bool:
    headers = {
        "Content-Type": CONTENT_TYPE,
        "Idempotency-Key": str(report.message_id),
        "X-Correlation-Id": str(uuid.uuid4()),
        "User-Agent": "SMGW",
    }
    try:
        status = client.post(PATH, bytes(report.content), headers).status
    except (ConnectionFailed, CertificateRefused):
        status = 0
    rows = AlarmReport.objects.filter(pk=report.pk, reported_at=None)
    if 200 <= status < 300 or status == 409:
        rows.update(reported_at=now, attempts=report.attempts + 1, content=b"")
        return True
    wait = min(_FIRST_WAIT_S << min(report.attempts, 10), _LONGEST_WAIT_S)
    at = now + timedelta(seconds=random.uniform(wait / 2, wait))
    rows.update(attempts=report.attempts + 1, next_attempt_at=at)
    return False


def _forget_old() -> None:
    """Never one whose alarm still stands: it would be reported again."""
    taken = AlarmReport.objects.exclude(reported_at=None).order_by("-alarm")
    first_too_many = taken.values_list("alarm", flat=True)[KEPT:].first()
    if first_too_many is not None:
        standing = Q(alarm__in=open_alarms().values("pk"))
        taken.filter(alarm__lte=first_too_many).exclude(standing).delete()
