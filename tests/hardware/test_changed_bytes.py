"""Valid frames of every kind with each byte changed: no wrong value is ever accepted.

What comes out of a changed frame is nothing, or exactly what the unchanged one says.
The frames are those of the vectors that the tests carry and those of simulated meters.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from hardware.errors import AnswerTimeout, FrameUndecodable, TlsFailed
from hardware.hdlc import FrameReader, HdlcFrame
from hardware.lmn_addresses import SAP_TLS
from hardware.lmn_certificates import BRAINPOOL_P256, P256, LmnCurve
from hardware.lmn_wired import COUNTER_REGISTERS, LIVE_REGISTERS
from hardware.lmn_wireless import CTR, MODE_7
from hardware.meter_channel import FileExchange
from hardware.obis import Obis
from hardware.register_request import request_of
from hardware.simulator.bus_station import BusStation
from hardware.simulator.secondary_link import ServicePoint
from hardware.simulator.sml_answers import push_telegram
from hardware.sml_lists import GET_LIST_RESPONSE, get_list_response, meter_reading
from hardware.sml_messages import body_of
from hardware.sml_transport import SmlFile, SmlFileReader, wrap
from hardware.sym_pairing import SymInvalid
from hardware.wireless_reader import Ours, WirelessProfile, WirelessReader
from hardware.wmbus_compact import FormatCache
from hardware.wmbus_encode import (
    date_time_record,
    ell_ctr,
    integer_record,
    mode_7,
)
from hardware.wmbus_errors import TelegramRefused
from hardware.wmbus_frame import frame_a, frame_b, normalised_a, normalised_b
from hardware.wmbus_replay import ReplayGuard
from tests.hardware.secured import GATEWAY, NOW, Bench, SecuredWorld, a_station, paired
from tests.hardware.secured import simulated as simulated_meter
from tests.hardware.test_lmn_tls import connected, peer_of
from tests.hardware.test_sym_pairing import VECTORS as SYM
from tests.hardware.test_sym_pairing import octets
from tests.hardware.test_sym_pairing import read as sym_read
from tests.hardware.test_wmbus_security import (
    KEY,
    KEYS,
    METER,
    QUARTER_PAST_ONE,
    listening,
    protected_telegrams,
)
from tests.hardware.vectors import DATA, captures, read_json
from tests.hardware.wmbus_vectors import wmbus_vectors

EVERY_BIT = (*(1 << bit for bit in range(8)), 0xFF)
ONE_BIT = (0x10,)
Case = tuple[bytes, Callable[[bytes], Any], Any]
"""A valid frame, how it is read, and what nothing at all looks like."""


def wrong_values(case: Case, masks: tuple[int, ...]) -> list[tuple[int, int]]:
    """Where and how a byte was changed and another value was accepted."""
    frame, read, nothing = case
    good = read(frame)
    assert good != nothing
    return [
        (position, mask)
        for position in range(len(frame))
        for mask in masks
        if read(with_changed(frame, position, mask)) not in (good, nothing)
    ]


def with_changed(frame: bytes, position: int, mask: int) -> bytes:
    changed = bytearray(frame)
    changed[position] ^= mask
    return bytes(changed)


# --- wired --------------------------------------------------------------------------


def frames_of(data: bytes) -> list[HdlcFrame]:
    reader = FrameReader()
    found = [*reader.feed(data), *reader.finish()]
    return [frame for frame in found if isinstance(frame, HdlcFrame)]


def contents_of(data: bytes) -> list[tuple[Any, ...]]:
    return [(f.destination, f.source, f.control, f.info) for f in frames_of(data)]


def hdlc_frames() -> Iterator[bytes]:
    """Those of the vectors, and what passes while two meters are paired and read."""
    for vector in read_json(DATA / "hdlc" / "vectors.json")["valid"]:
        yield bytes.fromhex(vector["hex"])
    stations = [a_station(1, groups=(23,)), a_station(2, groups=(26,))]
    world = SecuredWorld(*stations)
    world.wired.maintain()
    for station in stations:
        world.wired.read(station.server_id, COUNTER_REGISTERS)
        world.wired.read(station.server_id, LIVE_REGISTERS)
    for stream in (world.link.sent, world.link.heard):
        for frame in frames_of(stream):
            begin = stream.index(frame.fcs + b"\x7e") + 2 - frame.length
            yield b"\x7e" + stream[begin : begin + frame.length] + b"\x7e"


def hdlc_cases() -> Iterator[Case]:
    for frame in hdlc_frames():
        if contents_of(frame):
            yield frame, contents_of, []


def sml_values(data: bytes) -> list[Any]:
    """All that good files say, registers and their statuses too."""
    reader = SmlFileReader()
    found = [*reader.feed(data), *reader.finish()]
    messages = [m for file in found if isinstance(file, SmlFile) for m in file.messages]
    return [(m.transaction_id, m.tag, _said(m)) for m in messages]


def _said(message: Any) -> Any:
    if message.tag == GET_LIST_RESPONSE:
        return meter_reading(get_list_response(message), NOW)
    try:
        return body_of(message)
    except FrameUndecodable:
        return message.body


def sml_files() -> Iterator[bytes]:
    """Of the captures one each, of the message vectors, and pushed by simulations."""
    for data, _ in captures(DATA / "sml"):
        files = [f for f in SmlFileReader().feed(data) if isinstance(f, SmlFile)]
        for file in files[:2]:
            yield data[file.offset : file.offset + file.length]
    for vector in read_json(DATA / "sml" / "messages.json")["vectors"]:
        yield wrap(bytes.fromhex(vector["sml_file"]))
    for number in range(1, 31):
        at = NOW + timedelta(minutes=number * 977)
        yield push_telegram(simulated_meter(number), at, number)


def sml_cases() -> Iterator[Case]:
    for file in sml_files():
        yield file, sml_values, []


def sym_cases() -> Iterator[Case]:
    for vector in SYM["messages"]:

        def read(data: bytes, vector: dict[str, Any] = vector) -> Any:
            try:
                return sym_read(vector, data)
            except SymInvalid:
                return None

        yield octets(vector, "message"), read, None


# --- wireless -----------------------------------------------------------------------


def on_the_air(read: Callable[[bytes], bytes]) -> Callable[[bytes], Any]:
    """Reads a frame with its CRCs; None when it is refused."""

    def of_frame(frame: bytes) -> Any:
        try:
            return read(frame)
        except TelegramRefused:
            return None

    return of_frame


def air_cases() -> Iterator[Case]:
    """Frames A and B of the vectors, and of meters in modes 7 and CTR."""
    for example in wmbus_vectors():
        for form, read in (("frame_a", normalised_a), ("frame_b", normalised_b)):
            if example[form]:
                yield bytes.fromhex(example[form]), on_the_air(read), None
    for _, telegram in generated_telegrams():
        yield frame_a(telegram), on_the_air(normalised_a), None
        yield frame_b(telegram), on_the_air(normalised_b), None


def generated_telegrams() -> Iterator[tuple[dict[Any, bytes], bytes]]:
    """Genuine telegrams with a code over them."""
    for number in range(1, 16):
        records = integer_record("0413", number * 123_457)
        timed = records + date_time_record(QUARTER_PAST_ONE)
        yield KEYS, mode_7(METER, timed, KEY, counter=number)
        yield KEYS, ell_ctr(METER, b"\x78" + timed, KEY, session=number)


def mac_cases() -> Iterator[Case]:
    """As a stick gives them, without CRCs: only the meter's key protects them."""
    for keys, telegram in [*protected_telegrams(), *generated_telegrams()]:
        good = listening(keys).decode(telegram, now_s=0)
        assert good.meter is not None
        security = MODE_7 if good.keys else CTR
        profiles = {good.meter.server_id: WirelessProfile(security)}
        by_id = {address.server_id: key for address, key in keys.items()}

        def read(
            data: bytes,
            profiles: dict[bytes, WirelessProfile] = profiles,
            by_id: dict[bytes, bytes] = by_id,
        ) -> Any:
            reader = WirelessReader(FormatCache(), ReplayGuard())
            reader.configure(profiles, by_id)
            try:
                found = reader.read(data, NOW, now_s=0)
            except TelegramRefused:
                return None
            return found if isinstance(found, Ours) else None

        yield telegram, read, None


