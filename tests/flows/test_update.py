"""A real gateway updates itself, fails to, and is killed while it does."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from casa_site import package
from hardware import firmware_store
from tests.flows.running import PROJECT, RunningGateway, free_port
from tests.flows.stored import Stored, stored

pytestmark = [pytest.mark.slow, pytest.mark.faults]

KILLS = int(os.environ.get("UPDATE_KILLS", "6"))
"""Each takes half a minute; UPDATE_KILLS=20 for the long form."""
PORTS = ("service", "gwa", "cls", "cls-sni", "wakeup")
BEGIN = '    say("setting up'
CARRY_ON = """
import django
django.setup()
from casa_site import firmware
from casa_site.gateways import open_configured_gateway
firmware.carry_on(open_configured_gateway())
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """good.casa is this program as release 2, bad.casa a release 3 that never becomes
    ready; beside them the maker's key."""
    folder = tmp_path_factory.mktemp("packages")
    tree = folder / "tree"
    for name in package.program_files(PROJECT):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, tree / name)
    subprocess.run(["git", "init", "-q"], cwd=tree, check=True)
    make(folder, tree, "good", 2)
    up = tree / "casa_site" / "up.py"
    assert BEGIN in up.read_text()
    up.write_text(up.read_text().replace(BEGIN, f"    return 1\n{BEGIN}", 1))
    make(folder, tree, "bad", 3)
    shutil.rmtree(tree)
    return folder


def make(folder: Path, tree: Path, name: str, number: int) -> None:
    words = ["--version", f"{name}X", "--number", str(number), "--root", str(tree)]
    words += ["--key", str(folder / "maker.key")]
    assert package.main([*words, "--output", str(folder / f"{name}.casa")]) == 0


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def options() -> list[str]:
    ports = [f"--{name}-port={free_port()}" for name in PORTS]
    return ["--history-days", "1", *ports]


def call(state: Path, *words: str) -> None:
    """A command with the code that is installed in the state folder."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=PROJECT,
        env={**os.environ, "CASA_STATE": str(state)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def firmware(state: Path, *words: str) -> None:
    call(state, str(PROJECT / "casa"), "manage", "firmware", *words)


def install(state: Path, packages: Path, name: str) -> None:
    """All steps of the administrator; then what the tick of a minute does."""
    firmware(state, "add", str(packages / f"{name}.casa"))
    firmware(state, "release", f"{name}X")
    firmware(state, "schedule", f"{name}X")
    call(state, "-c", CARRY_ON)


def code_folders(running: RunningGateway) -> set[str]:
    """Where the code of the gateway's processes comes from."""
    folders = set()
    for pid in running.pids().values():
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue  # the one that writes the history ends by itself
        paths = [line for line in environment if line.startswith(b"PYTHONPATH=")]
        folders |= {path.decode().partition("=")[2].split(":")[0] for path in paths}
    return folders


def _without_number(fault: str) -> str:
    return fault.rpartition("number=")[0]


def assert_kept(before: Stored, after: Stored) -> None:
    """Every list begins as it was; chains and signatures are as good as before."""
    known = {_without_number(fault) for fault in before.faults}
    assert {_without_number(fault) for fault in after.faults} <= known
    assert all("profile:" in fault for fault in after.faults)
    assert sum(map(len, before.originals.values())) > 100
    for lists, later in (
        (before.originals, after.originals),
        (before.derived, after.derived),
    ):
        assert {name: later[name][: len(rows)] for name, rows in lists.items()} == lists


@pytest.mark.req("R147", "R148", "R4")
def test_an_update_runs_from_its_own_folder_and_a_bad_one_is_left(
    packages: Path, state: Path, options: list[str]
) -> None:
    """Code of all processes out of the new folder, data as before; then a release that
    does not become ready: the one before goes on."""
    with RunningGateway(state, *options) as running:
        running.wait_for("CASA ready")
        running.wait_for("history is complete", within_s=120)
        before = stored(state)
        firmware(state, "trust", str(packages / "maker.pub.pem"))
        install(state, packages, "good")
        running.wait_for("release goodX runs", within_s=90)
        assert code_folders(running) == {str(state / "firmware" / "goodX")}
        assert_kept(before, stored(state))
        install(state, packages, "bad")
        running.wait_for("release badX is not taken: it ended", within_s=90)
        running.wait_for("CASA ready", within_s=60)
        assert code_folders(running) == {str(state / "firmware" / "goodX")}
        call(state, "-c", CARRY_ON)
        listed = subprocess.run(
            [sys.executable, str(PROJECT / "casa"), "manage", "firmware", "list"],
            env={**os.environ, "CASA_STATE": str(state)},
            capture_output=True,
            text=True,
        ).stdout
        assert listed.startswith("running goodX (2)")
        assert "goodX active" in listed
        assert "badX refused" in listed
        assert "1300116" in listed
        assert_kept(before, stored(state))
        running.stop()
        assert running.wait_for_exit(within_s=30) == 0


@pytest.mark.req("R147", "R148")
def test_kills_during_an_update_leave_a_gateway_that_runs(
    packages: Path, state: Path, options: list[str]
) -> None:
    """kill -9 of supervisor or launcher at random moments of switch and trial: the next
    start runs one of the two releases, with all data."""
    chance = random.Random(4)
    with RunningGateway(state, *options) as running:
        running.wait_for("CASA ready")
        running.wait_for("history is complete", within_s=120)
        before = stored(state)
        firmware(state, "trust", str(packages / "maker.pub.pem"))
        install(state, packages, "good")
        running.wait_for("release goodX runs", within_s=90)
        running.stop()
        running.wait_for_exit(within_s=30)
    seen = set()
    for _kill in range(KILLS):
        for name in ("current", firmware_store.ORDER):
            (state / "firmware" / name).unlink(missing_ok=True)
        with RunningGateway(state, *options, launched=True) as running:
            running.wait_for("CASA ready", within_s=60)
            firmware_store.give_order(state, "goodX", {})
            moment = chance.choice(["ending", "everything has ended", "trying release"])
            running.wait_for(moment, within_s=30)
            delay_s = chance.uniform(0, 6 if moment.startswith("trying") else 0.5)
            end = time.monotonic() + delay_s
            running.wait_until(lambda end=end: time.monotonic() > end, "the moment")
            os.kill(running.process.pid, signal.SIGKILL)
        with RunningGateway(state, *options, launched=True) as running:
            running.wait_for("CASA ready", within_s=90)
            seen |= code_folders(running)
            assert len(code_folders(running)) == 1
            running.stop()
            running.wait_for_exit(within_s=30)
        assert_kept(before, stored(state))
    assert seen <= {str(PROJECT), str(state / "firmware" / "goodX")}
