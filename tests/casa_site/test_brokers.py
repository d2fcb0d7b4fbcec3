"""The gateway on other services than its own: Redis, RabbitMQ, PostgreSQL."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from kombu import Connection, Queue

from casa_site.broker import broker
from tests import postgresql
from tests.casa_site import brokers
from tests.flows.running import PROJECT, RunningGateway

pytestmark = [pytest.mark.services, pytest.mark.slow]


@pytest.fixture(params=["redis", "rabbitmq"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    start = {"redis": brokers.redis, "rabbitmq": brokers.rabbitmq}[request.param]
    with start(tmp_path) as address:
        yield address


@pytest.fixture
def database_url() -> Iterator[str]:
    programs = postgresql.programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    with (
        tempfile.TemporaryDirectory(prefix="casa-pg-") as folder,
        postgresql.server(Path(folder), programs) as socket,
    ):
        yield f"postgres://casa@/postgres?host={socket}"


def test_the_task_of_a_killed_consumer_runs_again(url: str, tmp_path: Path) -> None:
    options = broker(url, state=tmp_path)[1]
    if url.startswith("redis"):
        options["visibility_timeout"] = 2  # as for a task of at most two seconds
    with Connection(url, transport_options=options) as connection:
        for n in (1, 2):
            connection.Producer(serializer="json").publish(
                {"n": n}, routing_key="tariff", declare=[Queue("tariff")]
            )
    first = start_consumer(url, options, "no")
    assert first.stdout is not None
    assert first.stdout.readline() == "1\n"
    first.kill()
    first.communicate()

    taken: list[str] = []
    for _ in range(10):  # each waits a second for what the broker gives back
        output, _errors = start_consumer(url, options, "yes").communicate(timeout=30)
        taken += output.split()
        if sorted(taken) == ["1", "2"]:
            return
    raise AssertionError(f"only {taken} came back")


def start_consumer(
    url: str, options: dict[str, object], acknowledges: str
) -> subprocess.Popen[str]:
    words = [url, json.dumps(options), "2", acknowledges]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.casa_site.queue_consumer", *words],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_gateway_runs_on_the_broker(url: str, tmp_path: Path) -> None:
    settings = {"CASA_BROKER_URL": url}
    with RunningGateway(tmp_path / "state", "--no-demo", settings=settings) as running:
        running.wait_for("CASA ready")
        assert not (tmp_path / "state" / "queue").exists()
        running.stop()
        assert running.wait_for_exit(within_s=10) == 0


def test_a_gateway_runs_on_postgresql(database_url: str, tmp_path: Path) -> None:
    settings = {"CASA_DATABASE_URL": database_url}
    with RunningGateway(tmp_path / "state", "--no-demo", settings=settings) as running:
        running.wait_for("CASA ready")
        answer = httpx.get(f"{running.url}/json/metering/origin/", verify=False)
        assert answer.status_code == 401
        assert not (tmp_path / "state" / "casa.sqlite3").exists()
        running.stop()
        assert running.wait_for_exit(within_s=10) == 0
