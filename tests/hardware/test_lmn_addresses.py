"""Address messages, and handing out addresses on a simulated bus (lmn-wired.md 3)."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from hardware.device_id import server_id_of
from hardware.hdlc import UI, decode_frame, encode_frame
from hardware.lmn_addresses import (
    Assign,
    Discover,
    Hello,
    decode_address_message,
    slot_of,
)
from hardware.lmn_discovery import AddressBook
from hardware.lmn_line import LmnLine, LmnTimers
from hardware.simulator.bus import MemoryLink, WiredBusSimulator
from hardware.simulator.bus_station import BusStation
from tests.fakes import Ticker

NONCE = bytes.fromhex("01020304")
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def meter_ids(count: int) -> list[bytes]:
    return [server_id_of(f"1emh{number:010d}") for number in range(1, count + 1)]


def nonces() -> Callable[[int], bytes]:
    """Different bytes at each call, the same in each run."""
    count = 0

    def next_nonce(length: int) -> bytes:
        nonlocal count
        count += 1
        return hashlib.sha256(bytes([count])).digest()[:length]

    return next_nonce


class Bus:
    """Silent stations on a bus in memory, and the address book of a gateway."""

    def __init__(self, server_ids: list[bytes]) -> None:
        self.meters = [BusStation(s, {}) for s in server_ids]
        self.simulator = WiredBusSimulator(self.meters, lambda: NOW)
        line = LmnLine(MemoryLink(self.simulator), Ticker(), LmnTimers())
        self.book = AddressBook(line, nonces())

    @property
    def addresses(self) -> list[int]:
        return [meter.address for meter in self.meters]


def test_the_messages_have_the_published_form() -> None:
    server_id = server_id_of("1emh0010599732")
    vector = decode_frame(bytes.fromhex("7ea01302ff02030332590100080a00000000378f7e"))
    assert decode_address_message(vector.info) == Discover(bytes(4), 8, 10)
    assert Discover(bytes(4), 8, 10).encode() == vector.info
    hello = Hello(NONCE, server_id)
    assert hello.encode().hex() == "0201010203040a0a01454d480000a1bd34"
    assign = Assign({server_id: 3})
    assert assign.encode().hex() == "0301030a0a01454d480000a1bd34"
    for message in (hello, assign, Assign({})):
        assert decode_address_message(message.encode()) == message


@pytest.mark.parametrize(
    "info", ["", "00", "01", "0100000a00000000", "0201", "0202010203040131", "030103"]
)
def test_what_is_no_address_message_is_refused(info: str) -> None:
    with pytest.raises(ValueError, match=r"not|early"):
        decode_address_message(bytes.fromhex(info))


@pytest.mark.parametrize("length", [0, 21, 255])
def test_an_id_that_no_meter_can_have_is_no_hello(length: int) -> None:
    """What is listed must fit the list."""
    assert decode_address_message(Hello(NONCE, bytes(20)).encode())
    with pytest.raises(ValueError, match="no server id"):
        decode_address_message(Hello(NONCE, bytes(length)).encode())


def test_the_slot_comes_from_the_hash_of_id_and_nonce() -> None:
    server_id = server_id_of("1emh0010599732")
    expected = int(hashlib.sha256(server_id + NONCE).hexdigest()[:8], 16) % 8
    assert slot_of(server_id, NONCE, 8) == expected


def test_wanted_meters_get_stations_and_unknown_ones_are_listed() -> None:
    bus = Bus(meter_ids(3))
    first, second, stranger = meter_ids(3)
    bus.book.discover([first, second])
    assert sorted(bus.book.stations.values()) == [3, 4]
    assert bus.addresses == [bus.book.stations[first], bus.book.stations[second], 0]
    assert bus.book.unknown == [stranger]


def test_colliding_answers_are_sorted_out_with_more_slots() -> None:
    bus = Bus(meter_ids(40))
    bus.book.discover(meter_ids(40))
    assert len(set(bus.addresses)) == 40
    assert 0 not in bus.addresses
    assert min(bus.addresses) == 3


def test_a_search_ends_when_it_may_not_go_on() -> None:
    bus = Bus(meter_ids(40))
    bus.book.discover(meter_ids(40), lambda: False)
    assert 0 in bus.addresses


def test_a_line_that_is_nothing_but_noise_is_left_alone() -> None:
    class Noise(MemoryLink):
        def write(self, data: bytes) -> None:
            self._said.append(b"\x7e\xa0\x0f\x55\x55")

    bus = Bus([])
    book = AddressBook(LmnLine(Noise(bus.simulator), Ticker(), LmnTimers()), nonces())
    book.discover(meter_ids(1))
    assert book.stations == {}


def test_a_meter_that_is_no_longer_listed_drops_its_address() -> None:
    bus = Bus(meter_ids(2))
    first, second = meter_ids(2)
    bus.book.discover([first, second])
    bus.book.free(first)
    bus.book.announce()
    assert bus.addresses == [0, bus.book.stations[second]]


def test_a_station_is_not_given_again_at_once() -> None:
    bus = Bus(meter_ids(2))
    first, second = meter_ids(2)
    bus.book.discover([first])
    station = bus.book.stations[first]
    bus.meters[0].is_silent = True
    bus.book.free(first)
    bus.book.discover([second])
    assert bus.book.stations[second] != station


def test_a_meter_that_forgot_its_address_gets_the_same_again() -> None:
    bus = Bus(meter_ids(1))
    bus.book.discover(meter_ids(1))
    bus.meters[0].restart()
    bus.book.discover(meter_ids(1))
    assert bus.addresses == list(bus.book.stations.values()) == [3]


def test_a_fixed_address_is_kept() -> None:
    class FixedStation(BusStation):
        """Answers DISCOVER from station 2, which is never handed out."""

        def _frame(self, sap: int, control: int, info: bytes) -> bytes:
            return encode_frame(
                destination=(sap, 1), source=(sap, 2), control=UI, info=info
            )

    bus = Bus(meter_ids(1))
    bus.meters[:] = [FixedStation(meter_ids(1)[0], {})]
    bus.simulator.meters = bus.meters
    bus.book.discover(meter_ids(1))
    assert list(bus.book.stations.values()) == [2]
