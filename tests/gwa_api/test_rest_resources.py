"""Each resource of the administrator's API: what goes well and what is refused."""

from typing import Any

import pytest

from hardware.gateway import Gateway
from logbooks.alarms import AlarmKind, raise_alarm
from logbooks.models import ConsumerLogEntry, SystemLogEntry
from meters.models import Account
from tests.gwa_api.head_end import HeadEnd, head_end

METER = "1emh0000000001"
METER_BODY = {
    "consumer": "meier",
    "source": "sml_push",
    "port": "/dev/ttyUSB0",
    "allow_unsecured_billing": True,
}
PROFILE = "haus-taf7"
PROFILE_BODY: dict[str, Any] = {
    "taf": 7,
    "name": "Zählerstandsgang",
    "consumer": "meier",
    "metering_point": "DE0000000000000000000000000000001",
    "supplier_id": "9900000000001",
    "inputs": [{"meter": "0a01454d480000000001", "obis": "1-0:1.8.0*255", "sign": 1}],
    "registration_period": "PT15M",
    "billing_period": {"unit": "month", "count": 1, "day": 1},
    "delivery": {"schedule": "0 1 * * *", "recipients": [{"participant": "emt-1"}]},
    "pseudonym": None,
    "valid_to": None,
}


@pytest.fixture
def gwa(gateway: Gateway, db: None) -> HeadEnd:
    """The head-end, and a gateway that knows nothing yet."""
    return head_end(gateway)


@pytest.fixture
def house(gwa: HeadEnd) -> HeadEnd:
    """A consumer with a meter, and a market participant, all made over the API."""
    assert gwa.create("/consumers/meier", {"auth": ["password"]}).status_code == 201
    assert gwa.create(f"/meters/{METER}", METER_BODY).status_code == 201
    assert gwa.create("/market-participants/emt-1", {"name": "E"}).status_code == 201
    return gwa


def events_of(consumer: str) -> list[tuple[int, int]]:
    """Ids of the entries in a consumer's log."""
    entries = ConsumerLogEntry.objects.filter(consumer_id=consumer).order_by("number")
    return [(one.event_id, one.event_sub_id) for one in entries]


@pytest.mark.req("R89", "R91")
def test_the_device_says_what_it_is_and_how_it_stands(gwa: HeadEnd) -> None:
    """The administrator monitors: id, versions, state, lights, storage."""
    found = gwa.get("/device")
    assert found["huid"] == gwa.gateway.huid
    assert found["lockdown"] == {"mode": "normal", "codes": [], "since": None}
    assert gwa.get("/healthz") == {"status": "ok"}
    assert gwa.get("/time")["valid"] is True


@pytest.mark.req("R91", "R55", "R56")
def test_a_profile_is_made_started_read_changed_ended_and_deleted(
    house: HeadEnd,
) -> None:
    """20010, 4294946295, 20029, 20011, 20032, 20012, 20013 in the consumer's log."""
    path = f"/evaluation-profiles/{PROFILE}"
    made = house.create(path, PROFILE_BODY)
    assert made.status_code == 201, made.text
    assert made.headers["ETag"] == '"1"'
    assert made.headers["Location"] == f"/gwa/v1{path}"
    assert made.json()["state"] == "active"
    assert house.get(path)["inputs"][0]["meter"] == METER
    patched = house.patch(path, {"name": "Haus"}, '"1"')
    assert (patched.status_code, patched.headers["ETag"]) == (200, '"2"')
    stale = house.patch(path, {"name": "Hof"}, '"1"')
    assert stale.status_code == 412
    assert stale.json()["current_version"] == "2"
    fixed = house.patch(path, {"taf": 1}, '"2"')
    assert fixed.status_code == 409, fixed.text
    running = house("DELETE", path, headers={"If-Match": '"2"'})
    assert running.status_code == 409
    versions = house.get(f"{path}/versions")["items"]
    assert [one["made_by"] for one in versions] == ["gwa", "gwa"]
    assert house.get(f"{path}/deliveries") == {"items": [], "next": None}
    at = house.get("/device")["time"]
    ended = house("POST", f"{path}/end", json={"at": at}, headers={"If-Match": '"2"'})
    assert ended.status_code in (200, 422), ended.text
    found = events_of("meier")
    for wanted in ((20010, 0), (4294946295, 0), (20029, 0), (20011, 0)):
        assert wanted in found


