"""The conversation with all meters of one RS485 bus (lmn-wired.md 2.3, 3, 7.4).

Plain SML on SAP 2; a TLS channel on SAP 3 takes the place of the data link in
`_channel` without any other change.
"""

import secrets
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import MappingProxyType

from hardware.data_link import DataLink
from hardware.errors import (
    AnswerTimeout,
    FrameUndecodable,
    FrameUnexpected,
    LmnError,
    MeterLost,
    MeterNotReady,
    MeterSilent,
)
from hardware.link import Link
from hardware.lmn_addresses import SAP_PLAIN
from hardware.lmn_discovery import AddressBook
from hardware.lmn_line import LmnLine, LmnTimers
from hardware.meter_channel import FileExchange
from hardware.obis import Obis
from hardware.readings import MeterReading
from hardware.register_request import RegisterRequest, request_of

COUNTER_REGISTERS = tuple(Obis.parse(code) for code in ("1.8.0", "2.8.0"))
"""What the original list needs of an electricity meter."""
LIVE_REGISTERS = COUNTER_REGISTERS + tuple(
    Obis.parse(code)
    for code in (
        *("14.7.0", "16.7.0", "31.7.0", "32.7.0", "36.7.0"),
        *("51.7.0", "52.7.0", "56.7.0", "71.7.0", "72.7.0", "76.7.0"),
    )
)
"""Counters, power, and voltage, current and power of the phases."""

_DISCOVER_MISSING_S = 10.0
_DISCOVER_S = 60.0
_ASSIGN_S = 300.0
_FAULTS_KEPT = 256
_METER_FAULTS = (
    AnswerTimeout,
    FrameUndecodable,
    FrameUnexpected,
    MeterNotReady,
    MeterSilent,
)


@dataclass(frozen=True, slots=True)
class BusFault:
    """A fault on the bus, to be logged; `server_id` is None where no meter is meant."""

    error: LmnError
    server_id: bytes | None

    @property
    def code(self) -> int:
        """The fault code of the manual, ch. 9.4."""
        return self.error.code


