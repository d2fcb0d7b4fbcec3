"""The change of the administrator: announce, look at, cancel (R90)."""

from gwa_api import administrator
from gwa_api.models import AdministratorChange
from gwa_api.rest.declaration import Call, Json, Reply, Route
from gwa_api.rest.shown import at_or_null


def read(call: Call) -> Reply:
    """The last change, whatever became of it."""
    return Reply(body=shown(AdministratorChange.objects.order_by("-pk").first()))


def announce(call: Call) -> Reply:
    """Announce the next GWA with the certificate that he will come with."""
    made = administrator.announce(
        call.gateway,
        call.body["certificate"].encode(),
        call.body["holder_id"],
        now=call.now,
    )
    return Reply(status=201, body=shown(made))


def cancel(call: Call) -> Reply:
    """Cancel the announced change (700034)."""
    return Reply(body=shown(administrator.cancel(call.gateway, now=call.now)))


def shown(change: AdministratorChange | None) -> Json:
    """A change as answered."""
    state = "none"
    if change is not None:
        state = "announced"
        if change.cancelled_at:
            state = "cancelled"
        elif change.completed_at:
            state = "complete"
    ended = (change.completed_at or change.cancelled_at) if change else None
    return {
        "state": state,
        "holder_id": change.holder_id if change else None,
        "certificate": change.fingerprint if change else None,
        "announced_at": at_or_null(change.announced_at) if change else None,
        "ended_at": at_or_null(ended),
    }


_PATH = "/administrator-change"
ROUTES = (
    Route(
        method="GET",
        path=_PATH,
        answer=read,
        summary="How the change of the administrator stands",
        replies={200: "Change"},
    ),
    Route(
        method="POST",
        path=_PATH,
        answer=announce,
        summary="Announce the next administrator; his first request completes it",
        body="ChangeBody",
        replies={201: "Change"},
        problems=(409,),
        writes=True,
    ),
    Route(
        method="DELETE",
        path=_PATH,
        answer=cancel,
        summary="Cancel the announced change (700034)",
        replies={200: "Change"},
        problems=(409,),
        writes=True,
    ),
)
