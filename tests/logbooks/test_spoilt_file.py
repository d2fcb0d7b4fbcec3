"""A whole gateway whose encrypted database file is damaged: found, locked, restored."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from casa_site.databases import has_sqlcipher
from tests.flows.running import PROJECT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not has_sqlcipher(), reason="SQLCipher is not installed"),
]

CODES = {2500350, 2500351, 2500352, 2500353}
WELL = {"file": [], "lists": [], "mode": "normal", "code": 0}


def spoilt(folder: Path, flips: int) -> dict[str, Any]:
    """What `tests.logbooks.spoilt_file` reports."""
    words = [sys.executable, "-m", "tests.logbooks.spoilt_file", str(folder)]
    # Its database is the file, whatever that of the tests is.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CASA_")}
    environment["OPENSSL_CONF"] = str(PROJECT / "deploy/openssl.cnf")
    done = subprocess.run(
        [*words, str(flips)], cwd=PROJECT, env=environment, capture_output=True
    )
    assert done.returncode == 0, done.stderr[-2000:].decode()
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.mark.req("R87", "R146", "R150")
@pytest.mark.parametrize(
    "flips", [10, pytest.param(200, marks=pytest.mark.faults)], ids=str
)
def test_each_flipped_byte_of_the_file_is_found_and_the_good_file_restores(
    tmp_path: Path, flips: int
) -> None:
    """R150: one byte anywhere in the file: 2500350 to 2500353; R146: stored values
    that cannot be read lock the device as 2500351, R87: a log that cannot be read is
    1400509, and one that cannot be written locks as 1400513."""
    report = spoilt(tmp_path, flips)
    assert report["good"] == WELL
    assert len(report["spoilt"]) == flips
    for each in report["spoilt"]:
        found = {*each["file"], *each["lists"]}
        assert found & CODES
        assert {code for code in found if code < 2500000} <= {1400509}
        assert each["mode"] == ("soft" if each["lists"] else each["mode"])
    values = report["meters_originalrecord"]
    assert values["lists"] == [2500351]
    assert (values["mode"], values["code"]) == ("soft", 2500351)
    log = report["logbooks_systemlogentry"]
    assert 1400509 in log["lists"]
    assert (log["mode"], log["code"]) == ("soft", 1400513)
    assert report["restored"] == WELL
    print(f"{flips} bytes of the file flipped, all found")
