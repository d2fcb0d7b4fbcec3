"""A radio stick at work on a link: started, checked, listened to all the time."""

from collections import deque
from collections.abc import Callable

from hardware.errors import PortVanished
from hardware.link import Link
from hardware.stick import (
    SILENCE_S,
    ModuleInfo,
    Opening,
    Reception,
    Request,
    Stick,
    StickFault,
)
from hardware.stick_errors import StickPortNotOpen, StickRestartFailed, StickSilent

ANSWER_TIMEOUT_S = 1.0
TRIES = 3
_MOST_WAITING = 256
"""Telegrams that came while the stick was asked for something."""

Heard = Reception | StickFault


class StickReceiver:
    """One stick on one link; `monotonic` is a clock in seconds that only grows.

    `last_heard_s` is when the last byte came, for a watch over silence.
    """

    def __init__(
        self, link: Link, stick: Stick, *, monotonic: Callable[[], float]
    ) -> None:
        self._link = link
        self._stick = stick
        self._monotonic = monotonic
        self._waiting: deque[Heard] = deque(maxlen=_MOST_WAITING)
        self.last_heard_s = monotonic()

    def start(self, opening: Opening | None = None) -> ModuleInfo:
        """Make the stick receive; raises the kinds of stick_errors.

        `opening` is another conversation than the stick's usual one.
        """
        conversation = self._stick.opening() if opening is None else opening
        try:
            request = next(conversation)
            while True:
                request = conversation.send(self._answer_to(request))
        except StopIteration as finished:
            info: ModuleInfo = finished.value
            return info

    def restart(self, opening: Opening) -> ModuleInfo:
        """Restart a stick that fell silent; raises StickRestartFailed."""
        try:
            return self.start(opening)
        except StickSilent as silent:
            raise StickRestartFailed("no answer after the restart") from silent

    def listen(self, timeout_s: float) -> list[Heard]:
        """What came within the timeout: telegrams, and what was no good frame.

        Raises StickPortNotOpen when the port is lost.
        """
        if not self._waiting:
            for found in self._read(timeout_s):
                self._keep(found)
        heard = list(self._waiting)
        self._waiting.clear()
        return heard

    def _answer_to(self, request: Request) -> object:
        for _ in range(TRIES):
            self._write(request.data)
            if request.is_answer is None:
                return None
            answer = self._awaited(request.is_answer)
            if answer is not None:
                return answer
        raise StickSilent(f"no answer to {request.data.hex()}")

    def _awaited(self, is_answer: Callable[[object], bool]) -> object | None:
        end = self._monotonic() + ANSWER_TIMEOUT_S
        answer: object | None = None
        while answer is None and (left := end - self._monotonic()) > 0:
            for found in self._read(left):
                if answer is None and is_answer(found):
                    answer = found
                else:
                    self._keep(found)
        return answer

    def _keep(self, found: object) -> None:
        if isinstance(found, Reception | StickFault):
            self._waiting.append(found)

    def _read(self, timeout_s: float) -> list[object]:
        try:
            data = self._link.read(timeout_s)
        except PortVanished as lost:
            raise StickPortNotOpen(str(lost)) from lost
        now = self._monotonic()
        found: list[object] = []
        if now - self.last_heard_s > SILENCE_S:
            unfinished = self._stick.drop()
            found += [] if unfinished is None else [unfinished]
        if data:
            self.last_heard_s = now
            found += self._stick.feed(data)
        return found

    def _write(self, data: bytes) -> None:
        try:
            self._link.write(data)
        except PortVanished as lost:
            raise StickPortNotOpen(str(lost)) from lost
