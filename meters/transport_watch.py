"""When errors of the transport are no longer chance (R25). Pure rules."""

from collections import deque
from datetime import datetime, timedelta

REPEATED = 5
"""So many minutes with an error ..."""
WITHIN = timedelta(minutes=15)
"""... in this time make repeated errors; without one in it they are over."""

_ONE_A_MINUTE = timedelta(minutes=1)


class TransportWatch:
    """Counts, for each place, the minutes in which the transport failed.

    Several errors within a minute count once: a burst of noise is one event, and all
    sources are measured alike, however often they try.
    """

    def __init__(self) -> None:
        self._errors: dict[str, deque[datetime]] = {}

    def note(self, where: str, now: datetime) -> bool:
        """An error at this place; whether there are repeated errors now."""
        errors = self._errors.setdefault(where, deque(maxlen=REPEATED))
        if not errors or abs(now - errors[-1]) >= _ONE_A_MINUTE:
            errors.append(now)
        return len(errors) == REPEATED and abs(now - errors[0]) <= WITHIN

    def is_calm(self, where: str, now: datetime) -> bool:
        """Whether the last error is so long ago that they are over."""
        errors = self._errors.get(where)
        return not errors or abs(now - errors[-1]) > WITHIN
