"""The 18 services of the manual's self-test, and what happens when one is silent."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from casa_site import readiness, service_checks, state_lock
from casa_site.service_checks import (
    PATIENCE_S,
    SERVICES,
    check_services,
    not_answering,
)
from casa_site.worker_watch import WorkerWatch
from hardware.gateway import Gateway
from hardware.sign_of_life import SignOfLife, silence_s
from logbooks.models import SystemLogEntry
from tests.flows.running import PROJECT

NOW = datetime(2026, 6, 22, 12, tzinfo=UTC)
ROLES = sorted({service.process for service in SERVICES})
PAUSE = threading.Event()
"""Never set: a moment between two looks."""
pytestmark = pytest.mark.django_db


@pytest.fixture
def processes(gateway: Gateway) -> Iterator[dict[str, int]]:
    """A state folder in use, and a process for each role."""
    descriptor = state_lock.hold(gateway.state)
    children = {role: _living(gateway.state, role) for role in ROLES}
    for child in children.values():
        assert child.stdout
        assert child.stdout.readline() == b"alive\n"
    _publish(
        gateway.state, {role: (child.pid, "ready") for role, child in children.items()}
    )
    yield {role: child.pid for role, child in children.items()}
    for child in children.values():
        child.kill()
        child.communicate()
    os.close(descriptor)


LIVING = """
import signal, sys, time
from pathlib import Path
from hardware.sign_of_life import SignOfLife

def hang(*_):
    print("hangs", flush=True)
    while True:
        time.sleep(60)

signal.signal(signal.SIGUSR1, hang)
life = SignOfLife(Path(sys.argv[1]), every_s=0.2)
print("alive", flush=True)
while True:
    life.show()
    time.sleep(0.1)
