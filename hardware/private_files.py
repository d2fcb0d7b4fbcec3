"""Small files that hold secrets: written whole or not at all, mode 0600."""

import os
import secrets
from pathlib import Path


def make_once(path: Path, content: bytes) -> bytes:
    """Put `content` at `path` unless something is there; return what is there now.

    Of two processes that make the same file, both get the content of the first.
    """
    draft = _draft_beside(path, content)
    try:
        os.link(draft, path)  # unlike a rename, it never replaces
    except FileExistsError:
        return path.read_bytes()
    finally:
        draft.unlink()
    _sync_folder(path.parent)
    return content


def replace(path: Path, content: bytes) -> None:
    """Put `content` at `path`; a reader sees the old file or the new one."""
    _draft_beside(path, content).replace(path)
    _sync_folder(path.parent)


def _draft_beside(path: Path, content: bytes) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:  # the disk is full: nothing half is left
        draft.unlink()
        raise
    return draft


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
