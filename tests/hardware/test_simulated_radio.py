"""Simulated wireless meters behind emulated sticks, read by the real drivers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hardware.link import SerialLink
from hardware.lmn_wireless import WirelessReading, reading_of, require_security
from hardware.simulator.radio import Air, MemoryRadio, RadioThread
from hardware.simulator.radio_stick import (
    EMULATORS,
    Amb8465Emulator,
    ModuleFaults,
    StickEmulator,
)
from hardware.simulator.scenario import Fault, FaultKind, Scenario
from hardware.simulator.wireless_meter import (
    PROFILE_QUARTERS,
    Kind,
    SimulatedWirelessMeter,
)
from hardware.stick import ModuleInfo, Reception, Stick
from hardware.stick_amb8465 import Amb8465, AmberSettings
from hardware.stick_cul import Cul
from hardware.stick_errors import (
    StickFirmwareTooOld,
    StickMisconfigured,
    StickRestartFailed,
    StickSilent,
    StickTypeWrong,
)
from hardware.stick_im871a import Im871a
from hardware.stick_receiver import StickReceiver
from hardware.wmbus import Decoder, Telegram
from hardware.wmbus_address import MeterAddress
from hardware.wmbus_errors import NotEncrypted
from hardware.wmbus_sender import meter_behind, sender_of
from tests.hardware.wmbus_vectors import wmbus_vectors

NOON = datetime(2026, 7, 3, 12, 0, tzinfo=UTC)
INSTALLED = NOON.replace(hour=0) - timedelta(days=1)
KEY = bytes(range(0x20, 0x30))
TYPES = {"electricity": 0x02, "gas": 0x03, "heat": 0x04, "water": 0x07}
STICKS: dict[str, Callable[[], Stick]] = {
    "im871a": Im871a,
    "amb8465": Amb8465,
    "cul": Cul,
}

each_medium = pytest.mark.parametrize("medium", TYPES)
each_mode = pytest.mark.parametrize("mode", [5, 7])
each_stick = pytest.mark.parametrize("name", STICKS)


def a_meter(
    medium: str = "gas",
    mode: int = 7,
    number: int = 1,
    every_s: int = 20,
    installed_at: datetime = INSTALLED,
) -> SimulatedWirelessMeter:
    address = MeterAddress.of("SIM", f"{number:08d}", 1, TYPES[medium])
    return SimulatedWirelessMeter(
        address, KEY, mode=mode, every_s=every_s, installed_at=installed_at
    )


def decoded(decoder: Decoder, data: bytes) -> Telegram:
    telegram = decoder.decode(data, now_s=0.0)
    assert telegram.refusal is None, telegram.refusal
    return telegram


def said(
    meter: SimulatedWirelessMeter, at: datetime, kind: Kind, decoder: Decoder
) -> WirelessReading:
    telegram = decoded(decoder, meter.telegram_at(at, kind=kind))
    require_security(telegram, f"mode{meter.mode}")
    return reading_of(telegram, meter.address, at)


@pytest.mark.req("R9")
@each_medium
@each_mode
def test_every_telegram_says_what_the_meter_counts(medium: str, mode: int) -> None:
    """R9: full, compact and profile telegrams of four media give the exact counters."""
    meter, decoder = a_meter(medium, mode), Decoder(lambda _: KEY)
    at = NOON
    for kind in (Kind.FULL, Kind.COMPACT, Kind.PROFILE, Kind.COMPACT):
        at = meter.next_after(at)
        reading = said(meter, at, kind, decoder)
        assert reading.current.counters == meter.registers_at(at)
        assert reading.current.captured_at == at


@each_medium
def test_a_profile_gives_the_quarter_hours_before(medium: str) -> None:
    meter = a_meter(medium)
    at = NOON + timedelta(minutes=7)
    reading = said(meter, at, Kind.PROFILE, Decoder(lambda _: KEY))
    quarters = [NOON - step * timedelta(minutes=15) for step in range(9)]
    assert [one.captured_at for one in reading.past] == sorted(quarters)
    assert len(quarters) == PROFILE_QUARTERS + 1
    for past in reading.past:
        assert past.registers == meter.registers_at(past.captured_at)[:1]


@pytest.mark.parametrize("month", [1, 7])
def test_profiles_are_right_in_winter_and_summer_time(month: int) -> None:
    at = datetime(2026, month, 9, 10, 31, tzinfo=UTC)
    meter = a_meter("water", installed_at=at.replace(hour=0) - timedelta(days=1))
    reading = said(meter, at, Kind.PROFILE, Decoder(lambda _: KEY))
    assert reading.past[-1].captured_at == at.replace(minute=30)


@pytest.mark.parametrize("off_s", [-3600, 3600])
def test_a_clock_that_is_off_makes_no_past(off_s: int) -> None:
    meter, off = a_meter(), timedelta(seconds=off_s)
    data = meter.telegram_at(NOON, kind=Kind.PROFILE, clock_off=off)
    telegram = decoded(Decoder(lambda _: KEY), data)
    reading = reading_of(telegram, meter.address, NOON)
    assert reading.clock_is_off
    assert not reading.past
    assert reading.current.counters == meter.registers_at(NOON)


def test_less_security_than_demanded_is_refused() -> None:
    meter = a_meter(mode=5)
    data = meter.telegram_at(NOON, kind=Kind.FULL)
    telegram = decoded(Decoder(lambda _: KEY), data)
    require_security(telegram, "mode5")
    for demanded in ("mode7", "ctr"):
        with pytest.raises(NotEncrypted, match="security mode 5"):
            require_security(telegram, demanded)


def test_the_meter_behind_an_adapter_is_seen_without_its_key() -> None:
    found = {}
    for vector in wmbus_vectors():
        telegram = bytes.fromhex(vector["telegrams"][0])
        told = Decoder(lambda _: None).decode(telegram, now_s=0.0)
        behind = meter_behind(telegram)
        assert told.link is not None
        assert sender_of(telegram) == told.link.address
        if behind is not None:
            found[vector["id"]] = behind
            assert told.meter == behind
    assert found


# --- sticks ---------------------------------------------------------------------------


class Clock:
    """Shows what a test sets; monotonic time goes on when somebody looks."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now
        self.passed_s = 0.0

    def __call__(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        self.passed_s += 0.01
        return self.passed_s


def a_receiver(
    name: str, faults: ModuleFaults | None = None
) -> tuple[StickReceiver, Clock, SimulatedWirelessMeter]:
    clock, meter = Clock(), a_meter()
    emulator: StickEmulator = EMULATORS[name](faults)
    radio = MemoryRadio(emulator, Air([meter], clock.now), clock)
    receiver = StickReceiver(radio, STICKS[name](), monotonic=clock.monotonic)
    return receiver, clock, meter


@each_stick
def test_a_stick_is_started_and_brings_the_telegrams(name: str) -> None:
    receiver, clock, meter = a_receiver(name)
    info = receiver.start()
    assert isinstance(info, ModuleInfo)
    expected = []
    for _ in range(3):
        clock.now = meter.next_after(clock.now)
        expected.append(meter.telegram_at(clock.now))
    found = [one for one in receiver.listen(0.5) if isinstance(one, Reception)]
    assert [one.telegram for one in found] == expected
    assert all(one.rssi_dbm is not None and -120 < one.rssi_dbm < 0 for one in found)


@pytest.mark.parametrize("framed", [False, True])
@pytest.mark.parametrize("with_rssi", [False, True])
def test_an_amber_stick_is_read_with_any_settings(
    framed: bool, with_rssi: bool
) -> None:
    clock, meter = Clock(), a_meter()
    emulator = Amb8465Emulator(settings=AmberSettings(framed, with_rssi))
    radio = MemoryRadio(emulator, Air([meter], clock.now), clock)
    receiver = StickReceiver(radio, Amb8465(), monotonic=clock.monotonic)
    receiver.start()
    clock.now = meter.next_after(clock.now)
    (found,) = receiver.listen(0.5)
    assert isinstance(found, Reception)
    assert found.telegram == meter.telegram_at(clock.now)


@pytest.mark.req("R29")
@pytest.mark.parametrize(
    ("name", "faults", "kind"),
    [
        ("im871a", ModuleFaults(is_silent=True), StickSilent),
        ("im871a", ModuleFaults(module=0x42), StickTypeWrong),
        ("im871a", ModuleFaults(firmware=0x13), StickFirmwareTooOld),
        ("im871a", ModuleFaults(refuses_mode=True), StickMisconfigured),
        ("amb8465", ModuleFaults(is_silent=True), StickSilent),
        ("amb8465", ModuleFaults(refuses_mode=True), StickMisconfigured),
        ("cul", ModuleFaults(is_silent=True), StickSilent),
    ],
)
def test_a_module_that_fails_its_checks_is_told(
    name: str, faults: ModuleFaults, kind: type[Exception]
) -> None:
    """R29: silent, wrong module, old firmware, refused settings."""
    receiver, _, _ = a_receiver(name, faults)
    with pytest.raises(kind):
        receiver.start()


@pytest.mark.req("R29")
def test_a_module_that_refuses_to_restart_is_told() -> None:
    """R29: 200710."""
    faults = ModuleFaults(refuses_restart=True)
    receiver, _, _ = a_receiver("im871a", faults)
    receiver.start()
    with pytest.raises(StickRestartFailed):
        receiver.restart(Im871a().restart())


@pytest.fixture
def running(request: pytest.FixtureRequest) -> Iterator[RadioThread]:
    meter = a_meter(every_s=1)
    emulator = EMULATORS[request.param]()
    begin = datetime.now(UTC) - NOON
    with RadioThread(emulator, [meter], lambda: datetime.now(UTC) - begin) as radio:
        yield radio


@pytest.mark.parametrize("running", STICKS, indirect=True)
def test_a_stick_on_a_pseudo_terminal_is_heard(
    running: RadioThread, request: pytest.FixtureRequest
) -> None:
    stick = STICKS[request.node.callspec.params["running"]]()
    link = SerialLink.open(running.port, stick.baudrate)
    receiver = StickReceiver(link, stick, monotonic=time.monotonic)
    receiver.start()
    heard: list[object] = []
    while not heard:
        heard = list(receiver.listen(2.0))
    link.close()
    assert isinstance(heard[0], Reception)


def test_faults_of_a_scenario_happen_on_the_air() -> None:
    meter = a_meter()
    who = meter.address.server_id
    minute = timedelta(minutes=1)
    scenario = Scenario(
        Fault(kind, NOON + n * minute, NOON + (n + 1) * minute, who)
        for n, kind in enumerate(
            (
                FaultKind.SILENCE,
                FaultKind.WRONG_KEY,
                FaultKind.NOISE,
                FaultKind.REPLAY,
            )
        )
    )
    decoder = Decoder(lambda _: KEY)
    decoded(decoder, meter.telegram_at(NOON - 2 * minute, kind=Kind.FULL))
    told = [
        (decoder.decode(sending.telegram, now_s=0.0).error, sending.at)
        for sending in Air([meter], NOON - minute, scenario).due(NOON + 5 * minute)
    ]
    by_minute = [
        [error for error, at in told if (at - NOON) // minute == n]
        for n in range(-1, 5)
    ]
    assert by_minute == [
        [None] * 3,
        [],
        ["mac"] * 3,
        ["mac"] * 3,
        ["replay" if n % 2 else None for n in range(6)],
        [None] * 3,
    ]


@pytest.mark.slow
def test_wireless_meters_run_as_a_process_of_their_own(tmp_path: Path) -> None:
    """Behind a stick, with the faults of a scenario file."""
    port, faults = tmp_path / "stick", tmp_path / "faults.toml"
    silent, *others = [
        MeterAddress.of("SIM", f"{number:08d}", 1, 0x03) for number in range(1, 13)
    ]
    faults.write_text(f'[[fault]]\nkind = "silence"\nmeter = "{silent.meter_id}"\n')
    words = [sys.executable, "-m", "hardware.simulator", str(port), "--radio", "cul"]
    words += ["--master-key", KEY.hex(), "--scenario", str(faults)]
    words += [f"{one.meter_id}:7" for one in (silent, *others)]
    process = subprocess.Popen(words)
    try:
        heard = heard_from(port, count=6)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert heard <= set(others)
    assert not os.path.lexists(port)


def heard_from(port: Path, *, count: int) -> set[MeterAddress]:
    """Who was heard through a CUL until there were so many."""
    deadline = time.monotonic() + 60
    while not port.exists():
        assert time.monotonic() < deadline, "the simulator does not come up"
        os.sched_yield()
    link = SerialLink.open(str(port), Cul.baudrate)
    receiver = StickReceiver(link, Cul(), monotonic=time.monotonic)
    receiver.start()
    heard: set[MeterAddress] = set()
    while len(heard) < count:
        assert time.monotonic() < deadline, f"only {len(heard)} were heard"
        for one in receiver.listen(2.0):
            if isinstance(one, Reception):
                heard.add(MeterAddress(one.telegram[2:10]))
    link.close()
    return heard
