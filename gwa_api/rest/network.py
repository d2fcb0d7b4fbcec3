"""The network of the HAN interface: changed on trial, with automatic return (R111)."""

from gwa_api import han_network
from gwa_api.han_network import Network, NotChanged
from gwa_api.models import HanNetwork
from gwa_api.rest.conditions import require_match
from gwa_api.rest.declaration import Call, Guard, Reply, Route
from gwa_api.rest.problem import conflict
from gwa_api.rest.shown import at_or_null


def read(call: Call) -> Reply:
    """Addresses, names, and until when a change is on trial."""
    return _answer(han_network.current())


def put(call: Call) -> Reply:
    """Change it; the old state returns unless the GWA comes over a new connection."""
    require_match(call, str(han_network.current().version))
    wanted = Network(
        addresses=call.body.get("addresses", []),
        host_names=call.body.get("host_names", []),
        dhcp=call.body["dhcp"],
    )
    try:
        changed = han_network.change(
            call.gateway, wanted, over=call.connection, now=call.now
        )
    except NotChanged as error:
        raise conflict(str(error)) from None
    return _answer(changed)


def _answer(row: HanNetwork) -> Reply:
    body = {
        "addresses": row.addresses,
        "host_names": row.host_names,
        "dhcp": row.dhcp,
        "returns_at": at_or_null(row.returns_at),
        "version": row.version,
    }
    return Reply(body=body, etag=str(row.version))


ROUTES = (
    Route(
        method="GET",
        path="/network/han",
        answer=read,
        summary="The network of the HAN interface",
        replies={200: "HanNetwork"},
        problems=(304,),
    ),
    Route(
        method="PUT",
        path="/network/han",
        answer=put,
        summary="Change it on trial: after 120 s without a new connection of the GWA "
        "the old state returns",
        body="HanNetworkBody",
        replies={200: "HanNetwork"},
        guard=Guard.MATCH,
        problems=(409,),
        writes=True,
    ),
)
