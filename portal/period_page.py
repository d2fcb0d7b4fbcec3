"""The pages before the table: the list of use cases, the list of billing periods."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from portal import formats, local_time
from portal.measurement_table import present
from portal.profile_words import meter_ids, registration_words, taf_title
from tariffs.calendar import Period
from tariffs.list_row import ListRow
from tariffs.models import EvaluationProfile


@dataclass(frozen=True, slots=True)
class TafRow:
    """One profile in the list of use cases (R120)."""

    id: str
    title: str
    name: str
    meters: Sequence[str]
    valid_from: str
    valid_to: str
    registration: str
    is_ended: bool


@dataclass(frozen=True, slots=True)
class PeriodRow:
    """One billing period; `number` counts from the newest, 0 (R121)."""

    number: int
    begin: str
    end: str
    is_open: bool

    @property
    def title(self) -> str:
        """The period in the manual's words, open at the start (D13)."""
        return _("%(begin)s bis %(end)s") % {"begin": self.begin, "end": self.end}


def taf_row(profile: EvaluationProfile) -> TafRow:
    """The row of one profile."""
    return TafRow(
        id=profile.id,
        title=taf_title(profile),
        name="" if profile.name == "-" else profile.name,
        meters=meter_ids(profile),
        valid_from=formats.record_time(profile.valid_from),
        valid_to=formats.record_time(profile.valid_to) if profile.valid_to else "",
        registration=registration_words(profile),
        is_ended=profile.state == EvaluationProfile.State.ENDED,
    )


def period_rows(periods: Sequence[Period], *, now: datetime) -> Sequence[PeriodRow]:
    """The rows of a profile's periods, newest first as they come."""
    return [
        period_row(number, period, now=now) for number, period in enumerate(periods)
    ]


def period_row(number: int, period: Period, *, now: datetime) -> PeriodRow:
    """One period, printed from one second after its begin (D13)."""
    return PeriodRow(
        number=number,
        begin=formats.record_time(local_time.just_after(period.begin)),
        end=formats.record_time(period.end),
        is_open=period.end > now,
    )


def completeness(rows: Sequence[ListRow]) -> str:
    """How many stored rows hold a value: '58 von 60 Werten'; '' without any."""
    stored = [row for row in rows if row.is_signed]
    if not stored:
        return ""
    style = formats.page_style()
    held, every = (
        formats.whole_number(count, style) for count in (present(stored), len(stored))
    )
    return _("%(present)s von %(all)s Werten") % {"present": held, "all": every}
