"""The partners as the programs that people start: `receive_emt` and `simulate_gwa`."""

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

PROJECT = Path(__file__).parents[2]
WAIT_S = 120.0


class Program:
    """A command that runs until it is told to stop; its lines can be waited for."""

    def __init__(self, folder: Path, *words: str, at: datetime | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "casa_site", "manage", *words],
            cwd=PROJECT,
            env=environment(folder, at),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def line(self, begin: str) -> str:
        """What comes behind `begin` in the next line that begins so."""
        while True:
            said = self._lines.get(timeout=WAIT_S)
            assert said, "\n".join(self.said)  # it has ended
            if said.startswith(begin):
                return said.removeprefix(begin).strip()

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        self._process.terminate()
        self._process.wait(WAIT_S)
        self._reader.join(WAIT_S)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for said in self._process.stdout:
            self.said.append(said)
            self._lines.put(said)
        self._lines.put("")


def environment(folder: Path, at: datetime | None = None) -> dict[str, str]:
    """Nothing of the caller's settings; time runs from `at` on."""
    mine = {k: v for k, v in os.environ.items() if not k.startswith("CASA_")}
    mine["CASA_STATE"] = str(folder / "launcher")
    mine["OPENSSL_CONF"] = str(PROJECT / "deploy" / "openssl.cnf")
    mine["PYTHONUNBUFFERED"] = "1"
    if at is not None:
        moved = int((at - datetime.now(UTC)).total_seconds())
        mine["CASA_CLOCK_OFFSET"] = str(moved)
    return mine


@contextmanager
def running(folder: Path, *words: str, at: datetime | None = None) -> Iterator[Program]:
    """A program, stopped at the end."""
    program = Program(folder, *words, at=at)
    try:
        yield program
    finally:
        program.stop()


def run_once(folder: Path, *words: str) -> str:
    """What a command that ends by itself has said."""
    done = subprocess.run(
        [sys.executable, "-m", "casa_site", "manage", *words],
        cwd=PROJECT,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=WAIT_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
