"""Meters with security on a bus in memory: pairing, TLS, fall-back, renewal (R28)."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from hardware.errors import FrameUnexpected, MeterLost, MeterSilent, StoreUnreachable
from hardware.hdlc import HdlcFrame
from hardware.lmn_addresses import SAP_PLAIN, SAP_SYM, SAP_TLS
from hardware.lmn_certificates import BRAINPOOL_P256, BRAINPOOL_P384, P256, curve_of
from hardware.lmn_conversation import MeterState
from hardware.lmn_credentials import Credentials
from hardware.lmn_tls import LIFETIME
from hardware.lmn_wired import COUNTER_REGISTERS
from hardware.simulator.secured_station import SecuredStation
from hardware.simulator.station import SimulatedStation
from tests.hardware.secured import SecuredWorld, a_station, paired, simulated


class FailingStore:
    """A store whose database is away."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.fails = True
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        if not self.fails:
            return getattr(self._store, name)
        self.asked += 1
        raise StoreUnreachable("the database is away")


def in_touch(*stations: SecuredStation) -> SecuredWorld:
    world = SecuredWorld(*stations)
    world.wired.maintain()
    assert world.wired.linked == {station.server_id for station in stations}
    assert world.codes() == []
    return world


def read(world: SecuredWorld, station: SecuredStation) -> Any:
    reading = world.wired.read(station.server_id, COUNTER_REGISTERS)
    assert reading.registers == station.meter.counters_at(reading.captured_at)
    return reading


def frames_on(world: SecuredWorld, sap: int) -> list[HdlcFrame]:
    return [f for f in world.link.frames() if f.destination[0] == sap]


def test_meters_are_paired_by_their_key_and_read_over_tls() -> None:
    stations = [a_station(1, groups=(23,)), a_station(2, groups=(26,))]
    world = in_touch(*stations)
    for station in stations:
        read(world, station)
    curves = [
        curve_of(world.store.active[s.server_id].meter_certificate) for s in stations
    ]
    assert curves == [P256, BRAINPOOL_P256]
    assert set(world.wired.states.values()) == {MeterState.POLLING}
    assert frames_on(world, SAP_SYM)
    assert not frames_on(world, SAP_PLAIN)
    assert world.codes() == []


def test_nothing_of_a_register_or_key_goes_over_the_line_in_clear() -> None:
    station = a_station()
    world = in_touch(station)
    read(world, station)
    trace = world.link.sent + world.link.heard
    assert station.security.own is not None
    for secret in (
        *(register.groups for register in COUNTER_REGISTERS),
        b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01",
        station.security.own.private_key,
    ):
        assert secret not in trace


def test_a_meter_of_a_third_curve_is_paired_too() -> None:
    station = a_station(groups=(27,))
    world = in_touch(station)
    read(world, station)
    certificate = world.store.active[station.server_id].meter_certificate
    assert curve_of(certificate) is BRAINPOOL_P384


def test_the_states_of_a_meter_follow_each_other() -> None:
    station = a_station()
    station.is_silent = True
    world = SecuredWorld(station)

    def state() -> MeterState:
        return world.wired.states[station.server_id]

    world.wired.maintain()
    assert state() is MeterState.UNKNOWN
    station.is_silent = False
    station.security.first_key = bytes(16)  # not the one that the gateway was told
    world.maintain(11)
    assert state() is MeterState.PAIRING
    world.store.keys[station.server_id] = bytes(16)
    world.maintain(1)
    assert state() is MeterState.TLS
    read(world, station)
    assert state() is MeterState.POLLING


def test_a_gateway_that_starts_anew_goes_on_with_its_certificates() -> None:
    station = a_station()
    world = in_touch(station)
    pairings = len(frames_on(world, SAP_SYM))
    counter = station.security.last_counter
    world.wired = world.new_bus()
    world.wired.maintain()
    read(world, station)
    assert len(frames_on(world, SAP_SYM)) == pairings
    assert station.security.last_counter == counter


@pytest.mark.req("R28")
def test_a_meter_that_lost_its_certificates_is_paired_again() -> None:
    """R28: three failures in a row, after 1 and 5 s, are 103165; then pairing."""
    station = a_station()
    world = in_touch(station)
    old = world.store.active[station.server_id]
    station.security.lose_certificates()
    with pytest.raises((FrameUnexpected, MeterLost)):
        world.wired.read(station.server_id, COUNTER_REGISTERS)
    assert world.codes() == [103117, 100706]
    world.maintain(0.9)
    assert world.wired.linked == frozenset()
    world.maintain(0.2)  # the second try
    world.maintain(4.8)
    assert world.codes() == []
    world.maintain(0.3)  # the third
    assert world.codes() == [103165]
    assert world.wired.states[station.server_id] is MeterState.PAIRING
    world.maintain()
    assert world.wired.states[station.server_id] is MeterState.TLS
    read(world, station)
    assert world.store.active[station.server_id] != old
    assert world.codes() == []


