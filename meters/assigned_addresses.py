"""How many wired meters have an HDLC address: for the light LMC (R15), in run files."""

import hashlib
import logging
from pathlib import Path

_PREFIX = "addresses-"
logger = logging.getLogger(__name__)


class AddressCount:
    """Leaves the number of addresses at one port in the run folder when it changes."""

    def __init__(self, state: Path, port: str) -> None:
        name = hashlib.sha256(port.encode()).hexdigest()[:12]
        self._path = state / "run" / f"{_PREFIX}{name}"
        self._noted: int | None = None

    def note(self, count: int) -> None:
        """Say how many there are; never raises."""
        if count == self._noted:
            return
        self._noted = count
        try:
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            self._path.write_text(str(count))
        except OSError as error:
            logger.error("the number of addresses could not be noted: %s", error)


def assigned_addresses(state: Path) -> int:
    """How many addresses all ports of a running gateway have given out."""
    counts = (_count(path) for path in (state / "run").glob(f"{_PREFIX}*"))
    return sum(counts)


def _count(path: Path) -> int:
    try:
        text = path.read_text()
    except OSError:
        return 0
    return int(text) if text.isascii() and text.isdecimal() else 0
