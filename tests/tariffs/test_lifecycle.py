"""The life of a profile: versions, changes, ends, deletion, and what the GWA reads."""

from dataclasses import replace
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from hardware.gateway import Gateway
from logbooks.models import ConsumerLogEntry
from logbooks.selectors import calibration_log, consumer_log, system_log
from meters.models import Meter
from tariffs import gwa_selectors, lifecycle, outbox, selectors
from tariffs.models import EvaluationProfile, OutboxRow
from tariffs.profile_spec import InputSpec, ProfileInvalid, ProfileSpec
from tariffs.services import create_participant, evaluate_due
from tariffs.tariff_spec import DefaultRule, Stage, TariffSpec
from tests.tariffs.builders import EXPORT, IMPORT, a_meter, course, store, utc

T0 = utc("2026-02-27 23:00")
HOUR = timedelta(hours=1)
HOUSE = "1emh0000000001"
SPEC = ProfileSpec(
    id="p", taf=7, inputs=(InputSpec(HOUSE, "1-0:1.8.0*255"),), valid_from=T0
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def meter(gateway: Gateway) -> Meter:
    create_participant("emt-1")
    a_meter(gateway, 2, consumer="nachbar")
    return a_meter(gateway)


def made(gateway: Gateway, spec: ProfileSpec = SPEC) -> EvaluationProfile:
    return lifecycle.create_profile(gateway, spec, now=T0)


def change(
    gateway: Gateway, now: datetime = T0 + HOUR, **members: object
) -> EvaluationProfile:
    spec = replace(SPEC, **members)  # type: ignore[arg-type]
    return lifecycle.change_profile(gateway, spec, now=now, by="gwa")


def told(consumer: str = "hks2") -> list[int]:
    return [line.event_id for line in reversed(consumer_log(consumer))]


def events_in(entries: object) -> list[int]:
    return [entry.event_id for entry in entries]  # type: ignore[attr-defined]


def refused(call: object, *args: object, **named: object) -> list[tuple[str, str]]:
    with pytest.raises(ProfileInvalid) as refusal:
        call(*args, **named)  # type: ignore[operator]
    return [(one.pointer, one.message) for one in refusal.value.problems]


@pytest.mark.req("R56", "R78")
def test_a_change_is_a_new_version_and_the_old_one_is_kept(gateway: Gateway) -> None:
    """R56, R78: 20011 in the consumer's, the system and the signed calibration log."""
    made(gateway)
    profile = change(gateway, name="Neu", recipients=("emt-1",), schedule="15 1 * * *")
    assert (profile.version, profile.name) == (2, "Neu")
    first, second = profile.versions.order_by("version")
    assert (first.document["name"], first.made_by) == ("-", "operator")
    assert (second.document["name"], second.made_by) == ("Neu", "gwa")
    assert (first.made_at, second.made_at) == (T0, T0 + HOUR)
    assert told() == [20010, 4294946295, 20011]
    assert events_in(system_log()).count(20011) == 1
    assert events_in(calibration_log(gateway)).count(20011) == 1
    assert told("nachbar") == []
    assert [one.pk for one in profile.recipients.all()] == ["emt-1"]


def test_the_same_again_is_no_version(gateway: Gateway) -> None:
    made(gateway)
    assert change(gateway, valid_from=None).version == 1
    assert change(gateway).version == 1
    assert told() == [20010, 4294946295]


@pytest.mark.req("R56")
def test_a_corrected_end_is_told_by_its_own_event(gateway: Gateway) -> None:
    """R56: 20032 with the new end; without one the profile runs on."""
    made(gateway)
    change(gateway, valid_to=T0 + 48 * HOUR)
    assert change(gateway).valid_to is None
    assert told() == [20010, 4294946295, 20032, 20011, 20032, 20011]
    texts = [line.text for line in consumer_log("hks2") if line.event_id == 20032]
    assert texts == [
        "Das Endedatum wurde auf unbefristet korrigiert.",
        "Das Endedatum wurde auf 2026-03-02 00:00:00 korrigiert.",
    ]


TWO_STAGES = TariffSpec((Stage(1),), (DefaultRule(1),))


@pytest.mark.parametrize(
    ("members", "pointers"),
    [
        ({"taf": 1}, ["/taf"]),
        ({"inputs": (InputSpec(HOUSE, EXPORT),)}, ["/inputs"]),
        ({"registration_period_s": 3600}, ["/registration_period_s"]),
        ({"billing_count": 2}, ["/billing_count"]),
        ({"taf": 2, "tariff": TWO_STAGES}, ["/taf", "/tariff"]),
    ],
)
def test_what_decides_the_values_does_not_change_while_a_profile_runs(
    gateway: Gateway, members: dict[str, object], pointers: list[str]
) -> None:
    made(gateway)
    found = refused(change, gateway, **members)
    assert [pointer for pointer, _message in found] == pointers
    assert "end it and make another" in found[0][1]
    assert EvaluationProfile.objects.get().version == 1


def test_before_its_begin_everything_may_change(gateway: Gateway) -> None:
    later = replace(SPEC, valid_from=T0 + 24 * HOUR)
    made(gateway, later)
    inputs = (InputSpec(HOUSE, IMPORT), InputSpec(HOUSE, EXPORT))
    profile = change(
        gateway, valid_from=T0 + 48 * HOUR, inputs=inputs, registration_period_s=3600
    )
    assert profile.valid_from == T0 + 48 * HOUR
    assert [one.obis for one in profile.inputs.all()] == [IMPORT, EXPORT]
    assert profile.state == "planned"


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"recipients": ("nobody",)}, "/delivery/recipients/0/participant"),
        ({"schedule": "1"}, "/delivery/schedule"),
        ({"valid_to": T0 + HOUR / 2}, "/valid_to"),
        ({"name": ""}, "/name"),
    ],
)
def test_a_bad_change_changes_nothing(
    gateway: Gateway, members: dict[str, object], pointer: str
) -> None:
    made(gateway)
    assert refused(change, gateway, **members)[0][0] == pointer
    assert EvaluationProfile.objects.get().version == 1
    assert told() == [20010, 4294946295]


