"""The soft lock-down in the real processes: begun at a start, kept, released."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.flows.running import PROJECT, RunningGateway

pytestmark = [pytest.mark.slow, pytest.mark.faults]

NOTICE = "Zurzeit leider kein Zugriff möglich."
OLD, NEW = {"CASA_HARDWARE": "10301"}, {"CASA_HARDWARE": "11302"}


def page(gateway: RunningGateway) -> httpx.Response:
    with httpx.Client(verify=False, follow_redirects=True) as client:
        return client.get(f"{gateway.url}/")


def ordered(state: Path, *words: str) -> str:
    """What `./casa manage lockdown` says beside the running gateway."""
    environment = {**os.environ, **NEW, "CASA_STATE": str(state)}
    environment["OPENSSL_CONF"] = str(PROJECT / "deploy" / "openssl.cnf")
    done = subprocess.run(
        [sys.executable, "manage.py", "lockdown", *words],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.req("R137", "R138", "R139", "R140")
def test_changed_hardware_locks_over_a_restart_until_the_gwa_releases(
    tmp_path: Path,
) -> None:
    """R137 (c), R139, R140: three starts; the notice on the page until the release."""
    state = tmp_path / "state"
    with RunningGateway(state, "--no-demo", settings=OLD) as first:
        first.wait_for("CASA ready")
        assert NOTICE not in page(first).text
        first.stop()
        assert first.wait_for_exit(within_s=10) == 0
    with RunningGateway(state, "--no-demo", settings=NEW) as second:
        second.wait_for("CASA ready")
        assert NOTICE in page(second).text
        second.stop()
        assert second.wait_for_exit(within_s=10) == 0
    with RunningGateway(state, "--no-demo", settings=NEW) as third:
        third.wait_for("CASA ready")
        assert NOTICE in page(third).text
        assert ordered(state).startswith("soft since ")
        assert "still stands" in ordered(state, "release")
        assert NOTICE in page(third).text
        ordered(state, "accept-hardware")
        assert ordered(state, "release").startswith("normal\n")
        assert ordered(state, "seal-whole") == "normal\n"
        assert NOTICE not in page(third).text
