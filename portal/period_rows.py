"""The rows a page shows of a period: the stored ones, and the state so far."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from tariffs import selectors
from tariffs.calendar import Period
from tariffs.list_row import ListRow
from tariffs.models import EvaluationProfile


def rows_shown(
    profile: EvaluationProfile, period: Period, *, now: datetime
) -> Sequence[ListRow]:
    """Ascending; in the running period the current state stands behind the last."""
    rows = list(selectors.period_rows(profile, period))
    if now >= period.end:
        return rows
    current = selectors.current_row(profile, now)
    is_newer = not rows or (current and current.target_time > rows[-1].target_time)
    return [*rows, current] if current and is_newer else rows


def row_at(profile: EvaluationProfile, target_time: datetime) -> ListRow | None:
    """The stored row with this time stamp; None when there is none."""
    moment = Period(target_time - timedelta(seconds=1), target_time)
    return next(iter(selectors.period_rows(profile, moment)), None)
