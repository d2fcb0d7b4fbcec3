"""Whether the clock can be right: not before what is known, in step, valid."""

import ctypes
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from casa_site.doctor.finding import Finding, ok, warning, wrong
from hardware.clock import KeptClock
from hardware.rtc import last_beat
from hardware.time_file import TIME_FILE, TimeFile

PROGRAM_IS_OF = datetime(2026, 1, 1, tzinfo=UTC)
"""No clock shows less and is right."""
_TOLERANCE = timedelta(minutes=2)
_UNSYNCHRONISED = 5
_TIMEX_BYTES = 512


def findings(
    state: Path,
    moved: timedelta,
    *,
    host_now: datetime,
    newest: datetime | None,
    is_in_step: Callable[[], bool] | None = None,
) -> Iterator[Finding]:
    """What the gateway's clock shows when the host's shows `host_now`.

    `moved` is CASA_CLOCK_OFFSET, `newest` the time of the newest stored record.
    """
    clock = KeptClock(TimeFile(state / TIME_FILE), moved)
    now = host_now + clock.offset
    set_it = "set the host's clock: timedatectl set-ntp true"
    known = [time for time in (PROGRAM_IS_OF, last_beat(state), newest) if time]
    latest = max(known)
    if now < latest - _TOLERANCE:
        text = f"{_shown(now)} is before {_shown(latest)}, when the gateway lived"
        yield wrong("clock", text, set_it)
    elif not clock.is_valid:
        remedy = "./casa manage time says which server is asked; it must answer"
        yield wrong("clock", f"{_shown(now)} is not valid (13001)", remedy)
    else:
        yield ok("clock", f"{_shown(now)}, source {clock.source}")
    in_step = (is_in_step or host_is_in_step)()
    if clock.source != "ntp_tls" and not in_step:
        yield warning("clock", "nothing keeps the host's clock in step", set_it)


def host_is_in_step() -> bool:
    """Whether the kernel says that its clock is synchronised (adjtimex, reading)."""
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)  # modes = 0: nothing is set
    return int(ctypes.CDLL(None).adjtimex(buffer)) != _UNSYNCHRONISED


def _shown(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
