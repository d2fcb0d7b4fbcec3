"""The service role at the technician's port: which one is active (R109)."""

from gwa_api.rest.conditions import require_match
from gwa_api.rest.declaration import Call, Guard, Json, Reply, Route
from gwa_api.rest.problem import conflict
from logbooks.services import log_service_change
from meters.models import Account
from meters.service_roles import (
    GERMAN_ROLES,
    SERVICE_ROLES,
    ServiceRoleInvalid,
    activate_service_role,
    active_service_roles,
)

WHO = "Gateway-Administrator"


def read(_call: Call) -> Reply:
    """The active role, and how many of each could come in."""
    return _answer()


def put(call: Call) -> Reply:
    """Open one role, close the other in the same step."""
    require_match(call, _version())
    role = Account.Role(call.body["active"])
    try:
        activate_service_role(role)
    except ServiceRoleInvalid as error:
        raise conflict(str(error)) from None
    change = f"{GERMAN_ROLES[role]} aktiv"
    log_service_change(call.gateway, WHO, change, now=call.now)
    return _answer()


def _answer() -> Reply:
    active = active_service_roles()
    body: Json = {
        "active": active[0] if len(active) == 1 else None,
        **{role.value: _holders(role) for role in SERVICE_ROLES},
    }
    return Reply(body=body, etag=_version())


def _version() -> str:
    """What a change goes by: the active role; both only while they are inconsistent."""
    return "-".join(active_service_roles()) or "none"


def _holders(role: Account.Role) -> Json:
    accounts = Account.objects.filter(role=role)
    with_certificate = accounts.exclude(certificate="").count()
    return {"accounts": accounts.count(), "with_certificate": with_certificate}


ROUTES = (
    Route(
        method="GET",
        path="/service-role",
        answer=read,
        summary="The active service role at the technician's port",
        replies={200: "ServiceRole"},
        problems=(304,),
    ),
    Route(
        method="PUT",
        path="/service-role",
        answer=put,
        summary="Open first configurator or technician, close the other (R109)",
        body="ServiceRoleBody",
        replies={200: "ServiceRole"},
        guard=Guard.MATCH,
        problems=(409,),
        writes=True,
    ),
)
