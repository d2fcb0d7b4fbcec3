"""Communication profiles: how partners are reached over the WAN (20003)."""

from gwa_api.communication_profiles import WaySpec, delete_way, save_way
from gwa_api.models import CommunicationProfile
from gwa_api.rest.conditions import require_match, require_new
from gwa_api.rest.declaration import Call, Json, Reply
from gwa_api.rest.merge import merged
from gwa_api.rest.paging import page
from gwa_api.rest.resource import (
    Handlers,
    Summaries,
    answer_of,
    locked,
    resource_routes,
    row_of,
)

_PATH = "/communication-profiles"
_OPTIONAL = ("path", "sni", "route", "suite", "compressed")


def read_all(call: Call) -> Reply:
    """All ways."""
    return page(call, CommunicationProfile.objects.all(), "id", shown)


def read(call: Call) -> Reply:
    """One way."""
    return _answer(_locked(call))


def put(call: Call) -> Reply:
    """Make a way to a partner, or replace it."""
    found = row_of(CommunicationProfile, call.ids["profile"])
    is_new = require_new(call, str(found.version) if found else None)
    return _saved(call, call.body, status=201 if is_new else 200)


def patch(call: Call) -> Reply:
    """Change members of a way."""
    found = _locked(call)
    require_match(call, str(found.version))
    there = {k: v for k, v in shown(found).items() if k not in ("id", "version")}
    return _saved(call, merged("WayBody", there, call.body))


def delete(call: Call) -> Reply:
    """Delete a way: its partner gets nothing any more."""
    require_match(call, str(_locked(call).version))
    delete_way(call.ids["profile"])
    return Reply(status=204)


def shown(found: CommunicationProfile) -> Json:
    """A way as answered."""
    return {
        "id": found.pk,
        "version": found.version,
        "participant": found.participant_id,
        "addresses": found.addresses,
        "management_addresses": found.management_addresses,
        **{name: getattr(found, name) for name in _OPTIONAL},
    }


def _saved(call: Call, body: Json, *, status: int = 200) -> Reply:
    spec = WaySpec(
        id=call.ids["profile"],
        addresses=tuple(body["addresses"]),
        participant=body.get("participant") or "",
        management_addresses=tuple(body.get("management_addresses", ())),
        **{name: body[name] for name in _OPTIONAL if name in body},
    )
    return _answer(save_way(call.gateway, spec, now=call.now), status=status)


def _locked(call: Call) -> CommunicationProfile:
    return locked(CommunicationProfile, call.ids["profile"])


def _answer(found: CommunicationProfile, *, status: int = 200) -> Reply:
    return answer_of(_PATH, shown(found), etag=str(found.version), status=status)


ROUTES = resource_routes(
    _PATH,
    "profile",
    "Way",
    Handlers(read_all, read, put, patch, delete),
    Summaries(
        "The ways to partners",
        "The way to a partner; without participant it is the GWA",
        "Make the way to a partner, or replace it (20003)",
        "Change the way to a partner (20003)",
        "Delete the way to a partner",
    ),
)
