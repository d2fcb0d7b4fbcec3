"""Who is on the bus: finding meters and handing out addresses (lmn-wired.md 3)."""

from collections.abc import Callable, Collection

from hardware.hdlc import UI, FrameFault, HdlcFrame, encode_frame
from hardware.lmn_addresses import (
    ALL_STATIONS,
    DISCOVER_SLOTS,
    FIRST_STATION,
    GATEWAY,
    LARGEST_DISCOVER_SLOTS,
    LAST_STATION,
    SAP_ADDRESS,
    UNADDRESSED,
    AddressMessage,
    Assign,
    Discover,
    Hello,
    decode_address_message,
)
from hardware.lmn_line import LmnLine

_OWN = (SAP_ADDRESS, GATEWAY)
_STATIONS = range(FIRST_STATION, LAST_STATION + 1)
_UNKNOWN_KEPT = 128
_MOST_ANSWERS = 256


class AddressBook:
    """The stations of the meters that the gateway knows, and who else is there.

    `random` gives so many random bytes. Methods raise PortVanished.
    """

    def __init__(self, line: LmnLine, random: Callable[[int], bytes]) -> None:
        self._line = line
        self._random = random
        self._last_given = LAST_STATION
        self.stations: dict[bytes, int] = {}
        """Server id -> station."""
        self.unknown: list[bytes] = []
        """Server ids that were heard but are not configured."""

    def announce(self) -> None:
        """ASSIGN: tell everyone the full list; who is not in it has no address."""
        self._broadcast(Assign(self.stations))

    def discover(
        self, wanted: Collection[bytes], may_go_on: Callable[[], bool] = lambda: True
    ) -> None:
        """Ask who has no address and give one to each wanted meter that answers.

        Where answers collide it asks again with twice as many slots, and with the
        most slots as long as somebody new is heard. Also when one was found and others
        are missing: of two who answer at once one may be heard well. `may_go_on` is
        asked before.
        """
        slots, is_last = DISCOVER_SLOTS, False
        while True:
            has_noise, has_progress = self._discover_once(slots, wanted)
            is_missed = has_progress and not self.stations.keys() >= set(wanted)
            has_reason = is_missed or (has_noise and (has_progress or not is_last))
            if not has_reason or not may_go_on():
                return
            slots = min(2 * slots, LARGEST_DISCOVER_SLOTS) if has_noise else slots
            is_last = slots == LARGEST_DISCOVER_SLOTS

    def free(self, server_id: bytes) -> None:
        """Take the address from a meter; it counts from the next ASSIGN on."""
        self.stations.pop(server_id, None)

    def _discover_once(
        self, slots: int, wanted: Collection[bytes]
    ) -> tuple[bool, bool]:
        """One DISCOVER with its answers: did some collide, is somebody new?"""
        question = Discover(self._random(4), slots)
        self._broadcast(question)
        hellos, has_noise = self._listen(question)
        known = len(self.stations) + len(self.unknown)
        for source, hello in hellos:
            self._admit(hello.server_id, source, wanted)
        if any(self.stations.get(hello.server_id, s) != s for s, hello in hellos):
            self.announce()  # who has an address does not answer the next question
        return has_noise, len(self.stations) + len(self.unknown) > known

    def _listen(self, question: Discover) -> tuple[list[tuple[int, Hello]], bool]:
        """Collect (station, HELLO) until the last slot is over; was there noise?"""
        window_s = question.slots * question.slot_ms / 1000 + self._line.timers.byte_s
        deadline = self._line.monotonic() + window_s
        hellos = []
        has_noise = False
        for _ in range(_MOST_ANSWERS):
            heard = self._line.receive(max(0.0, deadline - self._line.monotonic()))
            if heard is None:
                break
            if isinstance(heard, FrameFault):
                has_noise = True
            elif hello := _hello_in(heard, question.nonce):
                hellos.append((heard.source[1], hello))
        return hellos, has_noise

    def _admit(self, server_id: bytes, source: int, wanted: Collection[bytes]) -> None:
        if server_id not in wanted:
            if server_id not in self.unknown and len(self.unknown) < _UNKNOWN_KEPT:
                self.unknown.append(server_id)
            return
        taken = {s for known, s in self.stations.items() if known != server_id}
        keeps_own = source != UNADDRESSED and source not in taken
        if keeps_own:
            self.stations[server_id] = source
        elif server_id not in self.stations:
            self._give_free_station(server_id, taken)

    def _give_free_station(self, server_id: bytes, taken: set[int]) -> None:
        """The next free one after the last: a station is not given again at once.

        The meter that had it before may have missed that it lost it.
        """
        after = [s for s in _STATIONS if s > self._last_given]
        order = after + [s for s in _STATIONS if s <= self._last_given]
        for station in order:
            if station not in taken:
                self.stations[server_id] = self._last_given = station
                return

    def _broadcast(self, message: AddressMessage) -> None:
        self._line.transmit(
            encode_frame(
                destination=(SAP_ADDRESS, ALL_STATIONS),
                source=_OWN,
                control=UI,
                info=message.encode(),
            )
        )


def _hello_in(frame: HdlcFrame, nonce: bytes) -> Hello | None:
    """The answer to this question in a frame, None for any other frame."""
    if frame.frame_type != "UI" or frame.destination != _OWN or len(frame.source) != 2:
        return None
    try:
        message = decode_address_message(frame.info)
    except ValueError:
        return None
    if isinstance(message, Hello) and message.nonce == nonce:
        return message
    return None
