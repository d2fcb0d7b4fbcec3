"""A market participant who takes deliveries as files.

Stores each delivery once, however often it comes, with a receipt for what it stored.
"""

import json
from hashlib import sha256
from pathlib import Path

from hardware.private_files import make_once, replace

INBOX, RECEIVED = "inbox", "received"


def prepare(folder: Path) -> Path:
    """Make the folders of a receiver; returns the one that deliveries are put into."""
    for name in (INBOX, RECEIVED):
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / INBOX


def take_deliveries(folder: Path) -> int:
    """Store and acknowledge what lies in the inbox; returns how many were new."""
    stored = 0
    for path in sorted((folder / INBOX).glob("*.json")):
        content = path.read_bytes()
        kept = folder / RECEIVED / path.name
        stored += not kept.exists()
        _acknowledge(path, make_once(kept, content))
        path.unlink()
    return stored


def _acknowledge(path: Path, kept: bytes) -> None:
    receipt = {"delivery_id": path.stem, "sha256": sha256(kept).hexdigest()}
    replace(path.with_suffix(".ack"), json.dumps(receipt).encode())
