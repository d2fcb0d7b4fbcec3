"""A link that plays a file: captured bytes, at the pace of a line."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

from hardware.errors import PortNotOpen, PortVanished
from hardware.seven_bit import without_parity

_BITS_PER_BYTE = 10
_SIGN_ON = b"/?"
_LARGEST_READ = 4096
_TICK_S = 0.001
_LARGEST_FILE = 64 * 1024 * 1024
PAUSE_S = 1.0
"""Silence after the end of the file, before it begins again."""


def path_of(port: str) -> Path | None:
    """The file that a port names (`file:///path` or a path), None for other ports."""
    parts = urlsplit(port)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    path = Path(port)
    return path if path.is_file() else None


class FileLink:
    """Gives the bytes of a file as a line of this speed would, again and again.

    `monotonic` and `wait` are the time it goes by. The file is one side of a
    conversation, what is written goes nowhere.
    """

    def __init__(
        self,
        data: bytes,
        baudrate: int,
        *,
        pause_s: float = PAUSE_S,
        is_endless: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._data = data
        self._baudrate = baudrate
        self._pause_s = pause_s
        self._is_endless = is_endless
        self._monotonic = monotonic
        self._wait = wait
        self._at = 0
        self._begun_at = monotonic()
        self._is_open = True

    @classmethod
    def open(
        cls,
        path: Path,
        baudrate: int,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> Self:
        """Open a file of at most 64 MiB; raises PortNotOpen, also for an empty one."""
        try:
            with path.open("rb") as file:
                data = file.read(_LARGEST_FILE + 1)
        except OSError as error:
            raise PortNotOpen(f"{path}: {error}") from error
        if not 0 < len(data) <= _LARGEST_FILE:
            raise PortNotOpen(f"{path}: empty, or longer than 64 MiB")
        return cls(data, baudrate, monotonic=monotonic, wait=wait)

    def write(self, data: bytes) -> None:
        """Nobody listens; but a sign-on of IEC 62056-21 begins the file anew."""
        if without_parity(data).startswith(_SIGN_ON):
            self._rewind()

    def read(self, timeout_s: float) -> bytes:
        """What a line would have brought by now; waits for it within the timeout."""
        if not self._is_open:
            raise PortVanished("closed")
        data = self._due()
        if not data and timeout_s > 0:
            self._wait(min(timeout_s, max(self._next_in(), _TICK_S)))
            data = self._due()
        return data

    def set_baudrate(self, baudrate: int) -> bool:
        """Play on at this speed."""
        self._begun_at = self._monotonic() - self._at * _BITS_PER_BYTE / baudrate
        self._baudrate = baudrate
        return True

    def close(self) -> None:
        """End the play."""
        self._is_open = False

    def _due(self) -> bytes:
        passed_s = self._monotonic() - self._begun_at
        end = min(int(passed_s * self._baudrate / _BITS_PER_BYTE), len(self._data))
        end = min(end, self._at + _LARGEST_READ)
        data = self._data[self._at : end]
        self._at = max(self._at, end)
        if self._at == len(self._data) and self._is_endless and not data:
            self._begin_again(passed_s)
        return data

    def _begin_again(self, passed_s: float) -> None:
        if passed_s >= self._length_s() + self._pause_s:
            self._rewind()

    def _rewind(self) -> None:
        self._at = 0
        self._begun_at = self._monotonic()

    def _length_s(self) -> float:
        return len(self._data) * _BITS_PER_BYTE / self._baudrate

    def _next_in(self) -> float:
        """Seconds until a byte is due."""
        passed_s = self._monotonic() - self._begun_at
        if self._at < len(self._data):
            return (self._at + 1) * _BITS_PER_BYTE / self._baudrate - passed_s
        if self._is_endless:
            return self._length_s() + self._pause_s - passed_s
        return float("inf")
