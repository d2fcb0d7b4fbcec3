"""The logs that the administrator may read: system log and calibration log (R89)."""

from typing import TypeVar

from django.db.models import QuerySet

from gwa_api.models import Operation
from gwa_api.rest import operations
from gwa_api.rest.declaration import Call, Json, Parameter, Reply, Route
from gwa_api.rest.paging import PAGE, page
from gwa_api.rest.query import instant_of
from gwa_api.rest.shapes import AT, CODE, one_of
from gwa_api.rest.shown import at
from logbooks import access
from logbooks.access import Access, Network, Role
from logbooks.models import CalibrationLogEntry, LogEntry, SystemLogEntry
from logbooks.selectors import LogLine, calibration_line, log_line

Row = TypeVar("Row", bound=LogEntry)

_FILTER = (
    *PAGE,
    Parameter("from", AT, "an instant; entries from then on"),
    Parameter("to", AT, "an instant; entries before then"),
    Parameter("level", one_of(("info", "warning", "error", "fatal")), "a level"),
    Parameter("event_id", CODE, "an event id or fault code"),
)


def read_system(call: Call) -> Reply:
    """Entries of the system log, by number."""
    rows = _filtered(call, access.system_entries(_reader(call)))
    return page(call, rows, "number", _system)


def read_calibration(call: Call) -> Reply:
    """Signed entries of the calibration log, by number."""
    rows = _filtered(call, access.calibration_entries(_reader(call)))

    def shown(entry: CalibrationLogEntry) -> Json:
        line = calibration_line(call.gateway, entry)
        return {
            **_line(line),
            "signed_text": line.signed_text,
            "signature": line.signature.hex(),
            "signer_ski": line.signer_ski,
        }

    return page(call, rows, "number", shown)


def verify(call: Call) -> Reply:
    """Check chain and signatures of the calibration log."""
    return operations.accepted(Operation.Kind.CALIBRATION_LOG, now=call.now)


def _reader(call: Call) -> Access:
    return Access(call.certificate, True, Network.WAN, Role.ADMINISTRATOR)


def _filtered(call: Call, rows: QuerySet[Row]) -> QuerySet[Row]:
    if "from" in call.query:
        rows = rows.filter(recorded_at__gte=instant_of(call.query["from"]))
    if "to" in call.query:
        rows = rows.filter(recorded_at__lt=instant_of(call.query["to"]))
    same = {k: call.query[k] for k in ("level", "event_id") if k in call.query}
    return rows.filter(**same)


def _system(entry: SystemLogEntry) -> Json:
    return _line(log_line(entry))


def _line(line: LogLine) -> Json:
    return {
        "number": line.number,
        "recorded_at": at(line.recorded_at),
        "event_id": line.event_id,
        "event_sub_id": line.event_sub_id,
        "level": line.level,
        "outcome": line.outcome,
        "text": line.text,
    }


ROUTES = (
    Route(
        method="GET",
        path="/logs/system",
        answer=read_system,
        summary="The system log",
        replies={200: "SystemPage"},
        query=_FILTER,
    ),
    Route(
        method="GET",
        path="/logs/calibration",
        answer=read_calibration,
        summary="The calibration log with its signatures",
        replies={200: "CalibrationPage"},
        query=_FILTER,
    ),
    Route(
        method="POST",
        path="/logs/calibration/verify",
        answer=verify,
        summary="Check chain and signatures of the calibration log",
        replies={202: "Operation"},
    ),
)
