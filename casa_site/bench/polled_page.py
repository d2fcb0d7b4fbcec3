"""The start page while clients in the house poll: its p95 beside the idle one.

The whole gateway with its demo; runs with and without the pollers in turn, so that the
machine's moods meet both. Times are those of a browser on this machine.
"""

import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

import httpx

from casa_site.bench.bench import Bench
from casa_site.bench.control import ControlThread
from casa_site.bench.demo_consumer import consumer_of
from casa_site.bench.figure import Figure, Goal, Quantity, ResultWrong
from casa_site.bench.running_gateway import (
    BASE,
    HISTORY_COMPLETE,
    READY,
    RunningGateway,
)

CLIENTS = 5
GOAL = 2.0
_RUNS = 5
_READY_WITHIN_S, _HISTORY_WITHIN_S, _POLLS_WITHIN_S = 120.0, 300.0, 30.0


@dataclass(slots=True)
class _Polling:
    """What the pollers did so far: how long each round of a client took."""

    rounds_s: list[float] = field(default_factory=list)


def figures(bench: Bench) -> Iterator[Figure]:
    """POLL."""
    state = bench.gateway.state.parent / "running"
    days = ("--history-days", str(bench.scale.demo_days))
    with RunningGateway(state, *days) as gateway:
        gateway.wait_for(READY, within_s=_READY_WITHIN_S)
        gateway.wait_for(HISTORY_COMPLETE, within_s=_HISTORY_WITHIN_S)
        with consumer_of(gateway) as consumer, ControlThread() as control:
            yield _figure(gateway, consumer, control, bench)


def _figure(
    gateway: RunningGateway,
    consumer: httpx.Client,
    control: ControlThread,
    bench: Bench,
) -> Figure:
    requests, runs = bench.scale.page_views, min(_RUNS, bench.scale.rounds)
    _p95_ms(consumer, 10)  # what is built on first use
    idle, polled, rounds_s, begin = [], [], [0.0], time.monotonic()
    for _ in range(runs):
        idle.append(_p95_ms(consumer, requests))
        with _pollers(gateway) as polling:
            polled.append(_p95_ms(consumer, requests))
        rounds_s += polling.rounds_s
    ratios = [one / other for one, other in zip(polled, idle, strict=True)]
    return Figure(
        id="POLL",
        title=f"start page, p95 while {CLIENTS} clients poll each second / idle",
        value=median(ratios),
        unit="x",
        goal=Goal("at most", GOAL),
        references=(
            Quantity("p95 idle", median(idle), "ms"),
            Quantity("p95 polled", median(polled), "ms"),
            Quantity("highest ratio of a run", max(ratios), "x"),
            Quantity("a client's round, median", 1000 * median(rounds_s), "ms"),
            Quantity("control: a thread wakes late, p99", control.p99_ms, "ms"),
        ),
        conditions=(
            f"median of {runs} runs of {requests} requests, over TLS, in "
            f"{time.monotonic() - begin:.0f} s; {len(rounds_s) - 1} rounds of clients"
        ),
    )


def _p95_ms(consumer: httpx.Client, count: int) -> float:
    """The time that one of twenty start pages exceeds, milliseconds."""
    took = []
    for _ in range(count):
        begin = time.perf_counter()
        answer = consumer.get("/")
        took.append(time.perf_counter() - begin)
        if answer.status_code != 200:
            raise ResultWrong(f"the start page: {answer.status_code}")
    return 1000 * sorted(took)[math.ceil(0.95 * count) - 1]


@contextmanager
def _pollers(gateway: RunningGateway) -> Iterator[_Polling]:
    """While the context lasts, they poll; each has done its first round before."""
    login = gateway.logins()[0]
    order = {key: login[key] for key in ("user", "password", "meters")}
    order |= {"url": gateway.url, "clients": CLIENTS}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "casa_site.bench.pollers"],
        cwd=BASE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin and process.stdout
    polling, begun = _Polling(), threading.Event()

    def read() -> None:
        assert process.stdout
        for line in process.stdout:
            polling.rounds_s.append(float(line))
            if len(polling.rounds_s) >= CLIENTS:
                begun.set()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        json.dump(order, process.stdin)
        process.stdin.close()
        if not begun.wait(_POLLS_WITHIN_S):
            raise ResultWrong("the polling clients get no answers")
        polling.rounds_s.clear()
        yield polling
        if process.poll() is not None:
            raise ResultWrong("the polling clients gave up")
    finally:
        process.kill()
        process.wait()
        reader.join()