def test_the_list_of_profiles_tells_nobody_and_filters(house: HeadEnd) -> None:
    """20029 is raised by reading one, not by the list."""
    house.create(f"/evaluation-profiles/{PROFILE}", PROFILE_BODY)
    before = events_of("meier")
    assert [one["id"] for one in house.get("/evaluation-profiles")["items"]] == [
        PROFILE
    ]
    for filter_, count in (
        ("taf=7", 1),
        ("taf=1", 0),
        ("state=active", 1),
        ("consumer=meier", 1),
        (f"meter={METER}", 1),
    ):
        items = house.get(f"/evaluation-profiles?{filter_}")["items"]
        assert len(items) == count, filter_
    assert events_of("meier") == before


@pytest.mark.req("R56")
def test_reading_a_meters_profile_is_told_to_its_consumer(house: HeadEnd) -> None:
    """20030 by GET of one meter, in any written form of its id; no key comes out."""
    found = house.get("/meters/0A01454D480000000001")
    assert found["id"] == METER
    assert "master_key" not in found
    assert (20030, 0) in events_of("meier")
    before = len(events_of("meier"))
    assert house.get("/meters")["items"][0]["id"] == METER
    assert len(events_of("meier")) == before


def test_a_meter_changes_what_may_change_and_nothing_else(house: HeadEnd) -> None:
    path = f"/meters/{METER}"
    changed = house.patch(path, {"name": "Keller", "is_active": False}, '"1"')
    assert changed.status_code == 200, changed.text
    assert changed.json()["version"] == 2
    assert changed.json()["name"] == "Keller"
    refused = house.patch(path, {"source": "d0_push"}, '"2"')
    assert refused.status_code == 409
    unknown = house.patch(path, {"color": "red"}, '"2"')
    assert unknown.status_code == 422
    assert unknown.json()["errors"][0]["pointer"] == "/color"
    gone = house("DELETE", path, headers={"If-Match": '"2"'})
    assert gone.status_code == 204
    assert house("GET", path).status_code == 404


@pytest.mark.parametrize(
    "fixed",
    [
        {"registers": ["1-0:2.8.0*255"]},
        {"stick": "cul"},
        {"obis_rules": [{"dib": "04", "vib": "03", "obis": "1-0:1.8.0*255"}]},
        {"security": "tls"},
    ],
    ids=lambda fixed: next(iter(fixed)),
)
def test_what_does_not_change_of_a_meter_is_refused_and_not_left_out(
    house: HeadEnd, fixed: dict[str, Any]
) -> None:
    """By PUT as by PATCH: 409 and the same version, never 200 with the old state."""
    path = f"/meters/{METER}"
    whole = {**METER_BODY, **fixed}
    put = house("PUT", path, json=whole, headers={"If-Match": '"1"'})
    assert put.status_code == 409, put.text
    assert house.patch(path, fixed, '"1"').status_code == 409
    assert house.get(path)["version"] == 1


def test_a_meter_may_be_replaced_by_what_it_is(house: HeadEnd) -> None:
    """The registers that it has, and its id in any of its forms."""
    path, id_ = f"/meters/{METER}", "0A01454D480000000001"
    shown = house.get(path)
    whole = {**METER_BODY, "server_id": id_, "registers": shown["registers"]}
    put = house("PUT", path, json=whole, headers={"If-Match": '"1"'})
    assert put.status_code == 200, put.text


def test_where_a_meters_counters_begin_at_0_again_is_set_and_taken_back(
    house: HeadEnd,
) -> None:
    path = f"/meters/{METER}"
    assert house.get(path)["max_register_value"] is None
    set_ = house.patch(path, {"max_register_value": 10**9}, '"1"')
    assert set_.status_code == 200, set_.text
    assert house.get(path)["max_register_value"] == 10**9
    kept = house.patch(path, {"name": "Keller"}, '"2"')
    assert kept.json()["max_register_value"] == 10**9
    for wrong in (0, 10**15 + 1, "1000000", 1.5):
        refused = house.patch(path, {"max_register_value": wrong}, '"3"')
        assert refused.status_code == 422, wrong
    gone = house.patch(path, {"max_register_value": None}, '"3"')
    assert (gone.status_code, gone.json()["max_register_value"]) == (200, None)


