"""Readings on demand (TAF6, TAF9, TAF10): ordered here, sent to the recipient."""

import uuid
from datetime import date

from gwa_api.rest.declaration import Call, Json, Reply, Route
from gwa_api.rest.problem import ApiProblem, not_found
from gwa_api.rest.shown import at
from tariffs import on_demand
from tariffs.models import EvaluationProfile, MarketParticipant, OnDemandDelivery
from tariffs.problem import Problem

_REFERENCES = {
    "evaluation_profile": EvaluationProfile,
    "recipient": MarketParticipant,
}


def order(call: Call) -> Reply:
    """Send a recipient of a profile what he asks for (16004)."""
    _refuse_unknown(call.body)
    day = call.body.get("day")
    made = on_demand.request(
        call.gateway,
        call.body["evaluation_profile"],
        recipient=call.body["recipient"],
        now=call.now,
        day=date.fromisoformat(day) if day else None,
        reason=call.body.get("reason", OnDemandDelivery.Reason.OTHER),
    )
    return Reply(
        status=202, body=shown(made), location=f"/on-demand-deliveries/{made.pk}"
    )


def read(call: Call) -> Reply:
    """What became of an order."""
    try:
        key = uuid.UUID(call.ids["delivery"])
    except ValueError:
        raise not_found() from None
    found = OnDemandDelivery.objects.filter(pk=key).first()
    if found is None:
        raise not_found()
    return Reply(body=shown(found))


def shown(delivery: OnDemandDelivery) -> Json:
    """An order as answered."""
    return {
        "id": str(delivery.pk),
        "evaluation_profile": delivery.profile_id,
        "recipient": delivery.recipient_id,
        "day": delivery.day.isoformat() if delivery.day else None,
        "reason": delivery.reason,
        "state": delivery.state,
        "requested_at": at(delivery.requested_at),
        "fault_code": delivery.fault or None,
    }


def _refuse_unknown(body: Json) -> None:
    """Names that do not exist are a matter of the content, not of a state."""
    problems = [
        Problem(f"/{name}", "does not exist")
        for name, model in _REFERENCES.items()
        if not model._default_manager.filter(pk=body[name]).exists()
    ]
    if problems:
        raise ApiProblem("unknown-reference", problems=tuple(problems))


ROUTES = (
    Route(
        method="POST",
        path="/on-demand-deliveries",
        answer=order,
        summary="Order a reading on demand (16004)",
        body="OnDemandBody",
        replies={202: "OnDemand"},
        problems=(404, 409),
        in_lockdown=False,
    ),
    Route(
        method="GET",
        path="/on-demand-deliveries/{delivery}",
        answer=read,
        summary="What became of an order",
        replies={200: "OnDemand"},
        problems=(404,),
    ),
)
