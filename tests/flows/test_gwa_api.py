"""The demo's administrator at the real listener: curl with his certificate."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.flows.running import RunningGateway

PROFILE = {
    "taf": 7,
    "consumer": "hks2",
    "inputs": [{"meter": "1emh0000000001", "obis": "1-0:1.8.0*255"}],
}


@pytest.mark.slow
@pytest.mark.req("R91", "R99", "R159")
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_a_profile_made_with_curl_and_the_demos_certificate_starts(
    tmp_path: Path,
) -> None:
    """201, active, and its entries in the logs; without the certificate no answer."""
    state = tmp_path / "state"
    with RunningGateway(state, "--history-days", "0") as running:
        running.wait_for("CASA ready")
        gwa = json.loads((state / "demo.json").read_text())["gwa"]
        base = f"https://127.0.0.1:{running.gwa_port}/gwa/v1"
        secured = ["--cacert", gwa["ca"]]
        known = [*secured, "--cert", gwa["certificate"], "--key", gwa["key"]]
        made = curl(
            *known,
            *("-X", "PUT", "-H", "If-None-Match: *"),
            *("-H", "Content-Type: application/json"),
            *("-d", json.dumps(PROFILE), f"{base}/evaluation-profiles/neu-taf7"),
        )
        assert made["state"] == "active", made
        lines = curl(*known, f"{base}/logs/calibration?event_id=20010&order=desc")
        assert lines["items"][0]["text"].startswith("Das Auswerteprofil neu-taf7")
        device = curl(*known, f"{base}/device")
        assert device["lockdown"]["mode"] == "normal"
        assert device["uptime_s"] >= 0
        refused = subprocess.run(
            ["curl", "-sS", *secured, f"{base}/device"], capture_output=True, text=True
        )
        assert refused.returncode != 0
        assert not refused.stdout


def curl(*words: str) -> dict[str, Any]:
    done = subprocess.run(
        ["curl", "-sS", *words], capture_output=True, text=True, check=True
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
