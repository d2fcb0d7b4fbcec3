"""Addresses on the wired LMN, and the messages that hand them out.

The messages of the norm (DIN VDE V 0418-63-7) were not at hand; those of
lmn-wired.md 3 stand here alone, so that they can be replaced. They travel in UI
frames on SAP 1.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

SAP_ADDRESS = 1
SAP_PLAIN = 2
SAP_TLS = 3
SAP_SYM = 4

UNADDRESSED = 0
GATEWAY = 1
ALL_STATIONS = 127
FIRST_STATION = 3
LAST_STATION = 126

DISCOVER_SLOTS = 8
LARGEST_DISCOVER_SLOTS = 64
DISCOVER_SLOT_MS = 10

_DISCOVER, _HELLO, _ASSIGN = 1, 2, 3
_NONCE_LENGTH = 4
_LONGEST_SERVER_ID = 20
_HELLO_VERSION = 1


@dataclass(frozen=True, slots=True)
class Discover:
    """The gateway asks who has no address; answers come in `slots` time slots."""

    nonce: bytes
    slots: int = DISCOVER_SLOTS
    slot_ms: int = DISCOVER_SLOT_MS

    def encode(self) -> bytes:
        """`01` flags(1) = 0, slots(1), slot length in ms(1), nonce(4)."""
        return bytes([_DISCOVER, 0, self.slots, self.slot_ms]) + self.nonce


@dataclass(frozen=True, slots=True)
class Hello:
    """A meter says who it is; `nonce` repeats that of the question."""

    nonce: bytes
    server_id: bytes

    def encode(self) -> bytes:
        """`02` version(1) = 1, nonce(4), id length(1), sensor id."""
        head = bytes([_HELLO, _HELLO_VERSION])
        return head + self.nonce + bytes([len(self.server_id)]) + self.server_id


@dataclass(frozen=True, slots=True)
class Assign:
    """The full list of addresses: server id -> station; who is not in it has none."""

    stations: Mapping[bytes, int]

    def encode(self) -> bytes:
        """`03` count(1), count times station(1), id length(1), sensor id."""
        pairs = b"".join(
            bytes([station, len(server_id)]) + server_id
            for server_id, station in self.stations.items()
        )
        return bytes([_ASSIGN, len(self.stations)]) + pairs


AddressMessage = Discover | Hello | Assign


def decode_address_message(info: bytes) -> AddressMessage:
    """Read the information field of a UI frame; raises ValueError."""
    readers: dict[int, Callable[[bytes], AddressMessage]] = {
        _DISCOVER: _discover,
        _HELLO: _hello,
        _ASSIGN: _assign,
    }
    try:
        return readers[info[0]](info)
    except (IndexError, KeyError) as error:
        raise ValueError(f"not an address message: {info.hex()}") from error


def slot_of(server_id: bytes, nonce: bytes, slots: int) -> int:
    """The time slot in which a meter answers a Discover, 0..slots-1."""
    digest = hashlib.sha256(server_id + nonce).digest()
    return int.from_bytes(digest[:4], "big") % slots


def _discover(info: bytes) -> Discover:
    if len(info) != 4 + _NONCE_LENGTH or info[2] == 0:
        raise ValueError(f"not a DISCOVER: {info.hex()}")
    return Discover(nonce=info[4:], slots=info[2], slot_ms=info[3])


def _hello(info: bytes) -> Hello:
    head = 2 + _NONCE_LENGTH
    if info[1] != _HELLO_VERSION or len(info) != head + 1 + info[head]:
        raise ValueError(f"not a HELLO: {info.hex()}")
    if not 1 <= info[head] <= _LONGEST_SERVER_ID:
        raise ValueError(f"no server id has {info[head]} bytes")
    return Hello(nonce=info[2:head], server_id=info[head + 1 :])


def _assign(info: bytes) -> Assign:
    stations = {}
    at = 2
    for _ in range(info[1]):
        station, length = info[at], info[at + 1]
        server_id = info[at + 2 : at + 2 + length]
        if len(server_id) != length:
            raise ValueError(f"ASSIGN ends early: {info.hex()}")
        stations[server_id] = station
        at += 2 + length
    if at != len(info):
        raise ValueError(f"ASSIGN with bytes left over: {info.hex()}")
    return Assign(stations)
