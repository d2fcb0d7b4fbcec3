"""`./casa test`: the whole suite, or what the pytest arguments name."""

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from casa_site.last_results import FILE_NAME, Recorder

BASE = Path(__file__).resolve().parent.parent
_KEPT = frozenset({"CASA_DATABASE_URL", "CASA_DATABASE_URL_FILE"})
"""The suite on PostgreSQL is the same suite; nothing else of the user's counts."""


def main(arguments: list[str]) -> int:
    """Run pytest in the project folder; its exit status."""
    for name in [name for name in os.environ if name.startswith("CASA_")]:
        if name not in _KEPT:
            del os.environ[name]
    os.chdir(BASE)
    with tempfile.TemporaryDirectory(prefix="casa-test-") as state:
        os.environ["CASA_STATE"] = state
        sys.path.insert(0, str(BASE))
        recorder = Recorder(BASE / FILE_NAME)
        return int(pytest.main([*_workers(arguments), *arguments], [recorder]))


def _workers(arguments: Sequence[str]) -> list[str]:
    """Both cores for the whole suite; one process for a part, a debugger, or `-n`."""
    names_a_part = any(
        word.startswith(("-n", "--pdb", "-k", "-s"))
        or Path(word.split("::")[0]).exists()
        for word in arguments
    )
    cores = os.cpu_count() or 1
    return [] if names_a_part or cores < 2 else ["-n", "2", "--dist", "loadfile"]
