"""The gateway's clock; every edge reads it, nothing below an edge does."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class GatewayClock:
    """Gateway time = time of the host + offset (decisions D5).

    Without a configured time service the source is "host" and the time is valid.
    `CASA_CLOCK_OFFSET` moves gateway, simulators and peers together (D39).
    """

    offset: timedelta = timedelta()
    source: str = "host"
    is_valid: bool = True

    def now(self) -> datetime:
        """The gateway time, UTC."""
        return datetime.now(UTC) + self.offset