class WiredBus:
    """The gateway's side of one RS485 bus.

    Call `maintain` often (between readings), `read` for each meter that is due, and
    take `take_faults` after either. Every method may raise PortVanished: then close
    the link, open it anew and make a new WiredBus. Not for several threads.
    """

    def __init__(
        self,
        link: Link,
        *,
        gateway_server_id: bytes,
        meters: Collection[bytes],
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        timers: LmnTimers | None = None,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._gateway_server_id = gateway_server_id
        self._meters = list(dict.fromkeys(meters))
        self._clock = clock
        self._line = LmnLine(link, monotonic, timers or LmnTimers())
        self._book = AddressBook(self._line, random)
        self._links: dict[bytes, DataLink] = {}
        self._lost: set[bytes] = set()
        self._faults: deque[BusFault] = deque(maxlen=_FAULTS_KEPT)
        self._request_number = int.from_bytes(random(3), "big")
        self._discover_at = self._announce_at = monotonic()

    @property
    def addresses(self) -> Mapping[bytes, int]:
        """Server id -> station of the meters that have an address (LED LMC)."""
        return MappingProxyType(self._book.stations)

    @property
    def unknown(self) -> list[bytes]:
        """Server ids heard on the bus that are not configured."""
        return self._book.unknown

    @property
    def linked(self) -> frozenset[bytes]:
        """Server ids of the meters that can be read now."""
        return frozenset(self._links)

    def take_faults(self) -> list[BusFault]:
        """The faults since the last call, oldest first, to be logged.

        Those that `read` raises are among them; a lost meter is told of once.
        """
        taken = list(self._faults)
        self._faults.clear()
        return taken

    def configure(self, meters: Collection[bytes]) -> None:
        """Take over another list of meters: new ones are looked for at once."""
        wanted = list(dict.fromkeys(meters))
        for server_id in set(self._meters) - set(wanted):
            self._hang_up(server_id)
            self._book.free(server_id)
            self._announce_at = self._line.monotonic()
        if set(wanted) - set(self._meters):
            self._discover_at = self._line.monotonic()
        self._meters = wanted
        self._book.unknown[:] = [u for u in self._book.unknown if u not in wanted]

    def maintain(self, until: float | None = None) -> None:
        """Do what is due: find meters, hand out addresses, set up links.

        Takes next to nothing when nothing is due, 0.13 s for a search without
        collisions, up to 1.5 s for each meter that has an address and is silent.
        `until` (monotonic) is when no further step is to begin; the one at work may
        take 1.5 s longer.
        """
        if self._may_begin(until):
            self._announce()
        if self._may_begin(until):
            self._discover(until)
        for server_id in self._meters:
            if server_id in self._book.stations and server_id not in self._links:
                if not self._may_begin(until):
                    return
                self._connect(server_id)

    def read(self, server_id: bytes, registers: Sequence[Obis]) -> MeterReading:
        """Read registers of one meter; those that it does not have are left out.

        `captured_at` is the time of reception, corrected by the meter's second index
        where it gives one. Raises LmnError; MeterLost at once, without a word on the
        bus, while the meter has no address.
        """
        self._request_number += 1
        request = request_of(
            self._gateway_server_id, server_id, registers, self._request_number
        )
        try:
            return self._read_once(server_id, request)
        except FrameUnexpected:
            return self._read_once(server_id, request)  # over a new link

    def close(self) -> None:
        """Take leave of every meter (DISC). The link stays open."""
        for server_id in list(self._links):
            self._hang_up(server_id)

    def _may_begin(self, until: float | None) -> bool:
        return until is None or self._line.monotonic() < until

    def _announce(self) -> None:
        """ASSIGN when due; the first one takes all addresses of an earlier run away."""
        if self._line.monotonic() >= self._announce_at:
            self._book.announce()
            self._announce_at = self._line.monotonic() + _ASSIGN_S

    def _discover(self, until: float | None) -> None:
        if self._line.monotonic() < self._discover_at:
            return
        if self._is_missing_one():
            # One that was cut off may still hold its old address and keep quiet.
            self._book.announce()
        self._book.discover(self._meters, partial(self._may_begin, until))
        pause_s = _DISCOVER_MISSING_S if self._is_missing_one() else _DISCOVER_S
        self._discover_at = self._line.monotonic() + pause_s

    def _is_missing_one(self) -> bool:
        return any(meter not in self._book.stations for meter in self._meters)

    def _connect(self, server_id: bytes) -> None:
        """SNRM to a meter that has an address; without success it loses the address."""
        station = self._book.stations.get(server_id)
        if station is None:
            return
        report = partial(self._report, server_id)
        link = DataLink(self._line, station, SAP_PLAIN, report)
        try:
            link.connect()
        except _METER_FAULTS as error:
            self._give_up(server_id, error)
            return
        self._links[server_id] = link
        self._lost.discard(server_id)

    def _give_up(self, server_id: bytes, error: LmnError) -> None:
        """A meter that cannot be linked: free its address and search for it."""
        if server_id not in self._lost:
            self._lose(server_id, error)
        self._book.free(server_id)
        self._announce_at = self._discover_at = self._line.monotonic()

    def _read_once(self, server_id: bytes, request: RegisterRequest) -> MeterReading:
        if server_id not in self._links:
            self._connect(server_id)
        if server_id not in self._links:
            raise MeterLost(f"no link to {server_id.hex()}")
        exchange = FileExchange(self._links[server_id], self._line, self._clock)
        try:
            return request.reading(exchange.ask(request.file))
        except _METER_FAULTS as error:
            self._lose(server_id, error)
            raise

    def _lose(self, server_id: bytes, error: LmnError) -> None:
        """Report what happened, and once that the connection is built anew."""
        self._report(server_id, error)
        if isinstance(error, FrameUnexpected):
            self._hang_up(server_id)
        self._links.pop(server_id, None)
        if server_id not in self._lost:
            self._lost.add(server_id)
            self._report(server_id, MeterLost("the connection is built anew"))
        if isinstance(error, MeterSilent):  # it may have lost its address
            self._discover_at = self._line.monotonic()

    def _hang_up(self, server_id: bytes) -> None:
        link = self._links.pop(server_id, None)
        if link is not None:
            link.disconnect()

    def _report(self, server_id: bytes, error: LmnError) -> None:
        self._faults.append(BusFault(error, server_id))
