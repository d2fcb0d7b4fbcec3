"""How each test went the last time that `./casa test` ran it.

Kept in `.test-results.json` in the project folder, beside the source and not in git.
A test with parameters is one entry; it has failed when one of its sets has.
"""

import fcntl
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

FILE_NAME = ".test-results.json"
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
_WORSE = (SKIPPED, PASSED, FAILED)
"""A later word counts more when the sets of a test went differently."""


@dataclass(frozen=True, slots=True)
class Result:
    """Outcome of a test (passed, failed, skipped) and the UTC second of its run."""

    outcome: str
    at: str


Results = dict[str, Result]


def load(path: Path) -> Results:
    """What is kept in a file; nothing when there is none. Raises ValueError."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    try:
        return {name: Result(**fields) for name, fields in kept.items()}
    except (AttributeError, TypeError) as error:
        raise ValueError(f"{path} does not hold results of tests: {error}") from None


def keep(path: Path, new: Mapping[str, Result]) -> None:
    """Put new results beside those of other tests; two runs may end at once."""
    with path.with_name(path.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            before = load(path)
        except ValueError:
            before = {}  # nothing that was asked for; it is made anew
        kept = {name: asdict(result) for name, result in {**before, **new}.items()}
        draft = path.with_name(path.name + ".new")
        draft.write_text(json.dumps(kept, indent=0, sort_keys=True) + "\n")
        draft.replace(path)


class Recorder:
    """A plugin of pytest that keeps how each test went, in `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._outcomes: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of one test; in a run with several workers each arrives here."""
        is_whole = report.when == "call" or report.outcome != PASSED
        if not is_whole:
            return
        name = report.nodeid.partition("[")[0]
        worst = max(self._outcomes.get(name, SKIPPED), report.outcome, key=_WORSE.index)
        self._outcomes[name] = worst

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Keep them; a folder that cannot be written to takes nothing."""
        if not self._outcomes or "PYTEST_XDIST_WORKER" in os.environ:
            return
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        new = {name: Result(word, at) for name, word in self._outcomes.items()}
        with suppress(OSError):
            keep(self._path, new)
