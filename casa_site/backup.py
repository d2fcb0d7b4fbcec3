"""The whole state folder into an encrypted file (R68, decisions D36)."""

import io
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, cast

from django.db import connection, transaction

from casa_site.databases import FILE_NAME
from casa_site.restore import FACTS, RESTORED_FILE
from hardware.backup_file import BackupWriter, Passphrase, Recipient
from hardware.device_key import DEVICE_KEY_FILE, device_key_file
from hardware.firmware_store import FIRMWARE_FOLDER, PARTIAL, TRUSTED
from hardware.gateway import Gateway
from hardware.record import zulu
from logbooks.alarms import AlarmKind, raise_alarm
from logbooks.catalogue import Event
from logbooks.services import ALL_CONSUMERS, log_event

_LEFT_OUT = {"queue", "run", "lock", RESTORED_FILE, "time.json", "heartbeat"}
"""What holds only here and now; tasks in the queue are only hints."""


def back_up(
    gateway: Gateway, target: Path, lock: Passphrase | Recipient, *, now: datetime
) -> int:
    """Write a backup; returns how many files are in it. Whole or not there.

    Writers of the database wait while its file is read. A PostgreSQL database is not
    in it: `pg_dump` is its tool.
    """
    draft = target.with_name(f"{target.name}{PARTIAL}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        writer = BackupWriter(file, lock)
        with tarfile.open(mode="w|", fileobj=cast(IO[bytes], writer)) as archive:
            count = _pack(gateway, archive, now)
        writer.close()
        file.flush()
        os.fsync(file.fileno())
    draft.replace(target)
    return count


def note_restored(gateway: Gateway, *, now: datetime) -> bool:
    """At a start: whether the data came out of a backup since the last one.

    All consumers and the GWA are told from when it is (19006/1 and an alarm): the
    lists go on from there, and what was stored after it is missing.
    """
    path = gateway.state / RESTORED_FILE
    if not path.exists():
        return False
    made_at = datetime.fromisoformat(json.loads(path.read_bytes())["made_at"])
    text = f"Datenbestand aus einer Sicherung vom {zulu(made_at)} wiederhergestellt"
    event = Event.VALUE_WARNING
    with transaction.atomic():
        log_event(gateway, event, text, now=now, consumers=ALL_CONSUMERS)
        raise_alarm(AlarmKind.RESTORED, code=event.value[0], now=now)
    path.unlink()
    return True


def _pack(gateway: Gateway, archive: tarfile.TarFile, now: datetime) -> int:
    facts = json.dumps({"huid": gateway.huid, "made_at": zulu(now)}).encode()
    _add(archive, FACTS, facts)
    _add(archive, DEVICE_KEY_FILE, device_key_file(gateway.state).read_bytes())
    count = 2
    with _database_at_rest():
        for path in _files(gateway.state):
            archive.add(path, str(path.relative_to(gateway.state)), recursive=False)
            count += 1
    return count


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o600
    archive.addfile(entry, io.BytesIO(content))


def _files(state: Path) -> Iterator[Path]:
    for path in sorted(state.rglob("*")):
        parts = path.relative_to(state).parts
        is_plain = path.is_file() and not path.is_symlink()
        if is_plain and _belongs(parts):
            yield path


def _belongs(parts: tuple[str, ...]) -> bool:
    """Installed releases do not: they come from packages."""
    if parts[0] in _LEFT_OUT or parts[-1].endswith(PARTIAL):
        return False
    if parts[0] == FIRMWARE_FOLDER:
        return parts[1:2] == (TRUSTED,)
    return parts != (DEVICE_KEY_FILE,) and parts != (f"{FILE_NAME}-shm",)


@contextmanager
def _database_at_rest() -> Iterator[None]:
    """Nobody writes into the file meanwhile; its log (WAL) goes with it."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with transaction.atomic():  # BEGIN IMMEDIATE: the one writer
        yield