@pytest.mark.req("R56", "R76")
def test_a_consumer_gets_credentials_and_a_longer_log(house: HeadEnd) -> None:
    """20033; the log is kept at least 15 months (1400523), longer at will."""
    answer = house(
        "PUT", "/consumers/meier/credentials", json={"password": "ganz geheim"}
    )
    assert answer.status_code == 204, answer.text
    assert Account.objects.get(username="meier").check_password("ganz geheim")
    assert (20033, 0) in events_of("meier")
    etag = house("GET", "/consumers/meier").headers["ETag"]
    short = house.patch("/consumers/meier", {"log_retention_months": 14}, etag)
    assert short.status_code == 409
    assert short.json()["type"] == "urn:casa:problem:retention-floor"
    assert short.json()["fault_code"] == 1400523
    longer = house.patch("/consumers/meier", {"log_retention_months": 36}, etag)
    assert longer.json()["log_retention_months"] == 36
    used = house(
        "DELETE", "/consumers/meier", headers={"If-Match": longer.headers["ETag"]}
    )
    assert used.status_code == 409


def test_no_answer_to_a_wrong_password_shows_it(house: HeadEnd) -> None:
    answer = house("PUT", "/consumers/meier/credentials", json={"password": "kurz!"})
    assert answer.status_code == 422
    assert "kurz!" not in answer.text


@pytest.mark.req("R165")
def test_the_way_to_a_partner_changes_and_is_told(house: HeadEnd) -> None:
    """20003 in the logs when the addresses change."""
    path = "/communication-profiles/emt"
    body = {"participant": "emt-1", "addresses": ["emt.example:443"]}
    assert house.create(path, body).status_code == 201
    changed = house.patch(path, {"addresses": ["emt.example:8443"]}, '"1"')
    assert changed.json()["version"] == 2
    assert SystemLogEntry.objects.filter(event_id=20003).exists()
    wrong = house.patch(path, {"addresses": ["nowhere"]}, '"2"')
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["pointer"] == "/addresses/0"
    headers = {"If-Match": '"2"'}
    assert house("DELETE", path, headers=headers).status_code == 204


@pytest.mark.req("R45")
def test_a_reading_on_demand_for_a_stranger_is_refused_and_logged(
    house: HeadEnd,
) -> None:
    """16004/4; and for what does not exist 422."""
    body = {**PROFILE_BODY, "taf": 6, "delivery": {"recipients": []}}
    house.create("/evaluation-profiles/haus-taf6", body)
    order = {"evaluation_profile": "haus-taf6", "recipient": "emt-1"}
    answer = house("POST", "/on-demand-deliveries", json=order)
    assert answer.status_code == 409, answer.text
    assert answer.json()["type"] == "urn:casa:problem:recipient-not-in-profile"
    assert (16004, 4) in events_of("meier")
    nobody = {**order, "recipient": "nobody"}
    unknown = house("POST", "/on-demand-deliveries", json=nobody)
    assert unknown.status_code == 422
    assert unknown.json()["errors"][0]["pointer"] == "/recipient"


@pytest.mark.req("R72", "R73", "R82")
def test_the_logs_of_the_administrator(house: HeadEnd) -> None:
    """System log and signed calibration log, filtered; its check is an operation."""
    house.create(f"/evaluation-profiles/{PROFILE}", PROFILE_BODY)
    lines = house.get("/logs/calibration")["items"]
    assert [line["event_id"] for line in lines] == [20010]
    assert lines[0]["signed_text"].startswith("casa-calibration-v1")
    accesses = house.get("/logs/system?event_id=4294946395")["items"]
    assert "PUT /gwa/v1/evaluation-profiles/{profile}" in accesses[3]["text"]
    assert PROFILE not in str(accesses)
    assert "meier" not in str(accesses)
    begun = house("POST", "/logs/calibration/verify")
    assert begun.status_code == 202
    location = begun.headers["Location"].removeprefix("/gwa/v1")
    done = house.get(location, headers={"Prefer": "wait=5"})
    assert done["state"] == "succeeded"
    assert done["result"] == {"entries": 1, "codes": []}


