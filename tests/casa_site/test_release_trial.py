"""The launcher tries a new release and goes back to the old one when it must."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PROGRAM = """
import json, os, sys, time
from pathlib import Path
state = Path(os.environ["CASA_STATE"])
with (state / "log").open("a") as log:
    log.write("VERSION " + " ".join(sys.argv[1:]) + "\\n")
if sys.argv[1] == "up":
    assert Path(os.environ["PYTHONPATH"].split(":")[0]) == Path(__file__).parents[1]
    (state / "run").mkdir(exist_ok=True)
    WORK
"""
READY = '(state / "run" / "casa.ready").write_text("1 1")'


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A launcher with a release 1X beside it, whose packages are installed."""
    folder = tmp_path / "base"
    write_program(folder, "1X", "")
    launcher = (PROJECT / "casa").read_text().replace("TRIAL_S = 60", "TRIAL_S = 3")
    (folder / "casa").write_text(launcher)
    for name in ("requirements.txt", "requirements-dev.txt"):
        (folder / name).write_text("# nothing\n")
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)
    digest = hashlib.sha256((folder / "requirements.txt").read_bytes()).hexdigest()
    (folder / ".venv" / "casa-stamp.json").write_text(json.dumps({"run": digest}))
    return folder


def write_program(tree: Path, version: str, work: str) -> None:
    """A release that only writes down that it was started."""
    (tree / "casa_site").mkdir(parents=True)
    (tree / "casa_site" / "__init__.py").touch()
    (tree / "casa_site" / "trial.py").touch()
    text = PROGRAM.replace("VERSION", version).replace("WORK", work or "pass")
    (tree / "casa_site" / "__main__.py").write_text(text)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    (folder / "firmware").mkdir(parents=True)
    return folder


def order(state: Path, work: str) -> None:
    """Release 2X is unpacked, and its trial is ordered."""
    write_program(state / "firmware" / "2X", "2X", work)
    give_order(state)


def give_order(state: Path) -> None:
    (state / "firmware" / "order.json").write_text('{"version": "2X"}')


def up(base: Path, state: Path, kill_at: int | None = None) -> tuple[int, str]:
    words = [str(base / "casa"), "up", "--state", str(state)]
    if kill_at is not None:
        words = [str(PROJECT / "tests" / "killed_at.py"), str(kill_at), *words]
    environment = {
        name: value for name, value in os.environ.items() if name != "PYTHONPATH"
    }
    done = subprocess.run(
        [sys.executable, *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stderr


def log(state: Path) -> list[str]:
    lines = (state / "log").read_text().splitlines()
    return [line.split(" --state")[0] for line in lines]


def result(state: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads(
        (state / "firmware" / "result.json").read_text()
    )
    return found


def current(state: Path) -> str | None:
    link = state / "firmware" / "current"
    return str(link.readlink()) if link.is_symlink() else None


@pytest.mark.req("R147")
def test_a_release_that_says_ready_runs_from_then_on(base: Path, state: Path) -> None:
    """Its code is started from its own folder, at this and at each later start."""
    order(state, READY + "; time.sleep(0.3)")
    assert up(base, state)[0] == 0
    assert (log(state), current(state)) == (["2X up"], "2X")
    assert result(state) == {"version": "2X", "ok": True, "reason": ""}
    assert up(base, state)[0] == 0
    assert log(state) == ["2X up", "2X up"]


@pytest.mark.req("R147", "R149")
@pytest.mark.parametrize(
    ("work", "reason"),
    [
        ("raise SystemExit(1)", "it ended"),
        ("os.kill(os.getpid(), 9)", "it ended"),
        ("time.sleep(60)", "it did not become ready"),
    ],
)
def test_a_release_that_does_not_say_ready_is_left(
    base: Path, state: Path, work: str, reason: str
) -> None:
    """The way back of the database is taken, then the release before goes on."""
    order(state, work)
    assert up(base, state)[0] == 0
    assert log(state) == ["2X up", "2X trial back", "1X up"]
    assert current(state) is None
    assert result(state) == {"version": "2X", "ok": False, "reason": reason}
    assert up(base, state)[0] == 0
    assert log(state)[-1] == "1X up"


def test_a_release_that_is_not_there_is_not_tried(base: Path, state: Path) -> None:
    give_order(state)
    assert up(base, state)[0] == 0
    assert (log(state), result(state)["ok"]) == (["1X up"], False)
    (state / "firmware" / "order.json").write_text('{"version": "../base"}')
    up(base, state)
    assert log(state) == ["1X up", "1X up"]


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.req("R147", "R148")
def test_a_trial_killed_at_any_step_leaves_a_version_that_runs(
    base: Path, state: Path
) -> None:
    """The launcher killed before each change of a file: the next start runs one."""
    order(state, READY + "; time.sleep(0.2)")
    status, errors = up(base, state, 0)
    assert (status, current(state)) == (0, "2X")
    steps = int(errors.splitlines()[-1])
    assert steps >= 8
    for kill_at in range(1, steps + 1):
        (state / "firmware" / "current").unlink(missing_ok=True)
        (state / "firmware" / "result.json").unlink(missing_ok=True)
        give_order(state)
        (state / "log").write_text("")
        status, errors = up(base, state, kill_at)
        assert status == -signal.SIGKILL, errors
        assert current(state) in {None, "2X"}
        assert up(base, state)[0] == 0, kill_at
        assert log(state)[-1] == f"{current(state) or '1X'} up"
        assert result(state)["ok"] is (current(state) == "2X")
        left = {path.name for path in (state / "firmware").iterdir()}
        left = {name for name in left if not name.endswith(".partial")}
        assert left <= {"2X", "current", "result.json"}
