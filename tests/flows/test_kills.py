"""`kill -9` of each process during a quarter hour: nothing is lost, nothing doubled.

What was acknowledged, that is committed to a list, stays as it is to the last bit; the
quarter hour under way gets its one record with real values all the same. Nothing but
the death of the supervisor, which ends all, may leave a placeholder: a killed process
runs again within seconds, and a boundary waits 27 s for its values (decisions D18).
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from casa_site.demo.plan import HUID, DemoMeter, all_meters, wireless_meters
from hardware.record import registers_of
from hardware.simulator.meter import SimulatedMeter
from hardware.status_word import is_placeholder
from meters.boundaries import LATE_WAIT
from tests.flows.han_client import HanClient, demo_client
from tests.flows.long_life import LongLife, Passing
from tests.flows.moved_clock import QUARTER, boundary_in, write_settings
from tests.flows.running import (
    PROJECT,
    RunningGateway,
    children_of,
    wait_for_end,
)
from tests.flows.stored import Row, Stored, stored

pytestmark = [pytest.mark.slow, pytest.mark.faults]

ONE_SECOND = timedelta(seconds=1)
WEB_WORKER = "web worker"
KILLS = [
    ("lmn", 0.02),  # the first meter is being asked
    ("lmn", 0.08),
    ("lmn", 0.2),  # the records are there, the hint may be on its way
    ("worker", 0.3),
    ("beat", 0.05),
    ("han", 0.05),
    (WEB_WORKER, 0.05),
    ("demo-meters", 0.05),
]
"""The process and the seconds after the boundary."""
NOT_AT_THE_BOUNDARY = {
    *("gwa", "service", "house", "cls", "wakeup"),
    *("demo-time", "demo-gwa", "demo-emt-0001", "demo-emt-0002"),
}
"""What takes no part in a quarter hour."""
WEB_SERVERS = ("han", "gwa", "service")
"""Each with one worker."""

HISTORY_DAYS = 10
"""Takes seconds longer than the start."""

COURSE = "kills-course"
"""A TAF7 of one register: each boundary gives it a derived record of its own."""
COURSE_METER = "1emh0000000001"
COURSES = {COURSE, "hks2-taf7-1", "hks2-taf7-2", "nachbar-taf7-1"}
"""Every TAF7 over a wired meter."""
IMPORT = "0100010800ff"


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> LongLife:
    """The demo with a day of history and one more contract.

    With the fast curve: each test checks all signatures.
    """
    state = tmp_path_factory.mktemp("kills") / "state"
    life = LongLife(state, history_days=1, CASA_SIGNATURE_CURVE="secp256r1")
    with life.start() as passing:
        await_history(passing.gateway)
        client = demo_client(passing.gateway, "hks2")
        passing.gateway.wait_until(
            lambda: is_recorded(client, passing), "the records of a quarter hour"
        )
        apply_course(state)  # its list begins with the next quarter hour
    return life


def await_history(gateway: RunningGateway) -> None:
    """Wait until the demo's history is written; it may be before CASA is ready."""
    gateway.wait_until(
        lambda: "history is complete" in gateway.output, "the history", within_s=120
    )


