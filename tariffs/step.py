"""What one step of an evaluation brings, before it is stored."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hardware.record import Record
from logbooks.catalogue import Event

UNITS_DIFFER = "Summe nicht gebildet, Einheiten verschieden"


@dataclass(slots=True)
class Step:
    """Records, what is to be logged with them, and up to where it is then done.

    `events` are pairs of an event and its arguments, `triggered` pairs of a kind of
    delivery and its instant. `threshold_states` is None where there are no thresholds.
    """

    evaluated_to: datetime | None
    records: list[Record] = field(default_factory=list)
    later_bits: list[int] = field(default_factory=list)
    events: list[tuple[Event, tuple[str, ...]]] = field(default_factory=list)
    is_signed: bool = True
    triggered: list[tuple[str, datetime]] = field(default_factory=list)
    threshold_states: list[dict[str, Any]] | None = None

    def add_fault(self, text: str) -> None:
        """Something could not be computed; the consumer is told (19006/2)."""
        self.events.append((Event.VALUE_ERROR, (text,)))
