"""A modem from a file, for installations without one: log-offs at planned times.

[[log_off]]
after_s = 600          # seconds after the start of the gateway
reason = "NO_CARRIER"  # a name of hardware.mobile_network.LogOff
"""

import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from hardware.mobile_network import LogOff

Plan = list[tuple[int, LogOff]]
_LARGEST_FILE = 1024 * 1024


class PlanInvalid(ValueError):
    """A file that cannot be used; the text says what is wrong with it."""


def read_plan(path: Path) -> Plan:
    """What happens how many seconds after the start, ascending; raises PlanInvalid."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ValueError("larger than 1 MiB")
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        entries = document.get("log_off", [])
        if set(document) - {"log_off"} or not isinstance(entries, list):
            raise ValueError("only [[log_off]] tables are known")
        return sorted(_planned(entry) for entry in entries)
    except (OSError, ValueError) as error:
        raise PlanInvalid(f"{path}: {error}") from None


def _planned(entry: Any) -> tuple[int, LogOff]:
    if not isinstance(entry, dict) or set(entry) != {"after_s", "reason"}:
        raise ValueError("after_s and reason are needed, and nothing else")
    after_s, reason = entry["after_s"], entry["reason"]
    if type(after_s) is not int or after_s < 0:
        raise ValueError(f"after_s {after_s!r} is no whole number of seconds")
    if reason not in LogOff.__members__:
        raise ValueError(f"reason must be one of {', '.join(LogOff.__members__)}")
    return after_s, LogOff[reason]


async def planned(
    plan: Iterable[tuple[int, LogOff]], wait: Callable[[float], Awaitable[object]]
) -> AsyncIterator[LogOff]:
    """Each log-off at its time; `wait` waits so many seconds."""
    passed_s = 0
    for after_s, reason in plan:
        await wait(after_s - passed_s)
        passed_s = after_s
        yield reason
