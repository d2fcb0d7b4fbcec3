"""External market participants (EMT): who may receive values."""

from gwa_api.rest.conditions import hashed, require_match, require_new
from gwa_api.rest.declaration import Call, Json, Reply
from gwa_api.rest.merge import merged
from gwa_api.rest.paging import page
from gwa_api.rest.problem import conflict
from gwa_api.rest.resource import (
    Handlers,
    Refusals,
    Summaries,
    answer_of,
    locked,
    resource_routes,
    row_of,
)
from tariffs.models import EvaluationProfile, MarketParticipant
from tariffs.participants import change_participant, create_participant

_PATH = "/market-participants"


def read_all(call: Call) -> Reply:
    """All participants."""
    return page(call, MarketParticipant.objects.all(), "id", shown)


def read(call: Call) -> Reply:
    """One participant."""
    return _answer(_locked(call))


def put(call: Call) -> Reply:
    """Make a participant, or replace him."""
    id_ = call.ids["participant"]
    found = row_of(MarketParticipant, id_)
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
    return locked(MarketParticipant, call.ids["participant"])


def _answer(found: MarketParticipant, *, status: int = 200) -> Reply:
    body = shown(found)
    return answer_of(_PATH, body, etag=hashed(body), status=status)


ROUTES = resource_routes(
    _PATH,
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
    refusals=Refusals(delete=(404, 409)),
)
