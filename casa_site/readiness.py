"""Readiness files: `<state>/run/<role>.ready` says that a role does its work.

A file holds the id of the role's process group (the pid of its first process) and
the time. It counts only while that process is the one that the supervisor started.
"""

import os
import time
from pathlib import Path

RUN_FOLDER = "run"


def run_folder(state: Path) -> Path:
    """The folder for what holds only while the gateway runs."""
    folder = state / RUN_FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def announce(state: Path, role: str) -> None:
    """Say that this process (or its group's first) is ready."""
    path = _path(state, role)
    unfinished = path.with_suffix(f".{os.getpid()}")
    unfinished.write_text(f"{os.getpgrp()} {time.time():.0f}\n")
    unfinished.replace(path)


def withdraw(state: Path, role: str) -> None:
    """Say that the role is not ready any more."""
    _path(state, role).unlink(missing_ok=True)


def is_ready(state: Path, role: str, pid: int) -> bool:
    """Whether the process `pid` has announced the role."""
    try:
        return _path(state, role).read_text().split()[:1] == [str(pid)]
    except FileNotFoundError:
        return False


def life_file(state: Path, role: str) -> Path:
    """Where a role shows its sign of life (`hardware.sign_of_life`)."""
    return run_folder(state) / f"{role}.alive"


def _path(state: Path, role: str) -> Path:
    return run_folder(state) / f"{role}.ready"
