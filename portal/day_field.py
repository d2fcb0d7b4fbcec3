"""A field for one local day in a form."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _l

EARLIEST, LATEST = date(2000, 1, 1), date(2999, 12, 31)
"""No gateway is older, and no calendar arithmetic overflows between them."""


class DayField(forms.DateField):
    """A day as `<input type=date>` sends it: `2026-06-22`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%d"], **kwargs)
        self.error_messages["invalid"] = _l(
            "Bitte ein gültiges Datum eingeben, zum Beispiel 2026-06-22."
        )

    def to_python(self, value: Any) -> date | None:
        """The day; None when it was left out; raises ValidationError."""
        day = super().to_python(value)
        is_foreign = isinstance(value, str) and not value.isascii()
        if day is not None and (is_foreign or not EARLIEST <= day <= LATEST):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return day
