"""What is sent by itself: initial reading, scheduled values, final reading.

Called with each step of an evaluation, in its transaction: so the outbox holds what the
lists hold, whenever and however often the evaluation runs (tafs.md R6 to R8). What is
on demand or by threshold is put into the outbox by those who notice it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from hardware.gateway import Gateway
from tariffs import outbox, selectors
from tariffs.calendar import (
    GRID,
    Period,
    day_start,
    grid_instants,
    last_on_grid,
    local_day,
)
from tariffs.instant_spec import PERIODIC
from tariffs.list_row import ListRow
from tariffs.models import EvaluationProfile, OutboxRow
from tariffs.schedule import (
    billing_instants,
    first_instant,
    hour_of,
    last_instant,
    step_of,
)
from tariffs.send_schedule import SendSchedule, parsed

BILLED_ONCE = frozenset({1, 2})
"""Of these the values at the ends of billing periods are sent, and no others."""

COURSE = frozenset({7, 9, 10, 14})
"""Of these every value of the list is sent."""

_ONE_DAY = timedelta(days=1)
_Kind = OutboxRow.Kind


class Delivery(NamedTuple):
    """Values that belong together: their span `(begin, end]`, and when to send them.

    `due_at` is None for at once.
    """

    kind: str
    begin: datetime
    end: datetime
    due_at: datetime | None = None


def queue_scheduled(
    gateway: Gateway, profile: EvaluationProfile, *, done: datetime, now: datetime
) -> None:
    """Put into the outbox what is complete now that the list is evaluated to `done`.

    Moves `queued_to`, also where there is no recipient: one that is added later gets
    what comes from then on. Call it in the transaction that moves `evaluated_to`.
    """
    queued_to = profile.queued_to
    for each in _merged(profile, deliveries(profile, done=done), done):
        queued_to = each.end
        if any(delivered_rows(profile, each.begin, each.end)):
            outbox.enqueue(
                gateway,
                profile,
                kind=each.kind,
                begin=each.begin,
                end=each.end,
                due_at=each.due_at,
                now=now,
            )
    if queued_to is not None and queued_to != profile.queued_to:
        note_queued(profile, queued_to)


def note_queued(profile: EvaluationProfile, queued_to: datetime) -> None:
    """What is due up to there stands in the outbox."""
    EvaluationProfile.objects.filter(pk=profile.pk).update(queued_to=queued_to)
    profile.queued_to = queued_to


def deliveries(profile: EvaluationProfile, *, done: datetime) -> Iterator[Delivery]:
    """What is to be sent of the values after `queued_to` up to `done`, ascending."""
    if profile.taf in BILLED_ONCE:
        return _of_billing(profile, done)
    return _of_course(profile, done) if profile.taf in COURSE else iter(())


def delivered_rows(
    profile: EvaluationProfile, begin: datetime, end: datetime
) -> Iterator[ListRow]:
    """The rows of `(begin, end]` that a recipient gets, ascending.

    Of TAF2 those at the ends of billing periods: the registers between them stay with
    the consumer (tafs.md 4).
    """
    rows = selectors.period_rows(profile, Period(begin, end))
    if profile.taf not in BILLED_ONCE:
        return rows
    sent_at = set(sent_instants(profile, begin, end))
    return (row for row in rows if row.target_time in sent_at)


def sent_instants(
    profile: EvaluationProfile, begin: datetime, end: datetime
) -> Iterator[datetime]:
    """Of TAF1 and TAF2: the instants in `(begin, end]` whose values are sent."""
    after = None if begin < first_instant(profile) else begin
    return billing_instants(profile, after=after, until=end)


def _of_billing(profile: EvaluationProfile, done: datetime) -> Iterator[Delivery]:
    schedule = _schedule(profile)
    first, last = first_instant(profile), last_instant(profile)
    begin = profile.queued_to or first - GRID
    for instant in billing_instants(profile, after=profile.queued_to, until=done):
        if instant == first:
            yield Delivery(_Kind.INITIAL, begin, instant)
        elif instant == last:
            yield Delivery(_Kind.FINAL, begin, instant)
        else:
            due_at = schedule.first(instant) if schedule else None
            yield Delivery(_Kind.PERIODIC, begin, instant, due_at)
        begin = instant


def _of_course(profile: EvaluationProfile, done: datetime) -> Iterator[Delivery]:
    begin = profile.queued_to
    if begin is None:
        before = first_instant(profile) - GRID
        initial = next(delivered_rows(profile, before, done), None)
        if initial is None:
            return
        begin = initial.target_time
        yield Delivery(_Kind.INITIAL, before, begin)
    last = last_instant(profile)
    for send_at in _send_times(profile, begin):
        end = last_on_grid(send_at, step_of(profile))
        if end > done or (last is not None and end >= last):
            break
        if end > begin:
            yield Delivery(_Kind.PERIODIC, begin, end, send_at)
            begin = end
    if last is not None and begin < last <= done:
        yield from _final(profile, begin, last)


def _final(
    profile: EvaluationProfile, begin: datetime, last: datetime
) -> Iterator[Delivery]:
    """What is left at the end, and the final reading by itself (16003)."""
    step_s, hour = profile.registration_period_s, hour_of(profile)
    listed = list(grid_instants(max(begin, last - 2 * _ONE_DAY), last, step_s, hour))
    before = listed[-2] if len(listed) > 1 else begin
    if before > begin:
        yield Delivery(_Kind.PERIODIC, begin, before)
    yield Delivery(_Kind.FINAL, before, last)


def _send_times(profile: EvaluationProfile, after: datetime) -> Iterator[datetime]:
    """By the schedule; without one at the start of each billing calendar day.

    Never where a profile does not send by a schedule.
    """
    if not _sends_by_schedule(profile):
        return
    schedule = _schedule(profile)
    if schedule:
        yield from schedule.instants(after)
        return
    hour = hour_of(profile)
    day = local_day(after, hour)
    while True:
        day += _ONE_DAY
        yield day_start(day, hour)


def _sends_by_schedule(profile: EvaluationProfile) -> bool:
    given = profile.instant_values
    return given is None or PERIODIC in given.get("triggers", ())


def _schedule(profile: EvaluationProfile) -> SendSchedule | None:
    return parsed(profile.send_schedule) if profile.send_schedule else None


def _merged(
    profile: EvaluationProfile, found: Iterator[Delivery], done: datetime
) -> Iterator[Delivery]:
    """What is older than the profile (a history) goes as one, once it is complete."""
    made_at = last_on_grid(profile.created_at) if profile.created_at else None
    held: Delivery | None = None
    for each in found:
        if each.kind == _Kind.PERIODIC and made_at and each.end <= made_at:
            begin = held.begin if held else each.begin
            held = Delivery(each.kind, begin, each.end)
            continue
        if held:
            yield held
            held = None
        yield each
    if held and made_at and done >= made_at:
        yield held
