"""What the doctor says of each thing when it is well, and when it is broken."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection

from casa_site.doctor import (
    broker,
    clock,
    database,
    host,
    keys,
    listeners,
    program,
    running,
    state_folder,
    validity,
    wires,
)
from casa_site.doctor.finding import Finding
from casa_site.doctor.listeners import Place
from hardware import rtc
from hardware.gateway import Gateway
from hardware.han_certificate import HAN_LISTENER, ensure_server_files
from hardware.security_module import SIGNATURE_SLOT
from logbooks import device_state
from logbooks.alarms import AlarmKind, raise_alarm
from logbooks.models import Certificate
from logbooks.storage import Storage

PROJECT = Path(__file__).parents[2]
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


def levels(found: Iterator[Finding] | list[Finding]) -> list[str]:
    return [each.level for each in found]


def only(found: Iterator[Finding] | list[Finding]) -> Finding:
    (finding,) = found
    return finding


# The program


def test_the_python_of_the_environment_is_good_and_another_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment = PROJECT / ".venv" / "bin" / "python"
    assert program.python(PROJECT, executable=environment).level == "ok"
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    found = program.python(PROJECT, executable=Path("/usr/bin/python3"))
    assert found.level == "wrong" and ".venv" in found.text and found.remedy
    monkeypatch.setattr(program, "OLDEST", (99, 0))
    assert program.python(PROJECT, executable=environment).level == "wrong"


@pytest.mark.parametrize(
    ("pins", "level", "words"),
    [
        (None, "ok", "as pinned"),
        ("no-such-package==1.0  # why\n", "wrong", "missing: no-such-package"),
        ("Django==1.0\n", "wrong", "instead of 1.0"),
    ],
)
def test_packages_are_compared_with_their_pins(
    tmp_path: Path, pins: str | None, level: str, words: str
) -> None:
    file = tmp_path / "requirements.txt"
    if pins is None:
        file = PROJECT / "requirements.txt"
    else:
        file.write_text(pins)
    found = program.packages(file)
    assert found.level == level and words in found.text


def test_requirements_that_are_gone_are_said_so(tmp_path: Path) -> None:
    assert program.packages(tmp_path / "requirements.txt").level == "wrong"


def test_openssl_conf_has_to_be_the_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENSSL_CONF", raising=False)
    assert only(program.openssl(PROJECT)).level == "wrong"
    monkeypatch.setenv("OPENSSL_CONF", str(tmp_path / "gone.cnf"))
    assert only(program.openssl(PROJECT)).level == "wrong"
    (tmp_path / "other.cnf").touch()
    monkeypatch.setenv("OPENSSL_CONF", str(tmp_path / "other.cnf"))
    assert only(program.openssl(PROJECT)).level == "warning"
    monkeypatch.setenv("OPENSSL_CONF", str(PROJECT / "deploy" / "openssl.cnf"))
    assert only(program.openssl(PROJECT)).level == "ok"


@pytest.mark.parametrize(
    ("groups", "level"), [("brainpoolP256r1:P-256", "ok"), ("P-256", "wrong")]
)
def test_settings_of_openssl_without_brainpool_are_found_by_a_handshake(
    tmp_path: Path, groups: str, level: str
) -> None:
    own = (PROJECT / "deploy" / "openssl.cnf").read_text().splitlines()
    lines = [f"Groups = {groups}" if "Groups" in line else line for line in own]
    (tmp_path / "openssl.cnf").write_text("\n".join(lines) + "\n")
    words = "from casa_site.doctor.curves import brainpool; print(brainpool().level)"
    done = subprocess.run(
        [sys.executable, "-c", words],
        cwd=PROJECT,
        env={**os.environ, "OPENSSL_CONF": str(tmp_path / "openssl.cnf")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == level, done.stderr


# The state folder and the keys


@pytest.fixture
def state(gateway: Gateway) -> Path:
    gateway.state.chmod(0o700)
    return gateway.state


def test_a_state_folder_of_a_gateway_is_good(state: Path) -> None:
    assert set(levels(state_folder.findings(state))) == {"ok"}


def test_no_state_folder_is_a_warning(tmp_path: Path) -> None:
    assert levels(state_folder.findings(tmp_path / "none")) == ["warning"]


@pytest.mark.parametrize("name", ["", "device.key", "keys/sig"])
def test_what_is_open_to_others_is_wrong(state: Path, name: str) -> None:
    path = state / name
    path.chmod(path.stat().st_mode | 0o044)
    wrong = [each for each in state_folder.findings(state) if each.level == "wrong"]
    assert str(path) in only(wrong).text and "chmod" in only(wrong).remedy


def test_a_folder_that_cannot_be_written_to_is_wrong(tmp_path: Path) -> None:
    """Looked at by a user who is not root, for whom everything is writable."""
    words = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]); "
        "from casa_site.doctor import state_folder; import os; "
        "os.geteuid() or os.setuid(65534); os.chdir('/'); "
        "print([f.text for f in state_folder.findings(Path(sys.argv[2]))])"
    )
    folder = tmp_path / "state"
    folder.mkdir()
    if os.geteuid() == 0:
        for parent in (tmp_path, *tmp_path.parents[:3]):
            parent.chmod(parent.stat().st_mode | 0o011)
        os.chown(folder, 65534, 65534)
    folder.chmod(0o500)
    done = subprocess.run(
        [sys.executable, "-c", words, str(PROJECT), str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert f"{folder} cannot be written to" in done.stdout, done.stderr


@as_root
def test_a_folder_of_somebody_else_is_left_alone(state: Path) -> None:
    os.chown(state, 65534, 65534)
    found = only(state_folder.findings(state))
    assert found.level == "wrong" and "sudo -u" in found.remedy
    assert state_folder.is_foreign(state)


@as_root
def test_files_that_root_has_left_are_found(state: Path) -> None:
    os.chown(state / "keys" / "sig", 65534, 65534)
    wrong = [each for each in state_folder.findings(state) if each.level == "wrong"]
    assert "1 files belong to others" in only(wrong).text


def test_keys_open_with_their_device_key(state: Path) -> None:
    assert levels(keys.findings(state)) == ["ok", "ok", "ok"]


def break_device_key(state: Path) -> None:
    (state / "device.key").write_bytes(bytes(32))


def shorten_device_key(state: Path) -> None:
    (state / "device.key").write_bytes(bytes(31))


def lose_device_key(state: Path) -> None:
    (state / "device.key").unlink()


def damage_key(state: Path) -> None:
    path = state / "keys" / SIGNATURE_SLOT
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def spoil_id(state: Path) -> None:
    (state / "huid").write_text("none")


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (break_device_key, "does not open"),
        (shorten_device_key, "31 bytes instead of 32"),
        (lose_device_key, "device.key is missing"),
        (damage_key, "does not open with this device key"),
        (spoil_id, "does not hold a HUID"),
    ],
)
def test_a_key_that_does_not_open_is_wrong(state: Path, break_it, words: str) -> None:  # type: ignore[no-untyped-def]
    before = {path: path.read_bytes() for path in state.rglob("*") if path.is_file()}
    break_it(state)
    wrong = [each for each in keys.findings(state) if each.level == "wrong"]
    assert wrong and all(each.remedy for each in wrong)
    assert any(words in each.text for each in wrong)
    assert set(before) >= {path for path in state.rglob("*") if path.is_file()}


def test_before_the_first_start_keys_are_only_missing(tmp_path: Path) -> None:
    assert levels(keys.findings(tmp_path)) == ["warning"]


# Where it listens


def test_the_sockets_of_a_process_are_seen() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        place = server.getsockname()[:2]
        assert place in listeners.addresses_of(os.getpid())
        assert "127.0.0.1" in listeners.hosts_of(os.getpid())
    assert place not in listeners.addresses_of(os.getpid())


def test_addresses_of_both_families_are_read(tmp_path: Path) -> None:
    head = "  sl  local_address rem_address   st\n"
    row = "   0: {} 00000000:0000 {} 0:0 0:0 0 0 0 {} 1\n"
    (tmp_path / "net").mkdir()
    v6 = "B80D0120000000000000000001000000:01BB"
    (tmp_path / "net" / "tcp6").write_text(head + row.format(v6, "0A", 7))
    taken = row.format("0100007F:20FB", "0A", 8) + row.format("0100007F:20FC", "01", 9)
    (tmp_path / "net" / "tcp").write_text(head + taken)
    assert listeners.listening(tmp_path) == {
        "7": ("2001:db8::1", 443),
        "8": ("127.0.0.1", 8443),
    }


def test_a_role_that_listens_nowhere_is_wrong() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        pids = {"han": process.pid, "cls": process.pid, "beat": process.pid}
        assert levels(listeners.while_running(pids)) == ["wrong", "ok"]
        process.kill()


def test_a_taken_port_is_wrong_and_named(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        place = Place("--han-port", "127.0.0.1", port)
        found = only(listeners.while_stopped([place]))
    assert found.level == "wrong" and str(port) in found.text
    assert found.remedy.endswith("with --han-port")
    assert only(listeners.while_stopped([place])).level == "ok"
    nowhere = Place("--han-port", "192.0.2.1", port)
    assert only(listeners.while_stopped([nowhere])).level == "wrong"


# Database and broker


@pytest.mark.django_db
def test_a_migrated_database_is_good() -> None:
    found = [each for each in database.findings(is_running=True)]
    assert [each.subject for each in found[:2]] == ["database", "migrations"]
    assert levels(found[:2]) == ["ok", "ok"]


@pytest.mark.django_db
def test_migrations_that_wait_are_said() -> None:
    with connection.cursor() as cursor:
        newest = "(SELECT max(id) FROM django_migrations WHERE app = 'portal')"
        cursor.execute(f"DELETE FROM django_migrations WHERE id = {newest}")
    assert levels(database.findings(is_running=False))[1] == "warning"
    assert levels(database.findings(is_running=True))[1] == "wrong"


@pytest.mark.django_db
def test_a_database_that_is_newer_than_the_program_is_wrong() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) "
            "VALUES ('meters', '9999_of_tomorrow', '2026-01-01 00:00:00')"
        )
    found = list(database.findings(is_running=False))[1]
    assert found.level == "wrong" and "meters.9999_of_tomorrow" in found.text


def test_a_file_is_opened_for_reading_and_a_server_told_so(tmp_path: Path) -> None:
    file = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": tmp_path / "casa.sqlite3",
        "OPTIONS": {"init_command": "PRAGMA x", "transaction_mode": "IMMEDIATE"},
    }
    made = database.read_only(file)
    assert made["NAME"] == f"file:{tmp_path}/casa.sqlite3?mode=ro&immutable=1"
    assert made["OPTIONS"] == {}
    (tmp_path / "casa.sqlite3-wal").touch()
    assert database.read_only(file)["NAME"].endswith("?mode=ro")
    server = {"ENGINE": "x.postgresql", "OPTIONS": {"options": "-c a=b"}}
    options = database.read_only(server)["OPTIONS"]
    assert options["options"] == "-c a=b -c default_transaction_read_only=on"


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_does_not_answer_is_wrong_and_its_password_not_shown(
    settings: pytest.FixtureRequest, scheme: str
) -> None:
    settings.CELERY_BROKER_URL = f"{scheme}://casa:verysecret@127.0.0.1:1/0"
    found = broker.finding()
    assert found.level == "wrong"
    assert "verysecret" not in found.as_text() and "127.0.0.1:1" in found.text


def test_the_folder_of_the_file_broker_has_to_be_there(
    settings: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "queue"
    settings.CELERY_BROKER_URL = "casafiles://localhost"
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"folder": str(folder)}
    assert broker.finding().level == "warning"
    (folder / "tariff").mkdir(parents=True)
    assert broker.finding().level == "ok"
    monkeypatch.setattr(os, "access", lambda path, _how: Path(path).name != "tariff")
    found = broker.finding()
    assert found.level == "wrong" and "tariff" in found.text


# Wires


def test_each_port_is_looked_at(tmp_path: Path) -> None:
    capture = tmp_path / "capture.bin"
    capture.touch()
    main, second = os.openpty()
    terminal = os.ttyname(second)
    ports = {
        "socket://meter.example:4000": "ok",
        str(capture): "ok",
        capture.as_uri(): "ok",
        terminal: "ok",
        "/dev/no-such-port": "wrong",
        str(tmp_path): "wrong",
        "file:///no/such/capture": "wrong",
    }
    found = list(wires.findings(ports, Path("/elsewhere")))
    os.close(main)
    os.close(second)
    assert levels(found) == list(ports.values()), found
    assert levels(wires.findings([str(tmp_path / "lmn1")], tmp_path)) == ["warning"]
    assert levels(wires.findings([], tmp_path)) == ["warning"]


def test_a_port_without_the_right_to_it_names_the_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    found = only(wires.findings(["/dev/null"], Path("/elsewhere")))
    assert found.level == "wrong" and "to the group root" in found.remedy
    assert wires.device(Path("/dev/null"), "CASA_RTC").level == "wrong"


def test_the_device_of_a_setting_has_to_be_there() -> None:
    assert wires.device(Path("/dev/null"), "CASA_RTC").level == "ok"
    assert wires.device(Path("/dev/no-rtc"), "CASA_RTC").level == "wrong"


@pytest.mark.django_db
def test_without_a_meter_no_port_is_asked() -> None:
    assert wires.configured_ports() == []


# Clock, disk, certificates


def clock_findings(
    state: Path, *, newest: datetime | None = None, in_step: bool = True
) -> list[str]:
    moved = timedelta()
    found = clock.findings(
        state, moved, host_now=NOW, newest=newest, is_in_step=lambda: in_step
    )
    return levels(found)


def test_a_clock_that_shows_less_than_what_is_stored_is_wrong(tmp_path: Path) -> None:
    assert clock_findings(tmp_path) == ["ok"]
    assert clock_findings(tmp_path, newest=NOW) == ["ok"]
    assert clock_findings(tmp_path, newest=NOW + timedelta(minutes=15)) == ["wrong"]
    rtc.beat(tmp_path, NOW + DAY)
    assert clock_findings(tmp_path) == ["wrong"]


def test_a_clock_of_long_ago_is_wrong(tmp_path: Path) -> None:
    then = datetime(1970, 1, 2, tzinfo=UTC)
    found = clock.findings(
        tmp_path, timedelta(), host_now=then, newest=None, is_in_step=lambda: True
    )
    assert levels(found) == ["wrong"]


def test_a_clock_that_is_not_valid_or_not_in_step_is_said(tmp_path: Path) -> None:
    assert clock_findings(tmp_path, in_step=False) == ["ok", "warning"]
    (tmp_path / "time.json").write_text("spoilt")
    assert clock_findings(tmp_path) == ["wrong"]
    assert clock.host_is_in_step() in {True, False}


@pytest.mark.parametrize(
    ("used", "level"), [(0, "ok"), (800, "warning"), (901, "wrong"), (1000, "wrong")]
)
def test_storage_is_judged_as_the_gateway_does(used: int, level: str) -> None:
    assert host.disk(Storage(used, 1000)).level == level


@pytest.mark.parametrize(
    ("days", "level"), [(0, "ok"), (765, "ok"), (770, "warning"), (800, "wrong")]
)
def test_the_certificate_of_a_listener_ends(
    gateway: Gateway, days: int, level: str
) -> None:
    ensure_server_files(gateway, HAN_LISTENER, now=NOW)
    later = NOW + days * DAY
    found = validity.of_listeners(gateway.state / "tls", host_now=later)
    assert only(found).level == level


def test_a_listeners_files_have_to_belong_together(gateway: Gateway) -> None:
    ensure_server_files(gateway, HAN_LISTENER, now=NOW)
    ensure_server_files(gateway, "gwa", now=NOW)
    tls = gateway.state / "tls"
    (tls / "han.key").write_bytes((tls / "gwa.key").read_bytes())
    assert levels(validity.of_listeners(tls, host_now=NOW)) == ["wrong", "ok"]
    (tls / "gwa.pem").write_text("none")
    assert levels(validity.of_listeners(tls, host_now=NOW)) == ["wrong", "wrong"]
    (tls / "gwa.key").unlink()
    assert levels(validity.of_listeners(tls, host_now=NOW)) == ["wrong", "wrong"]


def certificate(holder: Certificate.Holder, days: int) -> Certificate:
    return Certificate(
        holder=holder,
        holder_id="x",
        kind=Certificate.Kind.TLS,
        not_before=NOW - DAY,
        not_after=NOW + days * DAY,
    )


def test_certificates_in_force_are_looked_at() -> None:
    own, other = Certificate.Holder.SMGW, Certificate.Holder.EMT
    entries = [certificate(own, 100), certificate(own, -1), certificate(own, 20)]
    entries += [certificate(other, -1), certificate(other, 20)]
    found = list(validity.of_store(entries, now=NOW))
    assert levels(found) == ["wrong", "warning", "warning", "warning", "ok"]
    assert found[-1].text == "1 in force are valid"


# The machine


def test_a_host_that_passes_packets_is_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "ip_forward"
    file.write_text("0\n")
    assert host.forwarding((file, tmp_path / "none")).level == "ok"
    file.write_text("1\n")
    assert host.forwarding((file,)).level == "warning"


@pytest.mark.parametrize(
    ("load", "active", "file", "level"),
    [
        ("loaded", "active", "enabled", "ok"),
        ("loaded", "active", "disabled", "warning"),
        ("loaded", "inactive", "enabled", "warning"),
        ("loaded", "failed", "enabled", "wrong"),
        ("not-found", "inactive", "", "warning"),
    ],
)
def test_the_unit_is_asked_for(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    load: str,
    active: str,
    file: str,
    level: str,
) -> None:
    answer = f"LoadState={load}\nActiveState={active}\nUnitFileState={file}"
    program = tmp_path / "systemctl"
    program.write_text(f'#!/bin/sh\n[ "$2" = casa.service ] && echo "{answer}"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert host.unit(is_running=False, booted=tmp_path).level == level


def test_without_systemd_nothing_is_said(tmp_path: Path) -> None:
    assert host.unit(is_running=True, booted=tmp_path / "none").level == "ok"


def test_a_han_on_loopback_is_not_announced() -> None:
    assert only(host.house("eemh0009264154", ["127.0.0.1", "::1"])).level == "ok"


@pytest.mark.slow
def test_a_han_that_nobody_announces_is_a_warning() -> None:
    found = only(host.house("eemh0009264154", ["192.0.2.1"]))
    assert found.level == "warning" and "5353" in found.remedy


# The gateway


def test_services_that_failed_are_wrong() -> None:
    shown = [
        {"name": name, "state": name}
        for name in ("ready", "done", "failed", "starting")
    ]
    assert levels(running.findings(1, shown)) == ["ok", "wrong", "warning"]
    assert levels(running.findings(None, [])) == ["warning"]


@pytest.mark.django_db
def test_a_locked_device_and_open_alarms_are_said(gateway: Gateway) -> None:
    assert levels(running.device()) == ["ok"]
    raise_alarm(AlarmKind.STORAGE_LOW, code=1900082, now=NOW)
    assert levels(running.device()) == ["ok", "warning"]
    device_state.enter_soft(gateway, 1900082, now=NOW)
    found = list(running.device())
    assert levels(found)[0] == "wrong" and "1900082" in found[0].text


def test_services_are_read_as_they_are(tmp_path: Path) -> None:
    assert running.services(tmp_path) == []
    assert not (tmp_path / "run").exists()
    (tmp_path / "run").mkdir()
    row = {"name": "han", "state": "ready", "pid": 1, "started_at": None, "starts": 1}
    (tmp_path / "run" / "services.json").write_text(json.dumps([row]))
    assert running.services(tmp_path)[0]["name"] == "han"
