"""The folder of the releases: whole ones only, a switch in one step."""

import subprocess
import sys
from pathlib import Path

import pytest

from hardware import firmware_store
from hardware.firmware_manifest import damaged_files
from tests.hardware.releases import new_key, package, public_pem

ROOT = Path(__file__).parents[2]
KEY = new_key()
INSTALL = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from hardware import firmware_package, firmware_store
state = Path(sys.argv[1])
keys = firmware_store.trusted_keys(state)
package = firmware_package.read(Path(sys.argv[2]), keys)
firmware_store.install(state, package)
firmware_store.switch(state, package.manifest.version)
"""


def installed_by(state: Path, path: Path, kill_at: int) -> subprocess.CompletedProcess:
    program = state / "install.py"
    program.write_text(INSTALL)
    words = [str(ROOT / "tests" / "killed_at.py"), str(kill_at), str(program)]
    return subprocess.run(
        [sys.executable, *words, str(state), str(path), str(ROOT)],
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.req("R148")
def test_an_installation_killed_at_any_step_leaves_a_whole_release(
    tmp_path: Path,
) -> None:
    """Killed before each change of a file: `current` is the old or the new release,
    whole, and the next try succeeds."""
    firmware_store.trust(tmp_path, public_pem(KEY))
    old = package(tmp_path, KEY, version="1X", number=1, name="old.casa")
    new = package(tmp_path, KEY, version="2X", number=2, name="new.casa")
    manifests = {"1X": old.manifest, "2X": new.manifest}
    done = installed_by(tmp_path, old.path, 0)
    assert done.returncode == 0, done.stderr
    steps = int(done.stderr.splitlines()[-1])
    assert steps > 10
    for kill_at in range(1, steps + 1):
        firmware_store.switch(tmp_path, "1X")
        killed = installed_by(tmp_path, new.path, kill_at)
        running = firmware_store.current(tmp_path)
        assert running is not None
        assert damaged_files(running, manifests[running.name]) == []
        assert (killed.returncode, running.name) in {(-9, "1X"), (-9, "2X"), (0, "2X")}
        again = installed_by(tmp_path, new.path, 0)
        assert again.returncode == 0, again.stderr
        assert firmware_store.current(tmp_path) == tmp_path / "firmware" / "2X"
        assert damaged_files(tmp_path / "firmware" / "2X", new.manifest) == []
        firmware_store.switch(tmp_path, "1X")


def test_a_makers_key_is_kept_once(tmp_path: Path) -> None:
    first, second = public_pem(KEY), public_pem(new_key())
    names = [firmware_store.trust(tmp_path, key) for key in (first, second, first)]
    assert names == ["maker-1.pem", "maker-2.pem", "maker-1.pem"]
    assert len(firmware_store.trusted_keys(tmp_path)) == 2
    with pytest.raises(firmware_store.KeyNotUsable):
        firmware_store.trust(tmp_path, b"no key")
    (tmp_path / "firmware" / "trusted" / "spoilt.pem").write_text("-")
    assert len(firmware_store.trusted_keys(tmp_path)) == 2


def test_what_is_not_needed_any_more_is_removed(tmp_path: Path) -> None:
    """But never the release that runs."""
    for number in (1, 2, 3):
        made = package(tmp_path, KEY, version=f"{number}X", number=number)
        firmware_store.install(tmp_path, made)
    assert firmware_store.current(tmp_path) is None
    firmware_store.switch(tmp_path, "1X")
    (tmp_path / "firmware" / "4X.partial").mkdir()
    firmware_store.tidy(tmp_path, {"3X"})
    left = {path.name for path in (tmp_path / "firmware").iterdir()}
    assert left == {"1X", "3X", "current"}
    assert firmware_store.current(tmp_path) == tmp_path / "firmware" / "1X"


def test_a_link_that_leads_nowhere_is_no_release(tmp_path: Path) -> None:
    firmware_store.folder(tmp_path)
    firmware_store.switch(tmp_path, "9X")
    assert firmware_store.current(tmp_path) is None


def test_an_order_and_a_result_are_read_back(tmp_path: Path) -> None:
    assert not firmware_store.is_ordered(tmp_path)
    firmware_store.give_order(tmp_path, "2X", {"meters": "0009_x"})
    assert firmware_store.is_ordered(tmp_path)
    assert firmware_store.result_of(tmp_path) is None
    (tmp_path / "firmware" / "result.json").write_text("{")
    assert firmware_store.result_of(tmp_path) == {}
    firmware_store.forget_result(tmp_path)
    assert firmware_store.result_of(tmp_path) is None
