"""TLS over the data link: handshake, pinning, records in frames, resumption (R28)."""

import ssl
from datetime import timedelta
from typing import Any

import pytest

from hardware.errors import AnswerTimeout, MeterSilent, TlsFailed
from hardware.hdlc import MAX_INFO, HdlcFrame
from hardware.lmn_addresses import SAP_TLS
from hardware.lmn_certificates import (
    LMN_CURVES,
    P256,
    LmnCurve,
    LmnIdentity,
    new_identity,
)
from hardware.lmn_tls import HANDSHAKE_S, LIFETIME, TlsChannel, TlsPeer
from hardware.lmn_wired import COUNTER_REGISTERS
from hardware.meter_channel import FileExchange
from hardware.register_request import request_of
from hardware.simulator.bus_station import BusStation
from hardware.simulator.secondary_link import Manners, ServicePoint
from hardware.simulator.secured_station import SecuredStation
from hardware.simulator.tls_meter import TlsMeter
from hardware.tls_records import frame_pieces
from tests.hardware.secured import (
    GATEWAY,
    HUID,
    NOW,
    Bench,
    a_station,
    paired,
    simulated,
)


def peer_of(bench: Bench, station: SecuredStation, gateway: LmnIdentity) -> TlsPeer:
    assert station.security.own is not None
    return TlsPeer(gateway, station.security.own.certificate, bench.ticker)


def connected(bench: Bench, peer: TlsPeer) -> TlsChannel:
    until = bench.ticker.now + HANDSHAKE_S
    return peer.connect(bench.data_link(SAP_TLS), bench.line, until=until)


def registers_read(bench: Bench, channel: TlsChannel) -> Any:
    request = request_of(GATEWAY, simulated(1).server_id, COUNTER_REGISTERS, 1)
    answer = FileExchange(channel, bench.line, bench.clock).ask(request.file)
    return request.reading(answer).registers


def secured_frames(bench: Bench) -> list[HdlcFrame]:
    frames = bench.link.frames()
    return [f for f in frames if f.info and f.destination[0] == SAP_TLS]


def records_of(data: bytes) -> list[tuple[int, bytes]]:
    """(content type, whole record) of what must be whole records of TLS 1.2."""
    found = []
    while data:
        assert data[1:3] in (b"\x03\x01", b"\x03\x03")
        end = 5 + int.from_bytes(data[3:5], "big")
        assert len(data) >= end
        found.append((data[0], data[:end]))
        data = data[end:]
    return found


@pytest.mark.parametrize("curve", LMN_CURVES, ids=lambda c: c.name)
def test_registers_are_read_over_tls(curve: LmnCurve) -> None:
    station = a_station()
    gateway = paired(station, curve)
    bench = Bench(station)
    channel = connected(bench, peer_of(bench, station, gateway))
    assert registers_read(bench, channel) == station.meter.counters_at(bench.clock())
    assert not channel.is_resumed


def test_frames_hold_whole_records_and_no_register_in_clear() -> None:
    station = a_station()
    gateway = paired(station)
    bench = Bench(station)
    channel = connected(bench, peer_of(bench, station, gateway))
    registers_read(bench, channel)
    kinds = {k for f in secured_frames(bench) for k, _ in records_of(f.info)}
    assert kinds == {20, 22, 23}
    trace = bench.link.sent + bench.link.heard
    assert b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01" not in trace
    for obis in COUNTER_REGISTERS:
        assert obis.groups not in trace


def test_a_long_request_goes_in_records_that_fit_a_frame_each() -> None:
    said: list[bytes] = []

    def hear(data: bytes, _now: object) -> bytes:
        said.append(data)
        return b""

    station = a_station()
    gateway = paired(station)
    tls = TlsMeter(station.security, hear)
    other = BusStation(
        station.server_id,
        {SAP_TLS: ServicePoint(tls, begin=tls.begin, cut=frame_pieces)},
    )
    bench = Bench(other)
    channel = connected(bench, peer_of(bench, station, gateway))
    text = bytes(range(250)) * 40
    channel.send(text)
    assert b"".join(said) == text
    data_records = [
        record
        for frame in secured_frames(bench)
        for kind, record in records_of(frame.info)
        if kind == 23
    ]
    assert len(data_records) == 6
    assert all(len(record) <= MAX_INFO for record in data_records)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_records_may_come_split_in_any_way(size: int) -> None:
    station = a_station()
    gateway = paired(station)
    split = ServicePoint(
        station.tls,
        begin=station.tls.begin,
        cut=lambda data: (data[at : at + size] for at in range(0, len(data), size)),
    )
    bench = Bench(BusStation(station.server_id, {SAP_TLS: split}))
    channel = connected(bench, peer_of(bench, station, gateway))
    registers = registers_read(bench, channel)
    assert [r.obis for r in registers] == sorted(COUNTER_REGISTERS)


@pytest.mark.parametrize("says_first", ["RR", "RNR"])
def test_a_meter_that_takes_its_time_is_polled(says_first: Any) -> None:
    station = a_station(manners=Manners(0.3, says_first))
    gateway = paired(station)
    bench = Bench(station)
    channel = connected(bench, peer_of(bench, station, gateway))
    registers = registers_read(bench, channel)
    assert [r.obis for r in registers] == sorted(COUNTER_REGISTERS)


def test_an_expired_certificate_still_secures_the_line() -> None:
    station = a_station()
    gateway = paired(station, now=NOW - timedelta(days=4000))
    bench = Bench(station)
    connected(bench, peer_of(bench, station, gateway))


