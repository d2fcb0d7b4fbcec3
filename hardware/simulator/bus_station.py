"""A station on the simulated bus: it takes an address and answers there.

Written from lmn-wired.md 3; of the gateway's side it uses the codecs only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hardware.hdlc import DM, UI, HdlcFrame, encode_frame
from hardware.lmn_addresses import (
    ALL_STATIONS,
    GATEWAY,
    SAP_ADDRESS,
    UNADDRESSED,
    Assign,
    Discover,
    Hello,
    decode_address_message,
    slot_of,
)
from hardware.simulator.secondary_link import Manners, SecondaryLink, ServicePoint


@dataclass(frozen=True, slots=True)
class Reply:
    """A frame that a meter sends so many seconds after it was asked."""

    after_s: float
    data: bytes


class BusStation:
    """Takes an address and answers on its service points.

    `services` maps a SAP to what answers there.
    """

    def __init__(
        self,
        server_id: bytes,
        services: Mapping[int, ServicePoint],
        manners: Manners | None = None,
    ) -> None:
        self.server_id = server_id
        self.address = UNADDRESSED
        self.is_silent = False
        """A test switches the meter off and on."""
        self._manners = manners or Manners()
        self._services = services
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
        try:
            message = decode_address_message(info)
        except ValueError:
            return []
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
            if sap not in self._services:
                return [Reply(0.0, self._frame(sap, DM, b""))]
            self._links[sap] = SecondaryLink(self._services[sap], self._manners)
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
