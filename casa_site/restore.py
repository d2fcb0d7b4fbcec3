"""`./casa manage restore FILE`: a backup back into a state folder.

It runs before anything else knows the state folder: the keys come out of the backup.
"""

import argparse
import json
import os
import shutil
import sys
import tarfile
import tempfile
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, cast

from casa_site import state_lock
from casa_site.backup_keys import opener_of
from hardware.backup_file import BackupReader, BackupUnreadable, Opener
from hardware.record import zulu

FACTS = "backup.json"
RESTORED_FILE = "restored.json"
"""Says at the next start that what is there came out of a backup."""


class CannotRestore(Exception):
    """What stands in the way, as one sentence."""


def main(arguments: list[str], state: Path) -> int:
    """Restore into `state` and say what that means; 1 when it could not be done."""
    parser = argparse.ArgumentParser(prog="casa manage restore", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--key", type=Path, metavar="KEY.pem", help="private key")
    parser.add_argument(
        "--replace", action="store_true", help="move what is there aside"
    )
    options = parser.parse_args(arguments)
    try:
        opener = opener_of(options.key)
        made_at = restore(options.file, opener, state, replace=options.replace)
    except (CannotRestore, BackupUnreadable, ValueError, OSError) as reason:
        print(f"casa: {reason}.", file=sys.stderr)
        return 1
    print(f"{state} is as it was at {zulu(made_at)}; what came later is not in it.")
    print("The next start says so in the logs.")
    return 0


def restore(source: Path, opener: Opener, state: Path, *, replace: bool) -> datetime:
    """Put a backup into a state folder; returns when it was made.

    Everything is unpacked and checked beside it first. A folder that holds a gateway
    is moved aside with `replace`, never deleted. Raises CannotRestore, or
    BackupUnreadable; then nothing has changed.
    """
    if state.is_dir() and state_lock.supervisor_of(state) is not None:
        raise CannotRestore(f"a gateway runs on {state}; stop it first")
    is_taken = state.is_dir() and any(state.iterdir())
    if is_taken and not replace:
        raise CannotRestore(f"{state} is not empty; --replace moves it aside")
    state.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f"{state.name}.restoring-", dir=state.parent))
    try:
        with source.open("rb") as file:
            made_at = _unpack(BackupReader(file, opener), draft)
    except BaseException:
        shutil.rmtree(draft)
        raise
    facts = {"made_at": made_at.isoformat()}
    (draft / RESTORED_FILE).write_text(json.dumps(facts))
    if is_taken:
        state.rename(_aside(state))
    elif state.is_dir():
        state.rmdir()
    draft.rename(state)
    return made_at


def _unpack(reader: BackupReader, folder: Path) -> datetime:
    try:
        with tarfile.open(mode="r|", fileobj=cast(IO[bytes], reader)) as archive:
            for entry in archive:
                _write(archive, entry, folder)
        reader.read()  # the last piece says that nothing was cut
        facts = json.loads((folder / FACTS).read_bytes())
        (folder / FACTS).unlink()
        return datetime.fromisoformat(facts["made_at"])
    except (tarfile.TarError, OSError, ValueError, KeyError) as error:
        raise BackupUnreadable(f"the backup cannot be unpacked: {error}") from None


def _write(archive: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path) -> None:
    path = PurePosixPath(entry.name)
    if not entry.isreg() or path.is_absolute() or ".." in path.parts:
        raise BackupUnreadable(f"{entry.name} is not a plain file inside")
    target = folder / path
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = archive.extractfile(entry)
    assert content is not None
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while chunk := content.read(1024**2):
            file.write(chunk)
        os.fsync(file.fileno())


def _aside(state: Path) -> Path:
    number = 1
    while (path := state.with_name(f"{state.name}.before-restore-{number}")).exists():
        number += 1
    return path
