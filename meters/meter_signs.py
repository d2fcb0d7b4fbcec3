"""What a line knows of each of its meters: address, signal, last telegram (D32).

Left in the run folder for the technician, one file per port; never a value. Which
meters there are is nobody's business: the files are encrypted with a sub-key.
"""

import hashlib
import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag

from hardware.gateway import Gateway
from hardware.record import zulu

_PREFIX = "signs-"
_LABEL = "meter-signs"
WRITTEN_EVERY = timedelta(seconds=10)
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MeterSign:
    """A meter as its line knows it.

    `address` is the HDLC address of a wired meter, `rssi_dbm` the strength of the
    last telegram of a wireless one, `heard_at` when that came; None where unknown.
    """

    address: int | None = None
    rssi_dbm: int | None = None
    heard_at: datetime | None = None


class MeterSigns:
    """Collects them for one port and writes them down when they have changed."""

    def __init__(self, gateway: Gateway, port: str) -> None:
        name = hashlib.sha256(port.encode()).hexdigest()[:12]
        self._key = gateway.device_key
        self._path = gateway.state / "run" / f"{_PREFIX}{name}"
        self._signs: dict[str, MeterSign] = {}
        self._has_changed = False
        self._written_at: datetime | None = None

    def note(self, meter_id: str, sign: MeterSign) -> None:
        """This is what is known of a meter now."""
        if self._signs.get(meter_id) != sign:
            self._signs[meter_id] = sign
            self._has_changed = True

    def keep_only(self, meter_ids: set[str]) -> None:
        """Forget the others: they are not there any more, or not ours."""
        for gone in self._signs.keys() - meter_ids:
            del self._signs[gone]
            self._has_changed = True

    def write(self, now: datetime) -> None:
        """Bring the file up to date where that is due; never raises."""
        at = self._written_at
        is_fresh = at is not None and abs(now - at) < WRITTEN_EVERY
        if not self._has_changed or is_fresh:
            return
        self._has_changed, self._written_at = False, now
        document = {meter: _document(sign) for meter, sign in self._signs.items()}
        plain, name = json.dumps(document).encode(), self._path.name
        try:
            _write(self._path, self._key.encrypt(plain, label=_LABEL, bound_to=name))
        except OSError as error:
            logger.error("what is known of the meters was not written: %s", error)


def read_signs(gateway: Gateway) -> dict[str, MeterSign]:
    """By meter, what the lines of a running gateway know of it."""
    found: dict[str, MeterSign] = {}
    for path in (gateway.state / "run").glob(f"{_PREFIX}????????????"):
        try:
            sealed = path.read_bytes()
            plain = gateway.device_key.decrypt(sealed, label=_LABEL, bound_to=path.name)
            document = json.loads(plain)
        except (OSError, ValueError, InvalidTag):
            continue
        found |= {meter: _sign(one) for meter, one in document.items()}
    return found


def _document(sign: MeterSign) -> dict[str, Any]:
    at = sign.heard_at
    return {
        "address": sign.address,
        "rssi_dbm": sign.rssi_dbm,
        "heard_at": zulu(at.astimezone(UTC)) if at else None,
    }


def _sign(document: dict[str, Any]) -> MeterSign:
    at = document["heard_at"]
    heard_at = datetime.fromisoformat(at) if at else None
    return MeterSign(document["address"], document["rssi_dbm"], heard_at)


def _write(path: Path, sealed: bytes) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    unfinished = path.with_suffix(".new")
    unfinished.write_bytes(sealed)
    unfinished.replace(path)
