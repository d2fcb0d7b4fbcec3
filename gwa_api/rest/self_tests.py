"""The self-test: the administrator may start it whenever he wants (R132)."""

from gwa_api.models import Operation
from gwa_api.rest import operations
from gwa_api.rest.declaration import Call, Json, Reply, Route
from gwa_api.rest.paging import PAGE, page
from gwa_api.rest.problem import not_found
from gwa_api.rest.shown import at, at_or_null
from logbooks import self_test
from logbooks.catalogue import fault
from logbooks.models import SelfTestRun
from logbooks.self_test import Actor


def start(call: Call) -> Reply:
    """Queue a run; the worker carries it out."""
    begun = self_test.begin(call.gateway, now=call.now, by=Actor.GWA)
    return operations.accepted(Operation.Kind.SELF_TEST, str(begun.pk), now=call.now)


def read_all(call: Call) -> Reply:
    """All runs, whoever triggered them; no consumer is named."""
    return page(call, SelfTestRun.objects.all(), "pk", shown)


def read(call: Call) -> Reply:
    """One run with its faults."""
    found = SelfTestRun.objects.filter(pk=int(call.ids["selftest"])).first()
    if found is None:
        raise not_found()
    return Reply(body=shown(found))


def shown(run: SelfTestRun) -> Json:
    """A run as answered."""
    return {
        "id": run.pk,
        "triggered_by": run.actor,
        "started_at": at(run.started_at),
        "ended_at": at_or_null(run.ended_at),
        "passed": None if run.ended_at is None else not run.codes,
        "faults": [
            {"code": code, "text": fault(code).description} for code in run.codes
        ],
    }


ROUTES = (
    Route(
        method="GET",
        path="/selftests",
        answer=read_all,
        summary="Runs of the self-test",
        replies={200: "SelfTestPage"},
        query=PAGE,
    ),
    Route(
        method="POST",
        path="/selftests",
        answer=start,
        summary="Start the self-test",
        replies={202: "Operation"},
        problems=(409,),
    ),
    Route(
        method="GET",
        path="/selftests/{selftest}",
        answer=read,
        summary="One run with its faults",
        replies={200: "SelfTest"},
        problems=(404,),
    ),
)
