"""Proxy profiles of the CLS proxy, and connections that are ordered (R161)."""

from gwa_api.cls.orders import end_connection, order_connection
from gwa_api.models import ProxyConnection, ProxyProfile
from gwa_api.proxy_profiles import ProxySpec, delete_proxy_profile, save_proxy_profile
from gwa_api.rest.conditions import require_match, require_new
from gwa_api.rest.declaration import Call, Json, Reply, Route
from gwa_api.rest.merge import merged
from gwa_api.rest.paging import PAGE, page
from gwa_api.rest.problem import conflict, not_found
from gwa_api.rest.query import instant_of
from gwa_api.rest.refusals import certificate_problem
from gwa_api.rest.resource import (
    Handlers,
    Summaries,
    answer_of,
    locked,
    resource_routes,
    row_of,
)
from gwa_api.rest.shown import at_or_null
from hardware.certificate_path import CertificateRefused
from tariffs.profile_spec import ProfileInvalid

_ALL = "/proxy-profiles"
_PLAIN = (
    "cls_address",
    "wan_sni",
    "max_duration_s",
    "idle_timeout_s",
    "connect_timeout_s",
    "max_parallel",
)


def read_all(call: Call) -> Reply:
    """All proxy profiles."""
    return page(call, ProxyProfile.objects.all(), "id", shown)


def read(call: Call) -> Reply:
    """One proxy profile."""
    return _answer(_locked(call))


def put(call: Call) -> Reply:
    """Make a proxy profile, or replace it."""
    found = row_of(ProxyProfile, call.ids["profile"])
    is_new = require_new(call, str(found.version) if found else None)
    return _saved(call, call.body, status=201 if is_new else 200)


def patch(call: Call) -> Reply:
    """Change members of a proxy profile."""
    found = _locked(call)
    require_match(call, str(found.version))
    there = {k: v for k, v in shown(found).items() if k not in ("id", "version")}
    return _saved(call, merged("ProxyBody", there, call.body))


def delete(call: Call) -> Reply:
    """Delete a proxy profile: its connections end."""
    found = _locked(call)
    require_match(call, str(found.version))
    delete_proxy_profile(found.pk, now=call.now)
    return Reply(status=204)


def order(call: Call) -> Reply:
    """Order a connection between CLS and EMT (HKS4)."""
    _locked(call)
    try:
        made = order_connection(call.ids["profile"], now=call.now)
    except ProfileInvalid as error:
        messages = "; ".join(one.message for one in error.problems)
        raise conflict(messages) from None
    return Reply(status=202, body=_connection(made))


def read_connections(call: Call) -> Reply:
    """The connections that there were, are, or shall be."""
    _locked(call)
    rows = ProxyConnection.objects.filter(profile_id=call.ids["profile"])
    return page(call, rows, "pk", _connection)


def end(call: Call) -> Reply:
    """End a connection (20020)."""
    number = int(call.ids["connection"])
    rows = ProxyConnection.objects.filter(pk=number, profile_id=call.ids["profile"])
    if not rows.exists():
        raise not_found()
    if not end_connection(number):
        raise conflict("it has ended already")
    return Reply(status=204)


def shown(found: ProxyProfile) -> Json:
    """A proxy profile as answered; the CLS's certificate is in the store."""
    return {
        "id": found.pk,
        "version": found.version,
        "scenario": found.scenario,
        "consumer": found.consumer_id,
        "emt": found.emt_id,
        "local_server_name": found.local_server_name,
        "wan_addresses": found.wan_addresses,
        "valid_from": at_or_null(found.valid_from),
        "valid_to": at_or_null(found.valid_to),
        **{name: getattr(found, name) for name in _PLAIN},
    }


def _saved(call: Call, body: Json, *, status: int = 200) -> Reply:
    begin, end_ = body.get("valid_from"), body.get("valid_to")
    spec = ProxySpec(
        id=call.ids["profile"],
        scenario=body["scenario"],
        consumer=body["consumer"],
        emt=body["emt"],
        local_server_name=body["local_server_name"],
        wan_addresses=tuple(body["wan_addresses"]),
        cls_certificate=body.get("cls_certificate", "").encode(),
        valid_from=instant_of(begin) if begin else None,
        valid_to=instant_of(end_) if end_ else None,
        **{name: body[name] for name in _PLAIN if name in body},
    )
    try:
        saved = save_proxy_profile(call.gateway, spec, now=call.now)
    except CertificateRefused as refused:
        raise certificate_problem(refused, "cls_certificate") from None
    return _answer(saved, status=status)


def _locked(call: Call) -> ProxyProfile:
    return locked(ProxyProfile, call.ids["profile"])


def _answer(found: ProxyProfile, *, status: int = 200) -> Reply:
    return answer_of(_ALL, shown(found), etag=str(found.version), status=status)


def _connection(row: ProxyConnection) -> Json:
    return {
        "id": row.pk,
        "requested_at": at_or_null(row.requested_at),
        "opened_at": at_or_null(row.opened_at),
        "closed_at": at_or_null(row.closed_at),
        "ending": row.ending,
        "problem": row.problem,
    }


_PATH = f"{_ALL}/{{profile}}"
ROUTES = (
    *resource_routes(
        _ALL,
        "profile",
        "Proxy",
        Handlers(read_all, read, put, patch, delete),
        Summaries(
            "The proxy profiles",
            "A proxy profile",
            "Make a proxy profile, or replace it",
            "Change a proxy profile",
            "Delete a proxy profile",
        ),
    ),
    Route(
        method="GET",
        path=f"{_PATH}/connections",
        answer=read_connections,
        summary="The connections of a proxy profile",
        replies={200: "ConnectionPage"},
        query=PAGE,
        problems=(404,),
        writes=True,
    ),
    Route(
        method="POST",
        path=f"{_PATH}/connections",
        answer=order,
        summary="Order a connection (20018 when it is up)",
        replies={202: "Connection"},
        problems=(404, 409),
        writes=True,
        in_lockdown=False,
    ),
    Route(
        method="DELETE",
        path=f"{_PATH}/connections/{{connection}}",
        answer=end,
        summary="End a connection (20020)",
        replies={204: None},
        problems=(404, 409),
    ),
)
