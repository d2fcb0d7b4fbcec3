"""The bus side of a simulated meter: its address and the secondary ends of its links.

Written from lmn-wired.md 2.3 and 3; of the gateway's side it uses the codecs only.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hardware.hdlc import (
    DM,
    FRMR,
    MAX_INFO,
    UA,
    UI,
    HdlcFrame,
    encode_frame,
    i_control,
    rej_control,
    rnr_control,
    rr_control,
)
from hardware.lmn_addresses import (
    ALL_STATIONS,
    GATEWAY,
    SAP_ADDRESS,
    SAP_PLAIN,
    UNADDRESSED,
    Assign,
    Discover,
    Hello,
    decode_address_message,
    slot_of,
)

Application = Callable[[bytes, datetime], bytes]
"""Takes request bytes as they come and the time; gives answer bytes, or b""."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A frame that a meter sends so many seconds after it was asked."""

    after_s: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Manners:
    """How a meter answers: after `delay_s`, and whether it says RR or RNR first.

    Without `says_first` the answer itself comes after the delay; with it, polls are
    answered so until the delay is over.
    """

    delay_s: float = 0.0
    says_first: str = ""


class SecondaryLink:
    """The meter's end of a data link; its answers are (control, information)."""

    def __init__(self, application: Application, manners: Manners) -> None:
        self._application = application
        self._manners = manners
        self._is_connected = False
        self._reset()

    def answer(self, frame: HdlcFrame, now: datetime) -> tuple[int, bytes]:
        """What the meter says to a command frame with the poll bit."""
        if frame.frame_type == "SNRM":
            self._reset()
            self._is_connected = True
            return UA, b""
        if not self._is_connected:
            return DM, b""
        if frame.frame_type == "DISC":
            self._is_connected = False
            return UA, b""
        if not self._take_acknowledgement(frame):
            return FRMR, bytes((frame.control, self._counters(), 0x08))
        if frame.frame_type == "I" and not self._take_information(frame, now):
            return rej_control(self._received), b""
        return self._next_frame(now)

    def _reset(self) -> None:
        self._sent = self._received = 0
        self._outbox: deque[bytes] = deque()
        self._is_waiting = False  # the front piece was sent and not acknowledged
        self._ready_at: datetime | None = None

    def _take_acknowledgement(self, frame: HdlcFrame) -> bool:
        if frame.n_r == self._sent:
            return True
        if self._is_waiting and frame.n_r == (self._sent + 1) & 7:
            self._outbox.popleft()
            self._is_waiting = False
            self._sent = (self._sent + 1) & 7
            return True
        return False

    def _take_information(self, frame: HdlcFrame, now: datetime) -> bool:
        if frame.n_s == (self._received - 1) & 7:
            return True  # repeated: acknowledged again, not taken again
        if frame.n_s != self._received:
            return False
        self._received = (self._received + 1) & 7
        data = self._application(frame.info, now)
        self._outbox.extend(
            data[at : at + MAX_INFO] for at in range(0, len(data), MAX_INFO)
        )
        if data and self._manners.says_first:
            self._ready_at = now + timedelta(seconds=self._manners.delay_s)
        return True

    def _next_frame(self, now: datetime) -> tuple[int, bytes]:
        is_early = self._ready_at is not None and now < self._ready_at
        if is_early and self._manners.says_first == "RNR":
            return rnr_control(self._received), b""
        if is_early or not self._outbox:
            return rr_control(self._received), b""
        self._is_waiting = True
        return i_control(self._sent, self._received), self._outbox[0]

    def _counters(self) -> int:
        return self._received << 5 | self._sent << 1


class SimulatedStation:
    """A meter on the bus: it takes an address and answers on its service points.

    `applications` maps a SAP to what answers there.
    """

    def __init__(
        self,
        server_id: bytes,
        applications: dict[int, Application],
        manners: Manners | None = None,
    ) -> None:
        self.server_id = server_id
        self.address = UNADDRESSED
        self.is_silent = False
        """A test switches the meter off and on."""
        self._manners = manners or Manners()
        self._applications = applications
        self._links: dict[int, SecondaryLink] = {}

    def replies(self, frame: HdlcFrame, now: datetime) -> list[Reply]:
        """What the meter sends to a frame that it hears."""
        if self.is_silent or len(frame.destination) != 2:
            return []
        sap, station = frame.destination
        if frame.frame_type == "UI":
            to_all = (sap, station) == (SAP_ADDRESS, ALL_STATIONS)
            return self._address_service(frame.info) if to_all else []
        is_mine = station == self.address and self.address != UNADDRESSED
        if not is_mine or not frame.poll_final:
            return []
        return self._link_reply(sap, frame, now)

    def restart(self) -> None:
        """As after a power cut: no address, no links."""
        self.address = UNADDRESSED
        self._links.clear()

    def _address_service(self, info: bytes) -> list[Reply]:
        message = decode_address_message(info)
        if isinstance(message, Assign):
            address = message.stations.get(self.server_id, UNADDRESSED)
            if address != self.address:
                self.restart()
                self.address = address
        elif isinstance(message, Discover) and self.address == UNADDRESSED:
            slot = slot_of(self.server_id, message.nonce, message.slots)
            hello = Hello(message.nonce, self.server_id).encode()
            data = self._frame(SAP_ADDRESS, UI, hello)
            return [Reply(slot * message.slot_ms / 1000, data)]
        return []

    def _link_reply(self, sap: int, frame: HdlcFrame, now: datetime) -> list[Reply]:
        if sap not in self._links:
            if sap not in self._applications:
                return [Reply(0.0, self._frame(sap, DM, b""))]
            application = self._applications[sap]
            self._links[sap] = SecondaryLink(application, self._manners)
        control, info = self._links[sap].answer(frame, now)
        direct = bool(info) and not self._manners.says_first
        delay_s = self._manners.delay_s if direct else 0.0
        return [Reply(delay_s, self._frame(sap, control, info))]

    def _frame(self, sap: int, control: int, info: bytes) -> bytes:
        return encode_frame(
            destination=(sap, GATEWAY),
            source=(sap, self.address),
            control=control,
            info=info,
        )


def plain_only(application: Application) -> dict[int, Application]:
    """The applications of a meter that speaks plain SML on its bus."""
    return {SAP_PLAIN: application}
