"""What holds for every route: conditions, repetitions, paging, limits, problems."""

import threading
from dataclasses import replace
from typing import Any

import pytest
from django.db import IntegrityError, connections
from django.urls import URLPattern

from gwa_api.models import KeptAnswer
from gwa_api.rest import idempotency
from gwa_api.rest.declaration import PREFIX, Call, Reply, Route
from gwa_api.rest.openapi import document
from gwa_api.rest.problem import ApiProblem
from gwa_api.rest.rate import BURST, RateLimit
from gwa_api.rest.routes import ALL
from gwa_api.urls import urlpatterns
from hardware.gateway import Gateway
from logbooks.models import SystemLogEntry
from logbooks.services import log_fault
from tests.gwa_api.head_end import GWA, HeadEnd, head_end
from tests.gwa_api.test_rest_resources import METER, METER_BODY
from tests.gwa_api.test_rest_security import pem_of

PARTICIPANT = "/market-participants/emt-1"
NETWORK = "/network/han"


@pytest.fixture
def gwa(gateway: Gateway, db: None) -> HeadEnd:
    """The head-end, and a gateway that knows nothing yet."""
    return head_end(gateway)


def test_conditions_decide_whether_something_is_made_or_replaced(gwa: HeadEnd) -> None:
    """428 without one, 412 for another state, 304 for one that is known."""
    assert gwa("PUT", PARTICIPANT, json={}).status_code == 428
    made = gwa.create(PARTICIPANT, {"name": "E"})
    assert made.status_code == 201
    assert gwa.create(PARTICIPANT, {"name": "F"}).status_code == 412
    etag = made.headers["ETag"]
    known = gwa("GET", PARTICIPANT, headers={"If-None-Match": etag})
    assert (known.status_code, known.headers["ETag"]) == (304, etag)
    replaced = gwa("PUT", PARTICIPANT, json={"name": "F"}, headers={"If-Match": etag})
    assert replaced.status_code == 200
    assert gwa.patch(PARTICIPANT, {"name": "G"}, etag).status_code == 412
    assert gwa("DELETE", PARTICIPANT).status_code == 428
    assert gwa("GET", PARTICIPANT, headers={"If-None-Match": etag}).status_code == 200
    gone = gwa("PUT", "/market-participants/x", json={}, headers={"If-Match": "*"})
    assert gone.status_code == 412


@pytest.mark.django_db(transaction=True)
def test_of_two_changes_at_once_one_comes_too_late(gateway: Gateway) -> None:
    """Two threads with one ETag: 200 and 412, never twice 200."""
    gwa = head_end(gateway)
    gwa.create("/consumers/meier", {"auth": ["password"]})
    gwa.create(f"/meters/{METER}", METER_BODY)
    for round_ in range(1, 4):
        start, statuses = threading.Barrier(2), []

        def change(name: str, etag: str) -> None:
            start.wait()  # noqa: B023
            try:
                answer = gwa.patch(f"/meters/{METER}", {"name": name}, etag)
                statuses.append(answer.status_code)  # noqa: B023
            finally:
                connections.close_all()

        threads = [
            threading.Thread(target=change, args=(f"{name}{round_}", f'"{round_}"'))
            for name in "ab"
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [200, 412]


@pytest.mark.django_db(transaction=True)
def test_of_two_equal_posts_at_once_one_is_carried_out(gateway: Gateway) -> None:
    """The other one is told that the first goes on, or gets its answer."""
    gwa = head_end(gateway)
    start, answers = threading.Barrier(2), []

    def post() -> None:
        start.wait()
        try:
            key = {"Idempotency-Key": "the-same-key"}
            answers.append(gwa("POST", "/logs/calibration/verify", headers=key))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=post) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(gwa.get("/operations")["items"]) == 1
    done = [answer for answer in answers if answer.status_code == 202]
    late = [answer for answer in answers if answer.status_code == 409]
    assert len(done) + len(late) == 2
    assert done


def test_a_post_is_carried_out_once_under_its_key(gwa: HeadEnd) -> None:
    """Replayed with its answer; another body 422; no key 400; forgotten after 24 h."""
    key = {"Idempotency-Key": "4f0c-4f0c"}
    first = gwa("POST", "/logs/calibration/verify", headers=key)
    second = gwa("POST", "/logs/calibration/verify", headers=key)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert second.json() == first.json()
    assert second.headers["Location"] == first.headers["Location"]
    other = gwa("POST", "/firmware/packages", json={"size": 1}, headers=key)
    assert other.status_code == 422
    assert other.json()["type"] == "urn:casa:problem:idempotency-mismatch"
    bad = {"Idempotency-Key": "short"}
    assert gwa("POST", "/selftests", headers=bad).status_code == 400
    kept = KeptAnswer.objects.get()
    later = kept.started_at + idempotency.KEPT * 1.01
    assert idempotency.begin(kept.key, "another", now=later) is None


