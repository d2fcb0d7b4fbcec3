"""What all radio sticks have in common: what they bring, and how they are started.

A stick does no I/O of its own: its reader cuts the byte stream, and its opening is a
conversation that yields requests and is sent the answers. `stick_receiver` joins both
with a link.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

SILENCE_S = 2.0
"""An unfinished frame is given up after this time without a byte."""


@dataclass(frozen=True, slots=True)
class Reception:
    """A telegram from the air, without CRCs, L field first.

    `rssi_dbm` is the strength of the signal where the stick tells it.
    """

    telegram: bytes
    rssi_dbm: int | None = None


@dataclass(frozen=True, slots=True)
class StickFault:
    """Bytes from a stick that were no good frame."""

    reason: str
    data: bytes


@dataclass(frozen=True, slots=True)
class ModuleInfo:
    """What a stick says about itself; empty where it says nothing."""

    module: str
    firmware: str = ""
    serial: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """Bytes for the stick, and which of its messages is the answer; None has none."""

    data: bytes
    is_answer: Callable[[Any], bool] | None


Opening = Generator[Request, Any, ModuleInfo]
"""Yields requests, is sent their answers, returns what the stick is; raises the kinds
of stick_errors."""


class Stick(Protocol):
    """A kind of stick: its codec, without I/O."""

    baudrate: int

    def opening(self) -> Opening:
        """The conversation that makes the stick receive modes T and C."""
        ...

    def feed(self, data: bytes) -> Iterator[object]:
        """Yield Reception, StickFault, and the stick's own messages."""
        ...

    def drop(self) -> StickFault | None:
        """Give up an unfinished frame after SILENCE_S; what was given up."""
        ...
