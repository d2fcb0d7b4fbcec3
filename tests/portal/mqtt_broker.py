"""A mosquitto of the system, for one test."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

BINARY = which("mosquitto") or which("mosquitto", path="/usr/sbin:/usr/local/sbin")


@contextmanager
def mosquitto(folder: Path, *, user: str, password: str) -> Iterator[int]:
    """Runs a broker that wants a login; gives its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    subprocess.run(
        ["mosquitto_passwd", "-b", "-c", str(folder / "users"), user, password],
        check=True,
        capture_output=True,
    )
    (folder / "users").chmod(0o644)
    folder.chmod(0o755)
    (folder / "mosquitto.conf").write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous false\n"
        f"password_file {folder / 'users'}\nuser root\npersistence false\n"
    )
    assert BINARY is not None
    broker = subprocess.Popen(
        [BINARY, "-c", str(folder / "mosquitto.conf")],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert broker.stderr is not None
    try:
        assert any("running" in line for line in broker.stderr)
        yield port
    finally:
        broker.terminate()
        broker.wait(10)
