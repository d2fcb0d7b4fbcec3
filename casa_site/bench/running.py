"""P10, P11, P18: memory, idle CPU and start of the whole gateway with its demo.

The gateway runs as `casa up` starts it, on a free port and a state folder of its own,
and is used by a consumer before it is looked at. Simulators and demo are left out.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx

from casa_site.bench import proc
from casa_site.bench.bench import Bench
from casa_site.bench.control import ControlThread
from casa_site.bench.demo_consumer import consumer_of
from casa_site.bench.figure import Figure, Goal, Quantity, ResultWrong
from casa_site.bench.running_gateway import (
    HISTORY_COMPLETE,
    READY,
    RunningGateway,
)
from casa_site.bench.scale import Scale

MEMORY_GOAL_MIB = 260.0
IDLE_GOAL_PERCENT = 1.0
START_GOAL_S = 10.0

_READY_WITHIN_S = 120.0
_HISTORY_WITHIN_S = 300.0
_READ_WITHIN_S = 120.0
_DELIVERED_WITHIN_S = 300.0
_LOOK_AGAIN_S = 0.5
_CONSUMER_PATHS = ("/", "/log/", "/messwertliste/", "/json/metering/origin")


def figures(bench: Bench) -> Iterator[Figure]:
    """P10, P11 and P18."""
    state = bench.gateway.state.parent / "running"
    history = ("--history-days", str(bench.scale.demo_days))
    with RunningGateway(state, *history) as gateway:
        gateway.wait_for(READY, within_s=_READY_WITHIN_S)
        gateway.wait_for(HISTORY_COMPLETE, within_s=_HISTORY_WITHIN_S)
        with consumer_of(gateway) as consumer:
            _use(consumer, bench.scale.requests)
            begin = datetime.now(UTC)
            _wait_for_reading(gateway, consumer, begin)
            gateway.wait_for_deliveries(within_s=_DELIVERED_WITHIN_S)
            yield _idle(gateway, bench.scale)
            _wait_for_reading(
                gateway, consumer, begin + timedelta(seconds=bench.scale.idle_s)
            )
        yield _memory(gateway, bench.scale)
    with ControlThread() as control, RunningGateway(state, *history) as gateway:
        seconds = gateway.wait_for(READY, within_s=_READY_WITHIN_S)
    yield Figure(
        id="P18",
        title=f"start with existing state to '{READY}'",
        value=seconds,
        unit="s",
        goal=Goal("at most", START_GOAL_S),
        references=(
            Quantity("control: a thread wakes late, p99", control.p99_ms, "ms"),
        ),
        conditions=f"demo with {bench.scale.demo_days} days of history",
    )


def _memory(gateway: RunningGateway, scale: Scale) -> Figure:
    roles = {
        role: sum(map(proc.pss_mib, pids)) for role, pids in gateway.processes().items()
    }
    uptime_s = time.monotonic() - gateway.started_at
    return Figure(
        id="P10",
        title="memory (PSS) of all processes, simulators and demo left out",
        value=sum(roles.values()),
        unit="MiB",
        goal=Goal("at most", MEMORY_GOAL_MIB),
        references=tuple(Quantity(role, size, "MiB") for role, size in roles.items()),
        conditions=(
            f"{uptime_s:.0f} s after the start, after {scale.requests} requests and "
            f"{scale.demo_days} days of history"
        ),
    )


def _idle(gateway: RunningGateway, scale: Scale) -> Figure:
    before = gateway.processes()
    used = {role: -_cpu_of(pids) for role, pids in before.items()}
    begin = time.monotonic()
    time.sleep(scale.idle_s)
    seconds = time.monotonic() - begin
    if gateway.processes() != before:
        raise ResultWrong("processes were restarted while the gateway was idle")
    percent = {
        role: 100 * (spent + _cpu_of(before[role])) / seconds
        for role, spent in used.items()
    }
    return Figure(
        id="P11",
        title="CPU when nobody uses the gateway, of one core",
        value=sum(percent.values()),
        unit="%",
        goal=Goal("at most", IDLE_GOAL_PERCENT),
        references=tuple(Quantity(role, share, "%") for role, share in percent.items()),
        conditions=(
            f"{seconds:.0f} s long, {_boundary_words(seconds)}; 3 wired and 2 wireless "
            "meters, live period 10 s, TAF9, TAF10 and TAF14 beside the 15-minute "
            "profiles; the history had been delivered"
        ),
    )


def _cpu_of(pids: list[int]) -> float:
    return sum(map(proc.cpu_s, pids))


def _boundary_words(seconds: float) -> str:
    """Whether a quarter hour fell into the time that ends now."""
    has_one = time.time() % 900 < seconds
    return "a quarter hour among them" if has_one else "no quarter hour among them"


def _use(consumer: httpx.Client, count: int) -> None:
    for number in range(count):
        path = _CONSUMER_PATHS[number % len(_CONSUMER_PATHS)]
        if (status := consumer.get(path).status_code) != 200:
            raise ResultWrong(f"{path}: {status}")


def _wait_for_reading(
    gateway: RunningGateway, consumer: httpx.Client, since: datetime
) -> None:
    """Until each meter was read after that: an idle gateway is not a dead one.

    Meters are found, paired and read only after the gateway is ready, on a busy
    machine many seconds later.
    """
    deadline = time.monotonic() + _READ_WITHIN_S
    for meter in gateway.logins()[0]["meters"]:
        while not _was_read(consumer, meter, since):
            if time.monotonic() > deadline:
                raise ResultWrong(f"{meter} was not read after {since:%X}")
            time.sleep(_LOOK_AGAIN_S)


def _was_read(consumer: httpx.Client, meter: str, since: datetime) -> bool:
    reading = consumer.get(f"/json/metering/origin/{meter}/extended").json()
    time_text = reading["timestamp"]
    return time_text is not None and datetime.fromisoformat(time_text) >= since
