"""The edge of updates: fetches packages, tries them out, gives the order."""

import http.client
import os
import secrets
import shutil
import ssl
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader

from hardware import firmware_store
from hardware.firmware_manifest import digest
from hardware.firmware_store import python_of
from hardware.gateway import Gateway
from hardware.release import PROGRAM
from logbooks import firmware
from logbooks.models import FirmwarePackage

LARGEST_PACKAGE = 512 * 1024**2
_TIMEOUT_S = 30
_TRIAL_S = 120
_LONGEST_OUTPUT = 200


class DownloadFailed(Exception):
    """The package could not be fetched; the text says why."""


def add(gateway: Gateway, source: str) -> FirmwarePackage:
    """Fetch a package from a file or an https address, and verify it.

    Raises DownloadFailed (over a connection that breaks: fault 1300405) or OSError.
    """
    now = gateway.clock.now
    name = f"{secrets.token_hex(8)}.casa"
    folder = firmware.package_folder(gateway)
    partial = folder / f"{name}{firmware_store.PARTIAL}"
    try:
        _fetch(source, partial)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError) as error:
        firmware.note_connection_lost(gateway, now=now())
        raise DownloadFailed(str(error)) from None
    else:
        partial.rename(folder / name)
    finally:
        partial.unlink(missing_ok=True)
    row = firmware.receive(gateway, name, now=now())
    firmware.verify(gateway, row, now=now())
    return row


def carry_on(gateway: Gateway) -> None:
    """Take note of a trial, then begin the installation that is due.

    The order ends the processes of the gateway; the launcher starts the new release.
    """
    now = gateway.clock.now
    firmware.note_result(gateway, now=now())
    if firmware_store.is_ordered(gateway.state):
        return
    firmware.resume_lost_trial(gateway, now=now())
    row = firmware.due(now=now())
    if row is not None:
        _install(gateway, row)


def _install(gateway: Gateway, row: FirmwarePackage) -> None:
    now = gateway.clock.now
    release = firmware.unpack(gateway, row, now=now())
    if release is None:
        return
    problem = _prepare(release) or _try_out(release)
    if problem:
        firmware.refuse(gateway, row, firmware.TRIAL_INSTALLATION, problem, now=now())
        return
    with transaction.atomic():
        firmware.begin_trial(row, now=now())
        firmware_store.give_order(gateway.state, row.version, newest_migrations())


def newest_migrations() -> dict[str, str]:
    """The newest migration of this program, by app: where a fall-back leads to."""
    loader = MigrationLoader(connection)
    own = {config.label for config in apps.get_app_configs()}
    return {app: name for app, name in loader.graph.leaf_nodes() if app in own}


def _prepare(release: Path) -> str:
    """Give the release an environment of its own when it needs other packages.

    They come out of the release, never from a network. What stands in the way, or "".
    """
    wanted = digest(release / "requirements.txt")
    if wanted == digest(PROGRAM / "requirements.txt"):
        return ""
    wheels = release / "wheels"
    if not wheels.is_dir():
        return "it needs other packages and does not bring them"
    environment = release / ".venv"
    shutil.rmtree(environment, ignore_errors=True)
    made = _run([str(python_of(PROGRAM)), "-m", "venv", str(environment)], release)
    if made:
        return made
    words = ["-m", "pip", "install", "--quiet", "--no-input", "--no-index"]
    words += ["--find-links", str(wheels), "--requirement", "requirements.txt"]
    return _run([str(environment / "bin" / "python"), *words], release)


def _try_out(release: Path) -> str:
    """Load everything in the new release; what went wrong, or ""."""
    words = [str(python_of(release)), "-P", "-m", "casa_site", "trial", "check"]
    return _run(words, release)


def _run(words: list[str], release: Path) -> str:
    environment = {
        **os.environ,
        "PYTHONPATH": str(release),
        "OPENSSL_CONF": str(release / "deploy" / "openssl.cnf"),
        "CASA_STATE": str(settings.STATE),
    }
    try:
        done = subprocess.run(
            words,
            cwd=release,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_TRIAL_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return ""
    lines = (done.stderr or done.stdout).strip().splitlines()
    return lines[-1][-_LONGEST_OUTPUT:] if lines else f"status {done.returncode}"


def _fetch(source: str, target: Path) -> None:
    if urlsplit(source).scheme == "https":
        context = ssl.create_default_context()
        request = urllib.request.Request(source)
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S, context=context) as it:
            _copy(it, target)
    elif "://" in source:
        raise DownloadFailed("only files and https addresses")
    else:
        with Path(source).open("rb") as file:
            _copy(file, target)


def _copy(source: IO[bytes], target: Path) -> None:
    left = LARGEST_PACKAGE
    with target.open("xb") as file:
        while chunk := source.read(1024**2):
            left -= len(chunk)
            if left < 0:
                raise DownloadFailed("larger than any package")
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
