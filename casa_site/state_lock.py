"""One gateway per state folder: a lock that every process of it holds."""

import fcntl
import os
import time
from pathlib import Path

LOCK_FILE = "lock"
_PATIENCE_S = 10.0
_PAUSE_S = 0.1


class StateInUse(Exception):
    """Another gateway runs on this state folder; the text says which."""


def hold(state: Path) -> int:
    """Take the lock and return its descriptor; it is never closed by hand.

    Children inherit it, so it is free only when the last process of a gateway is
    gone. When its supervisor was killed, the others are ending: they are waited for.
    """
    descriptor = os.open(state / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + _PATIENCE_S
    while not _taken(descriptor):
        holder = _holder(descriptor)
        if _is_alive(holder) or time.monotonic() > deadline:
            os.close(descriptor)
            raise StateInUse(f"another ./casa up (process {holder}) runs on {state}.")
        time.sleep(_PAUSE_S)
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def supervisor_of(state: Path) -> int | None:
    """The pid of the supervisor that runs on `state`, None when none does."""
    try:
        descriptor = os.open(state / LOCK_FILE, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        holder = 0 if _taken(descriptor) else _holder(descriptor)
    finally:
        os.close(descriptor)
    return holder if _is_alive(holder) else None


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(descriptor: int) -> int:
    text = os.pread(descriptor, 16, 0)
    return int(text) if text.isdigit() else 0


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid != 0
