"""How the members of TAF9, TAF10 and TAF14 profiles are read (rest-gwa.md 4.1)."""

from gwa_api.json_object import JsonObject
from tariffs.instant_spec import (
    LEAST_PAUSE_S,
    Aggregate,
    InstantSpec,
    Threshold,
)

_AGGREGATE = ("obis", "function", "window")
_THRESHOLD = (
    "obis",
    "direction",
    "limit",
    "hysteresis",
    "min_hold",
    "min_interval",
)
_WINDOW_S = 900


def instant_spec(body: JsonObject) -> InstantSpec:
    """Aggregates, thresholds and triggers of a profile's body."""
    return InstantSpec(
        aggregates=tuple(map(_aggregate, body.parts("aggregates", _AGGREGATE))),
        thresholds=tuple(map(_threshold, body.parts("thresholds", _THRESHOLD))),
        triggers=body.texts("triggers"),
    )


def _aggregate(body: JsonObject) -> Aggregate:
    return Aggregate(
        obis=body.text("obis"),
        function=body.text("function"),
        window_s=body.duration_s("window", _WINDOW_S),
    )


def _threshold(body: JsonObject) -> Threshold:
    return Threshold(
        obis=body.text("obis"),
        direction=body.text("direction"),
        limit=body.text("limit"),
        hysteresis=body.text("hysteresis", "0"),
        min_hold=body.integer("min_hold", 1) or 0,
        min_interval_s=body.duration_s("min_interval", LEAST_PAUSE_S),
    )
