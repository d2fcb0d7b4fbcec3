"""Where the gateway listens while it runs, and whether it could when it does not."""

import socket
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from casa_site.doctor.finding import Finding, ok, warning, wrong
from casa_site.free_port import obstacle

_LISTENS = {"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"}
"""The state of a socket that waits for others, in each table of the kernel."""

ROLES = ("han", "service", "gwa", "cls", "wakeup")
"""The processes that listen."""
_UNLESS = {
    "cls": "no proxy profile asks for it",
    "wakeup": "no administrator is configured",
}
"""Who may well listen nowhere, and why."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is to listen: the option that says so, address, port, kind."""

    option: str
    host: str
    port: int
    kind: socket.SocketKind = socket.SOCK_STREAM


def while_running(
    pids: Mapping[str, int], proc: Path = Path("/proc")
) -> Iterator[Finding]:
    """What each role of the running gateway listens on, by its process id."""
    for role in ROLES:
        if role not in pids:
            continue
        try:
            own = addresses_of(pids[role], proc)
        except PermissionError:
            remedy = "run the doctor as the gateway's user"
            yield warning(role, "its sockets cannot be seen", remedy)
            continue
        if own:
            shown = ", ".join(f"{host} port {port}" for host, port in own)
            yield ok(role, f"listens on {shown}")
        elif role in _UNLESS:
            yield ok(role, f"listens nowhere: {_UNLESS[role]}")
        else:
            remedy = "./casa up prints why; ./casa status shows the process"
            yield wrong(role, "runs and listens nowhere", remedy)


def addresses_of(pid: int, proc: Path = Path("/proc")) -> list[tuple[str, int]]:
    """Where a process listens: address and port, sorted. Raises PermissionError."""
    inodes = _sockets_of(pid, proc)
    found = listening(proc).items()
    return sorted({address for inode, address in found if inode in inodes})


def hosts_of(pid: int) -> list[str]:
    """The addresses that a process listens on; none when that cannot be seen."""
    try:
        return sorted({host for host, _port in addresses_of(pid)})
    except PermissionError:
        return []


def while_stopped(places: Iterable[Place]) -> Iterator[Finding]:
    """Whether the gateway could listen at each place."""
    for place in places:
        name = place.option.removeprefix("--")
        where = f"{place.port} on {place.host}"
        try:
            reason = obstacle(place.host, place.port, place.kind)
        except OSError as error:  # no such address family
            reason = error.strerror or str(error)
        if reason:
            remedy = f"free it or choose another with {place.option}"
            yield wrong(name, f"{where} cannot be used: {reason}", remedy)
        else:
            yield ok(name, f"{where} is free")


def listening(proc: Path) -> dict[str, tuple[str, int]]:
    """Every listening socket of the machine: inode to address and port."""
    found = {}
    for table, state in _LISTENS.items():
        path = proc / "net" / table
        for line in path.read_text().splitlines()[1:] if path.exists() else []:
            fields = line.split()
            if fields[3] == state:
                found[fields[9]] = _address(fields[1])
    return found


def _address(hexadecimal: str) -> tuple[str, int]:
    """`0100007F:20FB` to 127.0.0.1, 8443; words of 32 bits in the host's order."""
    address, _, port = hexadecimal.partition(":")
    raw = bytes.fromhex(address)
    words = (raw[at : at + 4] for at in range(0, len(raw), 4))
    if sys.byteorder == "little":
        words = (word[::-1] for word in words)
    return str(ip_address(b"".join(words))), int(port, 16)


def _sockets_of(pid: int, proc: Path) -> set[str]:
    """Inodes of the sockets that a process has open; none when it is gone."""
    found = set()
    try:
        for link in (proc / str(pid) / "fd").iterdir():
            target = str(link.readlink())
            if target.startswith("socket:["):
                found.add(target[len("socket:[") : -1])
    except FileNotFoundError:
        return found
    return found
