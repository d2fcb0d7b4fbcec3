"""What the technician chose of the system log: range, level, text or id, page."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext_lazy as _l

from portal.day_field import DayField
from portal.log_filter import LEVELS, LogForm, default_filter

_LONGEST_TEXT = 64


@dataclass(frozen=True, slots=True)
class SystemLogFilter:
    """A valid choice; both days are local and included. `text` may be an event id."""

    first_day: date
    last_day: date
    level: str = ""
    text: str = ""
    page: int = 1

    def query(self, *, page: int = 1) -> str:
        """The query text of the page with this choice and another page."""
        values: dict[str, object] = {"von": self.first_day, "bis": self.last_day}
        chosen = {"level": self.level, "suche": self.text}
        values |= {name: value for name, value in chosen.items() if value}
        return urlencode(values | ({"seite": page} if page > 1 else {}))


class SystemLogForm(LogForm):
    """The form above the system log; days left out mean the last seven."""

    von = DayField(required=False)
    bis = DayField(required=False)
    level = forms.ChoiceField(required=False, choices=list(LEVELS.items()))
    thema = None  # type: ignore[assignment]  # Django's way to leave a field out
    suche = forms.CharField(required=False, max_length=_LONGEST_TEXT)
    seite = forms.IntegerField(required=False, min_value=1, max_value=1_000_000)

    def __init__(self, data: Any, *, today: date) -> None:
        super().__init__(data, today=today)
        self._today = today
        self.fields["suche"].error_messages["max_length"] = _l("Höchstens 64 Zeichen.")

    @property
    def chosen_lines(self) -> SystemLogFilter:
        """The choice; the last seven days when the form was refused."""
        if not self.is_valid():
            week = default_filter(self._today)
            return SystemLogFilter(week.first_day, week.last_day)
        cleaned = self.cleaned_data
        return SystemLogFilter(
            cleaned["von"],
            cleaned["bis"],
            cleaned["level"],
            cleaned["suche"],
            cleaned["seite"] or 1,
        )