@pytest.mark.req("R28")
def test_a_meter_with_other_certificates_is_paired_again() -> None:
    """R28: handshakes that fail by the certificates lead to 103165 as well."""
    station = a_station()
    world = in_touch(station)
    paired(station)  # others than those that the gateway knows
    world.wired = world.new_bus()
    for _ in range(20):
        world.maintain(1)
    assert world.codes() == [103165]
    read(world, station)


def test_without_a_key_failing_tls_stays_in_back_off() -> None:
    station = a_station()
    world = in_touch(station)
    del world.store.keys[station.server_id]
    paired(station)
    world.wired = world.new_bus()
    tries = station.tls.full_handshakes
    for _ in range(60):
        world.maintain(1)
    assert set(world.codes()) == {100706}
    assert station.tls.full_handshakes == tries
    handshakes = [f for f in frames_on(world, SAP_TLS) if f.frame_type == "SNRM"]
    assert 5 <= len(handshakes) <= 8  # after 1, 5, then every 15 s, and the first ones
    assert not frames_on(world, SAP_PLAIN)


def test_a_meter_without_key_and_certificates_is_never_read() -> None:
    station = a_station()
    world = SecuredWorld(station)
    world.store.keys.clear()
    for _ in range(30):
        world.maintain(1)
    assert set(world.codes()) == {100706}
    assert world.wired.linked == frozenset()
    with pytest.raises(MeterLost):
        world.wired.read(station.server_id, COUNTER_REGISTERS)
    assert not frames_on(world, SAP_PLAIN)


@pytest.mark.req("R28")
def test_pairing_is_tried_three_times_and_then_after_ever_longer_pauses() -> None:
    """R28: no answer to a pairing message is 103191, with a new counter each time."""
    station = a_station()
    station.security.first_key = bytes(16)
    world = SecuredWorld(station)
    begun = world.ticker.now
    tries = []
    while world.ticker.now - begun < 700:
        before = world.store.counters.get(station.server_id, 0)
        world.maintain(1)
        if world.store.counters.get(station.server_id, 0) > before:
            tries.append(round(world.ticker.now - begun))
    gaps = [later - sooner for sooner, later in pairwise(tries)]
    assert [gap > 10 for gap in gaps[:8]] == [False, False, True] * 2 + [False, False]
    assert 60 <= gaps[2] <= 70
    assert 120 <= gaps[5] <= 130
    assert world.store.counters[station.server_id] == len(tries)
    assert set(world.codes()) == {103191}


def test_a_meter_that_stays_behind_in_counting_is_caught_up_with() -> None:
    station = a_station()
    station.security.last_counter = 2  # the gateway's memory is older than the meter's
    world = SecuredWorld(station)
    for _ in range(4):
        world.maintain(1)
    assert world.wired.linked == {station.server_id}


def test_a_lost_acknowledgement_costs_one_more_pairing() -> None:
    station = a_station()
    world = SecuredWorld(station)

    def without_acknowledgement(data: bytes) -> bytes:
        return b"" if data[10:11] == b"\x03" else data

    world.link.spoil = without_acknowledgement
    world.wired.maintain()
    assert station.security.is_paired
    assert not world.store.active
    world.link.spoil = bytes
    for _ in range(12):
        world.maintain(1)
    read(world, station)


@pytest.mark.req("R28")
def test_a_store_that_fails_costs_one_meter_a_pause_and_the_others_nothing() -> None:
    """R28: keys that cannot be read are 100701; the meters in touch are read on."""
    first, second = a_station(1), a_station(2)
    world = in_touch(first, second)
    second.is_silent = True
    with pytest.raises(MeterSilent):
        world.wired.read(second.server_id, COUNTER_REGISTERS)
    second.is_silent = False
    world.codes()
    store = world.store
    world.wired._store = failing = FailingStore(store)
    for conversation in world.wired._conversations.values():
        conversation._store = failing
    for _ in range(40):
        world.maintain(1)
        read(world, first)
    assert set(world.codes()) == {100701}
    assert failing.asked <= 5
    failing.fails = False
    world.maintain(16)
    read(world, second)


def test_certificates_are_renewed_inside_the_channel() -> None:
    station = a_station()
    world = in_touch(station)
    old = world.store.active[station.server_id]
    pairings = len(frames_on(world, SAP_SYM))
    world.store.due = {station.server_id}
    world.maintain(61)
    assert world.store.proposed
    world.maintain()
    new = world.store.active[station.server_id]
    assert new.meter_certificate != old.meter_certificate
    assert new.gateway == old.gateway
    assert not world.store.proposed
    assert station.security.own is not None
    assert station.security.own.certificate == new.meter_certificate
    read(world, station)
    assert len(frames_on(world, SAP_SYM)) == pairings
    assert world.codes() == []