CASES = {
    "HDLC": hdlc_cases,
    "SML": sml_cases,
    "SYM": sym_cases,
    "wireless, CRC": air_cases,
    "wireless, MAC": mac_cases,
}


@pytest.mark.parametrize("kind", CASES)
def test_a_changed_byte_of_some_frames_gives_no_wrong_value(kind: str) -> None:
    """Every tenth frame, one bit of each byte."""
    cases = list(CASES[kind]())[::10]
    assert cases
    assert [wrong_values(case, ONE_BIT) for case in cases] == [[]] * len(cases)


@pytest.mark.slow
def test_no_changed_byte_of_200_frames_gives_a_wrong_value() -> None:
    """All frames, each byte, each of its bits alone and all of them at once."""
    counts = dict.fromkeys(CASES, 0)
    for kind, cases in CASES.items():
        for case in cases():
            assert wrong_values(case, EVERY_BIT) == [], (kind, case[0].hex())
            counts[kind] += 1
    print(counts)
    assert sum(counts.values()) >= 200
    assert min(counts.values()) >= 5


# --- secured answers ----------------------------------------------------------------


class Spoiler:
    """Changes one byte of each record of application data that a meter sends."""

    def __init__(self, mask: int) -> None:
        self.mask = mask
        self.position: int | None = None
        self.length = 0

    def __call__(self, data: bytes) -> list[bytes]:
        if data[:1] != b"\x17":
            return [data]
        self.length = len(data)
        if self.position is None:
            return [data]
        return [with_changed(data, self.position, self.mask)]


def secured_answers(curve: LmnCurve, registers: tuple[Obis, ...], mask: int) -> int:
    """Try each position of the answer over TLS; how many were tried."""
    station = a_station()
    gateway = paired(station, curve)
    spoiler = Spoiler(mask)
    point = ServicePoint(station.tls, begin=station.tls.begin, cut=spoiler)
    bench = Bench(BusStation(station.server_id, {SAP_TLS: point}))
    peer = peer_of(bench, station, gateway)

    def answer() -> Any:
        request = request_of(GATEWAY, simulated_meter(1).server_id, registers, 1)
        channel = connected(bench, peer)
        files = FileExchange(channel, bench.line, bench.clock)
        return request.reading(files.ask(request.file)).registers

    assert answer()
    for position in range(spoiler.length):
        spoiler.position = position
        with pytest.raises((TlsFailed, AnswerTimeout)):
            answer()
    return spoiler.length


@pytest.mark.slow
@pytest.mark.parametrize("curve", [P256, BRAINPOOL_P256], ids=lambda c: c.name)
def test_no_byte_of_a_secured_answer_can_be_changed_on_the_way(
    curve: LmnCurve,
) -> None:
    """Every byte of the TLS record, head, data and tag alike."""
    assert secured_answers(curve, tuple(COUNTER_REGISTERS), 0x01) > 150
    assert secured_answers(curve, tuple(LIVE_REGISTERS), 0x80) > 150
