"""Simulated meters: an exact function of time, and plausible."""

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import get_args

import pytest

from hardware.device_id import server_id_of
from hardware.obis import ACTIVE_POWER, Obis
from hardware.simulator.curves import Profile
from hardware.simulator.meter import Disturbance, SimulatedMeter
from hardware.status_word import METER_FATAL

SERVER_ID = server_id_of("1emh0000000001")
PROFILES: tuple[Profile, ...] = get_args(Profile)
SUMMER_MORNING = datetime(2026, 6, 3, 2, 30, tzinfo=UTC)
TENTHS_WS_PER_TENTH_WH = 3600


def meter(profile: Profile = "household_pv", seed: int = 1) -> SimulatedMeter:
    return SimulatedMeter(SERVER_ID, profile, seed)


def counts(simulated: SimulatedMeter, at: datetime) -> list[int]:
    return [register.value for register in simulated.counters_at(at)]


def power(simulated: SimulatedMeter, at: datetime) -> int:
    register = simulated.register_at(ACTIVE_POWER, at)
    assert register is not None
    return register.value


def test_registers_do_not_depend_on_the_order_of_questions() -> None:
    moments = [SUMMER_MORNING + timedelta(hours=7 * n, seconds=n) for n in range(60)]
    forward, backward = meter(), meter()
    first = [forward.registers_at(at) for at in moments]
    second = [backward.registers_at(at) for at in reversed(moments)]
    assert first == second[::-1]


def test_seed_and_id_make_meters_differ() -> None:
    other = SimulatedMeter(server_id_of("1emh0000000002"), "household_pv", 1)
    values = {
        tuple(counts(one, SUMMER_MORNING)) for one in (meter(), meter(seed=2), other)
    }
    assert len(values) == 3


def test_counters_are_the_sum_of_the_power_over_time() -> None:
    """Second by second over a morning on which the sun overtakes the load."""
    simulated = meter()
    begin = int(SUMMER_MORNING.timestamp())
    curve = simulated._curve
    drawn, fed = curve.energies_at(begin)
    signs = set()
    for second in range(begin, begin + 4 * 3600):
        now_w = curve.power_at(second)
        signs.add(now_w > 0)
        drawn, fed = drawn + max(now_w, 0), fed + max(-now_w, 0)
        assert curve.energies_at(second + 1) == (drawn, fed)
    assert signs == {True, False}


def test_the_shown_power_is_that_of_the_counters() -> None:
    simulated = meter()
    hours = [SUMMER_MORNING + timedelta(seconds=10 * n) for n in range(6 * 360)]
    net = sum(power(simulated, at) for at in hours[:-1]) * 10 // TENTHS_WS_PER_TENTH_WH
    before, after = (counts(simulated, at) for at in (hours[0], hours[-1]))
    assert abs((after[0] - before[0]) - (after[1] - before[1]) - net) <= 2


@pytest.mark.parametrize("profile", PROFILES)
def test_counters_never_fall(profile: Profile) -> None:
    simulated = meter(profile)
    moments = [SUMMER_MORNING + timedelta(seconds=37 * n) for n in range(3000)]
    for before, after in pairwise(counts(simulated, at) for at in moments):
        assert all(a <= b for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize(
    ("profile", "import_kwh", "export_kwh"),
    [
        ("household", (3500, 6000), (0, 0)),
        ("household_pv", (1800, 4000), (4500, 9000)),
        ("heat_pump", (5000, 9000), (0, 0)),
    ],
)
def test_a_year_has_plausible_energies(
    profile: Profile, import_kwh: tuple[int, int], export_kwh: tuple[int, int]
) -> None:
    simulated = meter(profile)
    begin, end = (datetime(year, 1, 1, tzinfo=UTC) for year in (2025, 2026))
    used = [
        (after - before) // 10_000
        for before, after in zip(
            counts(simulated, begin), counts(simulated, end), strict=True
        )
    ]
    assert import_kwh[0] <= used[0] <= import_kwh[1]
    assert export_kwh[0] <= used[1] <= export_kwh[1]


def test_the_phases_sum_up_and_fit_voltage_and_current() -> None:
    simulated = meter()
    for at in (SUMMER_MORNING + timedelta(minutes=13 * n) for n in range(80)):
        values = {r.obis: r.amount for r in simulated.registers_at(at)}
        codes = [[f"{c + 20 * n}.7.0" for c in (36, 32, 31)] for n in range(3)]
        phases = [[values[Obis.parse(code)] for code in phase] for phase in codes]
        assert sum(phase[0] for phase in phases) == values[ACTIVE_POWER]
        for watt, volt, ampere in phases:
            assert 225 < volt < 240
            assert abs(watt) <= volt * ampere * 105 / 100 + 5


def test_the_status_word_tells_direction_and_disturbances() -> None:
    noon = datetime(2026, 6, 3, 11, tzinfo=UTC)
    minute = timedelta(minutes=1)
    disturbed = SimulatedMeter(
        SERVER_ID,
        "household_pv",
        disturbances=[Disturbance(noon, noon + minute, METER_FATAL)],
    )
    assert power(disturbed, noon) < 0
    assert disturbed.status_at(noon) == 0x001C7904 | METER_FATAL
    assert disturbed.status_at(noon + minute) == 0x001C7904
    assert disturbed.status_at(noon.replace(hour=22)) == 0x001C0104


def test_a_meter_knows_nothing_before_it_was_installed() -> None:
    with pytest.raises(ValueError, match="installed"):
        meter().registers_at(datetime(2023, 12, 31, tzinfo=UTC))


def test_seventy_days_of_quarter_hours_are_quick() -> None:
    begin = time.process_time()
    for profile in PROFILES:
        simulated = meter(profile)
        for quarter in range(70 * 96):
            simulated.counters_at(SUMMER_MORNING + timedelta(minutes=15 * quarter))
    assert time.process_time() - begin < 3