def test_the_gateways_certificate_is_renewed_with_the_meters() -> None:
    station = a_station()
    world = in_touch(station)
    old = world.store.active[station.server_id]
    world.store.gateways.clear()  # so a new one is made
    world.store.due = {station.server_id}
    world.maintain(61)
    world.maintain()
    new = world.store.active[station.server_id]
    assert new.gateway != old.gateway
    assert station.security.gateway_certificate == new.gateway.certificate
    read(world, station)


def test_a_renewal_whose_acknowledgement_was_lost_is_found_out() -> None:
    station = a_station()
    world = in_touch(station)
    world.store.due = {station.server_id}
    world.ticker.now += 61
    world.link.spoil = lambda data: b"" if data[8:9] != b"\x73" else data
    world.wired.maintain()
    world.link.spoil = bytes
    assert world.codes() == [103118, 100706]
    for _ in range(3):
        world.maintain(1)
    assert not world.store.proposed
    read(world, station)


def test_a_renewal_that_never_reached_the_meter_is_found_out() -> None:
    station = a_station()
    world = in_touch(station)
    lost = Credentials(
        world.store.active[station.server_id].gateway,
        paired(a_station(1)).certificate,
    )
    world.store.propose(station.server_id, lost)
    world.wired = world.new_bus()
    for _ in range(3):
        world.maintain(1)
    assert not world.store.proposed
    assert world.codes() == []
    read(world, station)


def test_a_meter_that_refuses_new_certificates_keeps_its_old_ones() -> None:
    station = a_station()
    world = in_touch(station)
    old = world.store.active[station.server_id]
    station.secured._write = lambda _name, _value: False
    world.store.due = {station.server_id}
    for _ in range(70):
        world.maintain(1)
    assert world.store.active[station.server_id] == old
    assert 103117 in world.codes()
    read(world, station)


def test_a_connection_gets_new_keys_after_31_days() -> None:
    station = a_station()
    world = in_touch(station)
    world.maintain(LIFETIME.total_seconds() - 1)
    assert station.tls.full_handshakes == 1
    world.maintain(1)
    assert (station.tls.full_handshakes, station.tls.short_handshakes) == (2, 0)
    read(world, station)
    assert world.codes() == []


def test_a_broken_connection_is_resumed() -> None:
    station = a_station()
    world = in_touch(station)
    station._links.clear()  # the meter lost its links, not its memory
    read(world, station)  # at once, over a new link
    assert (station.tls.full_handshakes, station.tls.short_handshakes) == (1, 1)
    assert world.codes() == [103117, 100706]


def test_a_secured_and_a_plain_meter_share_a_bus() -> None:
    secured, plain = a_station(1), SimulatedStation(simulated(2))
    world = SecuredWorld(secured, plain)
    world.wired.configure([secured.server_id, plain.server_id], [plain.server_id])
    world.wired.maintain()
    read(world, secured)
    assert world.wired.read(plain.server_id, COUNTER_REGISTERS).registers
    assert {f.source[1] for f in frames_on(world, SAP_PLAIN)} == {
        1,
        world.wired.addresses[plain.server_id],
    }


def test_a_plain_meter_becomes_a_secured_one_when_it_is_configured_so() -> None:
    station = a_station()
    world = SecuredWorld(station)
    world.wired.configure([station.server_id], [station.server_id])
    world.wired.maintain()
    assert world.wired.read(station.server_id, COUNTER_REGISTERS).registers
    assert not station.security.is_paired
    world.wired.configure([station.server_id])
    world.wired.maintain()
    assert station.security.is_paired
    read(world, station)


def test_a_meter_with_an_expired_certificate_is_read_and_renewed() -> None:
    station = a_station()
    world = SecuredWorld(station)
    long_ago = world.clock() - timedelta(days=9 * 365)
    gateway = paired(station, now=long_ago)
    assert station.security.own is not None
    world.store.active[station.server_id] = Credentials(
        gateway, station.security.own.certificate
    )
    world.wired.maintain()
    read(world, station)
    assert world.codes() == []


def test_pairing_stops_where_a_boundary_comes_near() -> None:
    station = a_station()
    station.security.first_key = bytes(16)
    world = SecuredWorld(station)
    world.wired.maintain()  # takes five seconds in vain
    assert world.codes() == [103191]
    now = world.ticker.now
    world.wired.maintain(until=now + 1)
    assert now + 1 < world.ticker.now <= now + 1 + 3.5
    assert world.codes() == []  # nobody's fault


def test_the_gateway_takes_leave_of_its_meters() -> None:
    station = a_station()
    world = in_touch(station)
    world.wired.close()
    assert [f.frame_type for f in frames_on(world, SAP_TLS)].count("DISC") == 1
    assert world.wired.linked == frozenset()
