"""PostgreSQL and Redis for a fleet that was given none: own servers in its folder.

They run as long as the fleet does and listen on this machine only.
"""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import gettempdir

from hardware.private_files import make_once

HOST = "127.0.0.1"
_UNPRIVILEGED = "postgres"
_PASSWORD = "postgresql.password"
_READY_WITHIN_S = 30.0
_POSTGRESQL = (
    f"listen_addresses={HOST}",
    "unix_socket_directories=",
    "max_connections=200",
    "max_locks_per_transaction=1024",  # making and dropping schemas takes many
    "shared_buffers=256MB",
)


class EngineMissing(Exception):
    """A server is not installed or did not start; the text says what to do."""


@contextmanager
def engines(fleet: Path) -> Iterator[dict[str, str]]:
    """The settings of the servers that run inside the block; those given stay.

    Raises EngineMissing.
    """
    with ExitStack() as stack:
        found = {}
        for name, server in (
            ("CASA_DATABASE_URL", postgresql),
            ("CASA_BROKER_URL", redis),
        ):
            given = os.environ.get(name)
            found[name] = given or stack.enter_context(server(fleet))
        yield found


@contextmanager
def postgresql(fleet: Path) -> Iterator[str]:
    """A cluster beside the folder; gives its URL."""
    programs, port = _postgresql_programs(), _free_port()
    # Beside and not inside: PostgreSQL refuses to run as root, whose folder that is.
    data = fleet.with_name(f"{fleet.name}.postgresql")
    password = make_once(fleet / _PASSWORD, secrets.token_hex(24).encode()).decode()
    if not (data / "PG_VERSION").exists():
        _make_cluster(programs, data, password)
    options = " ".join(f"-c {one}" for one in (f"port={port}", *_POSTGRESQL))
    control = programs / "pg_ctl", "-D", data, "-w"
    _call(*control, "-l", data / "server.log", "-o", options, "start")
    try:
        yield f"postgres://casa:{password}@{HOST}:{port}/postgres"
    finally:
        _call(*control, "-m", "fast", "stop")


def _make_cluster(programs: Path, data: Path, password: str) -> None:
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(data, _UNPRIVILEGED, _UNPRIVILEGED)
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(password)
        file.flush()
        if os.geteuid() == 0:
            shutil.chown(file.name, _UNPRIVILEGED)
        words = ["-A", "scram-sha-256", "-U", "casa", "-E", "UTF8", "--no-locale"]
        _call(programs / "initdb", "-D", data, f"--pwfile={file.name}", *words)


@contextmanager
def redis(_fleet: Path) -> Iterator[str]:
    """A Redis with its queues in memory only: messages are hints (decisions D3)."""
    program = shutil.which("redis-server")
    if program is None:
        raise EngineMissing("redis-server is not installed; or set CASA_BROKER_URL")
    port, password = _free_port(), secrets.token_hex(24)
    lines = [f"port {port}", f"bind {HOST}", f"requirepass {password}"]
    lines += ['save ""', "appendonly no", "loglevel warning", f"dir {gettempdir()}"]
    null = subprocess.DEVNULL
    with subprocess.Popen(
        [program, "-"], stdin=subprocess.PIPE, stdout=null, stderr=null
    ) as server:
        assert server.stdin
        server.stdin.write("\n".join(lines).encode())
        server.stdin.close()
        try:
            _await_redis(port, password, server)
            yield f"redis://:{password}@{HOST}:{port}/0"
        finally:
            server.terminate()


def _await_redis(port: int, password: str, server: "subprocess.Popen[bytes]") -> None:
    from redis import Redis, RedisError

    deadline = time.monotonic() + _READY_WITHIN_S
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with Redis(HOST, port, password=password) as client:
                client.ping()
                return
        except RedisError:
            time.sleep(0.1)
    raise EngineMissing("redis-server did not start")


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        return int(probe.getsockname()[1])


def _postgresql_programs() -> Path:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = installed[-1] if installed else shutil.which("initdb")
    if found is None:
        raise EngineMissing("PostgreSQL is not installed; or set CASA_DATABASE_URL")
    return Path(found).parent


def _call(program: Path, *words: object) -> None:
    """Run a program of PostgreSQL; raises EngineMissing with what it said."""
    command = [str(program), *map(str, words)]
    if os.geteuid() == 0:
        command = ["runuser", "-u", _UNPRIVILEGED, "--", *command]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise EngineMissing(f"{program.name}: {done.stderr.decode().strip()}")
