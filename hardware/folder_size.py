"""What a folder takes of the disk, and what is left there."""

import os
from pathlib import Path


def folder_bytes(folder: Path) -> int:
    """The sizes of all files below `folder`; links are not followed.

    Files that go away meanwhile do not count.
    """
    total = 0
    for parent, _folders, names in os.walk(folder):
        for name in names:
            try:
                total += Path(parent, name).lstat().st_size
            except FileNotFoundError:
                continue
    return total


def disk_free_bytes(folder: Path) -> int:
    """What this process may still write on the disk of `folder`."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
