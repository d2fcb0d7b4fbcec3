"""Profiles: what is refused, how they start and end, what is logged."""

from datetime import datetime, timedelta

import pytest

from hardware.gateway import Gateway
from logbooks.models import ConsumerLogEntry
from logbooks.selectors import calibration_log, consumer_log
from meters.models import Meter
from tariffs.models import EvaluationProfile, MarketParticipant
from tariffs.profile_spec import InputSpec, ProfileInvalid, ProfileSpec
from tariffs.services import (
    create_participant,
    create_profile,
    end_profile,
    evaluate_due,
)
from tariffs.tariff_spec import DefaultRule, Stage, TariffSpec
from tests.tariffs.builders import IMPORT, a_meter, utc

NOW = utc("2026-02-10 09:07")
HOUSE, PUMP = "1emh0000000001", "1emh0000000002"
INPUT = InputSpec(HOUSE, "1-0:1.8.0*255")
POWER = "0100100700ff"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def meters(gateway: Gateway) -> None:
    a_meter(gateway, 1)
    a_meter(gateway, 2)
    a_meter(gateway, 3, consumer="nachbar")
    a_meter(gateway, 4, medium=7)


def a_spec(**changes: object) -> ProfileSpec:
    given: dict[str, object] = {"id": "p", "taf": 7, "inputs": (INPUT,), **changes}
    return ProfileSpec(**given)  # type: ignore[arg-type]


def create(
    gateway: Gateway, spec: ProfileSpec, now: datetime = NOW
) -> EvaluationProfile:
    return create_profile(gateway, spec, now=now)


def events(consumer: str) -> list[tuple[int, str]]:
    return [(line.event_id, line.text) for line in reversed(consumer_log(consumer))]


@pytest.mark.req("R38")
@pytest.mark.parametrize("taf", range(1, 15))
def test_only_supported_use_cases_make_a_profile(gateway: Gateway, taf: int) -> None:
    """R38: seven of the 14 use cases are there; the others are refused by name."""
    if taf in (1, 2, 6, 7, 9, 10, 14):
        tariff = TariffSpec((Stage(1),), (DefaultRule(1),)) if taf == 2 else None
        inputs = (InputSpec(INPUT.meter, POWER),) if taf > 7 else (INPUT,)
        assert create(gateway, a_spec(taf=taf, tariff=tariff, inputs=inputs)).taf == taf
        return
    with pytest.raises(ProfileInvalid) as refusal:
        create(gateway, a_spec(taf=taf))
    (problem,) = refusal.value.problems
    assert problem.pointer == "/taf"
    assert problem.message.startswith(f"TAF{taf} is not supported")
    assert not EvaluationProfile.objects.exists()


