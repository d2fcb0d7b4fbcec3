"""What lies in deploy/: it installs, it parses, it keeps networks and rights apart."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from casa_site import package, wheels

PROJECT = Path(__file__).parents[1]
DEPLOY = PROJECT / "deploy"
INSTALL = DEPLOY / "install.sh"
SCRIPTS = [*sorted(DEPLOY.glob("*.sh")), PROJECT / ".ci" / "run"]
UNITS = sorted(DEPLOY.glob("casa*.service")) + sorted(DEPLOY.glob("*.timer"))
LARGEST_EXPOSURE = 3.0
"""systemd's own figure, 0 to 10; a service without any hardening has 9.6."""


def needs(program: str) -> str:
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


def run(*words: object, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **more}
    return subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
    )


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shell_scripts_are_clean(script: Path) -> None:
    done = run(needs("shellcheck"), "--severity=warning", script)
    assert done.returncode == 0, done.stdout


# The installation


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("root")
    done = run(INSTALL, "--prefix", folder, "--no-packages")
    assert done.returncode == 0, done.stderr
    yield folder


def test_the_installation_has_all_that_a_release_has(prefix: Path) -> None:
    program = prefix / "opt" / "casa"
    assert {path.name for path in program.iterdir()} == set(package._TOP)
    assert os.access(program / "casa", os.X_OK)
    assert not list(program.rglob("__pycache__"))
    shown = run(sys.executable, program / "casa", "--help")
    assert shown.returncode == 0 and "usage: casa COMMAND" in shown.stdout


def test_state_and_settings_are_not_for_everybody(prefix: Path) -> None:
    for path, mode in (
        ("var/lib/casa", 0o700),
        ("etc/casa", 0o750),
        ("etc/casa/casa.env", 0o640),
    ):
        assert (prefix / path).stat().st_mode & 0o777 == mode, path


def test_a_second_installation_keeps_settings_state_and_environment(
    prefix: Path,
) -> None:
    program = prefix / "opt" / "casa"
    kept = {
        prefix / "etc" / "casa" / "casa.env": "CASA_TLS_MAX=1.2\n",
        prefix / "var" / "lib" / "casa" / "huid": "eemh0009264154",
        program / ".venv" / "bin" / "python": "",
    }
    for path, text in kept.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (program / "casa_site" / "of_an_older_version.py").touch()
    done = run(INSTALL, f"--prefix={prefix}", "--no-packages")
    assert done.returncode == 0, done.stderr
    assert {path: path.read_text() for path in kept} == kept
    assert not (program / "casa_site" / "of_an_older_version.py").exists()
    shutil.rmtree(program / ".venv")
    assert [path.name for path in program.parent.iterdir()] == ["casa"]


def test_a_dry_run_shows_every_step_and_does_none(tmp_path: Path) -> None:
    done = run(INSTALL, "--dry-run", "--prefix", tmp_path / "none")
    assert done.returncode == 0, done.stderr
    assert f"would run: mv {tmp_path}/none/opt/casa.new" in done.stdout
    assert not (tmp_path / "none").exists()


