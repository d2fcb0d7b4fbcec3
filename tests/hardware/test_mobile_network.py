"""Why a modem was logged off: by what it shows, on a real bus, and from a file."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hardware import modem_manager
from hardware.mobile_network import LogOff, Modem, log_off
from hardware.simulator.log_offs import PlanInvalid, planned, read_plan
from tests.hardware.modem_daemon import DAEMON, FakeModemManager, private_bus

LIMIT_S = 30.0
ERRORS = "org.freedesktop.ModemManager1.Error"
ONLINE = Modem(11, signal_percent=60, registration=1)

REASONS = [
    (ONLINE, None, LogOff.MODEM_ERROR),
    (ONLINE, Modem(-1, failed_reason=1), LogOff.MODEM_ERROR),
    (ONLINE, Modem(-1, failed_reason=2), LogOff.SIM_ERROR),
    (ONLINE, Modem(-1, failed_reason=3), LogOff.SIM_ERROR),
    (ONLINE, Modem(2), LogOff.SIM_ERROR),
    (ONLINE, Modem(8, registration=8), LogOff.ONLY_EMERGENCY),
    (ONLINE, Modem(8, registration=1), LogOff.NO_CARRIER),
    (ONLINE, Modem(8, registration=1, packet_service=1), LogOff.DETACH),
    (ONLINE, Modem(7, registration=2), LogOff.NO_NETWORK_REGISTRATION),
    (ONLINE, Modem(7, registration=3), LogOff.NO_NETWORK_REGISTRATION),
    (ONLINE, Modem(6, registration=0), LogOff.DEREGISTRATION),
    (ONLINE, Modem(6), LogOff.UNKNOWN),
    (ONLINE, Modem(11, has_address=False), LogOff.MISSING_IP_ADDRESS),
    (Modem(11, signal_percent=9), Modem(7, registration=2), LogOff.BAD_SIGNAL_STRENGTH),
    (Modem(11, quality_db=-17), Modem(7, registration=2), LogOff.BAD_SIGNAL_QUALITY),
    (ONLINE, Modem(8, error=f"{ERRORS}.Serial.ParseFailed"), LogOff.TX_RX_ERROR),
    (ONLINE, Modem(8, error=f"{ERRORS}.Connection.NoCarrier"), LogOff.NO_CARRIER),
    (ONLINE, Modem(8, error=f"{ERRORS}.MobileEquipment.SimWrong"), LogOff.SIM_ERROR),
    (
        ONLINE,
        Modem(8, error=f"{ERRORS}.MobileEquipment.NoNetwork"),
        LogOff.NO_NETWORK_REGISTRATION,
    ),
    (ONLINE, Modem(8, error="somebody.elses.Error"), LogOff.NO_CARRIER),
    (ONLINE, ONLINE, None),
    (Modem(8), Modem(7), None),
    (Modem(11, has_address=False), Modem(8), None),
    (Modem(7), None, None),
]


@pytest.mark.req("R164")
@pytest.mark.parametrize(("before", "after", "reason"), REASONS)
def test_the_reason_follows_from_what_the_modem_shows(
    before: Modem, after: Modem | None, reason: LogOff | None
) -> None:
    """R164: and nothing is a log-off that was not online before."""
    assert log_off(before, after, is_wanted=False) == reason


@pytest.mark.req("R164")
def test_what_somebody_asked_for_is_a_changed_configuration() -> None:
    """R164: but a modem that fails meanwhile has failed."""
    assert log_off(ONLINE, Modem(8), is_wanted=True) is LogOff.CONFIG_CHANGED
    assert log_off(ONLINE, Modem(-1), is_wanted=True) is LogOff.MODEM_ERROR


def falls(state: int, registration: int = 1) -> Callable[[FakeModemManager], None]:
    def fall(modem: FakeModemManager) -> None:
        modem.network["RegistrationState"] = ("u", registration)
        modem.state_changed(state)

    return fall


def without_address(modem: FakeModemManager) -> None:
    modem.bearer["Ip4Config"] = ("a{sv}", {"method": ("u", 0)})
    modem.state_changed(11)


def with_error(name: str) -> Callable[[FakeModemManager], None]:
    def fall(modem: FakeModemManager) -> None:
        modem.bearer["Connected"] = ("b", False)
        modem.bearer["ConnectionError"] = ("(ss)", (f"{ERRORS}.{name}", "it says"))
        modem.state_changed(8)

    return fall


def failed(modem: FakeModemManager) -> None:
    assert modem.modem is not None
    modem.modem["StateFailedReason"] = ("u", 3)
    modem.state_changed(-1, reason=3)


def detached(modem: FakeModemManager) -> None:
    modem.network["PacketServiceState"] = ("u", 1)
    modem.state_changed(8)


def switched_off(modem: FakeModemManager) -> None:
    modem.state_changed(9, reason=1)
    modem.state_changed(8)


ON_THE_BUS = [
    (falls(8), LogOff.NO_CARRIER),
    (falls(7, 2), LogOff.NO_NETWORK_REGISTRATION),
    (falls(6, 0), LogOff.DEREGISTRATION),
    (falls(8, 8), LogOff.ONLY_EMERGENCY),
    (falls(5, 1), LogOff.UNKNOWN),
    (detached, LogOff.DETACH),
    (without_address, LogOff.MISSING_IP_ADDRESS),
    (with_error("Serial.ResponseTimeout"), LogOff.TX_RX_ERROR),
    (failed, LogOff.SIM_ERROR),
    (FakeModemManager.removed, LogOff.MODEM_ERROR),
    (FakeModemManager.stop, LogOff.MODEM_ERROR),
    (switched_off, LogOff.CONFIG_CHANGED),
]


@pytest.fixture
def modem(tmp_path: Path) -> Iterator[tuple[FakeModemManager, str]]:
    """A modem that is online, on a bus of its own."""
    with bus_with_modem(tmp_path) as found:
        yield found


@contextmanager
def bus_with_modem(folder: Path) -> Iterator[tuple[FakeModemManager, str]]:
    with private_bus(folder) as address:
        made = FakeModemManager(address)
        made.start()
        yield made, address


async def first_after(
    found: AsyncIterator[LogOff | None], act: Callable[[], None]
) -> LogOff | None:
    """The first log-off after something was done."""
    async with asyncio.timeout(LIMIT_S):
        assert await anext(found) is None
        await asyncio.to_thread(act)
        return await anext(found)


@pytest.mark.req("R164")
@pytest.mark.skipif(DAEMON is None, reason="dbus-daemon is not installed")
@pytest.mark.parametrize(("act", "reason"), ON_THE_BUS)
def test_a_log_off_is_seen_on_the_bus(
    modem: tuple[FakeModemManager, str],
    act: Callable[[FakeModemManager], None],
    reason: LogOff,
) -> None:
    """R164: a real dbus-daemon, the signals and objects of ModemManager."""
    manager, address = modem

    async def watch() -> LogOff | None:
        found = modem_manager.log_offs(address, settles_s=0.05)
        return await first_after(found, lambda: act(manager))

    assert asyncio.run(watch()) is reason


@pytest.mark.req("R164")
@pytest.mark.skipif(DAEMON is None, reason="dbus-daemon is not installed")
@pytest.mark.parametrize(
    ("percent", "rsrq", "reason"),
    [(5, -9.0, LogOff.BAD_SIGNAL_STRENGTH), (40, -18.5, LogOff.BAD_SIGNAL_QUALITY)],
)
def test_a_bad_signal_before_is_the_reason_of_a_lost_network(
    modem: tuple[FakeModemManager, str], percent: int, rsrq: float, reason: LogOff
) -> None:
    """R164: strength and quality as the modem showed them while it was online."""
    manager, address = modem
    assert manager.modem is not None
    manager.modem["SignalQuality"] = ("(ub)", (percent, True))
    manager.signal["Lte"] = ("a{sv}", {"rsrq": ("d", rsrq)})

    async def watch() -> LogOff | None:
        found = modem_manager.log_offs(address, settles_s=0.05)
        return await first_after(found, lambda: falls(7, 2)(manager))

    assert asyncio.run(watch()) is reason


@pytest.mark.skipif(DAEMON is None, reason="dbus-daemon is not installed")
def test_a_modem_that_comes_back_can_be_logged_off_again(
    modem: tuple[FakeModemManager, str],
) -> None:
    manager, address = modem

    async def watch() -> list[LogOff | None]:
        found = modem_manager.log_offs(address, settles_s=0.05)
        first = await first_after(found, lambda: manager.state_changed(8))
        following = asyncio.ensure_future(anext(found))
        async with asyncio.timeout(LIMIT_S):
            while not following.done():  # until the return was seen before the fall
                for state in (11, 7):
                    manager.state_changed(state)
                    await asyncio.wait([following], timeout=0.2)
        return [first, following.result()]

    assert asyncio.run(watch()) == [LogOff.NO_CARRIER, LogOff.UNKNOWN]


@pytest.mark.skipif(DAEMON is None, reason="dbus-daemon is not installed")
def test_a_bus_that_goes_is_told(tmp_path: Path) -> None:
    async def watch() -> None:
        async with asyncio.timeout(LIMIT_S):
            with private_bus(tmp_path) as address:
                found = modem_manager.log_offs(address, settles_s=0.05)
                assert await anext(found) is None
                manager = FakeModemManager(address)
                manager.start()
            with pytest.raises(modem_manager.BusFailed):
                await anext(found)

    asyncio.run(watch())


def test_without_a_bus_there_is_one_clear_error(tmp_path: Path) -> None:
    async def watch() -> None:
        await anext(modem_manager.log_offs(f"unix:path={tmp_path}/nothing"))

    with pytest.raises(modem_manager.BusFailed, match="No such file"):
        asyncio.run(watch())


def test_a_file_plans_log_offs_by_time(tmp_path: Path) -> None:
    path = tmp_path / "modem.toml"
    path.write_text(
        '[[log_off]]\nafter_s = 90\nreason = "SIM_ERROR"\n'
        '[[log_off]]\nafter_s = 5\nreason = "NO_CARRIER"\n'
    )
    plan = read_plan(path)
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    async def collected() -> list[LogOff]:
        return [reason async for reason in planned(plan, wait)]

    assert asyncio.run(collected()) == [LogOff.NO_CARRIER, LogOff.SIM_ERROR]
    assert waited == [5, 85]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[[log_off]]\nafter_s = 1\n", "after_s and reason are needed"),
        ('[[log_off]]\nafter_s = -1\nreason = "DETACH"\n', "no whole number"),
        ('[[log_off]]\nafter_s = true\nreason = "DETACH"\n', "no whole number"),
        ('[[log_off]]\nafter_s = 1\nreason = "BORED"\n', "reason must be one of UNK"),
        ("[[fault]]\n", "only .*log_off"),
        ("log_off = 3\n", "only .*log_off"),
        ("log_off = [3]\n", "after_s and reason"),
        ("no = = toml", "modem.toml: "),
    ],
)
def test_a_file_that_is_no_plan_is_refused_with_its_reason(
    tmp_path: Path, text: str, error: str
) -> None:
    path = tmp_path / "modem.toml"
    path.write_text(text)
    with pytest.raises(PlanInvalid, match=error):
        read_plan(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanInvalid, match="No such file"):
        read_plan(tmp_path / "modem.toml")
