"""Deletes what is older than its retention, and never what is still owed (D23).

Small transactions, each list by itself: what fails is logged, tried again with the
next run, and stops no other list.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import Error, transaction
from django.db.models import Max

from hardware.gateway import Gateway
from logbooks.services import log_fault
from meters.models import ListRecord, OriginalRecord
from meters.retention import prune_list
from meters.selectors import meter_ids
from tariffs import kept as rules
from tariffs.kept import Kept
from tariffs.lifecycle import with_inputs
from tariffs.models import (
    OWED_STATES,
    DerivedRecord,
    Dispatch,
    EvaluationProfile,
    OutboxRow,
)

ROWS_AT_ONCE = 500
ROWS_A_RUN = 10_000
ORIGINAL_LIST_FAULT, DERIVED_LIST_FAULT = 300033, 300052

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Pruned:
    """How many rows of each kind a run has deleted, and how many lists failed."""

    originals: int = 0
    derived: int = 0
    dispatches: int = 0
    outbox: int = 0
    profiles: int = 0
    failed: int = 0


def prune(gateway: Gateway, kept: Kept, *, now: datetime) -> Pruned:
    """Delete what has had its time; what a run does not get done the next one does."""
    pruned = Pruned()
    profiles = list(with_inputs())
    for profile in profiles:
        pruned.derived += _prune_own_list(gateway, kept, profile, pruned, now)
        _prune_deliveries(profile, kept.list_from(profile, now), pruned)
    for meter in meter_ids():
        pruned.originals += _prune_meter(gateway, kept, meter, profiles, pruned, now)
    pruned.profiles = sum(_forget(kept, profile, now) for profile in profiles)
    return pruned


def _prune_own_list(
    gateway: Gateway,
    kept: Kept,
    profile: EvaluationProfile,
    pruned: Pruned,
    now: datetime,
) -> int:
    before = kept.list_from(profile, now)
    owed_from = rules.list_owed_from(profile)
    return _prune_list(
        gateway,
        DerivedRecord,
        profile.id,
        min(before, owed_from) if owed_from else before,
        lambda: _failed(gateway, DERIVED_LIST_FAULT, pruned, now),
        pruned.derived,
        whole=rules.is_over(profile),
    )


def _prune_meter(
    gateway: Gateway,
    kept: Kept,
    meter: str,
    profiles: Iterable[EvaluationProfile],
    pruned: Pruned,
    now: datetime,
) -> int:
    before = kept.originals_from(now)
    owed_from = rules.originals_owed_from(meter, profiles)
    return _prune_list(
        gateway,
        OriginalRecord,
        meter,
        min(before, owed_from) if owed_from else before,
        lambda: _failed(gateway, ORIGINAL_LIST_FAULT, pruned, now),
        pruned.originals,
    )


def _prune_list(
    gateway: Gateway,
    model: type[ListRecord],
    subject: str,
    before: datetime,
    on_failure: Callable[[], None],
    done: int,
    *,
    whole: bool = False,
) -> int:
    deleted = 0
    try:
        while done + deleted < ROWS_A_RUN:
            count = prune_list(
                gateway,
                model,
                subject,
                before=before,
                at_most=ROWS_AT_ONCE,
                whole=whole,
            )
            deleted += count
            if count < ROWS_AT_ONCE:
                break
    except Error:
        _log.exception("list of %s: rows older than their retention stay", subject)
        on_failure()
    return deleted


def _failed(gateway: Gateway, code: int, pruned: Pruned, now: datetime) -> None:
    """Log the fault once a run, whatever the number of lists."""
    pruned.failed += 1
    if pruned.failed > 1:
        return
    try:
        log_fault(gateway, code, now=now)
    except Error:
        _log.exception("fault %s could not be logged", code)


def _prune_deliveries(
    profile: EvaluationProfile, before: datetime, pruned: Pruned
) -> None:
    """Dispatches go with their values, rows of the outbox too unless they are owed.

    The newest row of each recipient stays, so that sequence numbers go on.
    """
    with transaction.atomic():
        rows = OutboxRow.objects.filter(profile=profile)
        newest = rows.values("recipient").annotate(last=Max("sequence"))
        settled = rows.filter(end__lt=before).exclude(state__in=OWED_STATES)
        for one in newest:
            of_one = settled.filter(recipient=one["recipient"])
            pruned.outbox += of_one.exclude(sequence=one["last"]).delete()[0]
        old = Dispatch.objects.filter(profile=profile, end__lt=before)
        pruned.dispatches += old.delete()[0]


def _forget(kept: Kept, profile: EvaluationProfile, now: datetime) -> bool:
    """Delete a deleted profile itself when all that it stood for is gone."""
    if profile.state != EvaluationProfile.State.DELETED:
        return False
    ended_at = profile.valid_to or profile.valid_from
    with transaction.atomic():
        rows = OutboxRow.objects.filter(profile=profile)
        has_values = DerivedRecord.objects.filter(profile=profile).exists()
        is_owed = rows.filter(state__in=OWED_STATES).exists()
        if ended_at >= kept.list_from(profile, now) or has_values or is_owed:
            return False
        rows.delete()
        Dispatch.objects.filter(profile=profile).delete()
        EvaluationProfile.objects.filter(pk=profile.pk).delete()
    return True
