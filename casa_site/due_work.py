"""The oldest work that waits: how far tariffication is behind."""

from datetime import datetime, timedelta

from tariffs.models import EvaluationProfile
from tariffs.schedule import billing_instants, first_instant

_FOR_EACH_BILLING_PERIOD = frozenset({1, 2})


def oldest_due(*, now: datetime) -> datetime | None:
    """The earliest instant that an active profile has not computed yet; None if none.

    A few seconds are usual: a boundary waits for late values before it is computed.
    """
    active = EvaluationProfile.objects.filter(state=EvaluationProfile.State.ACTIVE)
    instants = (_next_instant(profile, now) for profile in active)
    return min((each for each in instants if each is not None), default=None)


def _next_instant(profile: EvaluationProfile, now: datetime) -> datetime | None:
    if profile.taf in _FOR_EACH_BILLING_PERIOD:
        instants = billing_instants(profile, after=profile.evaluated_to, until=now)
        return next(instants, None)
    period = timedelta(seconds=profile.registration_period_s)
    done = profile.evaluated_to
    following = first_instant(profile) if done is None else done + period
    is_over = profile.valid_to is not None and following > profile.valid_to
    return None if is_over or following > now else following
