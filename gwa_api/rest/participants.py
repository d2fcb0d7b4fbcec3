"""External market participants (EMT): who may receive values."""

from gwa_api.rest.conditions import hashed, require_match, require_new
from gwa_api.rest.declaration import Call, Guard, Json, Reply, Route
from gwa_api.rest.merge import merged
from gwa_api.rest.paging import PAGE, page
from gwa_api.rest.problem import conflict, not_found
from tariffs.models import EvaluationProfile, MarketParticipant
from tariffs.participants import change_participant, create_participant


def read_all(call: Call) -> Reply:
    """All participants."""
    return page(call, MarketParticipant.objects.all(), "id", shown)


def read(call: Call) -> Reply:
    """One participant."""
    return _answer(_locked(call))


def put(call: Call) -> Reply:
    """Make a participant, or replace him."""
    id_ = call.ids["participant"]
    found = MarketParticipant.objects.select_for_update().filter(pk=id_).first()
    name = call.body.get("name", "-")
    if require_new(call, hashed(shown(found)) if found else None):
        return _answer(create_participant(id_, name=name), status=201)
    assert found is not None
    return _answer(change_participant(id_, name=name, inbox=found.inbox))


def patch(call: Call) -> Reply:
    """Change members of a participant."""
    found = _locked(call)
    require_match(call, hashed(shown(found)))
    whole = merged("ParticipantBody", {"name": found.name}, call.body)
    name = whole.get("name", "-")
    return _answer(change_participant(found.pk, name=name, inbox=found.inbox))


def delete(call: Call) -> Reply:
    """Delete a participant whom nothing names."""
    found = _locked(call)
    require_match(call, hashed(shown(found)))
    if EvaluationProfile.objects.filter(recipients=found).exists():
        raise conflict("a profile sends to him")
    found.delete()
    return Reply(status=204)


def shown(found: MarketParticipant) -> Json:
    """A participant as answered; the folder of a local inbox is nobody's business."""
    return {"id": found.pk, "name": found.name}


def _locked(call: Call) -> MarketParticipant:
    rows = MarketParticipant.objects.select_for_update()
    found = rows.filter(pk=call.ids["participant"]).first()
    if found is None:
        raise not_found()
    return found


def _answer(found: MarketParticipant, *, status: int = 200) -> Reply:
    body = shown(found)
    location = f"/market-participants/{found.pk}" if status == 201 else ""
    return Reply(status=status, body=body, etag=hashed(body), location=location)


_PATH = "/market-participants/{participant}"
ROUTES = (
    Route(
        method="GET",
        path="/market-participants",
        answer=read_all,
        summary="The external market participants",
        replies={200: "ParticipantPage"},
        query=PAGE,
    ),
    Route(
        method="GET",
        path=_PATH,
        answer=read,
        summary="A market participant",
        replies={200: "Participant"},
        problems=(304, 404),
        writes=True,
    ),
    Route(
        method="PUT",
        path=_PATH,
        answer=put,
        summary="Make a market participant, or replace him",
        body="ParticipantBody",
        replies={200: "Participant", 201: "Participant"},
        guard=Guard.PUT,
        writes=True,
    ),
    Route(
        method="PATCH",
        path=_PATH,
        answer=patch,
        summary="Change a market participant",
        body="ParticipantPatch",
        media="application/merge-patch+json",
        replies={200: "Participant"},
        guard=Guard.MATCH,
        problems=(404,),
        writes=True,
    ),
    Route(
        method="DELETE",
        path=_PATH,
        answer=delete,
        summary="Delete a market participant whom nothing names",
        replies={204: None},
        guard=Guard.MATCH,
        problems=(404, 409),
        writes=True,
    ),
)