def test_a_refusal_is_replayed_too_and_one_under_way_is_told(gwa: HeadEnd) -> None:
    key = {"Idempotency-Key": "refused-1"}
    first = gwa("POST", "/alarms/99/ack", headers=key)
    again = gwa("POST", "/alarms/99/ack", headers=key)
    assert (first.status_code, again.status_code) == (404, 404)
    assert again.headers["Idempotency-Replayed"] == "true"
    hashed = idempotency.request_hash("POST", "/gwa/v1/selftests", b"")
    header = {"Idempotency-Key": "under-way"}
    own = idempotency.key_of({"idempotency-key": "under-way"}, GWA)
    idempotency.begin(own, hashed, now=gwa.gateway.clock.now())
    waiting = gwa("POST", "/selftests", headers=header)
    assert waiting.status_code == 409
    assert waiting.json()["type"] == "urn:casa:problem:idempotency-in-progress"


def test_the_next_administrator_is_not_answered_what_was_the_last_ones(
    gwa: HeadEnd,
) -> None:
    """The same key and body of another: carried out, not replayed."""
    verify = ("POST", "/logs/calibration/verify")
    key = {"Idempotency-Key": "4f0c-4f0c"}
    first = gwa(*verify, headers=key)
    der, _key = gwa.lab.partner("gwa-0002")
    body = {"holder_id": "gwa-0002", "certificate": pem_of(der)}
    assert gwa("POST", "/administrator-change", json=body).status_code == 201
    following = HeadEnd(gwa.gateway, der, gwa.lab)
    second = following(*verify, headers=key)
    assert second.status_code == 202
    assert "Idempotency-Replayed" not in second.headers
    assert second.json()["id"] != first.json()["id"]


