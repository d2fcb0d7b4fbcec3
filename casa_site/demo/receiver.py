"""A receiver of deliveries: a market participant who takes what comes as files.

It stores each delivery once, however often it comes, and gives a receipt for what it
has stored. A process of its own, as the simulated meters are.
"""

import json
from hashlib import sha256
from pathlib import Path

from casa_site import readiness
from casa_site.demo.plan import receiver_folder
from hardware.private_files import make_once, replace
from hardware.simulator.process import stop_on_signals

ROLE = "demo-emt"

INBOX, RECEIVED = "inbox", "received"
_LOOKS_EVERY_S = 1.0


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


def serve_receiver(state: Path) -> None:
    """Take what comes for the demo's market participant until SIGTERM."""
    folder = receiver_folder(state)
    prepare(folder)
    stop = stop_on_signals()
    readiness.announce(state, ROLE)
    while not stop.wait(_LOOKS_EVERY_S):
        take_deliveries(folder)


def _acknowledge(path: Path, kept: bytes) -> None:
    receipt = {"delivery_id": path.stem, "sha256": sha256(kept).hexdigest()}
    replace(path.with_suffix(".ack"), json.dumps(receipt).encode())
