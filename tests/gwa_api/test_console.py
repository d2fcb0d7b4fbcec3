"""The administrator's console: forms go where the API's requests go."""

import pytest

from hardware.gateway import Gateway
from tariffs.models import EvaluationProfile
from tests.gwa_api.console_visitor import Visitor
from tests.gwa_api.head_end import head_end
from tests.gwa_api.test_rest_resources import METER, METER_BODY

PROFILE = {
    "id": "haus-taf7",
    "taf": "7",
    "inputs": f"{METER} 1-0:1.8.0*255",
    "billing_period__unit": "month",
}


@pytest.fixture
def visitor(gateway: Gateway, db: None) -> Visitor:
    """The administrator; the gateway knows a consumer with a meter."""
    gwa = head_end(gateway)
    gwa.create("/consumers/meier", {"auth": ["password"]})
    gwa.create(f"/meters/{METER}", METER_BODY)
    return Visitor(gwa)


def made(visitor: Visitor) -> None:
    """A profile that runs."""
    answer = visitor.send("new/evaluation-profiles/", **PROFILE)
    assert answer.status_code == 302, answer.text


@pytest.mark.req("R91")
def test_a_profile_is_made_by_the_form_and_starts(visitor: Visitor) -> None:
    """R91: the form makes what a PUT of the API makes; it is led to its page."""
    answer = visitor.send("new/evaluation-profiles/", **PROFILE)
    assert answer.status_code == 302, answer.text
    place = "/gwa/console/evaluation-profiles/haus-taf7/?erledigt=saved"
    assert answer.headers["Location"] == place
    found = EvaluationProfile.objects.get()
    assert (found.taf, found.state, found.consumer_id) == (7, "active", "meier")
    assert "Gespeichert." in visitor.get(place)
    assert "haus-taf7" in visitor.get("evaluation-profiles/?q=haus&taf=7")


def test_every_list_and_form_can_be_opened(visitor: Visitor) -> None:
    for name in (
        "evaluation-profiles",
        "communication-profiles",
        "consumers",
        "meters",
        "market-participants",
        "proxy-profiles",
    ):
        visitor.get(f"{name}/")
        visitor.get(f"new/{name}/")
    for name in (
        "",
        "alarms/",
        "deliveries/",
        "selftests/",
        "firmware/",
        "logs/system/",
        "logs/calibration/",
        "certificates/",
        "keys/",
        "certificates/import/",
        "firmware/upload/",
        "keys/anchors/",
    ):
        visitor.get(name)


def test_changes(visitor: Visitor) -> None:
    made(visitor)
    path = "evaluation-profiles/haus-taf7/"
    preview = visitor.send(path, name="Neu")
    assert preview.status_code == 200, preview.text
    assert "Neu" in preview.text
    assert EvaluationProfile.objects.get().name == "-"
    done = visitor.confirm(path, preview.text, bestaetigt="1")
    assert done.status_code == 302, done.text
    assert EvaluationProfile.objects.get().name == "Neu"
