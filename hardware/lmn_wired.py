"""The conversation with all meters of one RS485 bus (lmn-wired.md 2.3, 3, 6, 7.4)."""

import secrets
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import MappingProxyType

from hardware.errors import (
    AnswerTimeout,
    FrameUndecodable,
    FrameUnexpected,
    LmnError,
    MeterLost,
    MeterNotReady,
    MeterSilent,
    StoreUnreachable,
    TlsFailed,
)
from hardware.link import Link
from hardware.lmn_conversation import Conversation, MeterState, PlainConversation
from hardware.lmn_credentials import CredentialStore
from hardware.lmn_discovery import AddressBook
from hardware.lmn_line import LmnLine, LmnTimers
from hardware.meter_channel import FileExchange
from hardware.obis import Obis
from hardware.readings import MeterReading
from hardware.register_request import RegisterRequest, request_of
from hardware.secured_conversation import SecuredConversation

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
_RENEWAL_LOOK_S = 60.0
_FAULTS_KEPT = 256
_METER_FAULTS = (
    AnswerTimeout,
    FrameUndecodable,
    FrameUnexpected,
    MeterNotReady,
    MeterSilent,
    TlsFailed,
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

    With a `store` meters are read over TLS, all but those that `plain` names; without
    one every meter is read in plain SML.
    """

    def __init__(
        self,
        link: Link,
        *,
        gateway_server_id: bytes,
        meters: Collection[bytes],
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        store: CredentialStore | None = None,
        plain: Collection[bytes] = (),
        timers: LmnTimers | None = None,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._gateway_server_id = gateway_server_id
        self._clock = clock
        self._store = store
        self._line = LmnLine(link, monotonic, timers or LmnTimers())
        self._book = AddressBook(self._line, random)
        self._plain = frozenset(plain)
        self._conversations = {m: self._conversation(m) for m in meters}
        self._lost: set[bytes] = set()
        self._faults: deque[BusFault] = deque(maxlen=_FAULTS_KEPT)
        self._request_number = int.from_bytes(random(3), "big")
        self._discover_at = self._announce_at = self._renew_at = monotonic()

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
        return frozenset(
            meter for meter, one in self._conversations.items() if one.channel
        )

    @property
    def states(self) -> Mapping[bytes, MeterState]:
        """How far each configured meter has come."""
        return {
            meter: one.state if meter in self._book.stations else MeterState.UNKNOWN
            for meter, one in self._conversations.items()
        }

    def take_faults(self) -> list[BusFault]:
        """The faults since the last call, oldest first, to be logged.

        Those that `read` raises are among them; a lost meter is told of once.
        """
        taken = list(self._faults)
        self._faults.clear()
        return taken

    def configure(
        self, meters: Collection[bytes], plain: Collection[bytes] = ()
    ) -> None:
        """Take over another list of meters: new ones are looked for at once."""
        if set(meters) - self._conversations.keys():
            self._discover_at = self._line.monotonic()
        for server_id in self._conversations.keys() - set(meters):
            self._conversations.pop(server_id).close()
            self._book.free(server_id)
            self._announce_at = self._line.monotonic()
        for server_id in self._plain ^ frozenset(plain):
            if server_id in self._conversations:  # from now on read in another way
                self._conversations.pop(server_id).close()
        self._plain = frozenset(plain)
        known = self._conversations
        self._conversations = {m: known.get(m) or self._conversation(m) for m in meters}
        self._book.unknown[:] = [u for u in self._book.unknown if u not in meters]

    def maintain(self, until: float | None = None) -> None:
        """Do what is due: find meters, hand out addresses, open channels, renew.

        Takes next to nothing when nothing is due, 0.13 s for a search without
        collisions, up to 1.5 s for each meter that has an address and is silent, up
        to 10 s for one that is slow to pair or to shake hands. `until` (monotonic) is
        when no further step is to begin; the one at work may take 3.5 s longer.
        """
        if self._may_begin(until):
            self._announce()
        if self._may_begin(until):
            self._discover(until)
        for server_id, conversation in self._conversations.items():
            if server_id in self._book.stations and conversation.is_due():
                if not self._may_begin(until):
                    return
                self._connect(server_id, until)
        self._renew(until)

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
        for conversation in self._conversations.values():
            conversation.close()

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
        self._book.discover(self._conversations, partial(self._may_begin, until))
        pause_s = _DISCOVER_MISSING_S if self._is_missing_one() else _DISCOVER_S
        self._discover_at = self._line.monotonic() + pause_s

    def _is_missing_one(self) -> bool:
        return not self._conversations.keys() <= self._book.stations.keys()

    def _conversation(self, server_id: bytes) -> Conversation:
        report = partial(self._report, server_id)
        if self._store is None or server_id in self._plain:
            return PlainConversation(self._line, report)
        return SecuredConversation(
            self._line, server_id, self._store, self._clock, report
        )

    def _connect(self, server_id: bytes, until: float | None) -> None:
        """Open the channel to a meter; one that does not answer loses its address."""
        station = self._book.stations.get(server_id)
        conversation = self._conversations[server_id]
        if station is None or not conversation.is_due():
            return
        try:
            conversation.open(station, until)
        except _METER_FAULTS as error:
            self._give_up(server_id, error)
        if conversation.channel is not None:
            self._lost.discard(server_id)

    def _renew(self, until: float | None) -> None:
        """Look now and then for certificates that are to be renewed."""
        if self._store is None or self._line.monotonic() < self._renew_at:
            return
        self._renew_at = self._line.monotonic() + _RENEWAL_LOOK_S
        try:
            due = self._store.due_for_renewal(self._clock())
        except StoreUnreachable as error:
            self._faults.append(BusFault(error, None))
            return
        for server_id, conversation in self._conversations.items():
            if server_id not in due or not self._may_begin(until):
                continue
            if isinstance(conversation, SecuredConversation) and (
                conversation.may_renew()
            ):
                self._renew_one(server_id, conversation)

    def _renew_one(self, server_id: bytes, conversation: SecuredConversation) -> None:
        self._request_number += 1
        try:
            conversation.renew(self._gateway_server_id, self._request_number)
        except _METER_FAULTS as error:
            self._lose(server_id, error)
        except StoreUnreachable as error:
            self._report(server_id, error)

    def _give_up(self, server_id: bytes, error: LmnError) -> None:
        """A meter that cannot be linked: free its address and search for it."""
        if server_id not in self._lost:
            self._lose(server_id, error)
        self._book.free(server_id)
        self._announce_at = self._discover_at = self._line.monotonic()

    def _read_once(self, server_id: bytes, request: RegisterRequest) -> MeterReading:
        conversation = self._conversations.get(server_id)
        if conversation is None:
            raise MeterLost(f"{server_id.hex()} is not configured")
        if conversation.channel is None:
            longest = self._line.timers.application_s
            self._connect(server_id, self._line.monotonic() + longest)
        channel = conversation.channel
        if channel is None:
            raise MeterLost(f"no link to {server_id.hex()}")
        exchange = FileExchange(channel, self._line, self._clock)
        try:
            reading = request.reading(exchange.ask(request.file))
        except _METER_FAULTS as error:
            self._lose(server_id, error)
            raise
        conversation.has_answered = True
        return reading

    def _lose(self, server_id: bytes, error: LmnError) -> None:
        """Report what happened, and once that the connection is built anew."""
        self._report(server_id, error)
        conversation = self._conversations[server_id]
        if isinstance(error, FrameUnexpected | TlsFailed):
            conversation.close()
        conversation.drop()
        if server_id not in self._lost:
            self._lost.add(server_id)
            self._report(server_id, MeterLost("the connection is built anew"))
        if isinstance(error, MeterSilent):  # it may have lost its address
            self._discover_at = self._line.monotonic()

    def _report(self, server_id: bytes, error: LmnError) -> None:
        self._faults.append(BusFault(error, server_id))
