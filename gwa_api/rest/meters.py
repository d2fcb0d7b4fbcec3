"""Meters and their profiles (Sensorprofile). Reading one is told its consumer."""

from typing import Any

from gwa_api.existing import Differences
from gwa_api.new_meter import make_meter
from gwa_api.rest.conditions import require_match, require_new
from gwa_api.rest.declaration import Call, Json, Reply
from gwa_api.rest.merge import merged
from gwa_api.rest.paging import page
from gwa_api.rest.problem import conflict, not_found
from gwa_api.rest.resource import (
    Handlers,
    Refusals,
    Summaries,
    answer_of,
    locked,
    resource_routes,
    row_of,
)
from gwa_api.rest.shown import at_or_null
from gwa_api.schemas import MeterEntry, meter_of
from hardware.device_id import canonical_meter_id
from meters import meter_changes
from meters.meter_changes import MeterChange, MeterInUse
from meters.models import Meter
from tariffs.gwa_selectors import read_meter
from tariffs.models import ProfileInput

_PATH = "/meters"
_FIXED = (
    "consumer",
    "medium",
    "source",
    "server_id",
    "registers",
    "security",
    "stick",
    "obis_rules",
)


def read_all(call: Call) -> Reply:
    """Ids, sources and versions; nobody is told of a list."""
    return page(call, Meter.objects.all(), "id", _line)


def read(call: Call) -> Reply:
    """One meter's profile (20030); no key, no reading."""
    found = read_meter(call.gateway, _id(call), now=call.now)
    if found is None:
        raise not_found()
    return _shown(Meter.objects.get(pk=found.id))


def put(call: Call) -> Reply:
    """Make a meter, or replace what may change of it."""
    id_ = _id(call)
    found = row_of(Meter, id_)
    is_new = require_new(call, str(found.version) if found else None)
    given = {k: v for k, v in call.body.items() if k != "is_active"}
    entry = meter_of({**given, "id": id_})
    if is_new:
        return _created(call, entry)
    assert found is not None
    return _changed(call, found, entry, call.body)


def patch(call: Call) -> Reply:
    """Change members of a meter's profile."""
    found = _locked(call)
    require_match(call, str(found.version))
    whole = merged("MeterBody", _whole(found), call.body)
    given = {k: v for k, v in whole.items() if k != "is_active"}
    return _changed(call, found, meter_of({**given, "id": found.pk}), whole)


def delete(call: Call) -> Reply:
    """Delete a meter that has neither values nor profiles."""
    found = _locked(call)
    require_match(call, str(found.version))
    if ProfileInput.objects.filter(meter=found).exists():
        raise conflict("a profile reads it")
    try:
        meter_changes.delete_meter(found.pk)
    except MeterInUse as error:
        raise conflict(str(error)) from None
    return Reply(status=204)


def _id(call: Call) -> str:
    try:
        return canonical_meter_id(call.ids["meter"])
    except ValueError:
        raise not_found() from None


def _locked(call: Call) -> Meter:
    return locked(Meter, _id(call))


def _created(call: Call, entry: MeterEntry) -> Reply:
    made = make_meter(call.gateway, entry, now=call.now)
    if call.body.get("is_active") is False:
        Meter.objects.filter(pk=made.pk).update(is_active=False)
        made.is_active = False
    return _shown(made, status=201)


def _changed(call: Call, found: Meter, entry: MeterEntry, body: Json) -> Reply:
    _refuse_fixed(call, entry, body)
    key = bytes.fromhex(entry.master_key) if entry.master_key else None
    change = MeterChange(
        name=entry.name,
        port=entry.port,
        baudrate=entry.baudrate or found.baudrate,
        allow_unsecured_billing=entry.allow_unsecured_billing,
        is_active=body.get("is_active", True),
        max_register_value=entry.max_register_value,
        master_key=key,
    )
    return _shown(
        meter_changes.change_meter(call.gateway, found.pk, change, now=call.now)
    )


def _refuse_fixed(call: Call, entry: MeterEntry, body: Json) -> None:
    differing = Differences(call.gateway, call.now).meter(entry) or []
    for name in _FIXED:
        if name in body and name in differing:
            raise conflict(f"{name} does not change; make another meter")


def _whole(found: Meter) -> Json:
    """What a PUT would say to leave it as it is; without its key."""
    whole: dict[str, Any] = {
        "consumer": found.consumer_id,
        "name": found.name,
        "medium": found.medium,
        "source": found.source,
        "port": found.port,
        "baudrate": found.baudrate,
        "server_id": found.server_id,
        "allow_unsecured_billing": found.allow_unsecured_billing,
        "security": found.security,
        "is_active": found.is_active,
    }
    maybe = {"stick": found.stick, "max_register_value": found.max_register_value}
    return {**whole, **{k: v for k, v in maybe.items() if v}}


def _shown(found: Meter, *, status: int = 200) -> Reply:
    body = {
        **{k: v for k, v in _whole(found).items() if k != "stick"},
        "id": found.pk,
        "registers": list(found.registers),
        "max_register_value": found.max_register_value,
        "valid_from": at_or_null(found.valid_from),
        "version": found.version,
    }
    return answer_of(_PATH, body, etag=str(found.version), status=status)


def _line(found: Meter) -> Json:
    return {
        "id": found.pk,
        "source": found.source,
        "is_active": found.is_active,
        "version": found.version,
    }


ROUTES = resource_routes(
    _PATH,
    "meter",
    "Meter",
    Handlers(read_all, read, put, patch, delete),
    Summaries(
        "The meters",
        "A meter's profile; its consumer is told (20030)",
        "Make a meter, or replace what may change of it",
        "Change a meter's profile",
        "Delete a meter that never had a value",
    ),
    refusals=Refusals(put=(404, 409), patch=(404, 409), delete=(404, 409)),
    read_locks=False,
)
