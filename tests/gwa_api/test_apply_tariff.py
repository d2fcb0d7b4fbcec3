"""`apply` with the tariff of a TAF2 profile (rest-gwa.md 4.1)."""

from copy import deepcopy
from typing import Any

import pytest

from gwa_api.apply import apply
from gwa_api.json_object import DocumentInvalid
from hardware.gateway import Gateway
from tariffs.models import EvaluationProfile
from tests.gwa_api.test_apply import DOCUMENT, NOW

pytestmark = pytest.mark.django_db

RULES: dict[str, Any] = {
    "stages": [{"number": 1, "name": "HT"}, {"number": 2, "name": "NT"}],
    "rules": [
        {
            "stage": 1,
            "weekdays": ["mon", "tue", "wed", "thu", "fri"],
            "from": "06:00",
            "to": "22:00",
        },
        {"stage": 2, "default": True},
    ],
    "holidays": "DE",
}
SWITCHES: dict[str, Any] = {
    "stages": [{"number": 1}, {"number": 2}],
    "switches": [
        {"at": "2026-01-01T00:00:00+01:00", "stage": 1},
        {"at": "2026-07-01T00:00:00+02:00", "stage": 2},
    ],
}


def with_tariff(tariff: Any) -> dict[str, Any]:
    document = deepcopy(DOCUMENT)
    document["profiles"][0] |= {"taf": 2, "tariff": tariff}
    return document


@pytest.mark.req("R41")
@pytest.mark.parametrize("tariff", [RULES, SWITCHES])
def test_a_tariff_is_taken_and_is_the_same_next_time(
    gateway: Gateway, tariff: dict[str, Any]
) -> None:
    """R41: stages with time conditions, as rules and as an unrolled list."""
    assert apply(gateway, with_tariff(tariff), now=NOW).warnings == []
    stored = EvaluationProfile.objects.get()
    assert stored.tariff["stages"][0]["number"] == 1
    again = apply(gateway, with_tariff(tariff), now=NOW)
    assert again.unchanged["profiles"] == ["meier-taf7"]


def test_another_tariff_differs(gateway: Gateway) -> None:
    apply(gateway, with_tariff(RULES), now=NOW)
    with pytest.raises(DocumentInvalid, match="another tariff"):
        apply(
            gateway, with_tariff({**RULES, "holidays": ["DE", "2026-12-24"]}), now=NOW
        )


def test_a_switch_in_the_hour_of_the_clock_change_is_warned_of(
    gateway: Gateway,
) -> None:
    rules = [{"stage": 1, "from": "02:15", "to": "24:00"}, RULES["rules"][1]]
    result = apply(gateway, with_tariff({**RULES, "rules": rules}), now=NOW)
    (warning,) = result.warnings
    assert warning.startswith("profile meier-taf7: 2026-02-10 02:15: a switch")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("", None),
        ("", []),
        ("/colour", 1),
        ("/stages", []),
        ("/stages/0/number", None),
        ("/stages/0/number", 63),
        ("/stages/1/number", 1),
        ("/stages/0/name", "x" * 63),
        ("/rules", []),
        ("/rules/0/stage", None),
        ("/rules/0/stage", 3),
        ("/rules/0/weekdays", ["Montag"]),
        ("/rules/0/weekdays", []),
        ("/rules/0/from", "6:00"),
        ("/rules/0/from", "25:00"),
        ("/rules/0/from", "06:01"),
        ("/rules/0/to", "22:10"),
        ("/rules/0/season", {"from": "04-31", "to": "09-30"}),
        ("/rules/0/default", "yes"),
        ("/rules/1/from", "06:00"),
        ("/rules/1/default", False),
        ("/holidays", "BY"),
        ("/holidays", ["2026-02-30"]),
        ("/trudi_compat", "no"),
        ("/switches", [{"at": "2026-01-01T00:00:00+01:00"}]),
        ("/switches", [{"stage": 1}]),
    ],
)
def test_a_bad_tariff_is_refused_with_its_place(
    gateway: Gateway, path: str, value: Any
) -> None:
    document = {"tariff": deepcopy(RULES)}
    place: Any = document
    *parts, last = f"tariff{path}".split("/")
    for part in parts:
        place = place[int(part)] if isinstance(place, list) else place[part]
    place[last] = value
    with pytest.raises(DocumentInvalid) as refusal:
        apply(gateway, with_tariff(document["tariff"]), now=NOW)
    where = [one.pointer for one in refusal.value.problems]
    assert any(one.startswith("/profiles/0/tariff") for one in where)
    assert not EvaluationProfile.objects.exists()
