"""One target in a process of its own, driven by atheris until the time is over.

    python -m tests.fuzz.engine TARGET SECONDS CORPUS REPORT

New inputs that reach new code are added to the folder CORPUS. REPORT is written only
when all went well; an input that did not is written beside it as `crash-...`.
"""

import json
import os
import sys
import time
from pathlib import Path

import atheris

from tests.fuzz.watch import Watch, resident_mib

_LOOK_AT_CLOCK = 64
_SETTLED = 0.25
"""The part of the time after which caches and stores have to be full."""
_HANG_S = 10
LONGEST_INPUT = 1_200


def main(name: str, seconds: float, corpus: Path, report: Path) -> None:
    """Fuzz one target; ends the process."""
    with atheris.instrument_imports(include=["hardware"]):
        from tests.fuzz.targets import run
    watch = Watch(lambda sample: run(name, sample))
    started = time.monotonic()
    memory: list[float] = []

    def one_input(sample: bytes) -> None:
        watch.run(sample)
        if watch.executions % _LOOK_AT_CLOCK:
            return
        passed = time.monotonic() - started
        if watch.settled_blocks is None and passed > _SETTLED * seconds:
            watch.settle()
            memory.append(resident_mib())
        if passed > seconds:
            watch.check_growth()
            _write(report, watch, passed, [*memory, resident_mib()])
            os._exit(0)

    options = [
        f"-max_len={LONGEST_INPUT}",
        f"-timeout={_HANG_S}",
        f"-artifact_prefix={report.parent}/{name}-",
        "-rss_limit_mb=1024",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one_input)
    atheris.Fuzz()


def _write(report: Path, watch: Watch, passed: float, memory: list[float]) -> None:
    figures = {
        "executions": watch.executions,
        "seconds": passed,
        "cpu_seconds": time.process_time(),
        "slowest_ms": watch.slowest_s * 1000,
        "slowest": watch.slowest.hex(),
        "grown_blocks": watch.grown_blocks,
        "memory_mib": memory,
    }
    report.write_text(json.dumps(figures))


if __name__ == "__main__":
    target, time_s, folder, figures_file = sys.argv[1:]
    main(target, float(time_s), Path(folder), Path(figures_file))