def test_another_meter_with_the_same_name_is_refused() -> None:
    station = a_station()
    gateway = paired(station)
    bench = Bench(station)
    other = new_identity("1emh0000000001", P256, now=NOW)
    peer = TlsPeer(gateway, other.certificate, bench.ticker)
    with pytest.raises(TlsFailed, match="CERTIFICATE_VERIFY_FAILED"):
        connected(bench, peer)


def test_a_meter_refuses_another_gateway_with_the_same_name() -> None:
    station = a_station()
    paired(station)
    bench = Bench(station)
    other = new_identity(HUID, P256, now=NOW)
    with pytest.raises(TlsFailed):
        connected(bench, peer_of(bench, station, other))
    assert station.tls.full_handshakes == 0


def test_a_handshake_that_does_not_end_in_time_has_failed() -> None:
    mute = ServicePoint(lambda _data, _now: b"")
    station = a_station()
    gateway = paired(station)
    bench = Bench(BusStation(station.server_id, {SAP_TLS: mute}))
    begun_at = bench.ticker.now
    with pytest.raises(TlsFailed, match="in time"):
        connected(bench, peer_of(bench, station, gateway))
    assert HANDSHAKE_S <= bench.ticker.now - begun_at < HANDSHAKE_S + 0.1


def test_a_meter_that_falls_silent_in_the_handshake_is_silent() -> None:
    station = a_station()
    gateway = paired(station)
    bench = Bench(station)
    link = bench.data_link(SAP_TLS)
    station.is_silent = True
    with pytest.raises(MeterSilent):
        peer_of(bench, station, gateway).connect(
            link, bench.line, until=bench.ticker.now + HANDSHAKE_S
        )


def test_a_record_that_was_changed_on_the_way_ends_the_connection() -> None:
    station = a_station()
    gateway = paired(station)

    def changed(data: bytes) -> list[bytes]:
        is_data = data[:1] == b"\x17"
        return [data[:-1] + bytes([data[-1] ^ 1])] if is_data else [data]

    spoiled = ServicePoint(station.tls, begin=station.tls.begin, cut=changed)
    bench = Bench(BusStation(station.server_id, {SAP_TLS: spoiled}))
    channel = connected(bench, peer_of(bench, station, gateway))
    with pytest.raises(TlsFailed):
        registers_read(bench, channel)


def test_no_byte_of_a_secured_answer_can_be_changed() -> None:
    station = a_station()
    gateway = paired(station)
    places = list(range(5, 300, 3))

    def changed(data: bytes) -> list[bytes]:
        if data[:1] != b"\x17":
            return [data]
        spoilt = bytearray(data)
        spoilt[places[-1]] ^= 1
        return [bytes(spoilt)]

    spoiled = ServicePoint(station.tls, begin=station.tls.begin, cut=changed)
    bench = Bench(BusStation(station.server_id, {SAP_TLS: spoiled}))
    peer = peer_of(bench, station, gateway)
    while places:
        with pytest.raises((TlsFailed, AnswerTimeout)):
            registers_read(bench, connected(bench, peer))
        places.pop()


def test_a_meter_that_says_goodbye_ends_the_connection() -> None:
    station = a_station()
    gateway = paired(station)
    bench = Bench(station)
    channel = connected(bench, peer_of(bench, station, gateway))
    assert station.tls._tls is not None
    with pytest.raises(ssl.SSLWantReadError):
        station.tls._tls.unwrap()
    with pytest.raises(TlsFailed, match="closed"):
        registers_read(bench, channel)


def test_the_gateway_says_goodbye() -> None:
    station = a_station()
    gateway = paired(station)
    bench = Bench(station)
    connected(bench, peer_of(bench, station, gateway)).close()
    alerts = [
        kind for f in secured_frames(bench) for kind, _ in records_of(f.info)
    ].count(21)
    assert alerts == 2  # its own, and the meter's answer


def test_a_connection_is_resumed_until_its_keys_are_worn() -> None:
    station = a_station()
    gateway = paired(station)
    bench = Bench(station)
    peer = peer_of(bench, station, gateway)
    assert not connected(bench, peer).is_resumed
    for _ in range(3):
        channel = connected(bench, peer)  # over a new data link
        assert channel.is_resumed
        assert registers_read(bench, channel)
    assert (station.tls.full_handshakes, station.tls.short_handshakes) == (1, 3)
    bench.ticker.now += LIFETIME.total_seconds() - 1
    assert not peer.is_worn
    bench.ticker.now += 1
    assert peer.is_worn
    assert not connected(bench, peer).is_resumed
    assert not peer.is_worn


def test_a_session_that_the_meter_has_forgotten_costs_a_full_handshake() -> None:
    station = a_station()
    gateway = paired(station)
    bench = Bench(station)
    peer = peer_of(bench, station, gateway)
    connected(bench, peer)
    station.tls._context = None  # as after a power cut
    assert not connected(bench, peer).is_resumed


def test_records_are_cut_between_each_other_where_they_fit() -> None:
    record = b"\x17\x03\x03\x03\xe8" + bytes(1000)
    assert list(frame_pieces(3 * record)) == [2 * record, record]
    assert list(frame_pieces(b"")) == []
    large = b"\x17\x03\x03\x0b\xb8" + bytes(3000)
    pieces = list(frame_pieces(record + large))
    assert [len(piece) for piece in pieces] == [1005, 2034, 971]
    assert b"".join(pieces) == record + large
    assert list(frame_pieces(b"\x17\x03")) == [b"\x17\x03"]
