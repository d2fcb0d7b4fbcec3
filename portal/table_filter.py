"""What the visitor of a value table chose: a day, odd values only, a page."""

from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext_lazy as _l

from portal.day_field import DayField

ODD = "auffaellig"
STATES = {"": _l("Alle"), ODD: _l("Nur auffällige")}


@dataclass(frozen=True, slots=True)
class TableFilter:
    """A valid choice; `day` None means every day."""

    day: date | None = None
    only_odd: bool = False
    page: int = 1

    def query(self, *, page: int) -> str:
        """The query text of the table with this choice and another page."""
        values: dict[str, object] = {"tag": self.day} if self.day else {}
        values |= {"status": ODD} if self.only_odd else {}
        return urlencode(values | ({"seite": page} if page > 1 else {}))


class TableForm(forms.Form):
    """The form above a value table."""

    status = forms.ChoiceField(required=False, choices=list(STATES.items()))
    tag = DayField(required=False)
    seite = forms.IntegerField(required=False, min_value=1, max_value=1_000_000)

    @property
    def chosen(self) -> TableFilter:
        """The choice; everything when the form was refused."""
        if not self.is_valid():
            return TableFilter()
        cleaned = self.cleaned_data
        return TableFilter(
            cleaned["tag"], cleaned["status"] == ODD, cleaned["seite"] or 1
        )
