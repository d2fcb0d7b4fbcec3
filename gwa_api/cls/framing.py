"""How TLS records travel on the connection of a CLS.

A SOCKS-TLS client wraps each of them in a frame `VER STATE LENGTH DATA`
(TR-03109-1 DS 11); a client that is known by its SNI sends them bare.
"""

from collections.abc import Iterator
from enum import IntEnum
from typing import Protocol

_VERSION = 1
_HEAD_SIZE = 4
LARGEST_FRAME = 0xFFFF


class FrameInvalid(ValueError):
    """What came is no frame of SOCKS-TLS."""


class Step(IntEnum):
    """What a frame belongs to; the value is its STATE."""

    HANDSHAKE = 1
    OPTIONS = 2
    DATA = 3
    CLOSING = 4


_USED = frozenset({Step.HANDSHAKE, Step.DATA, Step.CLOSING})


class Framing(Protocol):
    """Turns records into bytes of the connection and back."""

    def wrap(self, records: bytes, step: Step) -> bytes:
        """What is sent for these records."""
        ...

    def feed(self, data: bytes) -> bytes:
        """The records in what was received, as far as they are whole."""
        ...


class NoFraming:
    """Records as they are."""

    def wrap(self, records: bytes, step: Step) -> bytes:
        """The records."""
        return records

    def feed(self, data: bytes) -> bytes:
        """The records."""
        return data


class SocksTlsFraming:
    """Records in frames; any split of records over frames is read."""

    def __init__(self) -> None:
        self._received = bytearray()

    def wrap(self, records: bytes, step: Step) -> bytes:
        """One frame, or several when the records are too long for one."""
        return b"".join(
            bytes((_VERSION, step)) + len(piece).to_bytes(2, "big") + piece
            for piece in _pieces(records)
        )

    def feed(self, data: bytes) -> bytes:
        """The content of the frames that are whole; raises FrameInvalid."""
        self._received += data
        return b"".join(self._whole_frames())

    def _whole_frames(self) -> Iterator[bytes]:
        while len(self._received) >= _HEAD_SIZE:
            version, step = self._received[0], self._received[1]
            if version != _VERSION or step not in _USED:
                raise FrameInvalid(f"frame of version {version}, state {step}")
            size = int.from_bytes(self._received[2:_HEAD_SIZE], "big")
            if size == 0:
                raise FrameInvalid("a frame without content")
            if len(self._received) < _HEAD_SIZE + size:
                return
            yield bytes(self._received[_HEAD_SIZE : _HEAD_SIZE + size])
            del self._received[: _HEAD_SIZE + size]


def _pieces(records: bytes) -> Iterator[bytes]:
    for at in range(0, len(records), LARGEST_FRAME):
        yield records[at : at + LARGEST_FRAME]
