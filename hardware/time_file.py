"""What all processes of a gateway know of its time: one small file, replaced whole."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, cast, get_args

from hardware import private_files

TIME_FILE = "time.json"
SLEW_RATE = 0.001
"""A difference below a second is made up for by running 0.1 % faster or slower."""

Source = Literal["host", "rtc", "ntp_tls"]
_SOURCES = get_args(Source)
_LIMIT_BYTES = 1024


@dataclass(frozen=True, slots=True)
class TimeSetting:
    """Where the gateway's time comes from and how far it is from the host's.

    `slew` is what is still to be made up for gradually, begun when the host's clock
    showed `slew_from`.
    """

    source: Source = "host"
    is_valid: bool = True
    offset: timedelta = timedelta()
    slew: timedelta = timedelta()
    slew_from: datetime | None = None

    def offset_at(self, host: datetime) -> timedelta:
        """What is to be added to the host's time when it shows `host`."""
        if self.slew_from is None:
            return self.offset
        done = max(timedelta(), host - self.slew_from) * SLEW_RATE
        if done >= abs(self.slew):
            return self.offset + self.slew
        return self.offset + (done if self.slew > timedelta() else -done)

    def stepped(self, by: timedelta, host: datetime) -> "TimeSetting":
        """The same, set by `by` at once."""
        offset = self.offset_at(host) + by
        return replace(self, offset=offset, slew=timedelta(), slew_from=None)

    def slewed(self, by: timedelta, host: datetime) -> "TimeSetting":
        """The same, approaching the difference `by` from now on."""
        return replace(self, offset=self.offset_at(host), slew=by, slew_from=host)


UNREADABLE = TimeSetting(is_valid=False)
"""A file that was spoilt: nobody knows the offset, so the time is not valid."""


class TimeFile:
    """Reads and writes `<state>/time.json`; reading costs one `stat` if unchanged."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int, int] | None = None
        self._setting = TimeSetting()

    def read(self) -> TimeSetting:
        """What holds now; the host's time when there is no file."""
        try:
            found = self.path.stat()
            seen = (found.st_ino, found.st_mtime_ns, found.st_size)
            if seen != self._seen:
                self._setting = _parsed(self.path.read_bytes())
                self._seen = seen
        except FileNotFoundError:
            self._seen, self._setting = None, TimeSetting()
        return self._setting

    def write(self, setting: TimeSetting) -> None:
        """Make `setting` what holds for every process of the gateway."""
        private_files.replace(self.path, json.dumps(_document(setting)).encode())


def _document(setting: TimeSetting) -> dict[str, object]:
    begun = setting.slew_from
    return {
        "source": setting.source,
        "valid": setting.is_valid,
        "offset_us": _microseconds(setting.offset),
        "slew_us": _microseconds(setting.slew),
        "slew_from": begun.astimezone(UTC).isoformat() if begun else None,
    }


def _parsed(content: bytes) -> TimeSetting:
    try:
        if len(content) > _LIMIT_BYTES:
            return UNREADABLE
        document = json.loads(content)
        begun = document["slew_from"]
        source, is_valid = document["source"], document["valid"]
        if source not in _SOURCES or not isinstance(is_valid, bool):
            return UNREADABLE
        return TimeSetting(
            source=cast(Source, source),
            is_valid=is_valid,
            offset=timedelta(microseconds=document["offset_us"]),
            slew=timedelta(microseconds=document["slew_us"]),
            slew_from=datetime.fromisoformat(begun) if begun else None,
        )
    except (ValueError, TypeError, KeyError, OverflowError):
        return UNREADABLE


def _microseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1)