def test_a_dry_run_for_this_machine_touches_nothing_of_it() -> None:
    before = [Path(name).exists() for name in ("/opt/casa", "/var/lib/casa")]
    done = run(INSTALL, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "would run: systemctl restart casa.service" in done.stdout
    assert before == [Path(name).exists() for name in ("/opt/casa", "/var/lib/casa")]


@pytest.mark.parametrize("word", ["--prefx", "now", "--prefix"])
def test_an_option_that_does_not_exist_is_refused(word: str) -> None:
    done = run(INSTALL, word)
    assert done.returncode == 2 and "usage: install.sh" in done.stderr


def test_a_checkout_that_is_not_whole_installs_nothing(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    shutil.copy(INSTALL, tmp_path / "deploy")
    done = run(tmp_path / "deploy" / "install.sh", "--prefix", tmp_path / "root")
    assert done.returncode == 1 and "no whole checkout" in done.stderr
    assert not (tmp_path / "root" / "opt" / "casa").exists()


@pytest.mark.slow
def test_a_backup_is_written_and_only_fourteen_are_kept(tmp_path: Path) -> None:
    state, folder = tmp_path / "state", tmp_path / "backups"
    folder.mkdir()
    for day in range(10, 30):
        (folder / f"casa-202601{day}T000000Z.backup").touch()
    key = tmp_path / "key.pem"
    for words in (
        ("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key),
        ("ec", "-in", key, "-pubout", "-out", tmp_path / "pub.pem"),
    ):
        assert run(needs("openssl"), *words).returncode == 0
    casa = [sys.executable, "-m", "casa_site", "manage", "--state", state]
    made = run(*casa, "migrate", "-v", "0", PYTHONPATH=str(PROJECT))
    assert made.returncode == 0, made.stderr
    done = run(DEPLOY / "backup.sh", state, folder, tmp_path / "pub.pem")
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 14
    assert (folder / names[-1]).read_bytes().startswith(b"CASA-BACKUP-1")
    assert names[-1] > "casa-202601" and names[0] == "casa-20260117T000000Z.backup"


# systemd


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_units_are_valid(unit: Path) -> None:
    done = run(needs("systemd-analyze"), "verify", "--man=no", unit)
    complaints = [
        line
        for line in (done.stdout + done.stderr).splitlines()
        if unit.name in line and "is not executable" not in line
    ]
    assert complaints == []  # that nothing is in /opt/casa here is no fault of theirs


@pytest.mark.parametrize("unit", sorted(DEPLOY.glob("*.service")), ids=str)
def test_services_have_few_rights(unit: Path) -> None:
    done = run(needs("systemd-analyze"), "security", "--offline=true", unit)
    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert found is not None, done.stderr
    assert float(found[1]) <= LARGEST_EXPOSURE


def test_the_unit_starts_what_there_is() -> None:
    for unit in sorted(DEPLOY.glob("*.service")):
        (line,) = re.findall(r"^ExecStart=/opt/casa/(\S+)", unit.read_text(), re.M)
        assert os.access(PROJECT / line, os.X_OK)
    for drop_in in sorted((DEPLOY / "casa.service.d").iterdir()):
        assert "[Service]\n" in drop_in.read_text()


# Networks


@pytest.mark.req("R160")
def test_the_rules_let_nothing_pass_between_the_networks() -> None:
    """R160: no route between HAN and WAN: no packet is passed on, and neither has a
    way in but what is named."""
    text = (DEPLOY / "nftables.conf").read_text()
    chains = dict(re.findall(r"chain (\w+) \{(.*?)\n  \}", text, re.S))
    assert {"input", "forward", "output"} == set(chains)
    assert all("policy drop" in rules for rules in chains.values())
    assert "accept" not in chains["forward"]
    wan = [line for line in chains["input"].splitlines() if "$wan" in line]
    assert wan and all("$administrator" in line for line in wan)


def test_the_rules_are_read_by_nft(tmp_path: Path) -> None:
    done = run(needs("nft"), "-c", "-f", DEPLOY / "nftables.conf")
    if "Operation not permitted" in done.stderr or "cache" in done.stderr:
        pytest.skip("nft may not look into this machine's kernel")
    assert done.returncode == 0, done.stderr


# Container and wheels


def test_the_image_holds_what_a_release_holds() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    copied = {
        word
        for line in re.findall(r"^COPY (.*)$", text, re.M)
        for word in line.split()[:-1]
    }
    assert copied == set(package._TOP)
    assert all((PROJECT / word).exists() for word in copied)
    words = re.findall(r'"([^"]+)"', re.search(r"^CMD (.*)$", text, re.M)[1])  # type: ignore[index]
    from casa_site.up import parser

    assert words[0] == "up" and parser().parse_args(words[1:]).no_demo


def test_every_package_is_pinned_to_one_version() -> None:
    lines = (PROJECT / "requirements.txt").read_text().splitlines()
    pins = [line for line in lines if line.strip() and not line.startswith("#")]
    assert [
        line for line in pins if not re.match(r"[\w.\[\]-]+==[\w.]+\s+#", line)
    ] == []


@pytest.mark.slow
@pytest.mark.services
def test_every_package_has_a_wheel_for_a_raspberry_pi() -> None:
    """Asks the package index; docs/operations.md holds what it said."""
    try:
        found = wheels.wheels("aarch64", "3.11")
    except wheels.NoWheel as reason:
        if re.search("resolution|Connection|Retrying|onnect", str(reason)):
            pytest.skip("there is no package index")
        raise
    page = (PROJECT / "docs" / "operations.md").read_text()
    missing = [row for row in found if f"| {' | '.join(row)} |" not in page]
    own = {row[0].lower() for row in found}
    assert {"cryptography", "sqlcipher3", "lxml", "psycopg-binary"} <= own
    pinned = (PROJECT / "requirements.txt").read_text().lower()
    assert [row for row in missing if f"{row[0].lower()}==" in pinned] == []


def test_a_machine_without_wheels_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "no matching distribution")
    monkeypatch.setattr(subprocess, "run", lambda *_args, **_more: failed)
    assert wheels.main(["--machine", "sparc64"]) == 1
