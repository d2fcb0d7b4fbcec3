"""The ports of the meters: there, and readable and writable for the gateway."""

import grp
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from casa_site.doctor.finding import Finding, ok, warning, wrong
from hardware.file_link import path_of
from meters.models import Meter


def configured_ports() -> list[str]:
    """The ports of the meters that are read, each once."""
    active = Meter.objects.filter(is_active=True)
    return sorted(set(active.values_list("port", flat=True)))


def findings(ports: Iterable[str], state: Path) -> Iterator[Finding]:
    """One line for each port; `state` is the folder where the demo puts its own."""
    known = list(ports)
    if not known:
        remedy = "./casa manage apply FILE.json (docs/operator.md)"
        yield warning("meters", "none is configured", remedy)
    for port in known:
        yield _port(port, state)


def device(path: Path, setting: str) -> Finding:
    """A device that a setting names, such as the clock of CASA_RTC."""
    if not path.exists():
        return wrong(setting, f"{path} is not there", f"correct {setting}")
    if not os.access(path, os.R_OK):
        return wrong(setting, f"{path} cannot be read", _right_to(path))
    return ok(setting, str(path))


def _port(port: str, state: Path) -> Finding:
    file = path_of(port)
    path = file or Path(port)
    if "://" in port and file is None:
        return ok("port", f"{port} (not asked: it may take one reader only)")
    if not path.exists():
        if path.is_relative_to(state):
            remedy = "it is there while the demo's meters run"
            return warning("port", f"{port} is not there", remedy)
        remedy = "plug it in; a name below /dev/serial/by-id stays the same"
        return wrong("port", f"{port} is not there", remedy)
    wanted = os.R_OK if file else os.R_OK | os.W_OK
    if not os.access(path, wanted):
        return wrong("port", f"{port} cannot be used", _right_to(path))
    if file is None and not stat.S_ISCHR(path.stat().st_mode):
        return wrong("port", f"{port} is no device", "correct the meter's port")
    return ok("port", port)


def _right_to(path: Path) -> str:
    try:
        group = grp.getgrgid(path.stat().st_gid).gr_name
    except KeyError:
        group = str(path.stat().st_gid)
    return f"add the gateway's user to the group {group}, then start it again"
