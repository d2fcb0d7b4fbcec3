"""`./casa check`: formatter, linter, types, migrations, requirements, translations."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
_MANAGE = ["-m", "casa_site", "manage"]

STEPS: dict[str, list[str]] = {
    "format": ["-m", "ruff", "format", "--check", "--quiet", ".", "casa"],
    "lint": ["-m", "ruff", "check", "--quiet", ".", "casa"],
    "types": ["-m", "mypy", "--no-error-summary", "."],
    "migrations": [*_MANAGE, "makemigrations", "--check", "--dry-run"],
    "settings": [*_MANAGE, "check"],
    "architecture": ["-m", "pytest", "-q", "tests/test_architecture.py"],
}
"""Each step is a command for Python, run in the project folder."""


def main(arguments: list[str]) -> int:
    """Run every step, or those named; 0 when nothing was found."""
    names = [*STEPS, *_LISTS]
    parser = argparse.ArgumentParser(prog="casa check", description=__doc__)
    parser.add_argument("steps", nargs="*", metavar="STEP", help=", ".join(names))
    chosen = parser.parse_args(arguments).steps or names
    if unknown := set(chosen) - set(names):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    failed = [name for name in chosen if not _passes(name)]
    print(f"{len(chosen) - len(failed)} passed, {len(failed)} failed", flush=True)
    return 1 if failed else 0


def _passes(name: str) -> bool:
    begin = time.monotonic()
    is_good, output = _LISTS[name]() if name in _LISTS else _command(STEPS[name])
    seconds = time.monotonic() - begin
    print(f"{'ok    ' if is_good else 'FAILED'} {name} ({seconds:.1f} s)", flush=True)
    if not is_good:
        print(output.rstrip(), flush=True)
    return is_good


def _command(words: list[str]) -> tuple[bool, str]:
    with tempfile.TemporaryDirectory(prefix="casa-check-") as state:
        result = subprocess.run(
            [PYTHON, *words],
            cwd=BASE,
            env={**os.environ, "CASA_STATE": state},
            capture_output=True,
            text=True,
        )
    return result.returncode == 0, result.stdout + result.stderr


def _translations() -> tuple[bool, str]:
    from casa_site import messages

    found = messages.problems()
    return not found, "\n".join(found)


def _requirements() -> tuple[bool, str]:
    from casa_site import requirements

    found = requirements.problems()
    return not found, "\n".join(found)


def _manuals() -> tuple[bool, str]:
    from casa_site import manuals

    found = manuals.problems()
    return not found, "\n".join(found)


_LISTS: dict[str, Callable[[], tuple[bool, str]]] = {
    "translations": _translations,
    "requirements": _requirements,
    "manuals": _manuals,
}
"""Steps in this process: whether it is good, and what is not."""
