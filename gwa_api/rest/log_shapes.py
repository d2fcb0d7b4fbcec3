"""What the administrator is told: alarms, logs, long actions."""

from gwa_api.models import Operation
from gwa_api.rest.shapes import (
    AT,
    CODE,
    UUID,
    Schema,
    one_of,
    or_null,
    page_of,
    text,
    thing,
    whole,
)

_LOG_LINE = {
    "number": whole(1),
    "recorded_at": AT,
    "event_id": CODE,
    "event_sub_id": whole(0, 100),
    "level": one_of(("INFO", "WARNING", "ERROR", "FATAL")),
    "outcome": text(),
    "text": text(5000, 0),
}

LOGS: dict[str, Schema] = {
    "Alarm": thing(
        "*",
        id=whole(1),
        kind=text(24),
        subject=text(200, 0),
        code=CODE,
        since=AT,
        last_at=AT,
        count=whole(1),
        cleared_at=or_null(AT),
        acknowledged_at=or_null(AT),
    ),
    "AlarmPage": page_of("Alarm"),
    "SystemLine": thing("*", **_LOG_LINE),
    "SystemPage": page_of("SystemLine"),
    "CalibrationLine": thing(
        "*",
        **_LOG_LINE,
        signed_text=text(20_000),
        signature=text(512),
        signer_ski=text(40),
    ),
    "CalibrationPage": page_of("CalibrationLine"),
    "Operation": thing(
        "*",
        id=UUID,
        kind=one_of(Operation.Kind),
        state=one_of(Operation.State),
        created=AT,
        updated=AT,
        resource=or_null(text(200)),
        result=or_null({"type": "object"}),
        problem=or_null({"type": "object"}),
    ),
    "OperationPage": page_of("Operation"),
}
