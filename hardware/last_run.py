"""Why the last run of the gateway ended: what it left behind, and a pure rule (R152).

`last_run.json` is written at each start and once more at an orderly end. A run that
left no end was broken off: by a loss of supply, a watchdog, a reset or a crash.
"""

import faulthandler
import json
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import IO

from hardware import private_files

LAST_RUN_FILE = "last_run.json"
CRASH_FILE = "crash.log"
RESTART_FILE = "run/restart"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_WATCHDOG_STATUS = Path("/sys/class/watchdog/watchdog0/bootstatus")
_LIMIT_BYTES = 4096

_WATCHDOG_RESET = 0x20
"""WDIOF_CARDRESET of the kernel: the watchdog reset the machine."""
_EXTERNAL_RESET = 0x04 | 0x08
"""WDIOF_EXTERN1 and 2: a reset line was pulled."""


class Reason(IntEnum):
    """The codes of an unexpected start (manual ch. 9.4)."""

    UNKNOWN = 1900601
    SUPPLY_LOST = 1900602
    UNEXPECTED_COMMAND = 1900603
    EXTERNAL_WATCHDOG = 1900604
    INTERNAL_WATCHDOG = 1900605
    HARDWARE_RESET = 1900606


@dataclass(frozen=True, slots=True)
class Traces:
    """What a start finds: of the last run, and of the machine now.

    `boot_then` is None when nothing of a last run is there. `ended` is whether it
    ended in order, `crash` what it wrote while it died. `watchdog_status` are the bits
    of the kernel's watchdog about the last reset of the machine.
    """

    boot_now: str
    boot_then: str | None = None
    ended: bool = False
    crash: str = ""
    watchdog_status: int = 0

    @property
    def is_first(self) -> bool:
        """Whether the gateway never ran before."""
        return self.boot_then is None

    @property
    def is_other_boot(self) -> bool:
        """Whether the machine was started since."""
        return self.boot_then is not None and self.boot_then != self.boot_now


def reason_of(traces: Traces) -> Reason | None:
    """Why the last run ended; None when the gateway itself meant it to.

    A service manager's watchdog ends a program that hangs by SIGABRT. An orderly end
    and then another boot: somebody restarted the machine and not the gateway.
    """
    if traces.is_first:
        return Reason.UNKNOWN
    if traces.is_other_boot:
        if traces.watchdog_status & _WATCHDOG_RESET:
            return Reason.EXTERNAL_WATCHDOG
        if traces.watchdog_status & _EXTERNAL_RESET:
            return Reason.HARDWARE_RESET
        return Reason.UNEXPECTED_COMMAND if traces.ended else Reason.SUPPLY_LOST
    if traces.ended:
        return None
    is_aborted = "Aborted" in traces.crash
    return Reason.INTERNAL_WATCHDOG if is_aborted else Reason.UNKNOWN


def power_returned(traces: Traces) -> bool:
    """Whether the supply was away (6001/0)."""
    return reason_of(traces) is Reason.SUPPLY_LOST


def find_traces(state: Path, *, boot_id: str | None = None) -> Traces:
    """Read what the last run left; what cannot be read counts as no orderly end."""
    boot_then, ended = _last_run(state / LAST_RUN_FILE)
    return Traces(
        boot_now=boot_id or _boot_id(),
        boot_then=boot_then,
        ended=ended,
        crash=_text(state / CRASH_FILE),
        watchdog_status=_number(_text(_WATCHDOG_STATUS)),
    )


def note_start(state: Path, *, boot_id: str | None = None) -> None:
    """From now on an end without `note_end` is unexpected."""
    _write(state, boot_id or _boot_id(), ended=False)


def note_end(state: Path, *, boot_id: str | None = None) -> None:
    """The run ends in order."""
    _write(state, boot_id or _boot_id(), ended=True)


def request_restart(state: Path) -> None:
    """Ask the supervisor to end everything in order and to start anew."""
    path = state / RESTART_FILE
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.touch(mode=0o600)


def restart_is_requested(state: Path) -> bool:
    """Whether somebody asked for it."""
    return (state / RESTART_FILE).exists()


def forget_restart_request(state: Path) -> None:
    """This start is the one that was asked for."""
    (state / RESTART_FILE).unlink(missing_ok=True)


def watch_for_crash(state: Path) -> IO[str]:
    """Let a fatal signal write its trace into the state folder; keep the file open."""
    file = (state / CRASH_FILE).open("w")
    (state / CRASH_FILE).chmod(0o600)
    faulthandler.enable(file, all_threads=False)
    return file


def _write(state: Path, boot_id: str, *, ended: bool) -> None:
    document = json.dumps({"boot_id": boot_id, "ended": ended})
    private_files.replace(state / LAST_RUN_FILE, document.encode())


def _last_run(path: Path) -> tuple[str | None, bool]:
    """Boot id and orderly end; a spoilt file is a run of an unknown boot."""
    if not path.exists():
        return None, False
    try:
        document = json.loads(_text(path))
        boot_id, ended = document["boot_id"], document["ended"]
    except (ValueError, TypeError, KeyError):
        return "", False
    return str(boot_id), ended is True


def _boot_id() -> str:
    return _text(_BOOT_ID).strip()


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LIMIT_BYTES).decode(errors="replace")
    except OSError:
        return ""


def _number(text: str) -> int:
    return int(text) if text.strip().isascii() and text.strip().isdecimal() else 0