def apply_course(state: Path) -> None:
    profile = {
        "id": COURSE,
        "taf": 7,
        "consumer": "hks2",
        "inputs": [{"meter": COURSE_METER, "obis": IMPORT}],
    }
    file = state.parent / "course.json"
    file.write_text(json.dumps({"profiles": [profile]}))
    words = ["-m", "casa_site", "manage", "--state", str(state), "apply", str(file)]
    done = subprocess.run(
        [sys.executable, *words], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def await_quarter_hour(passing: Passing) -> Stored:
    """Wait until a consumer sees what the quarter hour brings, and all is evaluated.

    Returns what is stored then.
    """
    client = demo_client(passing.gateway, "hks2")
    passing.gateway.wait_until(
        lambda: has_come(client, passing), "what the quarter hour brings"
    )
    seen: list[Stored] = []

    def is_evaluated() -> bool:
        seen.append(stored(passing.gateway.state))
        reached = {seen[-1].evaluated_to.get(profile) for profile in COURSES}
        return reached == {passing.boundary}

    passing.gateway.wait_until(is_evaluated, "the evaluation of all courses")
    return seen[-1]


def has_come(client: HanClient, passing: Passing) -> bool:
    """Whether the consumer sees the boundary: his meters' records, his course's row."""
    try:
        rows = client.json(f"/metering/derived/{COURSE}.{HUID}.sm/billingperiods/0")
        newest = rows[-1]["timestamp_nom"] if rows else "1970-01-01T00:00:00Z"
        is_listed = datetime.fromisoformat(newest) == passing.boundary
        return is_listed and is_recorded(client, passing)
    except httpx.TransportError:
        return False


def is_recorded(client: HanClient, passing: Passing) -> bool:
    """Whether both of the consumer's meters have their record of the boundary."""
    key = f"{passing.boundary:%Y-%m-%dT%H:%M:%SZ}"
    paths = [f"/metering/origin/{m.id}/record/{key}" for m in all_meters()[:2]]
    return all(client.get(path).is_success for path in paths)


@pytest.mark.parametrize(("role", "after_s"), KILLS)
def test_a_process_killed_during_a_quarter_hour_costs_nothing(
    life: LongLife, role: str, after_s: float
) -> None:
    with life.start() as passing:
        check_table_of_kills(passing.gateway)
        passing.clock.wait_for(passing.boundary + timedelta(seconds=after_s))
        kill_and_await(passing.gateway, role)
        after = await_quarter_hour(passing)
    assert after.faults == []
    check_originals(passing, after)
    check_course(passing, after)


def check_table_of_kills(gateway: RunningGateway) -> None:
    """A process that is not in the table above fails every test here."""
    pids = gateway.pids()
    killed = {role for role, _after_s in KILLS} - {WEB_WORKER}
    assert pids.keys() == killed | NOT_AT_THE_BOUNDARY
    children = {role: len(children_of(pid)) for role, pid in pids.items()}
    assert children == dict.fromkeys(pids, 0) | dict.fromkeys(WEB_SERVERS, 1)


def kill_and_await(gateway: RunningGateway, role: str) -> None:
    """Kill a process and wait until another has taken its place."""
    if role == WEB_WORKER:
        master = gateway.pids()["han"]
        (worker,) = children_of(master)
        os.kill(worker, signal.SIGKILL)
        gateway.wait_until(
            lambda: children_of(master) not in ([], [worker]), "a new web worker"
        )
        return
    os.kill(gateway.pids()[role], signal.SIGKILL)
    gateway.wait_for(f"{role} ended (signal 9), starts again")
    gateway.wait_for("CASA ready", within_s=20)


def new_rows(before: Iterable[Row], after: list[Row]) -> list[Row]:
    """What came; all that was there is unchanged, and no number is missing."""
    kept = list(before)
    is_kept = after[: len(kept)] == kept
    assert is_kept, f"some of the first {len(kept)} rows were changed"
    numbers = {row.number for row in after}
    assert numbers == set(range(1, len(after) + 1))
    return after[len(kept) :]


def check_originals(passing: Passing, after: Stored) -> None:
    """One record more for each meter, with its own registers."""
    for meter in all_meters():
        rows = new_rows(passing.before.originals[meter.id], after.originals[meter.id])
        assert [row.target_time for row in rows] == [passing.boundary], meter.id
        assert is_true(meter, rows[0]), meter.id


def check_course(passing: Passing, after: Stored) -> None:
    """One derived record more: the one register of the original."""
    before = passing.before.derived[COURSE]
    rows = new_rows(before, after.derived[COURSE])
    assert [row.target_time for row in rows] == [passing.boundary]
    original = after.originals[COURSE_METER][-1]
    assert rows[0].registers == original.registers.split("\n")[0]
    assert rows[0].capture_time == original.capture_time


@cache
def simulated(meter_id: str) -> SimulatedMeter:
    """The meter itself, made once: it counts from 2024 on."""
    (meter,) = (meter for meter in all_meters() if meter.id == meter_id)
    return meter.simulated()


def is_true(meter: DemoMeter, row: Row) -> bool:
    """Whether a record holds the meter's registers of when it was captured.

    The capture time is when the answer came, cut to the second; the meter may have
    given it in the second before, but not before the boundary.
    """
    assert not is_placeholder(row.status)
    assert timedelta() <= row.capture_time - row.target_time <= LATE_WAIT
    seconds = {row.capture_time, max(row.target_time, row.capture_time - ONE_SECOND)}
    counted = [simulated(meter.id).counters_at(second) for second in seconds]
    return registers_of(row.registers) in counted


def is_honest(row: Row, before: Row) -> bool:
    """Whether a placeholder says that it is one and repeats the value before it."""
    repeated = row.registers == before.registers
    return (
        is_placeholder(row.status) and repeated and row.capture_time == row.target_time
    )


def test_after_the_death_of_the_supervisor_the_next_start_goes_on(
    life: LongLife,
) -> None:
    """All end with it. What it had committed stays; what nobody read is said so."""
    with life.start() as dying:
        dying.clock.wait_for(dying.boundary + timedelta(seconds=0.1))
        pids = list(dying.gateway.pids().values())
        pids += [child for pid in pids for child in children_of(pid)]
        descriptors = [os.pidfd_open(pid) for pid in pids]
        dying.gateway.process.kill()
        for descriptor in descriptors:
            wait_for_end(descriptor)
    with life.start(skipping=2) as passing:
        after = await_quarter_hour(passing)
    assert after.faults == []
    expected = [dying.boundary + n * QUARTER for n in range(4)]
    assert expected[-1] == passing.boundary
    for meter in all_meters():
        before = dying.before.originals[meter.id]
        rows = new_rows(before, after.originals[meter.id])
        assert [row.target_time for row in rows] == expected
        killed, first, second, last = rows
        assert is_honest(killed, before[-1]) or is_true(meter, killed)
        assert is_honest(first, killed) and is_honest(second, killed)
        assert is_true(meter, last)
    course = new_rows(dying.before.derived[COURSE], after.derived[COURSE])
    assert [row.target_time for row in course] == expected


def test_a_killed_history_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """The one process that ends by itself; a quarter hour comes meanwhile."""
    state = tmp_path / "state"
    clock, boundary = boundary_in(8)
    write_settings(state, clock, CASA_SIGNATURE_CURVE="secp256r1")
    with RunningGateway(state, "--history-days", str(HISTORY_DAYS)) as gateway:
        gateway.wait_for("CASA ready")
        client = demo_client(gateway, "hks2")
        gateway.wait_until(lambda: len(listed(client)) > 1, "a part of the history")
        os.kill(gateway.pids()["demo-history"], signal.SIGKILL)
        gateway.wait_for("demo-history ended (signal 9), starts again")
        await_history(gateway)
        gateway.wait_until(lambda: boundary in listed(client), "the quarter hour")
        after = stored(state)
    assert after.faults == []
    (written,) = re.findall(r"complete, (\d+) records written", gateway.output)
    count = len(all_meters()) + len(wireless_meters())
    assert 0 < int(written) < HISTORY_DAYS * 96 * count
    for meter in all_meters():
        rows = after.originals[meter.id]
        assert rows[-1].target_time == boundary
        assert boundary - rows[0].target_time >= timedelta(days=HISTORY_DAYS)
        assert {b.target_time - a.target_time for a, b in pairwise(rows)} == {QUARTER}
        assert all(is_true(meter, row) for row in rows)


def listed(client: HanClient) -> list[datetime]:
    """The target times that the consumer sees of a meter, this month and the last."""
    paths = [f"/metering/origin/{COURSE_METER}/{back}" for back in (1, 0)]
    rows = [row for path in paths for row in client.json(path)]
    return [datetime.fromisoformat(row["timestamp_nom"]) for row in rows]
