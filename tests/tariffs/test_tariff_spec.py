"""What a TAF2 tariff must keep, and how it is stored."""

from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest

from hardware.gateway import Gateway
from tariffs.models import EvaluationProfile
from tariffs.profile_spec import InputSpec, ProfileInvalid
from tariffs.switch_calendar import Season, StageRule
from tariffs.tariff_check import tariff_problems, tariff_warnings
from tariffs.tariff_spec import (
    DefaultRule,
    ListedSwitch,
    Stage,
    TariffSpec,
    tariff_of,
)
from tests.tariffs.builders import IMPORT, a_meter, a_profile, utc

BEGIN = utc("2025-12-31 23:00")
WORKDAYS = frozenset(range(1, 6))
DAY = StageRule(1, WORKDAYS, time(6), time(22))
SPEC = TariffSpec(
    (Stage(1, "HT"), Stage(2, "NT")), (DAY, DefaultRule(2)), nationwide=True
)
QUARTER_S = 900


def found(spec: TariffSpec, **given: Any) -> list[tuple[str, str]]:
    arguments: dict[str, Any] = {"end": None, "period_s": QUARTER_S, **given}
    return [tuple(one) for one in tariff_problems(spec, BEGIN, **arguments)]


@pytest.mark.req("R41")
def test_a_good_tariff_has_no_problem() -> None:
    """R41: looked at day by day as far as weekdays and dates fall differently."""
    assert found(SPEC) == []
    assert found(replace(SPEC, rules=(DefaultRule(1),))) == []


@pytest.mark.req("R41")
@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ((DAY,), "no stage"),
        ((DAY, StageRule(2)), "at the same time"),
        (
            (
                StageRule(1, season=Season((3, 1), (10, 31))),
                StageRule(2, season=Season((11, 1), (2, 28))),
            ),
            "2028-02-29 00:00: no stage",
        ),
    ],
)
def test_holes_and_overlaps_are_found(rules: tuple[StageRule, ...], words: str) -> None:
    """R41: exactly one stage at each instant, a leap day three years ahead too."""
    everywhere = replace(SPEC, nationwide=False, rules=rules)
    pointer, message = found(everywhere)[0]
    assert pointer == ""
    assert words in message


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"stages": ()}, "/stages"),
        ({"stages": tuple(Stage(n) for n in range(1, 64))}, "/stages"),
        ({"stages": (Stage(1), Stage(2), Stage(63))}, "/stages/2/number"),
        ({"stages": (Stage(1), Stage(2), Stage(2))}, "/stages/2/number"),
        ({"rules": (DefaultRule(3),)}, "/rules/0/stage"),
        ({"rules": (DefaultRule(1), DefaultRule(2))}, "/rules/1/default"),
        (
            {"rules": (StageRule(1, begin=time(6, 5), end=time(7)), DefaultRule(2))},
            "/rules/0/from",
        ),
        (
            {"rules": (StageRule(1, begin=time(6), end=time(7, 1)), DefaultRule(2))},
            "/rules/0/to",
        ),
        ({"rules": ()}, ""),
        ({"switches": (ListedSwitch(BEGIN, 1),)}, ""),
        ({"rules": (), "switches": (ListedSwitch(BEGIN, 3),)}, "/switches/0/stage"),
        (
            {"rules": (), "switches": (ListedSwitch(BEGIN + timedelta(0, 60), 1),)},
            "/switches/0/at",
        ),
        (
            {
                "rules": (),
                "switches": (
                    ListedSwitch(BEGIN, 1),
                    ListedSwitch(utc("2026-10-25 01:15"), 2),
                ),
            },
            "/switches",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    change: dict[str, Any], pointer: str
) -> None:
    assert pointer in [where for where, _message in found(replace(SPEC, **change))]


def test_switches_lie_on_the_grid_of_the_registration_period() -> None:
    half_past = StageRule(1, begin=time(6, 30), end=time(22))
    spec = replace(SPEC, rules=(half_past, DefaultRule(2)))
    assert found(spec) == []
    assert [where for where, _m in found(spec, period_s=3600)] == ["/rules/0/from"]


def test_a_switch_in_the_hour_of_the_clock_change_is_warned_of() -> None:
    night = StageRule(1, begin=time(2, 30), end=time(5))
    spec = replace(SPEC, rules=(night, DefaultRule(2)))
    (warning,) = tariff_warnings(spec, BEGIN)
    assert warning.startswith("2026-01-01 02:30: a switch in the hour")
    assert list(tariff_warnings(SPEC, BEGIN)) == []


@pytest.mark.parametrize(
    "spec",
    [
        SPEC,
        replace(SPEC, holidays=(date(2026, 12, 24),), trudi_compat=False),
        replace(
            SPEC,
            rules=(
                StageRule(1, frozenset({6, 8}), season=Season((4, 1), (9, 30))),
                DefaultRule(2),
            ),
        ),
        TariffSpec(
            (Stage(1), Stage(2)),
            switches=(ListedSwitch(BEGIN, 1), ListedSwitch(utc("2026-01-05 05:00"), 2)),
        ),
    ],
)
def test_a_tariff_comes_back_from_its_document(spec: TariffSpec) -> None:
    assert tariff_of(spec.document()) == spec


@pytest.mark.django_db
def test_the_tariff_is_stored_with_the_profile(gateway: Gateway) -> None:
    meter = a_meter(gateway)
    given = InputSpec(meter.id, IMPORT)
    a_profile(gateway, given, taf=2, now=BEGIN, valid_from=BEGIN, tariff=SPEC)
    stored = EvaluationProfile.objects.get()
    assert tariff_of(stored.tariff) == SPEC
    assert stored.created_at == BEGIN


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("rest", "obis", "pointer"),
    [
        ({"tariff": None}, IMPORT, "/tariff"),
        ({"tariff": replace(SPEC, rules=(DAY,))}, IMPORT, "/tariff"),
        ({"tariff": SPEC}, "0100010801ff", "/inputs/0/obis"),
        ({"tariff": SPEC, "billing_count": 4}, IMPORT, "/billing_period"),
        ({"tariff": SPEC, "billing_unit": "week"}, IMPORT, "/billing_period"),
    ],
)
def test_a_profile_with_a_bad_tariff_is_refused(
    gateway: Gateway, rest: dict[str, Any], obis: str, pointer: str
) -> None:
    meter = a_meter(gateway)
    with pytest.raises(ProfileInvalid) as refusal:
        a_profile(gateway, InputSpec(meter.id, obis), taf=2, now=BEGIN, **rest)
    assert {one.pointer for one in refusal.value.problems} == {pointer}
