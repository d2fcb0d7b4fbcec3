"""Long actions: what was accepted, and what became of it.

An operation carries nothing out. Its state follows from the row or file that the
worker looks at; only the check of the calibration log goes on while somebody asks.
"""

import re
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from gwa_api.models import Operation
from gwa_api.rest.declaration import PREFIX, Call, Json, Parameter, Reply, Route
from gwa_api.rest.paging import PAGE, page
from gwa_api.rest.problem import not_found
from gwa_api.rest.shapes import one_of
from gwa_api.rest.shown import at
from hardware import last_run
from hardware.gateway import Gateway
from logbooks import list_check
from logbooks.models import FirmwarePackage, SelfTestRun, TimeState
from logbooks.services import CALIBRATION_CHAIN

LONGEST_WAIT_S = 20
KEPT = timedelta(days=30)
_LOOK_AGAIN_S = 0.25
_SLICE_S = 1.0
_WAIT = re.compile(r"wait=([0-9]{1,3})")
_State = Operation.State
_OVER = (_State.SUCCEEDED, _State.FAILED)
_RESOURCES = {
    Operation.Kind.SELF_TEST: "/selftests/{}",
    Operation.Kind.FIRMWARE: "/firmware/packages/{}",
}


def accepted(kind: Operation.Kind, subject: str = "", *, now: datetime) -> Reply:
    """202 with a new operation."""
    Operation.objects.filter(created_at__lt=now - KEPT).delete()
    made = Operation.objects.create(
        kind=kind,
        subject=subject,
        created_at=now,
        updated_at=now,
    )
    return Reply(status=202, body=shown(made), location=f"/operations/{made.name}")


def finish(name: str, result: Json, *, now: datetime) -> None:
    """Note the result of an action that was carried out at once."""
    Operation.objects.filter(name=name).update(
        state=_State.SUCCEEDED, result=result, updated_at=now
    )


def shown(operation: Operation) -> Json:
    """An operation as answered."""
    path = _RESOURCES.get(Operation.Kind(operation.kind))
    return {
        "id": str(operation.name),
        "kind": operation.kind,
        "state": operation.state,
        "created": at(operation.created_at),
        "updated": at(operation.updated_at),
        "resource": PREFIX + path.format(operation.subject) if path else None,
        "result": operation.result,
        "problem": operation.problem,
    }


def read_all(call: Call) -> Reply:
    """All that were accepted within 30 days."""
    rows = Operation.objects.all()
    if "state" in call.query:
        rows = rows.filter(state=call.query["state"])
    return page(call, rows, "pk", shown)


def read(call: Call) -> Reply:
    """One operation; `Prefer: wait=20` holds the answer until it is over."""
    deadline = time.monotonic() + wished_wait_s(call.headers)
    while True:
        operation = _found(call.ids["operation"])
        if operation.state not in _OVER:
            settle(call.gateway, operation, now=call.gateway.clock.now())
        if operation.state in _OVER or time.monotonic() >= deadline:
            return Reply(body=shown(operation))
        time.sleep(_LOOK_AGAIN_S)


def wished_wait_s(headers: Mapping[str, str]) -> int:
    """How long a request may be held (RFC 7240), 20 seconds at most."""
    match = _WAIT.search(headers.get("prefer", ""))
    return min(int(match[1]), LONGEST_WAIT_S) if match else 0


def settle(gateway: Gateway, operation: Operation, *, now: datetime) -> None:
    """Bring the state up to date with what carries it out."""
    look = _LOOKS.get(Operation.Kind(operation.kind))
    if look is None:
        return
    before = operation.state
    look(gateway, operation)
    if operation.state != before or operation.progress:
        operation.updated_at = now
        operation.save()


def _found(name: str) -> Operation:
    try:
        found = Operation.objects.filter(name=uuid.UUID(name)).first()
    except ValueError:
        found = None
    if found is None:
        raise not_found()
    return found


def _failed(operation: Operation, detail: str, code: int | None = None) -> None:
    operation.state = _State.FAILED
    operation.problem = {"detail": detail, "fault_code": code}


def _succeeded(operation: Operation, result: Json) -> None:
    operation.state, operation.result = _State.SUCCEEDED, result


def _self_test(_gateway: Gateway, operation: Operation) -> None:
    run = SelfTestRun.objects.filter(pk=operation.subject).first()
    if run is None or (run.ended_at and run.codes):
        codes = run.codes if run else []
        _failed(operation, "faults were found", codes[0] if codes else None)
    elif run.ended_at:
        _succeeded(operation, {})
    else:
        operation.state = _State.RUNNING


def _restart(gateway: Gateway, operation: Operation) -> None:
    if last_run.restart_is_requested(gateway.state):
        operation.state = _State.RUNNING
    else:
        _succeeded(operation, {})


def _time(_gateway: Gateway, operation: Operation) -> None:
    state = TimeState.objects.first()
    if state is None:
        _failed(operation, "the time service was taken away")
    elif state.last_success_at and state.last_success_at >= operation.created_at:
        _succeeded(operation, {"offset_us": state.last_offset_us})
    elif state.next_poll_at > operation.created_at:
        _failed(operation, "no time could be had", state.last_fault)
    else:
        operation.state = _State.RUNNING


def _firmware(_gateway: Gateway, operation: Operation) -> None:
    row = FirmwarePackage.objects.filter(pk=operation.subject).first()
    state = row.state if row else FirmwarePackage.State.REFUSED
    if row is None or state == FirmwarePackage.State.REFUSED:
        _failed(operation, row.reason if row else "gone", row.fault if row else None)
    elif state in (FirmwarePackage.State.ACTIVE, FirmwarePackage.State.REPLACED):
        _succeeded(operation, {"version": row.version})
    elif state == FirmwarePackage.State.TRIAL:
        operation.state = _State.RUNNING


def _calibration_log(gateway: Gateway, operation: Operation) -> None:
    """A slice of the check with each look."""
    progress: Json = operation.progress or {"chain": CALIBRATION_CHAIN}
    position = {k: v for k, v in progress.items() if k not in ("codes", "rows")}
    found = list_check.check_slice(gateway, position, limit_s=_SLICE_S)
    codes = sorted({*progress.get("codes", []), *(f.code for f in found.faults)})
    rows = progress.get("rows", 0) + found.rows
    operation.progress = {**found.position, "codes": codes, "rows": rows}
    operation.state = _State.RUNNING
    if found.position.get("done") or found.is_end:
        result = {"entries": rows, "codes": codes}
        _succeeded(operation, result)
        if codes:
            _failed(operation, "the log is not what it was", codes[0])


_LOOKS: Mapping[Operation.Kind, Callable[[Gateway, Operation], None]] = {
    Operation.Kind.SELF_TEST: _self_test,
    Operation.Kind.RESTART: _restart,
    Operation.Kind.TIME: _time,
    Operation.Kind.FIRMWARE: _firmware,
    Operation.Kind.CALIBRATION_LOG: _calibration_log,
}

ROUTES = (
    Route(
        method="GET",
        path="/operations",
        answer=read_all,
        summary="Long actions",
        replies={200: "OperationPage"},
        query=(*PAGE, Parameter("state", one_of(Operation.State), "a state")),
    ),
    Route(
        method="GET",
        path="/operations/{operation}",
        answer=read,
        summary="One long action; Prefer: wait=20 holds the answer",
        replies={200: "Operation"},
        problems=(404,),
    ),
)