@pytest.mark.req("R56", "R57")
def test_a_profile_ends_sends_its_last_reading_and_can_then_be_deleted(
    gateway: Gateway, meter: Meter
) -> None:
    """R56, R57: 20012 and 16003, then 20013; the lists stay with the consumer."""
    made(gateway, replace(SPEC, recipients=("emt-1",)))
    store(gateway, meter, course(T0, T0 + HOUR))
    now = T0 + HOUR + timedelta(minutes=1)
    assert "runs" in refused(lifecycle.delete_profile, gateway, "p", now=now)[0][1]
    lifecycle.end_profile(gateway, "p", at=now, now=now)
    assert (
        "final reading"
        in refused(lifecycle.delete_profile, gateway, "p", now=now)[0][1]
    )
    evaluate_due(gateway, now=now)
    message = refused(lifecycle.delete_profile, gateway, "p", now=now)[0][1]
    assert message == "3 deliveries of p are still owed"
    for row in OutboxRow.objects.select_related("profile"):
        outbox.acknowledge(gateway, row, now=now)
    lifecycle.delete_profile(gateway, "p", now=now)
    ours = [event for event in told() if event not in (20011, 20032, 16001)]
    assert ours == [20010, 4294946295, 20012, 16002, 16003, 20013]
    profile = selectors.profile_of("hks2", "p")
    assert profile is not None
    (period,) = selectors.periods(profile, now)
    assert len(list(selectors.period_rows(profile, period))) == 4
    assert refused(lifecycle.delete_profile, gateway, "p", now=now)
    assert refused(change, gateway, now=now, name="Neu")
    assert refused(lifecycle.end_profile, gateway, "p", at=now, now=now)


def test_a_profile_that_never_began_leaves_nothing_to_see(gateway: Gateway) -> None:
    made(gateway, replace(SPEC, valid_from=T0 + 24 * HOUR))
    lifecycle.delete_profile(gateway, "p", now=T0)
    assert selectors.profiles_of("hks2") == []
    evaluate_due(gateway, now=T0 + 48 * HOUR)
    assert told() == [20010, 20013]


def test_another_profile_takes_over_at_an_instant(gateway: Gateway) -> None:
    made(gateway)
    at = T0 + 24 * HOUR
    spec = replace(SPEC, id="q", registration_period_s=3600)
    lifecycle.replace_profile(gateway, "p", spec, at=at, now=T0 + HOUR)
    old, new = EvaluationProfile.objects.order_by("pk")
    assert (old.valid_to, new.valid_from, new.state) == (at, at, "planned")
    wrong = replace(SPEC, id="r", taf=3)
    assert refused(lifecycle.replace_profile, gateway, "q", wrong, at=at + HOUR, now=at)
    assert EvaluationProfile.objects.get(pk="q").valid_to is None


@pytest.mark.req("R56", "R77")
def test_the_consumer_is_told_when_the_gwa_reads_his_profiles(
    gateway: Gateway,
) -> None:
    """R56, R77: 20029 and 20030 for one profile, nothing for the list of all."""
    made(gateway)
    before = ConsumerLogEntry.objects.count()
    assert [one.id for one in gwa_selectors.profile_lines()] == ["p"]
    assert gwa_selectors.read_profile(gateway, "unknown", now=T0) is None
    assert gwa_selectors.read_profile(gateway, "no\0id", now=T0) is None
    assert gwa_selectors.read_meter(gateway, "1emh0000000099", now=T0) is None
    assert ConsumerLogEntry.objects.count() == before
    read = gwa_selectors.read_profile(gateway, "p", now=T0)
    assert read is not None
    assert read.document["inputs"] == [{"meter": HOUSE, "obis": IMPORT, "sign": 1}]
    seen = gwa_selectors.read_meter(gateway, HOUSE, now=T0)
    assert seen is not None
    assert seen.consumer == "hks2"
    assert len(gwa_selectors.read_versions(gateway, "p", now=T0)) == 1
    assert told()[-3:] == [20029, 20030, 20029]
    assert told("nachbar") == []


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("profile", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_lists_shows_ends_and_deletes(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "casa_site.management.commands.profile.open_configured_gateway"
    monkeypatch.setattr(path, lambda: gateway)
    now = gateway.clock.now()
    spec = replace(SPEC, valid_from=now + HOUR)
    lifecycle.create_profile(gateway, spec, now=now)
    assert run("list").startswith("p: TAF7, planned, version 1, ")
    later = now + 48 * HOUR
    assert "version 2" in run("end", "p", "--at", later.isoformat())
    assert run("show", "p").count("version") == 2
    with pytest.raises(CommandError, match="must be after valid_from"):
        run("end", "p")
    with pytest.raises(CommandError, match="no instant"):
        run("end", "p", "--at", "soon")
    with pytest.raises(CommandError, match="there is no profile q"):
        run("delete", "q")
    assert run("delete", "p").startswith("deleted: p;")
