"""The 18 services of the manual's self-test: what each is here, and whether it answers.

The maker's device has a process for each; here several are modules of one process. A
process answers when the supervisor holds it for ready, it is not stopped and its loops
show life (`hardware.sign_of_life`), a module when its probe returns. What does not
answer within 10 s gets its code 26001NN (R134). Whoever asks is alive.
"""

import json
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection

from casa_site import readiness, state_lock
from casa_site.supervisor import SERVICES_FILE
from hardware.gateway import Gateway
from hardware.security_module import SIGNATURE_SLOT
from hardware.sign_of_life import silence_s
from logbooks.checks import Fault, register_check
from logbooks.models import ChainHead, DeviceState
from meters.models import Meter
from tariffs.models import EvaluationProfile

PATIENCE_S = 10.0
_LOOK_AGAIN_S = 0.5
_STOPPED = frozenset({"T", "t"})

NOT_ALL_STARTED = 1900001
PROCESS_NOT_STARTED = 1900501
RESTARTED_TOO_OFTEN = 1900103

Probe = Callable[[Gateway], object]


@dataclass(frozen=True, slots=True)
class ManualService:
    """A service of the manual: its code, the process that holds it, its probe.

    `process` is a role of `casa_site.roles`; a role that is not configured (a service
    that is not there) is not asked. `probe` is called in this process.
    """

    code: int
    name: str
    process: str
    probe: Probe | None = None


def _meters(_gateway: Gateway) -> object:
    return Meter.objects.exists()


def _profiles(_gateway: Gateway) -> object:
    return EvaluationProfile.objects.exists()


def _logs(_gateway: Gateway) -> object:
    return ChainHead.objects.exists()


def _states(_gateway: Gateway) -> object:
    return DeviceState.objects.exists()


def _module(gateway: Gateway) -> object:
    return gateway.security_module.public_key(SIGNATURE_SLOT)


def _clock(gateway: Gateway) -> object:
    return gateway.clock.now()


def _storage(gateway: Gateway) -> object:
    return [path.stat() for path in gateway.state.iterdir() if path.is_file()]


def _installed(_gateway: Gateway) -> object:
    return (Path(__file__).parent.parent / "manage.py").stat()


def _interfaces(_gateway: Gateway) -> object:
    return list(Path("/sys/class/net").iterdir())


SERVICES = (
    ManualService(2600101, "lmnmanager", "lmn", _meters),
    ManualService(2600102, "wlmnmanager", "lmn", _meters),
    ManualService(2600103, "tariffmanager", "worker", _profiles),
    ManualService(2600104, "customeradministration", "worker", _profiles),
    ManualService(2600105, "gwaclient", "worker"),
    ManualService(2600106, "profilemanager", "worker", _profiles),
    ManualService(2600107, "gwa-tls-client", "gwa"),
    ManualService(2600108, "consumerinterface", "han"),
    ManualService(2600109, "interfacemanager", "house", _interfaces),
    ManualService(2600110, "wake-up-service", "wakeup"),
    ManualService(2600111, "ntp-tls-proxy", "worker"),
    ManualService(2600112, "srv-webservice", "service"),
    ManualService(2600114, "logsystem", "worker", _logs),
    ManualService(2600115, "timesystem", "beat", _clock),
    ManualService(2600116, "secmodmanager", "worker", _module),
    ManualService(2600117, "mmc-diagnostic-read", "worker", _storage),
    ManualService(2600118, "cls-proxy", "cls"),
    ManualService(2600119, "updatesystem", "worker", _installed),
)


def register_service_checks() -> None:
    """Let the self-test ask the services."""
    register_check("services", check_services)


def check_services(
    gateway: Gateway, _now: datetime, *, patience_s: float = PATIENCE_S
) -> Iterator[Fault]:
    """The code of each service that does not answer, and those of the processes."""
    silent = _silent_processes(gateway.state, patience_s)
    codes = set(codes_of(silent))
    codes |= set(_silent_probes(gateway, patience_s))
    for service in SERVICES:
        if service.code in codes:
            yield Fault(service.code, service.name)
    failed = [name for name, state in silent.items() if state == "failed"]
    if silent:
        yield Fault(NOT_ALL_STARTED, ", ".join(silent))
    for name in failed:
        yield Fault(PROCESS_NOT_STARTED, name)
        yield Fault(RESTARTED_TOO_OFTEN, name)


def codes_of(processes: Collection[str]) -> list[int]:
    """The codes of the services that these processes hold, ascending."""
    return [service.code for service in SERVICES if service.process in processes]


def _silent_processes(state: Path, patience_s: float) -> dict[str, str]:
    """Processes that never answered in this time, with their state; {} while no
    gateway runs."""
    deadline = time.monotonic() + patience_s
    silent = dict(not_answering(state, patience_s))
    while silent and time.monotonic() < deadline:
        time.sleep(_LOOK_AGAIN_S)
        now = dict(not_answering(state, patience_s))
        silent = {name: now[name] for name in silent if name in now}
    return silent


def not_answering(state: Path, patience_s: float) -> Iterator[tuple[str, str]]:
    """Processes that do not answer now, with their state for the supervisor.

    `patience_s` is how long one may show no life.
    """
    if state_lock.supervisor_of(state) is None:
        return
    known = {service.process for service in SERVICES}
    for row in _supervised(state):
        if row["name"] in known and not _is_well(state, row, patience_s):
            yield row["name"], row["state"]


def _is_well(state: Path, row: Mapping[str, Any], patience_s: float) -> bool:
    if row["state"] == "done" or row["pid"] == os.getpgrp():
        return True
    if row["state"] != "ready" or _is_stopped(row["pid"]):
        return False
    silent_s = silence_s(readiness.life_file(state, row["name"]))
    return silent_s is not None and silent_s <= patience_s


def _supervised(state: Path) -> list[dict[str, Any]]:
    try:
        text = (readiness.run_folder(state) / SERVICES_FILE).read_text()
    except FileNotFoundError:
        return []
    rows: list[dict[str, Any]] = json.loads(text)
    return rows


def _is_stopped(pid: int) -> bool:
    """Whether the process is stopped, dead or gone, or one that it started is stopped.

    A role is a process group: the web servers and nodes work in children.
    """
    condition = _stat_of(pid)
    if condition is None or condition[0] in {*_STOPPED, "Z", "X"}:
        return True
    others = (int(path.name) for path in Path("/proc").glob("[0-9]*"))
    group = (stat for other in others if (stat := _stat_of(other)) and stat[1] == pid)
    return any(state in _STOPPED for state, _group in group)


def _stat_of(pid: int) -> tuple[str, int] | None:
    """State and process group (proc(5), fields 3 and 5 of stat); None when gone."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = after_name.split()
    return fields[0], int(fields[2])


def _silent_probes(gateway: Gateway, patience_s: float) -> Iterable[int]:
    """Codes of the services whose probe raises or takes too long."""
    probes = [service for service in SERVICES if service.probe]
    pool = ThreadPoolExecutor(max_workers=1)
    for service in probes:
        assert service.probe
        try:
            pool.submit(_probed, service.probe, gateway).result(patience_s)
        except TookTooLong:
            # The thread hangs; another one asks the next service.
            pool.shutdown(wait=False)
            pool = ThreadPoolExecutor(max_workers=1)
            yield service.code
        except Exception:  # whatever it was, the service has not answered
            yield service.code
    pool.shutdown(wait=False)


def _probed(probe: Probe, gateway: Gateway) -> None:
    try:
        probe(gateway)
    finally:
        connection.close()
