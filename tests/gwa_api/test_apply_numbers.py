"""Numbers of a document: zero is no number left out, digits are ASCII."""

import pytest

from gwa_api.apply import apply
from gwa_api.json_object import DocumentInvalid, JsonObject
from hardware.gateway import Gateway
from tariffs.profile_spec import Problem
from tests.gwa_api.test_apply import NOW, changed


@pytest.mark.django_db
def test_a_speed_of_zero_is_refused_and_not_taken_for_left_out(
    gateway: Gateway,
) -> None:
    with pytest.raises(DocumentInvalid) as refused:
        apply(gateway, changed("/meters/0/baudrate", 0), now=NOW)
    assert refused.value.problems[0].pointer == "/meters/0/baudrate"


@pytest.mark.parametrize("text", ["PT\uff11\uff15M", "P\u0661D", "PT", "15M"])
def test_a_duration_in_other_digits_is_refused(text: str) -> None:
    problems: list[Problem] = []
    body = JsonObject({"period": text}, "", problems, allowed=["period"])
    assert body.duration_s("period", 900) == 900
    assert [one.pointer for one in problems] == ["/period"]
