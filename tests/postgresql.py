"""A throw-away PostgreSQL server for tests that need one."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SERVER_USER = "postgres"


def programs() -> Path | None:
    """The folder with initdb and pg_ctl, the newest version; None without a server."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda path: int(path.parts[-3]),
    )
    if found:
        return found[-1].parent
    in_path = shutil.which("initdb")
    return Path(in_path).parent if in_path else None


@contextmanager
def server(folder: Path, bin_folder: Path) -> Iterator[Path]:
    """Run a server with its data in `folder`; gives the folder of its socket.

    PostgreSQL refuses to run as root: then it runs as the user `postgres`.
    """
    if os.geteuid() == 0:
        shutil.chown(folder, _SERVER_USER)
    data = folder / "data"
    _run(bin_folder, "initdb", "-A", "trust", "-U", "casa", "-N", "-D", str(data))
    options = f"-c listen_addresses='' -c fsync=off -k {folder}"
    log = folder / "log"
    _run(
        bin_folder,
        "pg_ctl",
        "-w",
        "-D",
        str(data),
        "-l",
        str(log),
        "-o",
        options,
        "start",
    )
    try:
        yield folder
    finally:
        _run(bin_folder, "pg_ctl", "-w", "-m", "immediate", "-D", str(data), "stop")


def _run(bin_folder: Path, program: str, *arguments: str) -> None:
    command = [str(bin_folder / program), *arguments]
    if os.geteuid() == 0:
        command = ["runuser", "-u", _SERVER_USER, "--", *command]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")