"""
"""A process whose loop shows life, until SIGUSR1 lets it hang: it goes on to exist."""


def _living(state: Path, role: str) -> "subprocess.Popen[bytes]":
    words = [sys.executable, "-c", LIVING, str(readiness.life_file(state, role))]
    return subprocess.Popen(words, stdout=-1, cwd=PROJECT)


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        PAUSE.wait(0.05)


def _silence(state: Path, role: str) -> float:
    return silence_s(readiness.life_file(state, role)) or 0.0


def _condition(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def _publish(state: Path, rows: dict[str, tuple[int, str]]) -> None:
    services = [
        {"name": name, "pid": pid, "state": condition}
        for name, (pid, condition) in rows.items()
    ]
    (readiness.run_folder(state) / "services.json").write_text(json.dumps(services))


@pytest.mark.req("R134")
def test_all_18_services_have_a_place(
    gateway: Gateway, processes: dict[str, int]
) -> None:
    """R134: each code of 2600101..2600119 once; when all run, nothing is found."""
    assert len({service.code for service in SERVICES}) == len(SERVICES) == 18
    silent = {fault.code for fault in check_services(gateway, NOW, patience_s=5)}
    assert silent == set()


@pytest.mark.req("R134")
@pytest.mark.parametrize("role", ROLES)
def test_a_process_that_is_stopped_gives_the_codes_of_its_services(
    gateway: Gateway, processes: dict[str, int], role: str
) -> None:
    """R134: SIGSTOP to each; 1900001 says that not all services run."""
    os.kill(processes[role], signal.SIGSTOP)
    os.waitpid(processes[role], os.WUNTRACED)
    expected = {service.code for service in SERVICES if service.process == role}
    found = {fault.code for fault in check_services(gateway, NOW, patience_s=1)}
    assert found == expected | {1900001}


@pytest.mark.req("R134")
@pytest.mark.parametrize("hanging", [ROLES[::2], ROLES[1::2]])
def test_processes_that_hang_give_the_codes_of_their_services(
    gateway: Gateway, processes: dict[str, int], hanging: list[str]
) -> None:
    """R134: they run, are not stopped, and their loops do not come round any more."""
    for role in hanging:
        os.kill(processes[role], signal.SIGUSR1)
    _until(lambda: all(_silence(gateway.state, role) > 2 for role in hanging))
    expected = {service.code for service in SERVICES if service.process in hanging}
    found = {fault.code for fault in check_services(gateway, NOW, patience_s=2)}
    assert found == expected | {1900001}


@pytest.mark.req("R134")
def test_ten_seconds_without_a_sign_of_life_are_too_long(gateway: Gateway) -> None:
    """R134: the limit itself, by the time of the file."""
    descriptor = state_lock.hold(gateway.state)
    with subprocess.Popen(["sleep", "600"]) as child:
        _publish(gateway.state, {"cls": (child.pid, "ready")})
        file = readiness.life_file(gateway.state, "cls")
        assert dict(not_answering(gateway.state, PATIENCE_S)) == {"cls": "ready"}
        file.touch()
        for age_s, silent in ((PATIENCE_S - 4, {}), (PATIENCE_S, {"cls": "ready"})):
            then = time.monotonic_ns() - int(age_s * 1e9)
            os.utime(file, ns=(then, then))
            assert dict(not_answering(gateway.state, PATIENCE_S)) == silent
        child.kill()
    os.close(descriptor)


@pytest.mark.req("R134")
def test_whoever_asks_is_alive(gateway: Gateway) -> None:
    """R134: the self-test is a long task of the worker, which asks."""
    descriptor = state_lock.hold(gateway.state)
    _publish(gateway.state, {"worker": (os.getpgrp(), "ready")})
    assert not list(check_services(gateway, NOW, patience_s=60))
    os.close(descriptor)


@pytest.mark.req("R134")
def test_a_stopped_child_of_a_role_gives_its_codes(gateway: Gateway) -> None:
    """R134: a web server whose first process is well, and whose worker is not."""
    words = "import os\nif pid := os.fork(): print(pid, flush=True)\ninput()"
    descriptor = state_lock.hold(gateway.state)
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(
        [sys.executable, "-c", words], **pipes, text=True, start_new_session=True
    ) as role:
        assert role.stdout
        child = int(role.stdout.readline())
        _publish(gateway.state, {"han": (role.pid, "ready")})
        SignOfLife(readiness.life_file(gateway.state, "han"))
        assert not list(check_services(gateway, NOW, patience_s=60))
        os.kill(child, signal.SIGSTOP)
        _until(lambda: _condition(child) == "T")
        found = {fault.code for fault in check_services(gateway, NOW, patience_s=1)}
        os.killpg(role.pid, signal.SIGKILL)
    os.close(descriptor)
    assert found == {2600108, 1900001}


@pytest.mark.req("R134", "R150")
def test_a_process_that_fails_again_and_again_locks(
    gateway: Gateway, processes: dict[str, int]
) -> None:
    """R150: 1900103 with 1900501."""
    _publish(
        gateway.state,
        {
            role: (pid, "failed" if role == "han" else "ready")
            for role, pid in processes.items()
        },
    )
    found = {fault.code for fault in check_services(gateway, NOW, patience_s=1)}
    assert found == {2600108, 1900001, 1900501, 1900103}


@pytest.mark.req("R134")
@pytest.mark.parametrize("service", [s for s in SERVICES if s.probe])
def test_a_module_that_does_not_answer_gives_its_code(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, service: object
) -> None:
    """R134: the probe raises."""

    def broken(_gateway: Gateway) -> object:
        raise OSError("gone")

    services = [
        replace(each, probe=broken) if each == service else replace(each, probe=None)
        for each in SERVICES
    ]
    monkeypatch.setattr(service_checks, "SERVICES", services)
    found = [fault.code for fault in check_services(gateway, NOW, patience_s=5)]
    assert found == [service.code]  # type: ignore[attr-defined]


@pytest.mark.req("R134")
def test_a_worker_that_hangs_is_found_by_beat_and_told_once(
    gateway: Gateway, processes: dict[str, int]
) -> None:
    """R134: the worker cannot find itself; after it went on, it is told anew."""
    codes = {service.code for service in SERVICES if service.process == "worker"}
    patient, watch = WorkerWatch(gateway), WorkerWatch(gateway, patience_s=2)
    watch.look()
    assert _told() == []
    os.kill(processes["worker"], signal.SIGUSR1)
    _until(lambda: _silence(gateway.state, "worker") > 2)
    patient.look()
    assert _told() == []
    watch.look()
    watch.look()
    assert sorted(_told()) == sorted({*codes, 1900001})
    SignOfLife(readiness.life_file(gateway.state, "worker"))
    watch.look()
    _until(lambda: _silence(gateway.state, "worker") > 2)
    watch.look()
    assert len(_told()) == 2 * (len(codes) + 1)


def _told() -> list[int]:
    return list(SystemLogEntry.objects.values_list("event_id", flat=True))
