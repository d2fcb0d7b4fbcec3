"""The column Versandt: from the dispatches of a profile, never from the row (D22)."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _l

from tariffs import selectors, sending
from tariffs.calendar import GRID, Period
from tariffs.list_row import ListRow
from tariffs.models import EvaluationProfile
from tariffs.schedule import first_instant
from tariffs.selectors import Sent


@dataclass(frozen=True, slots=True)
class SentMark:
    """A cell of the column: a tick, or why there is none."""

    is_sent: bool
    word: str | Promise


SENT = SentMark(True, _l("versandt"))
NOT_YET = SentMark(False, _l("noch nicht"))
NEVER = SentMark(False, _l("wird nicht versandt"))


@dataclass(frozen=True, slots=True)
class SentMarks:
    """The periods that each recipient of a profile has acknowledged.

    Ascending and apart from each other, so that a list of years finds them fast.
    `only` are the time stamps that are sent at all; None for every one.
    """

    acknowledged: Sequence[Sequence[Period]]
    only: Collection[datetime] | None = None

    def mark(self, row: ListRow) -> SentMark:
        """Sent when every recipient has acknowledged the row's time stamp."""
        at = row.target_time
        if not self.acknowledged or (self.only is not None and at not in self.only):
            return NEVER
        everyone = all(_holds(periods, at) for periods in self.acknowledged)
        return SENT if everyone else NOT_YET


def sent_marks(recipients: Iterable[str], dispatches: Iterable[Sent]) -> SentMarks:
    """The marks for these recipients (ids); without any, nothing is sent."""
    periods: dict[str, list[Period]] = {recipient: [] for recipient in recipients}
    for sent in dispatches:
        if sent.recipient in periods:
            periods[sent.recipient].append(sent.period)
    return SentMarks([_joined(sorted(of_one)) for of_one in periods.values()])


def _holds(periods: Sequence[Period], instant: datetime) -> bool:
    """Whether one of the periods holds the instant; they are as in `SentMarks`."""
    first = bisect_left(periods, instant, key=lambda period: period.end)
    return first < len(periods) and periods[first].holds(instant)


def _joined(periods: Iterable[Period]) -> list[Period]:
    """Periods that overlap or touch as one, ascending."""
    joined: list[Period] = []
    for period in periods:
        if joined and period.begin <= joined[-1].end:
            last = joined.pop()
            period = Period(last.begin, max(last.end, period.end))
        joined.append(period)
    return joined


def marks_of(profile: EvaluationProfile) -> SentMarks:
    """The marks of a profile that came with its recipients.

    Of TAF2 only the ends of billing periods are sent: the registers at the switches of
    stages stay in the house.
    """
    recipients = [recipient.id for recipient in profile.recipients.all()]
    marks = sent_marks(recipients, selectors.dispatches(profile))
    done = profile.evaluated_to
    if profile.taf not in sending.BILLED_ONCE or done is None:
        return marks
    begin = first_instant(profile) - GRID
    return replace(marks, only=set(sending.sent_instants(profile, begin, done)))
