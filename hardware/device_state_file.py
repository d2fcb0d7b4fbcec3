"""What every process of a gateway has to know of its state: one small file.

There is none while the gateway works as it should, so that looking costs next to
nothing. The database holds what is true; `logbooks.device_state` keeps the file like
it, and fills the database from it when the lock-down began without the database.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from hardware import private_files

DEVICE_STATE_FILE = "device_state.json"
_LIMIT_BYTES = 1024


class Mode(StrEnum):
    """Whether the gateway works (manual ch. 8); the value is stored."""

    NORMAL = "normal"
    SOFT = "soft"
    """Soft lock-down: nothing is collected, tariffed or sent, no consumer comes in."""
    HARD = "hard"
    """Hard lock-down: out of service for good, the device must be exchanged."""


@dataclass(frozen=True, slots=True)
class DeviceSetting:
    """The state of the device: its mode, the code that led to it, since when.

    `marks_values`: new records and exports are not for billing (decisions D37).
    `is_unrecorded`: the database could not be written and does not know of it yet.
    """

    mode: Mode = Mode.NORMAL
    code: int = 0
    since: datetime | None = None
    marks_values: bool = False
    is_unrecorded: bool = False

    @property
    def is_locked(self) -> bool:
        """Whether the work of the gateway rests."""
        return self.mode is not Mode.NORMAL


UNREADABLE = DeviceSetting(mode=Mode.SOFT, marks_values=True)
"""A file that was spoilt: nobody knows why it was made, so the gateway rests."""


def read(state: Path) -> DeviceSetting:
    """What holds now for the gateway of this state folder."""
    try:
        with (state / DEVICE_STATE_FILE).open("rb") as file:
            return _parsed(file.read(_LIMIT_BYTES + 1))
    except FileNotFoundError:
        return DeviceSetting()


def write(state: Path, setting: DeviceSetting) -> None:
    """Make `setting` what holds for every process of the gateway."""
    path = state / DEVICE_STATE_FILE
    if setting == DeviceSetting():
        path.unlink(missing_ok=True)
    else:
        private_files.replace(path, json.dumps(_document(setting)).encode())


def _document(setting: DeviceSetting) -> dict[str, object]:
    since = setting.since
    return {
        "mode": setting.mode,
        "code": setting.code,
        "since": since.astimezone(UTC).isoformat() if since else None,
        "marks_values": setting.marks_values,
        "unrecorded": setting.is_unrecorded,
    }


def _parsed(content: bytes) -> DeviceSetting:
    try:
        if len(content) > _LIMIT_BYTES:
            return UNREADABLE
        document = json.loads(content)
        code, marks_values = document["code"], document["marks_values"]
        if type(code) is not int or not isinstance(marks_values, bool):
            return UNREADABLE
        since = document["since"]
        return DeviceSetting(
            mode=Mode(document["mode"]),
            code=code,
            since=datetime.fromisoformat(since) if since else None,
            marks_values=marks_values,
            is_unrecorded=document["unrecorded"] is True,
        )
    except (ValueError, TypeError, KeyError):
        return UNREADABLE