@pytest.mark.req("R132", "R133")
def test_the_administrator_starts_the_self_test_whenever_he_wants(
    gwa: HeadEnd,
) -> None:
    """No limit of 24 hours; a second one while the first runs is refused."""
    begun = gwa("POST", "/selftests")
    assert begun.status_code == 202, begun.text
    second = gwa("POST", "/selftests")
    assert second.status_code == 409
    assert second.json()["fault_code"] == 1900502
    found = gwa.get(begun.json()["resource"].removeprefix("/gwa/v1"))
    assert (found["triggered_by"], found["ended_at"]) == ("Gateway-Administrator", None)
    operation = gwa.get("/operations")["items"][0]
    assert operation["kind"] == "self_test"


@pytest.mark.req("R162")
def test_alarms_wait_for_the_administrator(gwa: HeadEnd) -> None:
    """Error messages go to the GWA, who acknowledges them."""
    raise_alarm(AlarmKind.TIME_SERVICE, code=1500069, now=gwa.gateway.clock.now())
    (alarm,) = gwa.get("/alarms?state=unacknowledged")["items"]
    answer = gwa("POST", f"/alarms/{alarm['id']}/ack")
    assert answer.json()["acknowledged_at"]
    assert gwa("POST", f"/alarms/{alarm['id']}/ack").status_code == 409
    assert gwa("POST", "/alarms/999/ack").status_code == 404
    assert gwa.get("/alarms?state=unacknowledged")["items"] == []


def routed(route: object, **more: object) -> dict[str, Any]:
    recipient = {"participant": "emt-1", "route": route}
    return {**PROFILE_BODY, **more, "delivery": {"recipients": [recipient]}}


WAY = {"participant": "emt-1", "addresses": ["192.0.2.1:443"], "route": "via_gwa"}
POWER = [{"meter": METER, "obis": "1-0:16.7.0*255"}]
POINTER = "/delivery/recipients/0/route"


@pytest.mark.req("R61", "R91")
def test_a_stated_route_is_that_of_the_communication_profile_or_refused(
    house: HeadEnd,
) -> None:
    """R91: the body of a profile as documented; R61: no pseudonym goes directly."""
    refused = house.create(f"/evaluation-profiles/{PROFILE}", routed("via_gwa"))
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == POINTER
    assert house.create("/communication-profiles/w", WAY).status_code == 201
    for wrong in ("direct", "by_pigeon", None):
        answer = house.create(f"/evaluation-profiles/{PROFILE}", routed(wrong))
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == POINTER
    made = house.create(f"/evaluation-profiles/{PROFILE}", routed("via_gwa"))
    assert made.status_code == 201, made.text
    etag = made.headers["ETag"]
    path = f"/evaluation-profiles/{PROFILE}"
    changed = {"delivery": routed("direct")["delivery"]}
    assert house.patch(path, changed, etag).status_code == 422
    changed = {"delivery": routed("via_gwa")["delivery"]}
    assert house.patch(path, changed, etag).status_code == 200
    direct = house.get("/communication-profiles/w")
    assert direct["route"] == "via_gwa"


@pytest.mark.req("R61")
def test_a_pseudonym_that_states_the_direct_way_is_refused(house: HeadEnd) -> None:
    """R61: with the reason, before anything is sent."""
    way = {**WAY, "route": "direct"}
    assert house.create("/communication-profiles/w", way).status_code == 201
    rest = {"taf": 14, "inputs": POWER, "registration_period": "PT1M"}
    body = routed("direct", **rest)
    del body["billing_period"]
    refused = house.create("/evaluation-profiles/power", body)
    assert refused.status_code == 422
    assert "a pseudonym goes by the GWA only" in refused.text
    named = {**body, "pseudonymise": False, "purpose": "contract 4711"}
    answer = house.create("/evaluation-profiles/power", named)
    pointers = {one["pointer"] for one in answer.json()["errors"]}
    assert pointers == {"/inputs/0/meter"}  # this meter cannot; the route may be
