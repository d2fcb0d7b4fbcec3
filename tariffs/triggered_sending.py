"""What a threshold or an incoming value puts into the outbox (tafs.md 7, 8).

Called in the transaction of the values, before what is due by the schedule.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hardware.gateway import Gateway
from tariffs import outbox, sending
from tariffs.instant_tafs import RULES
from tariffs.models import EvaluationProfile
from tariffs.schedule import last_instant

_ONE_SECOND = timedelta(seconds=1)


def queue_triggered(
    gateway: Gateway,
    profile: EvaluationProfile,
    triggered: Sequence[tuple[str, datetime]],
    *,
    now: datetime,
) -> None:
    """Put each trigger (its kind, its instant) into the outbox, ascending.

    TAF9 and TAF10 send the value of the instant, TAF14 all that was not sent yet. What
    is due by the schedule before a trigger goes before it; what fires in a history
    from before the profile was made is old news and sends nothing.
    """
    period = timedelta(seconds=profile.registration_period_s)
    for kind, at in triggered:
        if profile.created_at is not None and at <= profile.created_at:
            continue
        sending.queue_scheduled(gateway, profile, done=at - period, now=now)
        if RULES[profile.taf].sends_all_on_threshold:
            _send_unsent(gateway, profile, kind, at, now)
        else:
            outbox.enqueue(
                gateway, profile, kind=kind, begin=at - _ONE_SECOND, end=at, now=now
            )


def _send_unsent(
    gateway: Gateway, profile: EvaluationProfile, kind: str, at: datetime, now: datetime
) -> None:
    """All values up to `at`; the first and the final reading go by themselves."""
    if profile.queued_to is None:
        sending.queue_scheduled(gateway, profile, done=at, now=now)
    begin = profile.queued_to
    if begin is None or begin >= at or at == last_instant(profile):
        return
    outbox.enqueue(gateway, profile, kind=kind, begin=begin, end=at, now=now)
    sending.note_queued(profile, at)
