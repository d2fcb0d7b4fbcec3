"""A whole gateway as processes, started by the bench: `casa up` as a user starts it."""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any, Self

from casa_site import first_start, processes, readiness
from casa_site.bench import proc
from casa_site.bench.figure import ResultWrong
from casa_site.supervisor import SERVICES_FILE

BASE = Path(__file__).resolve().parents[2]
READY = "CASA ready"
HISTORY_COMPLETE = "history is complete"
_OTHER_PORTS = (
    "--service-port",
    "--gwa-port",
    "--wakeup-port",
    "--cls-port",
    "--cls-sni-port",
)
"""Another gateway on this machine may have the usual ones."""
_DEMO_ROLES = "demo-"
_END_WITHIN_S = 15.0
_LOOK_AGAIN_S = 2.0


class RunningGateway:
    """`casa up` on a state folder and a free port; a context that leaves no process."""

    def __init__(self, state: Path, *options: str) -> None:
        self.state = state
        self.port, *others = _free_ports(1 + len(_OTHER_PORTS))
        words = ["-P", "-m", "casa_site", "up", "--state", str(state)]
        words += ["--han-port", str(self.port), *options]
        for name, port in zip(_OTHER_PORTS, others, strict=True):
            words += [name, str(port)]
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, *words],
            cwd=BASE,
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=partial(processes.die_with_parent, os.getpid()),
        )
        self._lines: queue.SimpleQueue[tuple[float, str] | None] = queue.SimpleQueue()
        self._seen: list[tuple[float, str]] = []
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(_END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()  # its children die with it
            self.process.wait()

    @property
    def url(self) -> str:
        """Where the consumer's pages are."""
        return f"https://127.0.0.1:{self.port}"

    def wait_for(self, text: str, *, within_s: float) -> float:
        """Seconds from the start to the first line that holds `text`.

        Raises ResultWrong, with what was printed, when it does not come.
        """
        deadline = time.monotonic() + within_s
        while (moment := self._moment_of(text)) is None:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                output = "".join(text for _moment, text in self._seen)
                raise ResultWrong(f"{text!r} did not come in time:\n{output}")
            self._seen.append(line)
        return moment - self.started_at

    def _moment_of(self, text: str) -> float | None:
        found = (moment for moment, line in self._seen if text in line)
        return next(found, None)

    def logins(self) -> list[dict[str, Any]]:
        """The consumers of the demo as demo.json describes them."""
        text = (self.state / first_start.DEMO_FILE).read_text()
        consumers: list[dict[str, Any]] = json.loads(text)["consumers"]
        return consumers

    def processes(self) -> dict[str, list[int]]:
        """The pids of the gateway by role, simulators and demo left out.

        Services that share a process are one role, with all their names.
        """
        path = readiness.run_folder(self.state) / SERVICES_FILE
        names: dict[int, list[str]] = {}
        for service in json.loads(path.read_text()):
            if service["pid"] and not service["name"].startswith(_DEMO_ROLES):
                names.setdefault(service["pid"], []).append(service["name"])
        roles = {
            ", ".join(shared): list(proc.with_descendants(pid))
            for pid, shared in names.items()
        }
        return {"supervisor": [self.process.pid], **roles}

    def wait_for_deliveries(self, *, within_s: float) -> None:
        """Until nothing waits for a recipient; raises ResultWrong when it takes longer.

        What a new demo owes of its history takes a minute or two.
        """
        deadline = time.monotonic() + within_s
        while waiting := self._status()["deliveries"]["waiting"]:
            if time.monotonic() > deadline:
                raise ResultWrong(f"{waiting} deliveries still wait")
            time.sleep(_LOOK_AGAIN_S)

    def _status(self) -> dict[str, Any]:
        """What `casa status` says; its exit status is of no interest here."""
        words = ["-P", "-m", "casa_site", "status", "--json", "--state"]
        done = subprocess.run(
            [sys.executable, *words, str(self.state)],
            cwd=BASE,
            env=_environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def _read(self) -> None:
        """Take every line with its time, so that the gateway never waits for us."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put((time.monotonic(), line))
        self._lines.put(None)


def _environment() -> dict[str, str]:
    """As `./casa` makes it; the user's own settings do not count."""
    values = {k: v for k, v in os.environ.items() if not k.startswith("CASA_")}
    values["PYTHONPATH"] = str(BASE)
    values["OPENSSL_CONF"] = str(BASE / "deploy" / "openssl.cnf")
    values.setdefault("MALLOC_ARENA_MAX", "1")
    values.setdefault("MALLOC_TRIM_THRESHOLD_", "131072")
    return values


def _free_ports(count: int) -> list[int]:
    """So many different ones."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
