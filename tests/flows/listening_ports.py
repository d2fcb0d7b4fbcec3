"""Where the processes of a running gateway listen, as the kernel says it."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.flows.running import RunningGateway, children_of

_LISTENS = "0A"


def listening_ports(running: RunningGateway) -> dict[str, set[int]]:
    """The TCP ports that each role of the gateway listens on."""
    ports = _ports_by_socket()
    found: dict[str, set[int]] = {}
    for role, pid in running.pids().items():
        sockets = {link for member in _tree(pid) for link in _sockets(member)}
        if own := {ports[link] for link in sockets if link in ports}:
            found[role] = own
    return found


@contextmanager
def without_frames(port: int) -> Iterator[int]:
    """A port where the TLS of a SOCKS-TLS server can be had without its frames."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_bridge, args=(listener, port), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def _bridge(listener: socket.socket, port: int) -> None:
    with suppress(OSError):
        while True:
            client, _address = listener.accept()
            args = (client, port)
            threading.Thread(target=_carry, args=args, daemon=True).start()


def _carry(client: socket.socket, port: int) -> None:
    with client, socket.create_connection(("127.0.0.1", port)) as server:
        server.sendall(b"\x05\x01\x06")
        assert server.recv(2) == b"\x05\x06", "the server does not speak SOCKS-TLS"
        stream = server.makefile("rb")
        with suppress(OSError):
            while True:
                ready, _, _ = select.select([client, server], [], [])
                if client in ready:
                    data = client.recv(16_000)
                    if not data:
                        return
                    server.sendall(b"\x01\x01" + len(data).to_bytes(2, "big") + data)
                elif not _one_frame(stream, client):
                    return


def _one_frame(stream: "socket.SocketIO", client: socket.socket) -> bool:
    head = stream.read(4)
    if len(head or b"") < 4:
        return False
    client.sendall(stream.read(int.from_bytes(head[2:], "big")))
    return True


def _tree(pid: int) -> Iterator[int]:
    yield pid
    with suppress(FileNotFoundError, ProcessLookupError):
        for child in children_of(pid):
            yield from _tree(child)


def _sockets(pid: int) -> Iterator[str]:
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            target = str(link.readlink())
            if target.startswith("socket:["):
                yield target[8:-1]


def _ports_by_socket() -> dict[str, int]:
    found = {}
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == _LISTENS:
                found[words[9]] = int(words[1].rpartition(":")[2], 16)
    return found
