"""Thresholds with hysteresis (tafs.md 9): pure, state in, state out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hardware.record import zulu
from tariffs.instant_spec import Threshold


@dataclass(frozen=True, slots=True)
class ThresholdState:
    """Whether the value is outside, since how many values it wants to be, last fire."""

    is_outside: bool = False
    held: int = 0
    fired_at: datetime | None = None

    def document(self) -> dict[str, Any]:
        """As JSON; `state_of` reads it."""
        fired = zulu(self.fired_at) if self.fired_at else None
        return {"outside": self.is_outside, "held": self.held, "fired_at": fired}


def state_of(document: Mapping[str, Any]) -> ThresholdState:
    """The state that was stored as this document."""
    fired = document.get("fired_at")
    return ThresholdState(
        bool(document.get("outside")),
        int(document.get("held", 0)),
        datetime.fromisoformat(fired).astimezone(UTC) if fired else None,
    )


def advanced(
    threshold: Threshold, state: ThresholdState, at: datetime, value: Decimal | None
) -> tuple[ThresholdState, bool]:
    """The state after a value, and whether the threshold fires.

    None stands for a value that is missing or must not be used: it neither fires nor
    resets anything.
    """
    if value is None:
        return state, False
    if state.is_outside:
        # Without hysteresis the limit itself is on both sides: it stays outside, or a
        # value that rests there would fire again and again.
        back = _is_back(threshold, value) and not _is_beyond(threshold, value)
        return (replace(state, is_outside=False, held=0) if back else state), False
    if not _is_beyond(threshold, value):
        return replace(state, held=0), False
    held = state.held + 1
    if held < threshold.min_hold:
        return replace(state, held=held), False
    outside = replace(state, is_outside=True, held=0)
    pause = timedelta(seconds=threshold.min_interval_s)
    if state.fired_at is not None and at - state.fired_at < pause:
        return outside, False
    return replace(outside, fired_at=at), True


def _is_beyond(threshold: Threshold, value: Decimal) -> bool:
    limit = threshold.exact_limit
    return value >= limit if threshold.direction == "over" else value <= limit


def _is_back(threshold: Threshold, value: Decimal) -> bool:
    limit, hysteresis = threshold.exact_limit, threshold.exact_hysteresis
    if threshold.direction == "over":
        return value <= limit - hysteresis
    return value >= limit + hysteresis
