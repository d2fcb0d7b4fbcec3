"""A gateway whose clock is moved so that a quarter hour comes soon (decisions D39)."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

QUARTER = timedelta(minutes=15)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class MovedClock:
    """The clock of a gateway, seen from outside."""

    offset: timedelta

    def now(self) -> datetime:
        """The gateway time, UTC."""
        return datetime.now(UTC) + self.offset

    def seconds_to(self, instant: datetime) -> float:
        """How long it is until then; negative when it is over."""
        return (instant - self.now()).total_seconds()

    def wait_for(self, instant: datetime) -> None:
        """Return at that instant, to some milliseconds."""
        while (left_s := self.seconds_to(instant)) > 0:
            threading.Event().wait(left_s)


def boundary_in(
    lead_s: float, *, after: datetime | None = None
) -> tuple[MovedClock, datetime]:
    """A clock for which a quarter hour comes in about `lead_s`, and that instant.

    With `after` it is the first one behind that instant.
    """
    now = datetime.now(UTC)
    boundary = (after or now) + QUARTER
    boundary -= (boundary - _EPOCH) % QUARTER
    shift_s = int((boundary - now).total_seconds() - lead_s)
    return MovedClock(timedelta(seconds=shift_s)), boundary


def write_settings(state: Path, clock: MovedClock, **settings: str) -> None:
    """Write `casa.env` into the state folder: the clock, and more settings."""
    state.mkdir(mode=0o700, exist_ok=True)
    lines: Mapping[str, str] = {
        "CASA_CLOCK_OFFSET": str(int(clock.offset.total_seconds())),
        **settings,
    }
    text = "".join(f"{name}={value}\n" for name, value in lines.items())
    (state / "casa.env").write_text(text)
