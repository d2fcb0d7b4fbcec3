"""Alarms: the notifications that wait for the administrator (R162)."""

from gwa_api.rest.declaration import Call, Json, Parameter, Reply, Route
from gwa_api.rest.paging import PAGE, page
from gwa_api.rest.problem import conflict, not_found
from gwa_api.rest.shapes import one_of
from gwa_api.rest.shown import at, at_or_null
from logbooks.alarms import acknowledge_alarm
from logbooks.models import Alarm

_STATES = ("open", "over", "unacknowledged")


def read_all(call: Call) -> Reply:
    """Alarms that stand and those that are over, oldest first."""
    rows = Alarm.objects.all()
    match call.query.get("state"):
        case "open":
            rows = rows.filter(cleared_at=None)
        case "over":
            rows = rows.exclude(cleared_at=None)
        case "unacknowledged":
            rows = rows.filter(acknowledged_at=None)
    return page(call, rows, "pk", shown)


def acknowledge(call: Call) -> Reply:
    """Note that the administrator has seen an alarm."""
    number = int(call.ids["alarm"])
    if not acknowledge_alarm(number, now=call.now):
        if not Alarm.objects.filter(pk=number).exists():
            raise not_found()
        raise conflict("it was acknowledged before")
    return Reply(body=shown(Alarm.objects.get(pk=number)))


def shown(alarm: Alarm) -> Json:
    """An alarm as answered."""
    return {
        "id": alarm.pk,
        "kind": alarm.kind,
        "subject": alarm.subject,
        "code": alarm.code,
        "since": at(alarm.since),
        "last_at": at(alarm.last_at),
        "count": alarm.count,
        "cleared_at": at_or_null(alarm.cleared_at),
        "acknowledged_at": at_or_null(alarm.acknowledged_at),
    }


ROUTES = (
    Route(
        method="GET",
        path="/alarms",
        answer=read_all,
        summary="Pending notifications",
        replies={200: "AlarmPage"},
        query=(*PAGE, Parameter("state", one_of(_STATES), "open, over, ...")),
    ),
    Route(
        method="POST",
        path="/alarms/{alarm}/ack",
        answer=acknowledge,
        summary="Acknowledge a notification",
        replies={200: "Alarm"},
        problems=(404, 409),
    ),
)
