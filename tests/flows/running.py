"""A whole gateway as processes, for tests: started, watched line by line, ended."""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

PROJECT = Path(__file__).parents[2]


class RunningGateway:
    """`casa up` on a state folder; a context manager that leaves no process.

    With `launched` it is started by the launcher, which sees installed releases.
    """

    def __init__(
        self,
        state: Path,
        *options: str,
        port: int | None = None,
        settings: dict[str, str] | None = None,
        launched: bool = False,
    ) -> None:
        self.state = state
        self.port = port or free_port()
        program = [str(PROJECT / "casa")] if launched else ["-m", "casa_site"]
        self.gwa_port = free_port()
        self.service_port = free_port()
        ports = ["--han-port", str(self.port), "--gwa-port", str(self.gwa_port)]
        ports += ["--wakeup-port", str(free_port())]
        ports += ["--service-port", str(self.service_port)]
        words = ["up", "--state", str(state), *ports, *options]
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("CASA_")
        }
        environment |= settings or {}
        environment["OPENSSL_CONF"] = str(PROJECT / "deploy" / "openssl.cnf")
        self.process = subprocess.Popen(
            [sys.executable, *program, *words],
            cwd=PROJECT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.output = ""
        self._seen = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        descriptors = []
        if self.process.poll() is None:
            children = children_of(self.process.pid)
            descriptors = [os.pidfd_open(pid) for pid in children]
        self.process.kill()
        self.process.wait()
        for descriptor in descriptors:
            wait_for_end(descriptor)
        assert self.process.stdout is not None
        self.process.stdout.close()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def wait_for(self, text: str, *, within_s: float = 60) -> None:
        """Read the output until `text` has come, behind what was waited for before."""
        deadline = time.monotonic() + within_s
        while (found := self.output.find(text, self._seen)) < 0:
            left = deadline - time.monotonic()
            if left <= 0 or not self._read_more(left):
                raise AssertionError(f"{text!r} did not come:\n{self.output}")
        self._seen = found + len(text)

    def wait_until(
        self, is_so: Callable[[], bool], what: str, *, within_s: float = 30
    ) -> None:
        """Look again whenever something is printed, and a few times a second."""
        deadline = time.monotonic() + within_s
        while not is_so():
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} did not happen:\n{self.output}")
            self._read_more(0.1)

    def wait_for_exit(self, *, within_s: float) -> int:
        """Read what is left and return the exit status."""
        deadline = time.monotonic() + within_s
        while self._read_more(max(0.0, deadline - time.monotonic())):
            pass
        return self.process.wait(timeout=max(0.1, deadline - time.monotonic()))

    def services(self) -> list[dict[str, Any]]:
        path = self.state / "run" / "services.json"
        return json.loads(path.read_text()) if path.exists() else []

    def pids(self) -> dict[str, int]:
        return {row["name"]: row["pid"] for row in self.services() if row["pid"]}

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def _read_more(self, timeout_s: float) -> bool:
        """Take what comes within the timeout; False at the end or when nothing did."""
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(timeout_s):
                return False
        data = os.read(self.process.stdout.fileno(), 65536)
        self.output += data.decode(errors="replace")
        return bool(data)


def wait_for_end(pidfd: int, *, within_s: float = 10) -> None:
    """Wait until the process behind the descriptor is gone; closes it."""
    with selectors.DefaultSelector() as selector:
        selector.register(pidfd, selectors.EVENT_READ)
        ended = selector.select(within_s)
    os.close(pidfd)
    assert ended, "a process lives on"


def children_of(pid: int) -> list[int]:
    """The pids of a process's children."""
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