@pytest.mark.req("R40")
@pytest.mark.parametrize(
    ("unit", "count", "day", "is_accepted"),
    [
        ("month", 1, 1, True),
        ("month", 2, 1, True),
        ("month", 3, 1, True),
        ("month", 6, 1, True),
        ("month", 12, 1, True),
        ("month", 4, 1, False),
        ("month", 1, 2, False),
        ("day", 27, 1, False),
        ("day", 31, 1, False),
        ("week", 4, 1, False),
    ],
)
def test_taf1_is_billed_by_whole_months(
    gateway: Gateway, unit: str, count: int, day: int, is_accepted: bool
) -> None:
    """R40: a billing period below a month, such as 27 days, is refused."""
    spec = a_spec(taf=1, billing_unit=unit, billing_count=count, billing_day=day)
    if is_accepted:
        assert create(gateway, spec).billing_count == count
        return
    with pytest.raises(ProfileInvalid) as refusal:
        create(gateway, spec)
    assert [p.pointer for p in refusal.value.problems] == ["/billing_period"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"id": "with space"}, "/id"),
        ({"id": "x" * 33}, "/id"),
        ({"name": ""}, "/name"),
        ({"supplier_id": "x" * 33}, "/supplier_id"),
        ({"metering_point": "DE1"}, "/metering_point"),
        ({"taf": 15}, "/taf"),
        ({"inputs": ()}, "/inputs"),
        ({"inputs": (InputSpec("1emh0000000099", IMPORT),)}, "/inputs/0/meter"),
        (
            {"inputs": (InputSpec("1emh0000000003", IMPORT),), "consumer": "hks2"},
            "/inputs/0/meter",
        ),
        ({"consumer": "nachbar"}, "/inputs/0/meter"),
        ({"inputs": (InputSpec(HOUSE, "1.8"), INPUT)}, "/inputs/1/obis"),
        ({"inputs": (InputSpec(HOUSE, "nothing"),)}, "/inputs/0/obis"),
        ({"inputs": (InputSpec(HOUSE, "1-0:16.7.0*255"),)}, "/inputs/0/obis"),
        ({"inputs": (InputSpec(HOUSE, "1-0:1.8.0*1"),)}, "/inputs/0/obis"),
        ({"inputs": (InputSpec(HOUSE, IMPORT, 2),)}, "/inputs/0/sign"),
        ({"inputs": (InputSpec(HOUSE, IMPORT, -1),)}, "/inputs/0/sign"),
        ({"inputs": (INPUT, InputSpec(PUMP, IMPORT))}, "/inputs"),
        (
            {"taf": 1, "inputs": (INPUT, InputSpec("7emh0000000004", "7-0:3.8.0"))},
            "/inputs",
        ),
        ({"valid_to": NOW}, "/valid_to"),
        ({"valid_to": NOW - timedelta(days=1)}, "/valid_to"),
        ({"valid_to": NOW + timedelta(minutes=20)}, "/valid_to"),
        ({"valid_to": utc("9999-12-31 23:59")}, "/valid_to"),
        ({"valid_from": utc("9999-12-31 23:59")}, "/valid_from"),
        ({"registration_period_s": 0}, "/registration_period"),
        ({"registration_period_s": 60}, "/registration_period"),
        ({"registration_period_s": 1000}, "/registration_period"),
        ({"registration_period_s": 900 * 7}, "/registration_period"),
        ({"billing_unit": "year"}, "/billing_period/unit"),
        ({"billing_count": 0}, "/billing_period/count"),
        ({"billing_day": 29}, "/billing_period/day"),
        ({"recipients": ("emt-1", "emt-2")}, "/delivery/recipients/1/participant"),
    ],
)
def test_a_bad_profile_is_refused_with_the_place(
    gateway: Gateway, changes: dict[str, object], pointer: str
) -> None:
    create_participant("emt-1")
    with pytest.raises(ProfileInvalid) as refusal:
        create(gateway, a_spec(**changes))
    assert [p.pointer for p in refusal.value.problems] == [pointer]
    assert refusal.value.code == 600104
    assert not EvaluationProfile.objects.exists()
    assert all(event != 20010 for event, _text in events("hks2"))


def test_everything_that_is_wrong_is_said_at_once(gateway: Gateway) -> None:
    with pytest.raises(ProfileInvalid) as refusal:
        create(gateway, a_spec(id="", taf=3, billing_count=0))
    pointers = [p.pointer for p in refusal.value.problems]
    assert pointers == ["/id", "/taf", "/billing_period/count"]


def test_a_register_that_the_meters_list_does_not_hold_is_refused(
    gateway: Gateway,
) -> None:
    Meter.objects.filter(pk=HOUSE).update(registers=[IMPORT])
    assert create(gateway, a_spec())
    with pytest.raises(ProfileInvalid, match=r"does not hold 1-0:2\.8\.0"):
        create(gateway, a_spec(id="q", inputs=(InputSpec(HOUSE, "2.8.0"),)))
    assert EvaluationProfile.objects.count() == 1


def test_a_begin_in_the_past_is_moved_to_now(gateway: Gateway) -> None:
    past = NOW - timedelta(days=40)
    assert create(gateway, a_spec(valid_from=past)).valid_from == NOW
    backdated = create_profile(
        gateway, a_spec(id="demo", valid_from=past), now=NOW, backdated=True
    )
    assert backdated.valid_from == past


