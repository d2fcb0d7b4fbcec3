"""Damage in what comes over a line, as the readers of byte streams tell of it."""

from dataclasses import dataclass

from hardware.errors import FrameUndecodable


@dataclass(frozen=True, slots=True)
class LineFault:
    """A stretch of the stream that holds no good telegram; `code` as in the manual.

    `header` is the head of a telegram that was begun, where one was found.
    """

    offset: int
    length: int
    reason: str
    header: bytes = b""
    code: int = FrameUndecodable.code
