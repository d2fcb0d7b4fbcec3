"""./casa doctor on whole installations: it says what is wrong and changes nothing."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.flows.running import PROJECT, RunningGateway, free_port

pytestmark = pytest.mark.slow
Findings = list[dict[str, str]]
PORTS = ("--han-port", "--service-port", "--gwa-port", "--cls-port", "--cls-sni-port")


def call(*words: str, settings: dict[str, str] | None = None) -> Any:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CASA_")}
    kept["OPENSSL_CONF"] = str(PROJECT / "deploy" / "openssl.cnf")
    return subprocess.run(
        [sys.executable, "-m", "casa_site", *words],
        cwd=PROJECT,
        env={**kept, **(settings or {})},
        capture_output=True,
        text=True,
        timeout=240,
    )


def doctor(state: Path, **settings: str) -> tuple[int, Findings]:
    """Exit status and findings; other ports than a gateway beside us has."""
    ports = [word for name in PORTS for word in (name, str(free_port()))]
    words = ["doctor", "--json", "--state", str(state), *ports]
    done = call(*words, "--wakeup-port", str(free_port()), settings=settings)
    said = [line for line in done.stderr.splitlines() if " CORE " not in line]
    assert said == []  # but for what SQLCipher says of a key that does not fit
    return done.returncode, json.loads(done.stdout)


def of_level(found: Findings, level: str) -> dict[str, str]:
    return {each["subject"]: each["text"] for each in found if each["level"] == level}


def prints(folder: Path) -> dict[str, tuple[str, int]]:
    """What is in each file, and its mode."""
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
            path.lstat().st_mode,
        )
        for path in folder.rglob("*")
    }


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with keys and tables, where nothing runs."""
    state = tmp_path_factory.mktemp("doctor") / "state"
    for words in (("migrate", "--verbosity", "0"), ("time",)):
        made = call("manage", "--state", str(state), *words)
        assert made.returncode == 0, made.stderr
    return state


@pytest.fixture
def state(installed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(installed, tmp_path / "state"))


def test_nothing_is_wrong_with_a_good_installation_and_nothing_changes(
    state: Path,
) -> None:
    before = prints(state)
    status, found = doctor(state)
    assert (status, of_level(found, "wrong")) == (0, {})
    good = of_level(found, "ok")
    assert {"python", "packages", "curves", "keys", "database", "storage"} <= set(good)
    assert prints(state) == before


def test_before_the_first_start_nothing_is_made(tmp_path: Path) -> None:
    status, found = doctor(tmp_path / "none")
    assert (status, of_level(found, "wrong")) == (0, {})
    assert "state folder" in of_level(found, "warning")
    assert not (tmp_path / "none").exists()


def test_what_a_killed_gateway_left_in_the_log_of_changes_is_not_written_back(
    state: Path,
) -> None:
    words = (
        "import os; from django.db import connection as c; "
        "c.cursor().execute('CREATE TABLE of_the_last_moment (n)'); os._exit(7)"
    )
    killed = call("manage", "--state", str(state), "shell", "-v", "0", "-c", words)
    assert killed.returncode == 7
    assert (state / "casa.sqlite3-wal").stat().st_size > 0
    before = prints(state)
    status, found = doctor(state)
    after = prints(state)
    for files in (before, after):
        files.pop("casa.sqlite3-shm")  # locks of readers, worth nothing afterwards
    assert (status, of_level(found, "wrong")) == (0, {})
    assert after == before


def test_each_thing_that_is_broken_is_named(state: Path) -> None:
    key = (state / "device.key").read_bytes()
    (state / "device.key").write_bytes(bytes(32))
    status, found = doctor(state)
    assert status == 1
    assert {"keys", "database"} <= set(of_level(found, "wrong"))
    assert all(each["remedy"] for each in found if each["level"] != "ok")

    (state / "device.key").write_bytes(key)
    database = state / "casa.sqlite3"
    content = database.read_bytes()
    database.write_bytes(b"x" * 4096 + content[4096:])
    assert "database" in of_level(doctor(state)[1], "wrong")

    database.unlink()
    assert "database" in of_level(doctor(state)[1], "wrong")
    assert not database.exists()

    database.write_bytes(content)
    (state / "casa.env").write_text("CASA_LIVE_PERIOD=often\n")
    (state / "casa.env").chmod(0o600)
    assert "CASA_LIVE_PERIOD" in of_level(doctor(state)[1], "wrong")["settings"]


def test_a_server_that_is_not_there_is_named_without_its_password(state: Path) -> None:
    status, found = doctor(
        state,
        CASA_DATABASE_URL="postgres://casa:verysecret@127.0.0.1:1/casa",
        CASA_BROKER_URL="amqp://casa:verysecret@127.0.0.1:1//",
    )
    assert status == 1
    assert {"database", "broker"} <= set(of_level(found, "wrong"))
    assert "verysecret" not in json.dumps(found)


def test_a_running_gateway_is_seen_at_the_ports_it_has(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with RunningGateway(state, "--no-demo") as gateway:
        gateway.wait_for("CASA ready", within_s=180)
        status, found = doctor(state)
        assert (status, of_level(found, "wrong")) == (0, {})
        good = of_level(found, "ok")
        assert str(gateway.process.pid) in good["gateway"]
        assert good["han"] == f"listens on 127.0.0.1 port {gateway.port}"
        assert str(gateway.gwa_port) in good["gwa"]


def test_the_launcher_lets_the_doctor_come_before_any_set_up(tmp_path: Path) -> None:
    """Without packages it says so, with the Python at hand, and installs nothing."""
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("casa", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(PROJECT / name, tree / name)
    for name in ("casa_site", "deploy"):
        shutil.copytree(PROJECT / name, tree / name)
    before = set(tree.iterdir())
    done = subprocess.run(
        [sys._base_executable, str(tree / "casa"), "doctor", "--json"],  # type: ignore[attr-defined]
        env={"PATH": os.environ["PATH"], "CASA_STATE": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    found = json.loads(done.stdout)
    assert done.returncode == 1, done.stderr
    assert "missing: " in of_level(found, "wrong")["packages"]
    assert "the rest" in of_level(found, "warning")
    assert set(tree.iterdir()) == before
