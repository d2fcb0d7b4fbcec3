"""The time of the gateway and its time service (R155-R158)."""

from gwa_api.models import Operation
from gwa_api.rest import operations
from gwa_api.rest.declaration import Call, Reply, Route
from gwa_api.rest.problem import conflict
from gwa_api.rest.shown import at, at_or_null
from hardware.time_file import TIME_FILE, TimeFile
from logbooks import time_service
from logbooks.models import TimeState


def read(call: Call) -> Reply:
    """How the time stands."""
    state = TimeState.objects.first()
    setting = TimeFile(call.gateway.state / TIME_FILE).read()
    return Reply(
        body={
            "now": at(call.now),
            "valid": call.gateway.clock.is_valid,
            "source": setting.source,
            "server": f"{state.host}:{state.port}" if state else None,
            "last_success_at": at_or_null(state.last_success_at) if state else None,
            "last_offset_us": state.last_offset_us if state else None,
            "next_poll_at": at_or_null(state.next_poll_at) if state else None,
            "failures": state.failures if state else 0,
            "last_fault": state.last_fault if state else None,
        }
    )


def synchronise(call: Call) -> Reply:
    """Ask the time server at the next opportunity, within a minute."""
    if call.body.get("accept_any_difference"):
        try:
            time_service.accept_next_time(call.gateway, now=call.now)
        except TimeState.DoesNotExist:
            raise conflict("no time service is configured") from None
    elif not TimeState.objects.update(next_poll_at=call.now):
        raise conflict("no time service is configured")
    return operations.accepted(Operation.Kind.TIME, now=call.now)


ROUTES = (
    Route(
        method="GET",
        path="/time",
        answer=read,
        summary="The time and the time service",
        replies={200: "Time"},
    ),
    Route(
        method="POST",
        path="/time/synchronise",
        answer=synchronise,
        summary="Synchronise with legal time; accept_any_difference: the server is "
        "right, however far the own time is off",
        body="TimeSynchronise",
        replies={202: "Operation"},
        problems=(409,),
    ),
)
