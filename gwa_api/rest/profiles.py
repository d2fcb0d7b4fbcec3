"""Evaluation profiles: made, read, changed, ended, deleted (gateway-model.md 4)."""

from gwa_api.rest.conditions import require_match, require_new
from gwa_api.rest.declaration import Call, Guard, Json, Parameter, Reply, Route
from gwa_api.rest.merge import merged
from gwa_api.rest.paging import PAGE, page
from gwa_api.rest.problem import not_found
from gwa_api.rest.profile_form import body_of
from gwa_api.rest.query import instant_of
from gwa_api.rest.resource import (
    Handlers,
    Refusals,
    Summaries,
    answer_of,
    locked,
    resource_routes,
    row_of,
)
from gwa_api.rest.shapes import ID, METER_ID, one_of
from gwa_api.rest.shown import at, at_or_null
from gwa_api.rest.stated_routes import without_routes
from gwa_api.schemas import profile_of
from tariffs import gwa_selectors, lifecycle, versions
from tariffs.models import EvaluationProfile, OutboxRow

BY_GWA = "gwa"
_ALL = "/evaluation-profiles"
_State = EvaluationProfile.State
_FILTER = (
    *PAGE,
    Parameter("taf", {"type": "integer"}, "the number of a TAF"),
    Parameter("state", one_of(_State), "a state"),
    Parameter("consumer", ID, "the id of a consumer"),
    Parameter("meter", METER_ID, "the id of a meter"),
)


def read_all(call: Call) -> Reply:
    """Ids, use cases, states, versions; nobody is told of a list."""
    rows = EvaluationProfile.objects.all()
    same = {k: call.query[k] for k in ("taf", "state", "consumer") if k in call.query}
    rows = rows.filter(**same)
    if "meter" in call.query:
        meter = call.query["meter"].lower()
        rows = rows.filter(inputs__meter=meter).distinct()
    return page(call, rows, "id", _line)


def read(call: Call) -> Reply:
    """One profile as it is; its consumer is told (20029)."""
    found = gwa_selectors.read_profile(call.gateway, call.ids["profile"], now=call.now)
    if found is None:
        raise not_found()
    return _answer(EvaluationProfile.objects.get(pk=found.line.id))


def put(call: Call) -> Reply:
    """Make a profile, or replace what may change of it."""
    id_ = call.ids["profile"]
    found = row_of(EvaluationProfile, id_)
    is_new = require_new(call, etag_of(found) if found else None)
    spec = profile_of({**without_routes(call.body), "id": id_})
    if is_new:
        made = lifecycle.create_profile(call.gateway, spec, now=call.now, by=BY_GWA)
        return _answer(made, status=201)
    changed = lifecycle.change_profile(call.gateway, spec, now=call.now, by=BY_GWA)
    return _answer(changed)


def patch(call: Call) -> Reply:
    """Change members of a profile."""
    found = _locked(call)
    require_match(call, etag_of(found))
    there = body_of(versions.document_at(found.pk, found.version))
    whole = without_routes(merged("ProfileBody", there, call.body))
    spec = profile_of({**whole, "id": found.pk})
    changed = lifecycle.change_profile(call.gateway, spec, now=call.now, by=BY_GWA)
    return _answer(changed)


def delete(call: Call) -> Reply:
    """Delete a profile that has ended, or has not begun (20013)."""
    found = _locked(call)
    require_match(call, etag_of(found))
    lifecycle.delete_profile(call.gateway, found.pk, now=call.now)
    return Reply(status=204)


def end(call: Call) -> Reply:
    """Move the end of the validity (20032, 20012 when it is reached)."""
    found = _locked(call)
    require_match(call, etag_of(found))
    ended = lifecycle.end_profile(
        call.gateway,
        found.pk,
        at=instant_of(call.body["at"]),
        now=call.now,
        by=BY_GWA,
    )
    return _answer(ended)


def read_versions(call: Call) -> Reply:
    """What the profile was, oldest first (20029)."""
    found = gwa_selectors.read_versions(call.gateway, call.ids["profile"], now=call.now)
    if not found:
        raise not_found()
    items = [
        {
            "version": one.version,
            "made_at": at(one.made_at),
            "made_by": one.made_by,
            "profile": body_of(one.document),
        }
        for one in found
    ]
    return Reply(body={"items": items})


def read_deliveries(call: Call) -> Reply:
    """What was sent or is owed: spans, counts and digests, never a value."""
    if not EvaluationProfile.objects.filter(pk=call.ids["profile"]).exists():
        raise not_found()
    rows = OutboxRow.objects.filter(profile=call.ids["profile"])
    if "state" in call.query:
        rows = rows.filter(state=call.query["state"])
    return page(call, rows, "pk", _delivery)


def etag_of(profile: EvaluationProfile) -> str:
    """The version; with the state, unless it is active: both are shown."""
    is_active = profile.state == _State.ACTIVE
    return str(profile.version) if is_active else f"{profile.version}-{profile.state}"


def _locked(call: Call) -> EvaluationProfile:
    return locked(EvaluationProfile, call.ids["profile"])


def _line(profile: EvaluationProfile) -> Json:
    return {
        "id": profile.pk,
        "taf": profile.taf,
        "state": profile.state,
        "version": profile.version,
    }


def _answer(profile: EvaluationProfile, *, status: int = 200) -> Reply:
    document = versions.document_at(profile.pk, profile.version)
    body = {**body_of(document), **_line(profile)}
    return answer_of(_ALL, body, etag=etag_of(profile), status=status)


def _delivery(row: OutboxRow) -> Json:
    return {
        "id": str(row.message_id),
        "kind": row.kind,
        "count": row.count,
        "from": at(row.begin),
        "to": at(row.end),
        "recipient": row.recipient_id,
        "state": row.state,
        "sha256": row.sha256,
        "attempts": row.attempts,
        "next_attempt_at": at(row.next_attempt_at),
        "last_error": row.last_error,
        "acknowledged_at": at_or_null(row.acknowledged_at),
    }


_PATH = f"{_ALL}/{{profile}}"
ROUTES = (
    *resource_routes(
        _ALL,
        "profile",
        "Profile",
        Handlers(read_all, read, put, patch, delete),
        Summaries(
            "The evaluation profiles",
            "An evaluation profile; its consumer is told (20029)",
            "Make an evaluation profile (20010), or replace it (20011)",
            "Change an evaluation profile (20011, 20032)",
            "Delete an evaluation profile that has ended (20013)",
        ),
        refusals=Refusals(put=(409,), patch=(404, 409), delete=(404, 409)),
        query=_FILTER,
        read_locks=False,
    ),
    Route(
        method="POST",
        path=f"{_PATH}/end",
        answer=end,
        summary="End an evaluation profile at an instant (20032, 20012)",
        body="ProfileEnd",
        replies={200: "Profile"},
        guard=Guard.MATCH,
        problems=(404, 409),
        writes=True,
    ),
    Route(
        method="GET",
        path=f"{_PATH}/versions",
        answer=read_versions,
        summary="The versions of an evaluation profile (20029)",
        replies={200: "VersionList"},
        problems=(404,),
    ),
    Route(
        method="GET",
        path=f"{_PATH}/deliveries",
        answer=read_deliveries,
        summary="What was sent or is owed: never a value",
        replies={200: "DeliveryPage"},
        query=(*PAGE, Parameter("state", one_of(OutboxRow.State), "a state")),
        problems=(404,),
    ),
)
