"""Evaluation profiles, and what is sent of them."""

from gwa_api.rest.profile_shapes import PROFILE, PROFILE_LINE
from gwa_api.rest.shapes import (
    AT,
    CODE,
    ID,
    UUID,
    Schema,
    many,
    one_of,
    or_null,
    page_of,
    patch_of,
    ref,
    text,
    thing,
    whole,
)
from tariffs.models import OnDemandDelivery, OutboxRow

DELIVERIES: dict[str, Schema] = {
    "ProfileBody": thing("taf inputs", **PROFILE),
    "ProfilePatch": patch_of(PROFILE),
    "Profile": thing(
        "id taf state version inputs consumer valid_from valid_to",
        **{**PROFILE, **PROFILE_LINE},
    ),
    "ProfileLine": thing("*", **PROFILE_LINE),
    "ProfilePage": page_of("ProfileLine"),
    "ProfileEnd": thing("at", at=AT),
    "Version": thing(
        "*",
        version=whole(1),
        made_at=AT,
        made_by=text(16),
        profile=thing("taf inputs consumer", **PROFILE),
    ),
    "VersionList": thing("*", items=many(ref("Version"), 10_000)),
    "Delivery": thing(
        "*",
        id=UUID,
        kind=one_of(OutboxRow.Kind),
        count=whole(),
        sha256=text(64, 0),
        recipient=ID,
        state=one_of(OutboxRow.State),
        attempts=whole(),
        next_attempt_at=AT,
        last_error=text(200, 0),
        acknowledged_at=or_null(AT),
        **{"from": AT, "to": AT},
    ),
    "DeliveryPage": page_of("Delivery"),
    "OnDemandBody": thing(
        "evaluation_profile recipient",
        evaluation_profile=ID,
        recipient=ID,
        day={"type": "string", "format": "date"},
        reason=one_of(OnDemandDelivery.Reason),
    ),
    "OnDemand": thing(
        "*",
        id=UUID,
        evaluation_profile=ID,
        recipient=ID,
        day=or_null({"type": "string", "format": "date"}),
        reason=one_of(OnDemandDelivery.Reason),
        state=one_of(OnDemandDelivery.State),
        requested_at=AT,
        fault_code=or_null(CODE),
    ),
}
