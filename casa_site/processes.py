"""Forking: what a child of the supervisor does before its role begins."""

import ctypes
import faulthandler
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)

_OWN_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


def die_with_parent(parent: int) -> None:
    """Be killed when the parent process ends, however it ends (Linux)."""
    _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)  # it ended before the line above


def adopt_orphans() -> None:
    """Become the parent of grandchildren whose parent dies, so as to reap them."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def set_name(name: str) -> None:
    """The name that `ps` and `top` show for this process (15 characters)."""
    _libc.prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)


def fork_child(run: Callable[[], object]) -> int:
    """Fork; the child runs `run` and ends, the parent gets its pid.

    The child dies with the parent. What `run` returns is its exit status when it is
    a number, else 0; an exception is printed and means 1.
    """
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        die_with_parent(parent)
        status = _exit_status(run)
    finally:
        os._exit(status)


def run_in_child(run: Callable[[], object]) -> int:
    """Run something in a child of its own and wait: its exit status.

    What it imports, opens and allocates does not stay in this process.
    """
    _pid, status = os.waitpid(fork_child(run), 0)
    return os.waitstatus_to_exitcode(status)


def leave_supervisor(descriptors: Iterable[int], output: int) -> None:
    """In the child: drop what belongs to the supervisor, write into its pipe."""
    faulthandler.disable()  # the trace of a crash is the supervisor's
    signal.set_wakeup_fd(-1)
    for number in _OWN_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    os.setpgid(0, 0)
    for descriptor in descriptors:
        os.close(descriptor)
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]


def _exit_status(run: Callable[[], object]) -> int:
    try:
        result = run()
    except SystemExit as end:
        result = end.code
    except BaseException:  # the end of this process: nothing above would report it
        traceback.print_exc()
        result = 1
    sys.stdout.flush()
    sys.stderr.flush()
    if isinstance(result, str):
        print(result, file=sys.stderr)
        return 1
    return result if isinstance(result, int) else 0
