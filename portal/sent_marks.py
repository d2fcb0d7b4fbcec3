"""The column Versandt: from the dispatches of a profile, never from the row (D22)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _l

from tariffs import selectors
from tariffs.calendar import Period
from tariffs.list_row import ListRow
from tariffs.models import EvaluationProfile
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
    """The periods that each recipient of a profile has acknowledged."""

    acknowledged: Sequence[Sequence[Period]]

    def mark(self, row: ListRow) -> SentMark:
        """Sent when every recipient has acknowledged the row's time stamp."""
        if not self.acknowledged:
            return NEVER
        everyone = all(
            any(period.holds(row.target_time) for period in periods)
            for periods in self.acknowledged
        )
        return SENT if everyone else NOT_YET


def sent_marks(recipients: Iterable[str], dispatches: Iterable[Sent]) -> SentMarks:
    """The marks for these recipients (ids); without any, nothing is sent."""
    periods: dict[str, list[Period]] = {recipient: [] for recipient in recipients}
    for sent in dispatches:
        if sent.recipient in periods:
            periods[sent.recipient].append(sent.period)
    return SentMarks(list(periods.values()))


def marks_of(profile: EvaluationProfile) -> SentMarks:
    """The marks of a profile that came with its recipients."""
    recipients = [recipient.id for recipient in profile.recipients.all()]
    return sent_marks(recipients, selectors.dispatches(profile))
