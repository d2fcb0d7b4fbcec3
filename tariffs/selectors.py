"""What a consumer may see of his profiles: periods, rows, dispatches.

Profiles come only by `profiles_of` and `profile_of`, which take the consumer; all
else takes a profile that came from there.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge

from django.db.models import Prefetch, QuerySet

from meters.retention import months_before
from tariffs import originals, taf1, taf2_state, taf6, taf7
from tariffs.calendar import GRID, Period, day_starts
from tariffs.derived import own_rows
from tariffs.inputs import input_of
from tariffs.instant_tafs import INSTANT_TAFS
from tariffs.list_row import ListRow
from tariffs.models import DerivedRecord, Dispatch, EvaluationProfile, ProfileInput
from tariffs.profile_spec import is_id
from tariffs.schedule import (
    TAF6,
    first_instant,
    hour_of,
    last_instant,
    listed_instants,
    shown_periods,
    step_of,
)

LEAST_MONTHS = 24
"""No row of a younger profile has had its time."""

DAILY_KEPT = timedelta(days=42)
"""How far back the day values reach (han-json-api.md 4.9)."""

_COURSES = frozenset({6, 7})
_LISTS = _COURSES | INSTANT_TAFS
_LOOK_BACK = (timedelta(hours=1), timedelta(days=1), DAILY_KEPT)


@dataclass(frozen=True, slots=True)
class Sent:
    """That a recipient acknowledged the values of a period."""

    recipient: str
    period: Period
    sent_at: datetime


def profiles_of(consumer: str) -> list[EvaluationProfile]:
    """His profiles, deleted ones as long as they have lists; three queries.

    They come with inputs, meters and recipients.
    """
    return list(_profiles(consumer).order_by("taf", "id"))


def profile_of(consumer: str, profile_id: str) -> EvaluationProfile | None:
    """One of the consumer's profiles; None for another's and for no such profile.

    No database is asked for what cannot be an id: PostgreSQL would refuse a NUL.
    """
    if not is_id(profile_id):
        return None
    return _profiles(consumer).filter(pk=profile_id).first()


def periods(profile: EvaluationProfile, now: datetime) -> list[Period]:
    """The billing periods as shown, newest first; the first one may be open.

    The end of an open period is its planned one.
    """
    shown = list(shown_periods(profile, until=now))[::-1]
    shown = _with_rows(profile, shown, now)
    if profile.taf != TAF6:
        return shown
    oldest = taf6.kept_from(now, hour_of(profile))
    return [period for period in shown if period.end > oldest]


def period_rows(profile: EvaluationProfile, period: Period) -> Iterator[ListRow]:
    """The stored rows of `(begin, end]`, ascending; read as they are taken."""
    within = _validity(profile, period)
    own = own_rows(
        DerivedRecord.objects.filter(
            profile=profile,
            target_time__gt=within.begin,
            target_time__lte=within.end,
        )
    )
    if profile.taf not in _COURSES:
        return own
    (meter,) = {source.meter for source in input_of(profile)}
    rows = originals.rows(meter, *within)
    if profile.taf == TAF6:
        days = _days(profile, within)
        rows = originals.rows_at(meter, days)
        among = set(days)
        own = (row for row in own if row.target_time in among)
    elif profile.registration_period_s != GRID.total_seconds():
        instants = set(listed_instants(profile, *within))
        rows = (row for row in rows if row.target_time in instants)
    return merge(_listed(profile, rows), own)


def _days(profile: EvaluationProfile, within: Period) -> list[datetime]:
    """The day starts of TAF6 that are offered: 42 days back from what is known."""
    hour = hour_of(profile)
    newest = max(profile.evaluated_to or within.end, within.begin)
    oldest = taf6.kept_from(newest, hour)
    return [one for one in day_starts(*within, hour) if one >= oldest]


def current_row(profile: EvaluationProfile, now: datetime) -> ListRow | None:
    """The newest values by the profile's rule; None when there are none yet.

    TAF1 and TAF2: at the newest quarter hour at which every input has a usable value,
    computed from original records and not signed. All others: the newest row of the
    list.
    """
    end = min(last_instant(profile) or now, now)
    if profile.taf in _LISTS:
        spans = (Period(end - back, end) for back in _LOOK_BACK)
        newest = (max(period_rows(profile, span), default=None) for span in spans)
        return next((row for row in newest if row), None)
    rows = _last_common(input_of(profile), first_instant(profile), end)
    if profile.taf == 2 and rows:
        return next(taf2_state.states(profile, [rows[0].target_time]), None)
    return _sum(profile, rows) if rows else None


def daily_rows(profile: EvaluationProfile, now: datetime) -> list[ListRow]:
    """The values at the day starts of the last 42 days, ascending (D58).

    A day start at which an input has no usable value is left out. Values that are not
    for billing have no day values.
    """
    if profile.taf in INSTANT_TAFS:
        return []
    begin = max(first_instant(profile) - GRID, now - DAILY_KEPT)
    end = min(last_instant(profile) or now, now)
    instants = list(day_starts(begin, end, hour_of(profile)))
    if profile.taf in _COURSES:
        return _listed_at(profile, instants)
    if profile.taf == 2:
        return list(taf2_state.states(profile, instants))
    by_input = [
        {row.target_time: row for row in originals.rows_at(source.meter, instants)}
        for source in input_of(profile)
    ]
    at_all = (
        [rows[instant] for rows in by_input]
        for instant in instants
        if all(instant in rows for rows in by_input)
    )
    return [row for rows in at_all if (row := _sum(profile, rows))]


def dispatches(profile: EvaluationProfile) -> list[Sent]:
    """What was sent and acknowledged, oldest first."""
    sent = Dispatch.objects.filter(profile=profile).order_by("begin", "sent_at")
    return [
        Sent(one.recipient_id, Period(one.begin, one.end), one.sent_at) for one in sent
    ]


def contract_name(huid: str, profile: EvaluationProfile) -> str:
    """The id of the profile as a contract: `<profile id>.<huid>.sm` (D8)."""
    return f"{profile.id}.{huid}.sm"


def _profiles(consumer: str) -> QuerySet[EvaluationProfile]:
    inputs = ProfileInput.objects.select_related("meter")
    return (
        EvaluationProfile.objects.filter(consumer=consumer)
        .exclude(state=EvaluationProfile.State.DELETED, evaluated_to=None)
        .select_related("price_series")
        .prefetch_related(Prefetch("inputs", inputs), "recipients")
    )


def _with_rows(
    profile: EvaluationProfile, shown: list[Period], now: datetime
) -> list[Period]:
    """Without the periods whose rows have had their time and are gone (D23)."""
    if profile.valid_from >= months_before(now, LEAST_MONTHS):
        return shown
    own = DerivedRecord.objects.filter(profile=profile).order_by("target_time")
    first = own.values_list("target_time", flat=True).first()
    if profile.taf == 7:
        (meter,) = {source.meter for source in input_of(profile)}
        begin = originals.first_after(meter, first_instant(profile) - GRID)
        first = min((at for at in (first, begin) if at), default=None)
    return [period for period in shown if period.end >= (first or now)]


def _validity(profile: EvaluationProfile, period: Period) -> Period:
    """The part of a period that the profile covers, initial reading included."""
    last = last_instant(profile)
    return Period(
        max(period.begin, first_instant(profile) - step_of(profile)),
        min(period.end, last) if last else period.end,
    )


def _listed(profile: EvaluationProfile, rows: Iterable[ListRow]) -> Iterator[ListRow]:
    """Those original records that are rows of the TAF7 list themselves."""
    inputs = input_of(profile)
    named = frozenset(source.obis for source in inputs)
    allowed = inputs[0].unsecured_allowed
    return (
        row
        for row in rows
        if taf7.may_list(row, unsecured_allowed=allowed) and taf7.is_whole(row, named)
    )


def _listed_at(profile: EvaluationProfile, instants: list[datetime]) -> list[ListRow]:
    meter = input_of(profile)[0].meter
    own = DerivedRecord.objects.filter(profile=profile, target_time__in=instants)
    listed = _listed(profile, originals.rows_at(meter, instants))
    return list(merge(listed, own_rows(own)))


def _last_common(
    inputs: list[taf1.Input], first: datetime, end: datetime
) -> list[ListRow]:
    """The rows of the newest instant at which all inputs are usable; [] for none."""
    while end >= first:
        found = [originals.last_usable(source, end) for source in inputs]
        rows = [row for row in found if row is not None]
        if len(rows) < len(inputs):
            return []
        end = min(row.target_time for row in rows)
        if all(row.target_time == end for row in rows):
            return rows if end >= first else []
    return []


def _sum(profile: EvaluationProfile, rows: list[ListRow]) -> ListRow | None:
    """The unsigned TAF1 row of these rows; None when one must not be used."""
    shares = []
    for source, row in zip(input_of(profile), rows, strict=True):
        register = taf1.usable_register(source, row)
        if register is None:
            return None
        shares.append(taf1.Share(source.sign, register, row))
    try:
        record, later = taf1.record_of_boundary(profile.id, rows[0].target_time, shares)
    except taf1.UnitsDiffer:
        return None
    return ListRow.computed(record, later)
