"""The 18 services of the manual's self-test, and what happens when one is silent."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from casa_site import readiness, service_checks, state_lock
from casa_site.service_checks import SERVICES, check_services
from hardware.gateway import Gateway

NOW = datetime(2026, 6, 22, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def processes(gateway: Gateway) -> Iterator[dict[str, int]]:
    """A state folder in use, and a process for each role."""
    descriptor = state_lock.hold(gateway.state)
    roles = sorted({service.process for service in SERVICES})
    children = {
        role: subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1)
        for role in roles
    }
    _publish(
        gateway.state, {role: (child.pid, "ready") for role, child in children.items()}
    )
    yield {role: child.pid for role, child in children.items()}
    for child in children.values():
        child.kill()
        child.wait()
        assert child.stdin
        child.stdin.close()
    os.close(descriptor)


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
@pytest.mark.parametrize("role", sorted({service.process for service in SERVICES}))
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
def test_a_stopped_child_of_a_role_gives_its_codes(gateway: Gateway) -> None:
    """R134: a web server whose first process is well, and whose worker is not."""
    words = "import os\nprint(os.fork(), flush=True)\ninput()"
    descriptor = state_lock.hold(gateway.state)
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(
        [sys.executable, "-c", words], **pipes, text=True, start_new_session=True
    ) as role:
        assert role.stdout
        child = max(int(role.stdout.readline()) for _ in range(2))
        _publish(gateway.state, {"han": (role.pid, "ready")})
        assert not list(check_services(gateway, NOW, patience_s=5))
        os.kill(child, signal.SIGSTOP)
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
