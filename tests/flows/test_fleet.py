"""`./casa fleet`: two gateways in shared processes, on servers of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import postgresql
from tests.flows.running import PROJECT, free_port

pytestmark = [pytest.mark.services, pytest.mark.slow]
SECONDS = 75
"""At fifteen times the speed that is 18 minutes: one quarter hour at least."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that another user may enter: PostgreSQL does not run as root."""
    if postgresql.programs() is None or shutil.which("redis-server") is None:
        pytest.skip("PostgreSQL or Redis is not installed")
    with tempfile.TemporaryDirectory(prefix="casa-fleet-") as name:
        Path(name).chmod(0o755)
        yield Path(name) / "fleet"


def started(folder: Path, *words: str) -> "subprocess.Popen[str]":
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CASA_")}
    environment["OPENSSL_CONF"] = str(PROJECT / "deploy" / "openssl.cnf")
    command = [sys.executable, "-m", "casa_site", "fleet", *words]
    return subprocess.Popen(
        [*command, "--state", str(folder)],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def until(process: "subprocess.Popen[str]", text: str) -> str:
    """What was printed up to a line with this text."""
    said = ""
    assert process.stdout
    for line in process.stdout:
        said += line
        if text in line:
            return said
    raise AssertionError(f"{text!r} did not come:\n{said}")


def origin(gateway: dict[str, Any], password: str) -> httpx.Response:
    auth = httpx.DigestAuth(gateway["user"], password)
    with httpx.Client(verify=False, trust_env=False, auth=auth) as client:
        return client.get(f"{gateway['han_url']}/json/metering/origin")


def test_a_fleet_reads_computes_and_delivers(folder: Path) -> None:
    """Real frames of four meters, own logins and certificates of two gateways, every
    value in its list and every delivery at its recipient."""
    first = ["--first-port", str(free_port())]
    words = ["2", "--speed", "15", "--seconds", str(SECONDS), "--json", *first]
    process = started(folder, *words)
    until(process, "CASA fleet of 2 ready")
    gateways = json.loads((folder / "fleet.json").read_text())["gateways"]
    one, two = gateways
    for gateway, other in ((one, two), (two, one)):
        answer = origin(gateway, gateway["password"])
        assert answer.status_code == 200
        assert gateway["meters"][0] in answer.text
        assert not any(meter in answer.text for meter in other["meters"])
        assert origin(gateway, other["password"]).status_code == 401
    said = until(process, "everything has ended")
    assert process.stdout
    figures = json.loads(process.stdout.read())
    process.wait(60)
    assert figures["values_missing"] == figures["placeholders"] == 0, figures
    assert figures["values_read"] >= 4
    assert figures["deliveries_owed"] > 0
    assert figures["deliveries_acknowledged"] == figures["deliveries_received"]
    assert process.returncode == 0, said


def test_a_fleet_leaves_nothing_behind(folder: Path) -> None:
    """A stop signal ends its servers too; the folder is used again."""
    process = started(folder, "1", "--first-port", str(free_port()))
    until(process, "CASA fleet of 1 ready")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0
    cluster = folder.with_name("fleet.postgresql")
    assert not (cluster / "postmaster.pid").exists()
    again = started(folder, "1", "--first-port", str(free_port()))
    until(again, "CASA fleet of 1 ready")
    again.send_signal(signal.SIGTERM)
    again.communicate(timeout=60)
    assert again.returncode == 0
