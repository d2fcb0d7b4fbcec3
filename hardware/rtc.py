"""A clock that runs on without supply: the host's RTC, and a sign of life in a file."""

import array
import fcntl
import os
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

HEARTBEAT_FILE = "heartbeat"

_RTC_RD_TIME = 0x80247009
_RTC_SET_TIME = 0x4024700A
_RTC_VL_READ = 0x80047013
_RTC_TIME = struct.Struct("9i")  # struct rtc_time of linux/rtc.h


class RtcUnusable(Exception):
    """The RTC cannot be read or set, or it says that its own supply was low."""


def read(device: Path) -> datetime:
    """The time of the RTC, UTC, whole seconds; raises RtcUnusable."""
    buffer = array.array("B", bytes(_RTC_TIME.size))
    try:
        with device.open("rb", buffering=0) as rtc:
            _refuse_low_voltage(rtc.fileno())
            fcntl.ioctl(rtc.fileno(), _RTC_RD_TIME, buffer, True)
        return parsed(buffer.tobytes())
    except OSError as error:
        raise RtcUnusable(f"{device}: {error.strerror}") from None


def set_time(device: Path, now: datetime) -> None:
    """Set the RTC; raises RtcUnusable."""
    try:
        with device.open("rb", buffering=0) as rtc:
            fcntl.ioctl(rtc.fileno(), _RTC_SET_TIME, packed(now))
    except OSError as error:
        raise RtcUnusable(f"{device}: {error.strerror}") from None


def parsed(fields: bytes) -> datetime:
    """A `struct rtc_time` as an instant; raises RtcUnusable when it is no date."""
    second, minute, hour, day, month, year, *_ = _RTC_TIME.unpack(fields)
    try:
        return datetime(year + 1900, month + 1, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise RtcUnusable("it does not show a date") from None


def packed(now: datetime) -> bytes:
    """The inverse of `parsed`; fractions of a second are rounded."""
    at = (now.astimezone(UTC) + timedelta(milliseconds=500)).replace(microsecond=0)
    date_fields = at.day, at.month - 1, at.year - 1900
    return _RTC_TIME.pack(at.second, at.minute, at.hour, *date_fields, 0, 0, 0)


def beat(state: Path, now: datetime) -> None:
    """Note that the gateway lived when its clock showed `now`."""
    path = state / HEARTBEAT_FILE
    path.touch(mode=0o600)
    nanoseconds = round(now.timestamp() * 1_000_000) * 1000
    os.utime(path, ns=(nanoseconds, nanoseconds))


def last_beat(state: Path) -> datetime | None:
    """What the gateway's clock showed when it was last seen alive."""
    try:
        seen = (state / HEARTBEAT_FILE).stat().st_mtime
    except FileNotFoundError:
        return None
    return datetime.fromtimestamp(seen, UTC)


def _refuse_low_voltage(descriptor: int) -> None:
    flags = array.array("I", [0])
    try:
        fcntl.ioctl(descriptor, _RTC_VL_READ, flags, True)
    except OSError:
        return  # most RTCs cannot tell
    if flags[0]:
        raise RtcUnusable("its supply was low")