def test_a_profile_belongs_to_the_consumer_of_its_meter(gateway: Gateway) -> None:
    spec = a_spec(inputs=(InputSpec("1emh0000000003", IMPORT),))
    assert create(gateway, spec).consumer_id == "nachbar"


def test_recipients_are_kept(gateway: Gateway) -> None:
    create_participant("emt-1", name="Netz")
    profile = create(gateway, a_spec(recipients=("emt-1",)))
    assert list(profile.recipients.all()) == [MarketParticipant.objects.get()]
    with pytest.raises(ProfileInvalid):
        create_participant("emt-1")
    with pytest.raises(ProfileInvalid):
        create_participant("emt 2")


@pytest.mark.req("R56")
@pytest.mark.req("R55")
def test_making_and_starting_a_profile_is_logged(gateway: Gateway) -> None:
    """R56: 20010 with the profile; R55: 4294946295 with use case and meters."""
    both = (INPUT, InputSpec(PUMP, "1.8.0"))
    create(gateway, a_spec(id="sum", taf=1, inputs=both))
    assert events("hks2")[-2:] == [
        (20010, "Das Auswerteprofil sum wurde angelegt."),
        (
            4294946295,
            f"Der Taf 1 (sum) mit den/dem Zähler(n) {HOUSE}, {PUMP} wurde gestartet.",
        ),
    ]
    assert not ConsumerLogEntry.objects.filter(consumer_id="nachbar", event_id=20010)
    assert calibration_log(gateway)[0].event_id == 20010


@pytest.mark.req("R37")
def test_a_profile_starts_and_ends_with_its_validity(gateway: Gateway) -> None:
    """R37: planned before, active within, ended behind the validity period."""
    begin, end = NOW + timedelta(hours=1), NOW + timedelta(hours=3)
    profile = create(gateway, a_spec(valid_from=begin, valid_to=end))
    states = []
    for at in (begin - timedelta(seconds=1), begin, end - timedelta(seconds=1), end):
        evaluate_due(gateway, now=at)
        evaluate_due(gateway, now=at)
        profile.refresh_from_db()
        states.append(profile.state)
    assert states == ["planned", "active", "active", "ended"]
    ids = [event for event, _text in events("hks2")]
    assert ids == [20010, 4294946295, 20012]


@pytest.mark.req("R56")
def test_moving_the_end_is_logged_and_ends_the_profile_then(gateway: Gateway) -> None:
    """R56: 20032 with the new end, 20011, and 20012 when it is reached."""
    profile = create(gateway, a_spec())
    end = NOW + timedelta(days=2)
    assert end_profile(gateway, profile.id, at=end, now=NOW).version == 2
    evaluate_due(gateway, now=end)
    profile.refresh_from_db()
    assert (profile.valid_to, profile.state) == (end, "ended")
    assert events("hks2")[-3:] == [
        (20032, "Das Endedatum wurde auf 2026-02-12 10:07:00 korrigiert."),
        (20011, "Das Auswerteprofil p wurde aktualisiert."),
        (20012, "Das Auswerteprofil p wurde beendet."),
    ]


def test_a_profile_can_end_at_once_but_only_once(gateway: Gateway) -> None:
    profile = create(gateway, a_spec())
    later = NOW + timedelta(hours=2)
    with pytest.raises(ProfileInvalid):
        end_profile(gateway, profile.id, at=NOW, now=later)
    with pytest.raises(ProfileInvalid):
        end_profile(gateway, profile.id, at=NOW, now=NOW)
    with pytest.raises(ProfileInvalid, match="before the year 3000"):
        end_profile(gateway, profile.id, at=utc("9999-12-31 23:59"), now=NOW)
    assert end_profile(gateway, profile.id, at=later, now=later).state == "ended"
    with pytest.raises(ProfileInvalid):
        end_profile(gateway, profile.id, at=later, now=later)
