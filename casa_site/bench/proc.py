"""What the kernel says about processes (Linux, /proc)."""

import os
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_UTIME, _STIME = 11, 12  # fields of /proc/PID/stat, counted behind the name


def with_descendants(pid: int) -> Iterator[int]:
    """A process, its children, and theirs."""
    yield pid
    for task in (_PROC / str(pid) / "task").iterdir():
        for child in (task / "children").read_text().split():
            yield from with_descendants(int(child))


def pss_mib(pid: int) -> float:
    """Proportional set size: shared pages are counted in parts, MiB."""
    for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"no PSS of process {pid}")


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used so far, in steps of the kernel's tick."""
    fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[_UTIME]) + int(fields[_STIME])) / _TICKS_PER_S
