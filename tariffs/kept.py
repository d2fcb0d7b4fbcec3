"""How long values are kept, and what is kept longer because it is still needed (D23).

"Owed" is what somebody has not acknowledged yet, what is still to be evaluated or put
into the outbox, and what an open billing period is computed from.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Min

from meters.retention import months_before
from tariffs import originals
from tariffs.calendar import GRID, day_start, local_day
from tariffs.inputs import input_of
from tariffs.models import OWED_STATES, EvaluationProfile, OutboxRow
from tariffs.schedule import first_instant, hour_of

LEAST_MONTHS, LEAST_BILLING_MONTHS, LEAST_DAYS = 24, 36, 42
LONGEST_BILLING = timedelta(days=366)
_SCHEDULED = frozenset({1, 2, 7})
_RESULTS = frozenset({1, 2})
_NOT_EARLIER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Kept:
    """The retention of this gateway; ValueError below what has to be kept.

    `months` of original and derived records, `billing_months` of the results of
    billing (TAF1, TAF2), `days` of what is read on demand (TAF6) or not for billing.
    """

    months: int = LEAST_MONTHS
    billing_months: int = LEAST_BILLING_MONTHS
    days: int = LEAST_DAYS

    def __post_init__(self) -> None:
        is_long_enough = (
            self.months >= LEAST_MONTHS
            and self.billing_months >= LEAST_BILLING_MONTHS
            and self.days >= LEAST_DAYS
        )
        if not is_long_enough:
            raise ValueError(f"{self} is shorter than what has to be kept")

    def originals_from(self, now: datetime) -> datetime:
        """What of the original lists is younger than this is kept."""
        return months_before(now, self.months)

    def list_from(self, profile: EvaluationProfile, now: datetime) -> datetime:
        """What of the profile's own list is younger than this, or as old, is kept."""
        if profile.taf in _RESULTS:
            return months_before(now, self.billing_months)
        if profile.taf == 7:
            return self.originals_from(now)
        return self.days_from(profile, now)

    def days_from(self, profile: EvaluationProfile, now: datetime) -> datetime:
        """The start of the oldest billing calendar day that is kept (R44)."""
        hour = hour_of(profile)
        day = local_day(now, hour) - timedelta(days=self.days)
        return day_start(day, hour)


def is_over(profile: EvaluationProfile) -> bool:
    """Whether nothing is computed for it any more."""
    if profile.state == EvaluationProfile.State.DELETED:
        return True
    done, end = profile.evaluated_to, profile.valid_to
    return end is not None and done is not None and done >= end


def list_owed_from(profile: EvaluationProfile) -> datetime | None:
    """From when on the rows of the profile's own list are needed; None for none."""
    return _earliest([_delivered_from(profile), _open_from(profile)])


def originals_owed_from(
    meter_id: str, profiles: Iterable[EvaluationProfile]
) -> datetime | None:
    """From when on the meter's records are needed by these profiles; None for none."""
    needed: list[datetime | None] = []
    for profile in profiles:
        sources = [one for one in input_of(profile) if one.meter == meter_id]
        if not sources:
            continue
        needed += [_delivered_from(profile), _open_from(profile)]
        done = profile.evaluated_to
        if done is not None and not is_over(profile):
            rows = [originals.last_usable(source, done) for source in sources]
            needed += [row.target_time - _NOT_EARLIER for row in rows if row]
    return _earliest(needed)


def _delivered_from(profile: EvaluationProfile) -> datetime | None:
    """The begin of the oldest row of the outbox that is still owed."""
    owed = OutboxRow.objects.filter(profile=profile, state__in=OWED_STATES)
    begin: datetime | None = owed.aggregate(begin=Min("begin"))["begin"]
    return begin


def _open_from(profile: EvaluationProfile) -> datetime | None:
    if is_over(profile):
        return None
    begin = first_instant(profile) - GRID
    done = profile.evaluated_to or begin
    if profile.taf in _SCHEDULED:
        done = min(done, profile.queued_to or begin)
    if profile.taf in _RESULTS:
        done -= LONGEST_BILLING
    return done - _NOT_EARLIER


def _earliest(instants: Iterable[datetime | None]) -> datetime | None:
    return min((one for one in instants if one is not None), default=None)
