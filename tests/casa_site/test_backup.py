"""A gateway goes into a backup and comes back; what is lost is said."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from casa_site import backup
from casa_site.restore import CannotRestore, restore
from hardware import backup_file
from hardware.backup_file import Passphrase
from hardware.device_key import DEVICE_KEY_FILE, device_key_file
from hardware.gateway import Gateway, open_gateway
from logbooks.alarms import AlarmKind, open_alarms
from logbooks.models import ConsumerLogEntry, SystemLogEntry
from logbooks.services import open_consumer_log

PROJECT = Path(__file__).parents[2]
LOCK = Passphrase("correct horse battery")
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup_file, "_SCRYPT_N", 2**10)


@pytest.mark.django_db(transaction=True)
@pytest.mark.req("R68")
def test_what_belongs_to_a_gateway_comes_back(gateway: Gateway, tmp_path: Path) -> None:
    """Keys, id, settings; not what holds only here and now."""
    (gateway.state / "casa.env").write_text("CASA_LIVE_PERIOD=20\n")
    for name in ("queue", "run"):
        (gateway.state / name).mkdir()
        (gateway.state / name / "x").write_text("gone")
    (gateway.state / "link").symlink_to("/dev/null")
    file = tmp_path / "gateway.backup"
    assert backup.back_up(gateway, file, LOCK, now=NOW) > 4
    assert file.stat().st_mode & 0o777 == 0o600
    assert gateway.device_key.secret not in file.read_bytes()

    target = tmp_path / "restored"
    assert restore(file, LOCK, target, replace=False) == NOW
    again = open_gateway(target)
    assert again.huid == gateway.huid
    assert again.device_key == gateway.device_key
    ski = gateway.security_module.key_identifier("sig")
    assert again.security_module.key_identifier("sig") == ski
    assert (target / "casa.env").read_text() == "CASA_LIVE_PERIOD=20\n"
    names = {path.name for path in target.iterdir()}
    assert not {"queue", "run", "link", "backup.json"} & names


@pytest.mark.django_db(transaction=True)
def test_a_restore_destroys_nothing(gateway: Gateway, tmp_path: Path) -> None:
    """A folder that is not empty is refused, or moved aside; a bad file changes
    nothing."""
    file = tmp_path / "gateway.backup"
    backup.back_up(gateway, file, LOCK, now=NOW)
    before = sorted(path.name for path in gateway.state.iterdir())
    with pytest.raises(CannotRestore, match="not empty"):
        restore(file, LOCK, gateway.state, replace=False)
    cut = tmp_path / "cut.backup"
    cut.write_bytes(file.read_bytes()[:-1])
    for bad in (cut, PROJECT / "casa"):
        with pytest.raises(backup_file.BackupUnreadable):
            restore(bad, LOCK, gateway.state, replace=True)
    with pytest.raises(backup_file.BackupUnreadable):
        restore(file, Passphrase("wrong horse battery"), gateway.state, replace=True)
    assert sorted(path.name for path in gateway.state.iterdir()) == before
    restore(file, LOCK, gateway.state, replace=True)
    aside = gateway.state.with_name(f"{gateway.state.name}.before-restore-1")
    assert sorted(path.name for path in aside.iterdir()) == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.req("R80")
def test_the_first_start_after_a_restore_says_so(gateway: Gateway) -> None:
    """To every consumer and the GWA, once, with the time that the data is from."""
    open_consumer_log("meier")
    assert not backup.note_restored(gateway, now=NOW)
    text = json.dumps({"made_at": "2026-05-01T00:00:00+00:00"})
    (gateway.state / "restored.json").write_text(text)
    assert backup.note_restored(gateway, now=NOW)
    for model in (ConsumerLogEntry, SystemLogEntry):
        entry = model.objects.get()
        assert (entry.event_id, entry.event_sub_id) == (19006, 1)
        assert "2026-05-01T00:00:00Z" in entry.arguments[0]
    assert open_alarms().get().kind == AlarmKind.RESTORED
    assert not backup.note_restored(gateway, now=NOW)


def test_the_device_key_may_be_a_credential_of_systemd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then it never lies in the state folder."""
    state, credentials = tmp_path / "state", tmp_path / "credentials"
    state.mkdir()
    credentials.mkdir()
    assert device_key_file(state) == state / DEVICE_KEY_FILE
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert device_key_file(state) == state / DEVICE_KEY_FILE
    (credentials / DEVICE_KEY_FILE).write_bytes(bytes(range(32)))
    gateway = open_gateway(state)
    assert gateway.device_key.secret == bytes(range(32))
    assert not (state / DEVICE_KEY_FILE).exists()
    monkeypatch.setenv("CASA_DEVICE_KEY_FILE", str(tmp_path / "other"))
    assert device_key_file(state) == tmp_path / "other"


def manage(state: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CASA_BACKUP_PASSPHRASE": LOCK.text, **more}
    return subprocess.run(
        [sys.executable, "-m", "casa_site", "manage", "--state", str(state), *words],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.req("R68")
def test_backup_and_restore_as_commands_keep_the_chains(tmp_path: Path) -> None:
    """A database with consumers and their log: after the way back every list is whole,
    and goes on; the file is encrypted."""
    state, document = tmp_path / "state", tmp_path / "apply.json"
    consumer = {"id": "meier", "password": "a password of meier"}
    document.write_text(json.dumps({"consumers": [consumer]}))
    done = manage(state, "apply", str(document))
    assert done.returncode == 0, done.stderr
    file = tmp_path / "backup"
    assert manage(state, "backup", str(file)).returncode == 0
    assert b"meier" not in file.read_bytes()
    consumer["id"] = "schulze"
    document.write_text(json.dumps({"consumers": [consumer]}))
    assert manage(state, "apply", str(document)).returncode == 0
    refused = manage(state, "restore", str(file))
    assert refused.returncode == 1
    assert "not empty" in refused.stderr
    done = manage(state, "restore", str(file), "--replace")
    assert done.returncode == 0, done.stderr
    question = (
        "from meters.models import Consumer;"
        "from casa_site.gateways import open_configured_gateway;"
        "from logbooks import integrity, chains;"
        "gateway = open_configured_gateway();"
        "print(list(Consumer.objects.values_list('id', flat=True)),"
        " integrity.verify_consumer_log(gateway, 'meier'),"
        " integrity.verify_system_log(gateway), chains.verify_heads(gateway))"
    )
    answer = manage(state, "shell", "--no-imports", "-v", "0", "-c", question)
    assert "['meier'] [] [] []" in answer.stdout, answer.stderr
    short = manage(state, "backup", str(file), CASA_BACKUP_PASSPHRASE="short")
    assert short.returncode == 1
    assert "12 characters" in short.stderr
