"""`apply --change`: participants and profiles become what the document says."""

from copy import deepcopy
from typing import Any

import pytest

from gwa_api.apply import apply
from gwa_api.json_object import DocumentInvalid
from hardware.gateway import Gateway
from logbooks.selectors import consumer_log, system_log
from meters.models import Meter
from tariffs.models import EvaluationProfile, MarketParticipant
from tests.gwa_api.test_apply import DOCUMENT, NOW

pytestmark = pytest.mark.django_db


def with_members(kind: str, **members: Any) -> dict[str, Any]:
    document = deepcopy(DOCUMENT)
    document[kind][0].update(members)
    return document


def test_a_profile_and_a_participant_that_differ_are_changed(gateway: Gateway) -> None:
    apply(gateway, DOCUMENT, now=NOW)
    delivery = {"schedule": "15 1 * * *", "recipients": [{"participant": "emt-1"}]}
    document = with_members("profiles", name="Neu", delivery=delivery)
    document["participants"][0]["inbox"] = "/srv/emt-1"
    result = apply(gateway, document, now=NOW, change=True)
    assert result.changed == {"participants": ["emt-1"], "profiles": ["meier-taf7"]}
    profile = EvaluationProfile.objects.get()
    assert (profile.name, profile.send_schedule) == ("Neu", "15 1 * * *")
    assert (profile.version, profile.versions.count()) == (2, 2)
    assert MarketParticipant.objects.get().inbox == "/srv/emt-1"
    assert 20011 in [line.event_id for line in consumer_log("meier")]
    again = apply(gateway, document, now=NOW, change=True)
    assert again.changed == {}
    assert again.unchanged["profiles"] == ["meier-taf7"]


def test_where_counters_begin_at_0_again_is_part_of_the_document(
    gateway: Gateway,
) -> None:
    """A document without it differs from a meter that has it, and the other way."""
    document = with_members("meters", max_register_value=10**9)
    apply(gateway, document, now=NOW)
    assert Meter.objects.get().max_register_value == 10**9
    assert "meters" in apply(gateway, document, now=NOW).unchanged
    with pytest.raises(DocumentInvalid, match="max_register_value"):
        apply(gateway, DOCUMENT, now=NOW)


@pytest.mark.parametrize(
    ("kind", "members", "words"),
    [
        ("profiles", {"registration_period": "PT1H"}, "end it and make another"),
        ("participants", {"inbox": "relative/path"}, "absolute path"),
        ("consumers", {"name": "Meier"}, "changing is not built yet"),
    ],
)
def test_what_must_not_change_is_refused_and_nothing_is_done(
    gateway: Gateway, kind: str, members: dict[str, Any], words: str
) -> None:
    apply(gateway, DOCUMENT, now=NOW)
    document = with_members(kind, **members)
    document["participants"][0]["name"] = "Anders"
    with pytest.raises(DocumentInvalid, match=words):
        apply(gateway, document, now=NOW, change=True)
    assert MarketParticipant.objects.get().name == "Netz"
    assert EvaluationProfile.objects.get().version == 1
    refused = [line.event_id for line in system_log()].count(600104)
    assert refused == (kind == "profiles")
