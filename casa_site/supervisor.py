"""Starts every role, keeps it alive, and ends all of them together.

The supervisor imports once and forks each role from the same memory; it stays
single-threaded and holds no database connection, no socket and no key of the gateway
beyond the settings (decisions D48). Its own end, even by `kill -9`, ends all.
"""

import json
import os
import selectors
import signal
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from casa_site import processes, readiness
from casa_site.output import Output, say
from casa_site.service import Role, Service, State
from hardware import last_run

SERVICES_FILE = "services.json"
_KILL_AFTER_S = 8.0
_WATCH_S = 0.1
_REST_S = 1.0
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Supervisor:
    """Runs the roles until a signal ends it.

    `when_ready` is called each time that every needed role has become ready. When
    `has_to_end` says so, it ends as by a signal.
    """

    def __init__(
        self,
        state: Path,
        roles: Sequence[Role],
        when_ready: Callable[[], None],
        has_to_end: Callable[[], bool] = lambda: False,
    ) -> None:
        self._state = state
        self._services = [Service(role) for role in roles]
        self._when_ready = when_ready
        self._has_to_end = has_to_end
        self._selector = selectors.DefaultSelector()
        self._wakeup = _wakeup_pipe()
        self._selector.register(self._wakeup[0], selectors.EVENT_READ)
        self._stop_signals = 0
        self._kill_at: float | None = None
        self._was_ready = False
        self._shown: dict[str, State] = {}
        self.restarts = False
        """Whether it has ended because a new start was asked for."""

    def run(self) -> None:
        """Start all, watch them, return when all have ended after a stop signal."""
        self._take_signals()
        processes.adopt_orphans()
        while not self._is_over():
            self._read_output()
            self._reap()
            if not self._stop_signals and self._has_to_end():
                self._stop_signals = 1
            if self._stop_signals:
                self._stop()
            else:
                self._start_due()
                self._look_at_readiness()
                self._look_for_restart()
            self._publish()
            self._tell_readiness()
        self._leave_nothing()

    def _take_signals(self) -> None:
        signal.set_wakeup_fd(self._wakeup[1], warn_on_full_buffer=False)
        for number in _STOP_SIGNALS:
            signal.signal(number, self._on_stop_signal)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)

    def _on_stop_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_signals += 1

    def _is_over(self) -> bool:
        return bool(self._stop_signals) and not self._running()

    def _running(self) -> list[Service]:
        return [service for service in self._services if service.pid is not None]

    def _start_due(self) -> None:
        now = time.monotonic()
        for service in self._services:
            if service.is_due(now=now):
                self._start(service)

    def _start(self, service: Service) -> None:
        self._withdraw(service)
        reading, writing = os.pipe()
        pid = processes.fork_child(lambda: self._in_child(service.role, writing))
        os.close(writing)
        _make_group(pid)
        output = Output(reading, service.role.name)
        self._selector.register(reading, selectors.EVENT_READ, output)
        service.has_started(pid, now=time.monotonic())

    def _in_child(self, role: Role, output: int) -> object:
        mine = [self._selector.fileno(), *self._wakeup]
        keys = self._selector.get_map().values()
        pipes = [key.fd for key in keys if isinstance(key.data, Output)]
        processes.leave_supervisor([*mine, *pipes], output)
        processes.set_name(f"casa {role.name}")
        return role.run()

    def _read_output(self) -> None:
        for key, _events in self._selector.select(self._pause()):
            if not isinstance(key.data, Output):
                os.read(self._wakeup[0], 4096)
            elif not key.data.pass_on():
                self._selector.unregister(key.fd)
                os.close(key.fd)

    def _pause(self) -> float:
        """How long to wait for something to happen."""
        is_calm = self._was_ready and not self._stop_signals
        return _REST_S if is_calm else _WATCH_S

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            self._note_end(pid, os.waitstatus_to_exitcode(status))

    def _note_end(self, pid: int, exit_status: int) -> None:
        for service in self._running():
            if service.pid == pid:
                _signal_group(pid, signal.SIGKILL)  # what is left of its children
                service.has_ended(exit_status, now=time.monotonic())
                self._withdraw(service)
                self._say_end(service, exit_status)

    def _say_end(self, service: Service, exit_status: int) -> None:
        name = service.role.name
        if service.is_done or self._stop_signals:
            say(f"{name} has ended")
            return
        how = f"signal {-exit_status}" if exit_status < 0 else f"status {exit_status}"
        delay = (service.restart_at or 0) - time.monotonic()
        say(f"{name} ended ({how}), starts again in {delay:.1f} s")

    def _withdraw(self, service: Service) -> None:
        for name in service.role.names:
            readiness.withdraw(self._state, name)

    def _look_at_readiness(self) -> None:
        for service in self._running():
            pid, role = service.pid or 0, service.role
            if not readiness.is_ready(self._state, role.name, pid):
                service.is_ready = False
            elif not service.is_ready:
                service.has_announced()
            service.ready_beside = {
                name
                for name in role.beside
                if readiness.is_ready(self._state, name, pid)
            }

    def _look_for_restart(self) -> None:
        """Somebody may ask for an orderly end and a new start."""
        if last_run.restart_is_requested(self._state):
            say("a new start was asked for")
            self.restarts = True
            self._stop_signals += 1

    def _tell_readiness(self) -> None:
        """Announce the whole gateway, or withdraw it, when that has changed."""
        was_ready, self._was_ready = self._was_ready, self._are_all_ready()
        if self._was_ready and not was_ready:
            readiness.announce(self._state, "casa")
            self._when_ready()
        elif not self._was_ready:
            readiness.withdraw(self._state, "casa")

    def _are_all_ready(self) -> bool:
        now = time.monotonic()
        return all(
            service.state(now=now) in {State.READY, State.DONE}
            for service in self._services
            if service.role.needed
        )

    def _publish(self) -> None:
        """Write the states for `./casa status`, and say when one has failed."""
        now = time.monotonic()
        states = {
            name: state
            for each in self._services
            for name, state in each.states(now=now).items()
        }
        before, self._shown = self._shown, states
        if states == before:
            return
        rows = [row for service in self._services for row in _rows(service, now=now)]
        path = readiness.run_folder(self._state) / SERVICES_FILE
        unfinished = path.with_suffix(".new")
        unfinished.write_text(json.dumps(rows))
        unfinished.replace(path)
        for name, state in states.items():
            if state is State.FAILED and before.get(name) is not State.FAILED:
                say(f"{name} has FAILED: it died five times within a minute")

    def _stop(self) -> None:
        """Ask all to end; after eight seconds, or when asked twice, kill them."""
        now = time.monotonic()
        if self._kill_at is None:
            say("ending")
            self._kill_at = now + _KILL_AFTER_S
            for service in self._running():
                _signal_process(service.pid, signal.SIGTERM)
        elif now > self._kill_at or self._stop_signals > 1:
            for service in self._running():
                _signal_group(service.pid or 0, signal.SIGKILL)

    def _leave_nothing(self) -> None:
        for path in readiness.run_folder(self._state).iterdir():
            path.unlink(missing_ok=True)
        say("everything has ended")


def _rows(service: Service, *, now: float) -> list[dict[str, object]]:
    """One for each service of the process."""
    started = datetime.now(UTC).timestamp() - (now - service.started_at)
    return [
        {
            "name": name,
            "state": state,
            "pid": service.pid,
            "started_at": round(started) if service.pid else None,
            "starts": service.starts,
        }
        for name, state in service.states(now=now).items()
    ]


def _wakeup_pipe() -> tuple[int, int]:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    return reading, writing


def _make_group(pid: int) -> None:
    try:
        os.setpgid(pid, pid)
    except (ProcessLookupError, PermissionError):
        return  # it has done so itself, or is gone


def _signal_process(pid: int | None, number: signal.Signals) -> None:
    if pid is not None:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return
