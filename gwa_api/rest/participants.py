"""External market participants (EMT): who may receive values."""

from gwa_api.rest.conditions import hashed, require_match, require_new
from gwa_api.rest.declaration import Call, Json, Reply
from gwa_api.rest.merge import merged
from gwa_api.rest.paging import page
from gwa_api.rest.problem import conflict, not_found
from gwa_api.rest.resource import Handlers, Summaries, resource_routes
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


ROUTES = resource_routes(
    "/market-participants",
    "participant",
    "Participant",
    Handlers(read_all, read, put, patch, delete),
    Summaries(
        "The external market participants",
        "A market participant",
        "Make a market participant, or replace him",
        "Change a market participant",
        "Delete a market participant whom nothing names",
    ),
    delete_problems=(404, 409),
)
