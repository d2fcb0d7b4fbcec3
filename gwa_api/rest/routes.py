"""All routes of the API, in the order of rest-gwa.md 4."""

from gwa_api.rest import (
    administrator_change,
    alarms,
    certificates,
    consumers,
    device,
    firmware,
    keys,
    logs,
    meters,
    network,
    on_demand,
    operations,
    participants,
    profiles,
    proxies,
    self_tests,
    service_role,
    time,
    ways,
)
from gwa_api.rest.declaration import Call, Reply, Route
from gwa_api.rest.openapi import document

ROUTES = (
    *device.ROUTES,
    *network.ROUTES,
    *service_role.ROUTES,
    *time.ROUTES,
    *meters.ROUTES,
    *consumers.ROUTES,
    *participants.ROUTES,
    *ways.ROUTES,
    *profiles.ROUTES,
    *on_demand.ROUTES,
    *proxies.ROUTES,
    *certificates.ROUTES,
    *keys.ROUTES,
    *administrator_change.ROUTES,
    *logs.ROUTES,
    *self_tests.ROUTES,
    *firmware.ROUTES,
    *alarms.ROUTES,
    *operations.ROUTES,
)


def _document(_call: Call) -> Reply:
    return Reply(body=document(ALL))


DOCUMENT = Route(
    method="GET",
    path="/openapi.json",
    answer=_document,
    summary="This document",
    replies={200: "Document"},
)
ALL = (*ROUTES, DOCUMENT)
"""With the route of the document that describes them."""
