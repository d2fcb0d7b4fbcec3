"""The real serial link and simulated meters behind a real pseudo-terminal."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hardware.device_id import server_id_of
from hardware.link import SerialLink
from hardware.lmn_credentials import CredentialStore
from hardware.lmn_wired import COUNTER_REGISTERS, LIVE_REGISTERS, WiredBus
from hardware.simulator.bus import BusThread, WiredBusSimulator
from hardware.simulator.memory_credentials import MemoryCredentials
from hardware.simulator.meter import SimulatedMeter
from hardware.simulator.station import SimulatedStation

GATEWAY = server_id_of("eemh0009264154")
NOW = datetime(2026, 3, 1, 11, 0, 1, tzinfo=UTC)
METERS = [
    SimulatedMeter(
        server_id_of(f"1emh{number:010d}"),
        installed_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    for number in (1, 2, 3)
]


def wired_bus(
    link: SerialLink,
    meters: list[SimulatedMeter],
    store: CredentialStore | None = None,
) -> WiredBus:
    return WiredBus(
        link,
        gateway_server_id=GATEWAY,
        meters=[meter.server_id for meter in meters],
        clock=lambda: NOW,
        monotonic=time.monotonic,
        store=store,
    )


def maintain_until_linked(bus: WiredBus, count: int) -> None:
    deadline = time.monotonic() + 20
    while len(bus.linked) < count and time.monotonic() < deadline:
        bus.maintain()
    assert len(bus.linked) == count


@pytest.mark.slow
def test_meters_behind_a_terminal_say_their_registers() -> None:
    simulator = WiredBusSimulator(
        [SimulatedStation(meter, answer_delay_s=0.02) for meter in METERS], lambda: NOW
    )
    with BusThread(simulator) as thread:
        link = SerialLink.open(thread.port)
        bus = wired_bus(link, METERS)
        maintain_until_linked(bus, 3)
        for meter in METERS * 3:
            counters = bus.read(meter.server_id, COUNTER_REGISTERS)
            assert counters.registers == meter.counters_at(NOW)
            live = bus.read(meter.server_id, LIVE_REGISTERS)
            assert set(live.registers) <= set(meter.registers_at(NOW))
        bus.close()
        link.close()
    assert bus.take_faults() == []


@pytest.mark.slow
def test_a_gateway_may_come_and_go_on_the_same_bus() -> None:
    simulator = WiredBusSimulator(map(SimulatedStation, METERS), lambda: NOW)
    with BusThread(simulator) as thread:
        for _ in range(3):
            link = SerialLink.open(thread.port)
            bus = wired_bus(link, METERS)
            maintain_until_linked(bus, 3)
            assert bus.read(METERS[0].server_id, COUNTER_REGISTERS).registers
            link.close()  # without taking leave


@pytest.mark.slow
@pytest.mark.parametrize("key", [None, "000102030405060708090a0b0c0d0e0f"])
def test_the_simulator_runs_as_a_process_of_its_own(
    tmp_path: Path, key: str | None
) -> None:
    port = tmp_path / "ttyLMN1"
    command = [sys.executable, "-m", "hardware.simulator", str(port)]
    command += ["--master-key", key] if key else []
    process = subprocess.Popen([*command, "1emh0000000001:heat_pump", "--seed", "7"])
    meter = SimulatedMeter(server_id_of("1emh0000000001"), "heat_pump", 7)
    keys = {meter.server_id: bytes.fromhex(key or "")}
    try:
        wait_for(port)
        link = SerialLink.open(str(port))
        store = MemoryCredentials("eemh0009264154", keys) if key else None
        bus = wired_bus(link, [meter], store)
        maintain_until_linked(bus, 1)
        before, after = meter.counters_at(datetime.now(UTC)), None
        reading = bus.read(meter.server_id, COUNTER_REGISTERS)
        after = meter.counters_at(datetime.now(UTC))
        assert before[0].value <= reading.registers[0].value <= after[0].value
        link.close()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert not os.path.lexists(port)


def wait_for(port: Path) -> None:
    deadline = time.monotonic() + 20
    while not port.exists():
        assert time.monotonic() < deadline, "the simulator does not come up"
        os.sched_yield()
