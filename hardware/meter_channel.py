"""A channel to one meter, plain or secured, and the exchange of SML files over it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hardware.errors import AnswerTimeout, FrameUndecodable, LmnError, MeterNotReady
from hardware.lmn_line import LmnLine
from hardware.sml_transport import SmlFault, SmlFile, SmlFileReader


class Channel(Protocol):
    """A stream of bytes to one meter and back: the plain data link, later TLS."""

    @property
    def is_ready(self) -> bool:
        """False while the meter says that it can take nothing (RNR)."""
        ...

    def send(self, data: bytes) -> bytes:
        """Send bytes; returns what the meter gave with its answer, or b""."""
        ...

    def poll(self) -> bytes:
        """Fetch what the meter has, b"" when it has nothing yet."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """An SML file and when its first bytes were received (UTC)."""

    file: SmlFile
    received_at: datetime


class FileExchange:
    """Sends a request file and collects the answer file."""

    def __init__(
        self, channel: Channel, line: LmnLine, clock: Callable[[], datetime]
    ) -> None:
        self._channel = channel
        self._line = line
        self._clock = clock
        self._reader = SmlFileReader()
        self._received_at: datetime | None = None

    def ask(self, request: bytes) -> Answer:
        """Send a request (with SML transport), poll until the answer is complete.

        Raises MeterNotReady or AnswerTimeout after the application timer,
        FrameUndecodable when a damaged file came, and what the channel raises.
        """
        timers = self._line.timers
        deadline = self._line.monotonic() + timers.application_s
        pause_s = timers.first_poll_s
        data = self._channel.send(request)
        while (answer := self._collect(data)) is None:
            if not data:
                self._line.pause(pause_s)
                pause_s = min(2 * pause_s, timers.poll_s)
            if self._line.monotonic() >= deadline:
                raise self._timeout()
            data = self._channel.poll()
        return answer

    def _collect(self, data: bytes) -> Answer | None:
        if data and self._received_at is None:
            self._received_at = self._clock()
        for found in self._reader.feed(data):
            if isinstance(found, SmlFault):
                raise FrameUndecodable(found.reason, length=found.length)
            return Answer(found, self._received_at or self._clock())
        return None

    def _timeout(self) -> LmnError:
        if self._channel.is_ready:
            return AnswerTimeout("no complete answer in time")
        return MeterNotReady("the meter was busy until the end")
