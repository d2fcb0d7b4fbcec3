"""What a process of the gateway writes is for its owner only."""

import os
from pathlib import Path

from casa_site.databases import FILE_NAME

QUEUE_FOLDER = "queue"
_OTHERS = 0o077


def keep_private(state: Path) -> None:
    """New files and folders of this process and its children are the owner's alone.

    So become the database file and the queues that an earlier version made otherwise.
    """
    os.umask(_OTHERS)
    queues = state / QUEUE_FOLDER
    earlier = [*state.glob(f"{FILE_NAME}*"), queues, *queues.glob("*/**/")]
    for path in earlier:
        if path.exists() and not path.is_symlink():
            path.chmod(path.stat().st_mode & ~_OTHERS)
