"""The device: what it is, how it stands, out of the lock-down, a new start."""

from dataclasses import asdict
from typing import Any

from gwa_api.models import Operation
from gwa_api.rest import operations
from gwa_api.rest.declaration import Call, Json, Reply, Route
from gwa_api.rest.problem import conflict
from gwa_api.rest.shown import at, at_or_null
from hardware import last_run
from logbooks import device_state, lockdown, storage
from logbooks.certificate_store import Holder, State
from logbooks.models import Certificate
from logbooks.self_test import Actor


def health(call: Call) -> Reply:
    """It answers."""
    return Reply(body={"status": "ok"})


def read(call: Call) -> Reply:
    """Id, versions, state, lights, storage, certificates."""
    gateway, row = call.gateway, device_state.current()
    module = gateway.security_module.state()
    return Reply(
        body={
            "huid": gateway.huid,
            "hardware_version": str(gateway.hardware),
            "firmware_version": gateway.firmware_version,
            "uptime_s": call.facts["uptime_s"](),
            "time": at(call.now),
            "lockdown": {
                "mode": str(row.mode),
                "codes": row.codes,
                "since": at_or_null(row.since),
            },
            "values_for_billing": not device_state.setting_in(row).marks_values,
            "leds": {k: str(v) for k, v in asdict(call.facts["leds"]()).items()},
            "storage": _storage(call),
            "key_bank": module.active_bank,
            "life_cycle": str(module.life_cycle),
            "certificates": [_certificate(one) for one in _own()],
        }
    )


def _storage(call: Call) -> Json:
    found = storage.measured(call.gateway)
    return {
        "used_bytes": found.used,
        "quota_bytes": found.quota,
        "free_percent": found.free * 100 // found.quota if found.quota else 0,
        "days_left": storage.forecast(found, now=call.now),
    }


def _own() -> Any:
    return Certificate.objects.filter(holder=Holder.SMGW, state=State.ACTIVE).order_by(
        "kind", "fingerprint"
    )


def _certificate(entry: Certificate) -> Json:
    return {
        "id": entry.fingerprint,
        "kind": entry.kind,
        "stage": entry.stage,
        "not_after": at(entry.not_after),
    }


def release_lockdown(call: Call) -> Reply:
    """Run the self-test, then leave the soft lock-down."""
    ended = lockdown.release(call.gateway, now=call.now, by=Actor.GWA)
    if ended is None:
        raise conflict("the device is not locked down")
    body = {
        "mode": str(device_state.current().mode),
        "codes": list(ended.codes),
        "since": at_or_null(ended.since),
    }
    return Reply(body=body)


def restart(call: Call) -> Reply:
    """End everything in order and start anew."""
    last_run.request_restart(call.gateway.state)
    return operations.accepted(Operation.Kind.RESTART, now=call.now)


def mark_seal_damaged(call: Call) -> Reply:
    """From now on values are not for billing (R169)."""
    if not lockdown.mark_seal_damaged(call.gateway, now=call.now):
        raise conflict("that is known already")
    return Reply(status=204)


def confirm_integrity(call: Call) -> Reply:
    """The seal is whole again; runs the self-test."""
    if not lockdown.confirm_integrity(call.gateway, now=call.now, by=Actor.GWA):
        raise conflict("nothing was marked")
    return Reply(status=204)


ROUTES = (
    Route(
        method="GET",
        path="/healthz",
        answer=health,
        summary="Whether the interface answers",
        replies={200: "Health"},
    ),
    Route(
        method="GET",
        path="/device",
        answer=read,
        summary="The device: id, versions, state, lights, storage, certificates",
        replies={200: "Device"},
    ),
    Route(
        method="POST",
        path="/device/lockdown-release",
        answer=release_lockdown,
        summary="Leave the soft lock-down when its cause is gone",
        replies={200: "Released"},
        problems=(409,),
    ),
    Route(
        method="POST",
        path="/device/restart",
        answer=restart,
        summary="Start the gateway anew",
        replies={202: "Operation"},
    ),
    Route(
        method="POST",
        path="/device/seal-damaged",
        answer=mark_seal_damaged,
        summary="Note that the seal is damaged: values are not for billing",
        replies={204: None},
        problems=(409,),
    ),
    Route(
        method="POST",
        path="/device/integrity-confirmation",
        answer=confirm_integrity,
        summary="Values are for billing again, after the self-test",
        replies={204: None},
        problems=(409,),
    ),
)
