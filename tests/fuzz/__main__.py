"""Fuzz every target, one after the other: `python -m tests.fuzz --seconds 60`.

The time is shared out among the targets. Ends with 1 when an exception escaped that
is not documented, when one input took over 100 ms of CPU time, or when memory grew.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.fuzz.samples import write_to
from tests.fuzz.targets import TARGETS

BASE = Path(__file__).resolve().parents[2]
_LONGEST_TAIL = 4_000
_GRACE_S = 120


def main(arguments: Sequence[str]) -> int:
    """Run what the command line asks for; the exit status."""
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for all together")
    parser.add_argument("--keep", type=Path, help="folder for new inputs and crashes")
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(TARGETS)}")
    asked = parser.parse_args(arguments)
    names = asked.targets or list(TARGETS)
    if unknown := [name for name in names if name not in TARGETS]:
        parser.error(f"no such target: {', '.join(unknown)}")
    with tempfile.TemporaryDirectory(prefix="casa-fuzz-") as folder:
        keep = asked.keep or Path(folder)
        each = asked.seconds / len(names)
        results = [fuzzed(name, each, keep) for name in names]
    return 0 if all(results) else 1


def fuzzed(name: str, seconds: float, keep: Path) -> bool:
    """Fuzz one target and print its line; whether all went well."""
    corpus = keep / name
    write_to(name, corpus)
    report = keep / f"{name}.json"
    report.unlink(missing_ok=True)
    words = ["-m", "tests.fuzz.engine", name, str(seconds), str(corpus), str(report)]
    ended = subprocess.run(
        [sys.executable, *words],
        cwd=BASE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=seconds + _GRACE_S,
        check=False,
    )
    if not report.exists():
        tail = ended.stdout.decode(errors="replace")[-_LONGEST_TAIL:]
        print(f"{name}: FAILED\n{tail}", flush=True)
        return False
    print(line_of(name, json.loads(report.read_text())), flush=True)
    return True


def line_of(name: str, figures: dict[str, Any]) -> str:
    """The figures of one target, legible."""
    a_second = figures["executions"] / figures["seconds"]
    before, after = figures["memory_mib"]
    return (
        f"{name:14} {figures['executions']:>10,} inputs {a_second:>8,.0f}/s  "
        f"slowest {figures['slowest_ms']:5.1f} ms "
        f"({len(figures['slowest']) // 2} bytes)  "
        f"held objects {figures['grown_blocks']:+,}  "
        f"memory {before:.0f} -> {after:.0f} MiB"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
