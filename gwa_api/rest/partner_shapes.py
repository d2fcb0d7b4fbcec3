"""Market participants, the ways to them, and the CLS proxy."""

from gwa_api.models import CommunicationProfile
from gwa_api.rest.shapes import (
    AT,
    FLAG,
    HOST_PORT,
    ID,
    PEM,
    Schema,
    many,
    one_of,
    or_null,
    page_of,
    patch_of,
    shown_of,
    text,
    thing,
    whole,
)
from hardware.cms_suite import EnvelopeSuite

_PARTICIPANT = {"name": text()}
_WAY: dict[str, Schema] = {
    "participant": or_null(ID),
    "addresses": many(HOST_PORT, 8, 1),
    "management_addresses": many(HOST_PORT, 8),
    "path": text(200),
    "sni": text(253, 0),
    "route": one_of(CommunicationProfile.Route),
    "suite": one_of(EnvelopeSuite.__members__),
    "compressed": FLAG,
}
_PROXY: dict[str, Schema] = {
    "scenario": one_of(("HKS3", "HKS4", "HKS5")),
    "consumer": ID,
    "emt": ID,
    "local_server_name": text(63),
    "cls_certificate": {**PEM, "writeOnly": True},
    "cls_address": text(80, 0),
    "wan_addresses": many(HOST_PORT, 8, 1),
    "wan_sni": text(253, 0),
    "valid_from": or_null(AT),
    "valid_to": or_null(AT),
    "max_duration_s": whole(1, 172_800),
    "idle_timeout_s": whole(1, 172_800),
    "connect_timeout_s": whole(1, 300),
    "max_parallel": whole(1, 64),
}

PARTNERS: dict[str, Schema] = {
    "ParticipantBody": thing(**_PARTICIPANT),
    "ParticipantPatch": patch_of(_PARTICIPANT),
    "Participant": thing("*", id=ID, **_PARTICIPANT),
    "ParticipantPage": page_of("Participant"),
    "WayBody": thing("addresses", **_WAY),
    "WayPatch": patch_of(_WAY),
    "Way": thing("*", id=ID, version=whole(1), **_WAY),
    "WayPage": page_of("Way"),
    "ProxyBody": thing(
        "scenario consumer emt local_server_name wan_addresses", **_PROXY
    ),
    "ProxyPatch": patch_of(_PROXY),
    "Proxy": shown_of(_PROXY, id=ID, version=whole(1)),
    "ProxyPage": page_of("Proxy"),
    "Connection": thing(
        "*",
        id=whole(1),
        requested_at=or_null(AT),
        opened_at=or_null(AT),
        closed_at=or_null(AT),
        ending=FLAG,
        problem=text(64, 0),
    ),
    "ConnectionPage": page_of("Connection"),
}
