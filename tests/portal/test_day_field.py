"""The day in a form."""

import pytest
from django.core.exceptions import ValidationError

from portal.day_field import DayField


def test_a_day_comes_as_browsers_send_it() -> None:
    assert str(DayField().clean("2026-06-22")) == "2026-06-22"


@pytest.mark.parametrize(
    "text",
    ["1999-12-31", "3000-01-01", "22.6.2026", "\uff12026-06-22", "2026-06-2\u0662"],
)
def test_other_days_are_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        DayField().clean(text)
