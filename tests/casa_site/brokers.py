"""Throw-away brokers for tests: Redis and RabbitMQ, each a process of its own."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kombu import Connection

from tests.flows.running import free_port

REDIS = Path("/usr/bin/redis-server")
RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """The URL of a Redis server; skips the test when there is none to start."""
    _need(REDIS)
    port = free_port()
    words = [str(REDIS), "--port", str(port), "--bind", "127.0.0.1"]
    with _running([*words, "--save", "", "--dir", str(folder)], dict(os.environ)):
        url = f"redis://127.0.0.1:{port}/0"
        _wait_for(url, within_s=20)
        yield url


@contextmanager
def rabbitmq(folder: Path) -> Iterator[str]:
    """The URL of a RabbitMQ node; skips the test when there is none to start."""
    _need(RABBITMQ)
    port = free_port()
    mapper = str(free_port())
    environment = {
        **os.environ,
        "HOME": str(folder),
        "ERL_EPMD_PORT": mapper,
        "RABBITMQ_NODENAME": f"casa{port}@localhost",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
    }
    # Started by us, Erlang's port mapper ends with us; else it would stay for ever.
    with (
        _running(["epmd", "-port", mapper], environment),
        _running([str(RABBITMQ)], environment),
    ):
        url = f"amqp://guest:guest@127.0.0.1:{port}//"
        _wait_for(url, within_s=60)
        yield url


def _need(program: Path) -> None:
    if not program.exists():
        pytest.skip(f"{program.name} is not installed")


@contextmanager
def _running(words: list[str], environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        words,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(url: str, *, within_s: float) -> None:
    """Connect again and again until the broker answers."""
    with Connection(url, connect_timeout=1) as connection:
        connection.ensure_connection(
            max_retries=int(within_s / 0.2), interval_start=0.2, interval_step=0
        )
