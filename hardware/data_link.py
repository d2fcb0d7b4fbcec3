"""One HDLC data link between the gateway (primary) and a meter (lmn-wired.md 2.3).

Normal response mode, modulo 8, window of one frame: the gateway sends with the poll
bit, the meter answers with exactly one frame.
"""

from collections.abc import Callable
from typing import NamedTuple

from hardware.errors import (
    FrameUndecodable,
    FrameUnexpected,
    LmnError,
    MeterSilent,
)
from hardware.hdlc import (
    DISC,
    MAX_INFO,
    SNRM,
    FrameFault,
    HdlcFrame,
    encode_frame,
    i_control,
    rr_control,
)
from hardware.lmn_addresses import GATEWAY
from hardware.lmn_line import LmnLine

CONNECT_TRIES = 3
"""So many SNRM without answer make a meter silent (lmn-wired.md 3)."""

FRAME_HEADER = 8
"""Bytes of a frame up to its control field and flag: addresses, no value."""

Report = Callable[[LmnError], None]


class _Sending(NamedTuple):
    """What is to be sent: a piece of information, or a poll without."""

    control: int
    info: bytes


class DataLink:
    """The data link to one (station, SAP).

    `report` is told of faults that a repetition mended; those that end a transfer are
    raised: MeterSilent (no byte after all repetitions), FrameUndecodable
    (only damaged frames came) and FrameUnexpected (the link must be set up anew).
    """

    def __init__(self, line: LmnLine, station: int, sap: int, report: Report) -> None:
        self._line = line
        self._peer = (sap, station)
        self._own = (sap, GATEWAY)
        self._report = report
        self._sent = 0
        self._received = 0
        self.is_ready = True
        """False while the last supervisory frame of the meter was RNR."""

    def connect(self) -> None:
        """SNRM, UA; both counters begin at 0. A refusal (DM) is FrameUnexpected."""
        answer = self._ask(SNRM, b"", CONNECT_TRIES)
        if answer.frame_type != "UA":
            raise FrameUnexpected(f"{answer.frame_type} instead of UA")
        self._sent = self._received = 0
        self.is_ready = True

    def disconnect(self) -> None:
        """DISC; the answer (UA or DM) does not matter, nor whether there is one."""
        try:
            self._ask(DISC, b"", 1)
        except (MeterSilent, FrameUndecodable, FrameUnexpected):
            return

    def send(self, data: bytes) -> bytes:
        """Send bytes in as many frames as they need.

        Returns the information that came with the answers, b"" when there was none.
        """
        pieces = [data[at : at + MAX_INFO] for at in range(0, len(data), MAX_INFO)]
        return b"".join(self._transfer(piece) for piece in pieces)

    def poll(self) -> bytes:
        """RR: acknowledge what came and fetch what the meter has, b"" if nothing."""
        return self._transfer(None)

    def _transfer(self, info: bytes | None) -> bytes:
        """Bring one piece over, or poll, and return what the meter gave."""
        goal = (self._sent + (info is not None)) & 7
        sending = self._first(info)
        may_mend = True
        for _ in range(1 + self._line.timers.retries):
            answer = self._ask(sending.control, sending.info)
            if self._has_order(answer, goal):
                return self._taken(answer, goal)
            if self._is_rejected(answer):
                sending = self._first(info)
                continue
            if not self._is_repeated(answer):
                self._refuse(answer, goal, may_mend)
                may_mend = False
            sending = self._first(None)
        raise FrameUnexpected("the counters do not come into order")

    def _first(self, info: bytes | None) -> _Sending:
        if info is None:
            return _Sending(rr_control(self._received), b"")
        return _Sending(i_control(self._sent, self._received), info)

    def _is_rejected(self, answer: HdlcFrame) -> bool:
        """The meter did not take what was sent: it is to be sent again."""
        return answer.n_r == self._sent and answer.frame_type in ("RR", "REJ")

    def _is_repeated(self, answer: HdlcFrame) -> bool:
        """An information frame that was taken already: not to be taken twice."""
        return answer.n_s == (self._received - 1) & 7

    def _has_order(self, answer: HdlcFrame, goal: int) -> bool:
        """Whether it acknowledges all that was sent and brings what is awaited."""
        in_order = answer.n_s == self._received or answer.frame_type in ("RR", "RNR")
        return in_order and answer.n_r == goal

    def _taken(self, answer: HdlcFrame, goal: int) -> bytes:
        self._sent = goal
        self.is_ready = answer.frame_type != "RNR"
        if answer.frame_type == "I":
            self._received = (self._received + 1) & 7
        return answer.info

    def _refuse(self, answer: HdlcFrame, goal: int, may_mend: bool) -> None:
        """Report a frame that does not fit; a wrong N(S) may be mended once."""
        error = FrameUnexpected(
            f"{answer.frame_type} with N(S) {answer.n_s}, N(R) {answer.n_r} where "
            f"{self._received}, {goal} were due"
        )
        if not may_mend or answer.frame_type != "I" or answer.n_r != goal:
            raise error
        self._report(error)

    def _ask(self, control: int, info: bytes, tries: int | None = None) -> HdlcFrame:
        """Send a frame, repeat it while no good answer comes, and return the answer."""
        frame = encode_frame(
            destination=self._peer, source=self._own, control=control, info=info
        )
        trouble: LmnError | None = None
        for _ in range(tries or 1 + self._line.timers.retries):
            self._line.transmit(frame)
            answer = self._answer()
            if isinstance(answer, HdlcFrame):
                if trouble is not None:
                    self._report(trouble)
                return answer
            trouble = answer or trouble
        raise trouble or MeterSilent("no answer after all repetitions")

    def _answer(self) -> HdlcFrame | LmnError | None:
        """The answer, what went wrong with it, or None when there was silence."""
        monotonic = self._line.monotonic
        deadline = monotonic() + self._line.timers.response_s
        trouble: LmnError | None = None
        while True:
            heard = self._line.receive(max(0.0, deadline - monotonic()))
            if heard is None:
                return trouble
            if isinstance(heard, FrameFault):
                trouble = FrameUndecodable(
                    heard.reason,
                    header=heard.data[:FRAME_HEADER],
                    length=len(heard.data),
                )
            elif misfit := self._misfit(heard):
                trouble = FrameUnexpected(misfit)
            else:
                return heard
            if monotonic() >= deadline:
                return trouble

    def _misfit(self, frame: HdlcFrame) -> str:
        """Why a well-formed frame is no answer of this meter; "" when it is one."""
        if frame.source != self._peer or frame.destination != self._own:
            return f"frame from {frame.source} to {frame.destination}"
        if frame.segmented:
            return "segmentation bit set"
        return "" if frame.poll_final else "answer without final bit"