def answered_by(gwa: HeadEnd, route: Route, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a declared route of the listener be answered by this one."""
    path = f"^{PREFIX[1:]}{route.path}$"
    (view,) = [
        one.callback
        for one in urlpatterns
        if isinstance(one, URLPattern) and str(one.pattern) == path
    ]
    routes = view.view_initkwargs["routes"]
    monkeypatch.setitem(routes, route.method, route)


@pytest.mark.django_db(transaction=True)
def test_what_is_kept_of_an_answer_goes_with_what_was_done(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that ends before the answer is kept has done nothing, so that the
    repetition does not do it twice."""
    gwa = head_end(gateway)

    def cut(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    body = {"holder_id": "gwa-0002", "certificate": pem_of(gwa.lab.partner("g2")[0])}
    key = {"Idempotency-Key": "4f0c-4f0c"}
    with monkeypatch.context() as killed:
        killed.setattr(idempotency, "keep", cut)
        with pytest.raises(KeyboardInterrupt):
            gwa("POST", "/administrator-change", json=body, headers=key)
    assert gwa.get("/administrator-change")["state"] == "none"


def test_who_is_overtaken_sees_what_the_other_made(
    gwa: HeadEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two make the same at once: the later one gets 412 and no 500."""
    others = iter([True])

    def overtaken(call: Call) -> Reply:
        if next(others, False):
            raise IntegrityError("UNIQUE constraint failed")
        raise ApiProblem("precondition-failed")

    route = next(one for one in ALL if (one.method, one.path) == ("PUT", NETWORK))
    answered_by(gwa, replace(route, answer=overtaken), monkeypatch)
    answer = gwa("PUT", NETWORK, json={"dhcp": True}, headers={"If-Match": '"0"'})
    assert answer.status_code == 412


def test_pages_go_on_where_they_ended_whatever_is_added(gwa: HeadEnd) -> None:
    """A cursor belongs to its list and filter; limits are held."""
    for name in ("a", "c", "e"):
        gwa.create(f"/market-participants/{name}", {})
    first = gwa("GET", "/market-participants?limit=2")
    assert [one["id"] for one in first.json()["items"]] == ["a", "c"]
    assert first.headers["Link"].endswith('rel="next"')
    gwa.create("/market-participants/b", {})
    cursor = first.json()["next"]
    rest = gwa.get(f"/market-participants?limit=2&cursor={cursor}")
    assert [one["id"] for one in rest["items"]] == ["e"]
    assert rest["next"] is None
    back = gwa.get("/market-participants?order=desc&limit=3")
    assert [one["id"] for one in back["items"]] == ["e", "c", "b"]
    for query in (
        f"consumers?cursor={cursor}",
        f"market-participants?order=desc&cursor={cursor}",
        f"market-participants?cursor=x{cursor}",
        "market-participants?limit=0",
        "market-participants?limit=1001",
        "market-participants?color=red",
        "market-participants?limit=1&limit=2",
    ):
        assert gwa("GET", f"/{query}").status_code == 422, query


def test_the_log_is_filtered_by_time_level_and_event(gwa: HeadEnd) -> None:
    now = gwa.gateway.clock.now()
    log_fault(gwa.gateway, 700034, now=now)
    at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert len(gwa.get(f"/logs/system?from={at}&level=error")["items"]) == 1
    assert gwa.get(f"/logs/system?to={at}")["items"] == []
    assert gwa("GET", "/logs/system?from=yesterday").status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("GET", "/nowhere", {}, 404),
        ("GET", "/selftests/0", {}, 404),
        ("GET", "/selftests/99999999999999999999", {}, 404),
        ("DELETE", "/device", {}, 405),
        ("OPTIONS", "/device", {}, 405),
        ("GET", "/device", {"headers": {"Accept": "text/html"}}, 406),
        ("GET", "/device", {"content": b"{}"}, 400),
        ("PUT", PARTICIPANT, {"content": b"{}"}, 415),
        ("PUT", PARTICIPANT, {"json": {"name": ""}}, 422),
        ("PUT", PARTICIPANT, {"json": {"name": "x", "color": 1}}, 422),
        ("PUT", PARTICIPANT, {"json": {"name": "x" * 300_000}}, 413),
        ("GET", "/evaluation-profiles?meter=1%00", {}, 422),
    ],
)
def test_what_is_wrong_with_a_request_is_said_by_its_status(
    gwa: HeadEnd, method: str, path: str, more: dict[str, Any], status: int
) -> None:
    assert gwa(method, path, **more).status_code == status


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"\xff",
        b'{"name": "a", "name": "b"}',
        b"[]",
        b"1",
        b"[" * 100_000,
        b'{"name": "half a character: \\ud800"}',
        b'{"\\udc00": 1}',
        b'{"name": "\\u0000"}',
        b'{"name": [[["\\u0000"]]]}',
    ],
)
def test_what_is_no_json_object_is_malformed(gwa: HeadEnd, content: bytes) -> None:
    headers = {"Content-Type": "application/json", "If-None-Match": "*"}
    answer = gwa("PUT", PARTICIPANT, content=content, headers=headers)
    assert answer.status_code == 400, answer.text


def test_every_problem_of_a_body_is_named_by_its_pointer(gwa: HeadEnd) -> None:
    body = {"taf": 5, "inputs": [{"meter": "x"}], "color": 1}
    answer = gwa.create("/evaluation-profiles/p", body)
    pointers = {error["pointer"] for error in answer.json()["errors"]}
    assert pointers == {"/taf", "/inputs/0/obis", "/color"}
    body = {"taf": 7, "inputs": [{"meter": "1emh0000000009", "obis": "1-0:1.8.0"}]}
    answer = gwa.create("/evaluation-profiles/p", body)
    assert (answer.status_code, answer.json()["fault_code"]) == (422, 600104)
    assert SystemLogEntry.objects.filter(event_id=600104).count() == 1


def test_titles_come_in_the_language_of_the_client(gwa: HeadEnd) -> None:
    english = gwa("GET", "/nowhere", headers={"Accept-Language": "en"})
    german = gwa("GET", "/nowhere", headers={"Accept-Language": "de-DE"})
    assert english.json()["title"] == "Not found"
    assert german.json()["title"] == "Nicht gefunden"


def test_an_exchange_has_the_name_that_the_client_gave_it(gwa: HeadEnd) -> None:
    name = "0d4a0c5e-6f5b-4b52-9e0a-2f3f7f0a4c11"
    answer = gwa("GET", "/nowhere", headers={"X-Correlation-Id": name})
    assert answer.headers["X-Correlation-Id"] == name
    assert answer.json()["instance"] == f"urn:uuid:{name}"
    made = gwa("GET", "/nowhere", headers={"X-Correlation-Id": "'; DROP"})
    assert len(made.headers["X-Correlation-Id"]) == 36


def test_too_many_requests_wait(gateway: Gateway, db: None) -> None:
    """20 at once, then one a second; the answer says how long to wait."""
    gwa = head_end(gateway, per_minute=60)
    statuses = [gwa("GET", "/healthz").status_code for _ in range(BURST + 5)]
    assert statuses[:BURST] == [200] * BURST
    assert 429 in statuses[BURST:]
    refused = gwa("GET", "/healthz")
    if refused.status_code == 429:
        assert refused.headers["Retry-After"] == "1"


def test_the_limit_of_requests_fills_again() -> None:
    limit = RateLimit(60, _at=100.0)
    assert [limit.wait_s(100.0) for _ in range(BURST + 1)] == [0] * BURST + [1]
    assert limit.wait_s(100.5) == 1
    assert limit.wait_s(101.6) == 0
    assert RateLimit(0).wait_s(0) == 0


@pytest.mark.req("R77", "R89")
def test_no_answer_can_carry_a_reading_or_an_entry_of_a_consumers_log() -> None:
    """By the document: no member is named as one of a record, and there is no route
    into readings or a consumer's log."""
    made = document(ALL)
    paths = set(made["paths"])
    assert len(paths) >= 40
    assert not [path for path in paths if "reading" in path or "record" in path]
    logs = {path for path in paths if "/logs/" in path}
    assert logs == {
        f"/gwa/v1/logs/{name}"
        for name in ("system", "calibration", "calibration/verify")
    }
    members: set[str] = set()
    answered = {
        media["schema"]["$ref"].rpartition("/")[2]
        for operations in made["paths"].values()
        for operation in operations.values()
        for answer in operation["responses"].values()
        for media in answer.get("content", {}).values()
        if "$ref" in media["schema"]
    }
    for name in answered:
        members |= _members(made["components"]["schemas"][name], made)
    of_a_record = {"value", "values", "reading", "readings", "scaler", "unit_code"}
    of_a_record |= {"target_time", "capture_time", "status_word", "ptb_status", "v"}
    assert not members & of_a_record
    secret = {"password", "master_key", "ha1_md5", "ha1_sha256", "private_key"}
    assert not members & secret
    assert "registers" in members  # the names of registers: texts of a meter's profile
    registers = made["components"]["schemas"]["Meter"]["properties"]["registers"]
    assert registers["items"]["type"] == "string"


def _members(schema: Any, whole: dict[str, Any]) -> set[str]:
    """The names of all members of a schema, through its references."""
    if isinstance(schema, list):
        return set().union(*(_members(one, whole) for one in schema), set())
    if not isinstance(schema, dict):
        return set()
    found = set(schema.get("properties", {}))
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        found |= _members(whole["components"]["schemas"][name], whole)
    for value in schema.values():
        found |= _members(value, whole)
    return found


def test_every_path_is_in_the_document_and_the_other_way_round() -> None:
    templates = {
        pattern.callback.view_initkwargs["template"]  # type: ignore[union-attr]
        for pattern in urlpatterns[:-1]
        if isinstance(pattern, URLPattern)  # the console has pages of its own
    }
    assert templates == set(document(ALL)["paths"])


@pytest.mark.req("R157")
@pytest.mark.django_db
def test_while_the_time_is_invalid_nothing_is_ordered(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R157: clock-invalid and when to ask again; the time itself can be put right."""
    gwa = head_end(gateway)
    monkeypatch.setattr(type(gateway.clock), "is_valid", False)
    for path in ("/on-demand-deliveries", "/proxy-profiles/p/connections"):
        refused = gwa("POST", path, json={})
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "60")
        assert refused.json()["type"] == "urn:casa:problem:clock-invalid"
    assert gwa.get("/time")["valid"] is False
    assert gwa("POST", "/time/synchronise").status_code != 503


@pytest.mark.req("R138", "R140")
@pytest.mark.django_db(transaction=True)
def test_in_the_soft_lockdown_the_administrator_repairs_and_sends_nothing(
    gateway: Gateway,
) -> None:
    """Everything is there but on-demand deliveries and connections; release tests
    first and is refused while the cause stands."""
    gwa = head_end(gateway)
    gwa.create("/consumers/meier", {"auth": ["password"]})
    gwa.create(f"/meters/{METER}", METER_BODY)
    log_fault(gwa.gateway, 1900082, now=gwa.gateway.clock.now())
    assert gwa.get("/device")["lockdown"]["mode"] == "soft"
    for path in ("/time", "/logs/system", "/alarms", "/firmware", "/selftests"):
        gwa.get(path)
    body = {"taf": 7, "inputs": [{"meter": METER, "obis": "1-0:1.8.0"}]}
    assert gwa.create("/evaluation-profiles/p", body).status_code == 201
    order = {"evaluation_profile": "p", "recipient": "emt-1"}
    refused = gwa("POST", "/on-demand-deliveries", json=order)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "60")
    assert refused.json()["type"] == "urn:casa:problem:lockdown"
    assert gwa("POST", "/proxy-profiles/p/connections").status_code == 503
    locked = {route.path for route in ALL if not route.in_lockdown}
    assert locked == {"/on-demand-deliveries", "/proxy-profiles/{profile}/connections"}
    released = gwa("POST", "/device/lockdown-release")
    assert released.status_code == 200, released.text
    assert gwa.get("/device")["lockdown"]["mode"] == "normal"
    assert gwa("POST", "/device/lockdown-release").status_code == 409
