"""One byte of the installed software is changed: found, logged, locked in two steps."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from casa_site.start_and_end import begin_run
from hardware import firmware_package, firmware_store, last_run
from hardware.gateway import Gateway
from hardware.release import check_software
from logbooks import checks, device_state, lockdown, self_test, software_check
from logbooks.certificates import ensure_signature_certificate
from logbooks.device_state import Mode
from logbooks.models import ConsumerLogEntry, SystemLogEntry
from logbooks.self_test import Actor
from logbooks.services import open_consumer_log
from tests.hardware.releases import new_key, package, public_pem

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
KEY = new_key()
Commits = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def installed(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A release that runs out of the gateway's own folder, its maker trusted."""
    root = firmware_store.install(gateway.state, package(tmp_path, KEY))
    firmware_store.trust(gateway.state, public_pem(KEY))
    monkeypatch.setattr(software_check, "PROGRAM", root.resolve())
    return root


def codes(gateway: Gateway) -> set[int]:
    found = software_check.software_faults(gateway, NOW)
    return {fault.code for fault in found}


@pytest.mark.req("R145", "R153")
@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.faults)])
def test_every_flipped_byte_of_an_installed_file_is_found(
    gateway: Gateway, installed: Path, count: int
) -> None:
    """R145: 1900109 in a file, 1900112 in manifest or signature; nothing else."""
    random = Random(145)
    files = [path for path in installed.rglob("*") if path.is_file()]
    files = sorted(path for path in files if path.stat().st_size)
    signed = installed / firmware_package.RELEASE_FOLDER
    assert codes(gateway) == set()
    seen = set()
    for _ in range(count):
        path = random.choice(files)
        before = path.read_bytes()
        after = bytearray(before)
        after[random.randrange(len(after))] ^= 1 << random.randrange(8)
        path.write_bytes(after)
        expected = 1900112 if path.parent == signed else 1900109
        assert codes(gateway) == {expected}, path
        path.write_bytes(before)
        seen.add(expected)
    assert seen == {1900109, 1900112}


@pytest.mark.req("R145")
@pytest.mark.parametrize("name", ["manifest.json", ""])
def test_a_release_that_lost_its_manifest_is_no_development_build(
    gateway: Gateway, installed: Path, name: str
) -> None:
    """R145: without it the hashes would not be looked at any more."""
    folder = installed / firmware_package.RELEASE_FOLDER
    for path in [folder / name] if name else list(folder.iterdir()):
        path.unlink()
    assert check_software([], installed).is_good
    assert codes(gateway) == {1900112}


@pytest.mark.req("R142", "R145", "R82")
@pytest.mark.django_db
def test_a_flipped_byte_leads_over_the_restart_to_the_hard_lock_down(
    gateway: Gateway,
    installed: Path,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Commits,
) -> None:
    """R142: self-test, soft lock-down, restart, the same error, out of service."""
    look = checks.registered_checks()[lockdown.SOFTWARE_CHECK]
    monkeypatch.setattr(checks, "_CHECKS", {lockdown.SOFTWARE_CHECK: look})
    ensure_signature_certificate(gateway, NOW - timedelta(days=1))
    open_consumer_log("hks2")
    program = installed / "casa"
    program.write_bytes(program.read_bytes().replace(b"python3", b"python4"))
    with django_capture_on_commit_callbacks(execute=True):
        self_test.run(gateway, now=NOW, by=Actor.DEVICE)
    assert device_state.setting_of(gateway).mode is Mode.SOFT
    assert last_run.restart_is_requested(gateway.state)
    assert SystemLogEntry.objects.filter(event_id=1900109).count() == 1
    told = ConsumerLogEntry.objects.get(event_id=19001)
    assert (told.event_sub_id, told.level) == (1, "fatal")
    assert told.arguments[0].startswith("1900109 ")
    with django_capture_on_commit_callbacks(execute=True):
        begin_run(gateway)
    assert device_state.setting_of(gateway).mode is Mode.HARD


@pytest.mark.req("R142")
@pytest.mark.django_db
def test_a_file_that_is_whole_again_at_the_start_ends_the_danger(
    gateway: Gateway,
    installed: Path,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Commits,
) -> None:
    """R142: soft, until the GWA releases it."""
    look = checks.registered_checks()[lockdown.SOFTWARE_CHECK]
    monkeypatch.setattr(checks, "_CHECKS", {lockdown.SOFTWARE_CHECK: look})
    ensure_signature_certificate(gateway, NOW - timedelta(days=1))
    program = installed / "casa"
    whole = program.read_bytes()
    program.write_bytes(b"#")
    with django_capture_on_commit_callbacks(execute=True):
        self_test.run(gateway, now=NOW, by=Actor.DEVICE)
    program.write_bytes(whole)
    with django_capture_on_commit_callbacks(execute=True):
        begin_run(gateway)
    assert device_state.setting_of(gateway).mode is Mode.SOFT
    with django_capture_on_commit_callbacks(execute=True):
        assert lockdown.release(gateway, now=NOW + timedelta(minutes=1))
    assert device_state.setting_of(gateway).mode is Mode.NORMAL
