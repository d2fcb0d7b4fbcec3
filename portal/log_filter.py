"""What the visitor of the log page chose: range, level, topic, page."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext_lazy as _l

from portal.day_field import DayField
from portal.log_topics import TOPICS

DAYS_BACK = timedelta(days=6)
"""The last seven days, today included."""
LEVELS = {
    "": _l("Alle"),
    "WARNING": _l("Ab WARNING"),
    "ERROR": _l("Ab ERROR"),
}


@dataclass(frozen=True, slots=True)
class LogFilter:
    """A valid choice; both days are local and included."""

    first_day: date
    last_day: date
    level: str = ""
    topic: str = ""
    page: int = 1

    @property
    def is_plain(self) -> bool:
        """Whether only a range was chosen."""
        return not self.level and not self.topic

    def query(self, *, page: int = 1) -> str:
        """The query text of the log page with this choice and another page."""
        values: dict[str, object] = {"von": self.first_day, "bis": self.last_day}
        chosen = {"level": self.level, "thema": self.topic}
        values |= {name: value for name, value in chosen.items() if value}
        return urlencode(values | ({"seite": page} if page > 1 else {}))


def default_filter(today: date, days_back: timedelta = DAYS_BACK) -> LogFilter:
    """The last seven days or so, everything."""
    return LogFilter(today - days_back, today)


class LogForm(forms.Form):
    """The form above the log; days left out mean the last seven."""

    von = DayField(required=False)
    bis = DayField(required=False)
    level = forms.ChoiceField(required=False, choices=list(LEVELS.items()))
    thema = forms.ChoiceField(
        required=False,
        choices=[("", _l("Alle Themen"))]
        + [(key, topic.label) for key, topic in TOPICS.items()],
    )
    seite = forms.IntegerField(required=False, min_value=1, max_value=1_000_000)

    def __init__(
        self, data: Any, *, today: date, days_back: timedelta = DAYS_BACK
    ) -> None:
        super().__init__(data)
        self._days_back = days_back
        self._default = default_filter(today, days_back)

    def clean(self) -> dict[str, Any]:
        """Check the range; a day left out is a week from the other one."""
        cleaned = self.cleaned_data
        if "von" in cleaned and "bis" in cleaned:
            self._complete_range(cleaned)
            if cleaned["von"] > cleaned["bis"]:
                self.add_error("bis", _l("„Bis“ liegt vor „Von“."))
        return cleaned

    def _complete_range(self, cleaned: dict[str, Any]) -> None:
        last = cleaned["bis"] or max(self._default.last_day, cleaned["von"] or date.min)
        cleaned["bis"] = last
        cleaned["von"] = (
            cleaned["von"] or default_filter(last, self._days_back).first_day
        )

    @property
    def chosen(self) -> LogFilter:
        """The choice; the default one when the form was refused."""
        if not self.is_valid():
            return self._default
        cleaned = self.cleaned_data
        return LogFilter(
            cleaned["von"],
            cleaned["bis"],
            cleaned["level"],
            cleaned["thema"],
            cleaned["seite"] or 1,
        )
