"""Real loops that hang show no life: the web server's, asyncio's, Celery's, beat's."""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from celery import Celery, beat
from celery.contrib.testing.worker import start_worker
from gunicorn.config import Config
from gunicorn.glogging import Logger

from casa_site.celery import app as casa
from casa_site.han_worker import PatientWorker
from casa_site.node_life import (
    LivingScheduler,
    NodeLife,
    show_life,
    shows_with_queries,
)
from hardware.sign_of_life import SignOfLife
from meters.interface import InterfaceSpec, InterfaceThread

pytestmark = pytest.mark.req("R134")
WAIT_S = 60
PAUSE = threading.Event()
"""Never set: a moment between two looks."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "role.alive"


@pytest.fixture
def life(file: Path) -> SignOfLife:
    return SignOfLife(file, every_s=0)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What hangs waits for it; at the end everything goes on."""
    event = threading.Event()
    yield event
    event.set()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline
        PAUSE.wait(0.01)


def shows_anew(file: Path) -> None:
    """Returns when there was a new sign."""
    before = file.stat().st_mtime_ns
    until(lambda: file.stat().st_mtime_ns > before)


@pytest.fixture
def web_worker(life: SignOfLife) -> Iterator[PatientWorker]:
    config = Config()
    worker = PatientWorker(1, os.getpid(), [], None, 30, config, Logger(config))
    worker.life = life
    with ThreadPoolExecutor(2) as pool:
        worker.tpool = pool
        yield worker
    worker.tmp.close()


def test_a_web_server_whose_threads_all_hang_shows_no_life(
    web_worker: PatientWorker, file: Path, gate: threading.Event
) -> None:
    """R134: its main loop goes on; when one thread is free again, so is the sign."""
    web_worker.notify()
    until(lambda: web_worker._sign is not None and web_worker._sign.done())
    hanging = [web_worker.tpool.submit(gate.wait, WAIT_S) for _ in range(2)]
    until(lambda: all(each.running() for each in hanging))
    before = file.stat().st_mtime_ns
    for _ in range(50):
        web_worker.notify()
    assert file.stat().st_mtime_ns == before
    gate.set()
    until(lambda: file.stat().st_mtime_ns > before)


def test_a_web_server_in_use_does_not_show_life_for_each_request(
    web_worker: PatientWorker, tmp_path: Path
) -> None:
    """R134: cheap: the loop comes round for each event."""
    web_worker.life = SignOfLife(tmp_path / "other", every_s=3600)
    for _ in range(100):
        web_worker.notify()
    assert web_worker._sign is None


async def a_moment() -> None:
    """The loop comes round meanwhile."""
    await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=0.01)


async def until_async(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not holds():
            await a_moment()


def test_an_asyncio_role_shows_life_only_while_its_database_thread_answers(
    file: Path, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R134: a query that hangs is seen although the loop itself goes on."""
    monkeypatch.setattr("casa_site.node_life.EVERY_S", 0.02)
    file.touch()
    shown: list[float] = []

    class Counting(SignOfLife):
        def show(self, loop: str = "main") -> None:
            shown.append(time.monotonic())

    async def role() -> None:
        stop = asyncio.Event()
        shows = asyncio.create_task(show_life(Counting(None), stop=stop))
        await until_async(lambda: len(shown) >= 3)
        began = threading.Event()

        def hang() -> None:
            began.set()
            gate.wait(WAIT_S)

        query = asyncio.create_task(sync_to_async(hang)())
        await until_async(began.is_set)
        before = len(shown)
        for _ in range(40):
            await a_moment()
        assert len(shown) == before
        gate.set()
        await query
        await until_async(lambda: len(shown) > before)
        stop.set()
        await shows

    asyncio.run(role())


@pytest.fixture
def app(life: SignOfLife) -> Iterator[Any]:
    """A Celery application with the broker in memory, which Celery asks itself."""
    # Without Celery's Django part, which would close connections at tasks of others.
    made: Any = Celery("hangs", broker="memory://", set_as_current=False, fixups=())
    made.conf.update(
        task_ignore_result=True,
        worker_enable_remote_control=False,
        broker_transport_options={"polling_interval": 0.05},
    )
    made.life = life
    made.steps["consumer"].add(NodeLife)
    yield made
    made.close()
    # A worker makes its application the one that all tasks belong to.
    casa.set_current()
    casa.set_default()


@pytest.mark.slow
def test_a_celery_node_whose_task_hangs_shows_no_life(
    app: Any, file: Path, gate: threading.Event
) -> None:
    """R134: a real node of one process; after the task its loop comes round again."""
    began = threading.Event()

    @app.task(name="hang")  # type: ignore[untyped-decorator]
    def hang() -> None:
        began.set()
        gate.wait(WAIT_S)

    with start_worker(app, pool="solo", perform_ping_check=False):
        shows_anew(file)
        hang.delay()
        assert began.wait(WAIT_S)
        before = file.stat().st_mtime_ns
        assert not gate.wait(3)  # a round of the loop takes two seconds
        assert file.stat().st_mtime_ns == before
        gate.set()
        until(lambda: file.stat().st_mtime_ns > before)


def test_a_long_task_that_asks_the_database_shows_life(
    life: SignOfLife, file: Path
) -> None:
    """R134: what gets on does not hang."""
    before = file.stat().st_mtime_ns
    asked = shows_with_queries(life)(lambda *words: words, "SELECT 1", (), False, {})
    assert asked == ("SELECT 1", (), False, {})
    assert file.stat().st_mtime_ns > before


def test_beat_that_cannot_send_shows_no_life(
    app: Any, life: SignOfLife, file: Path, gate: threading.Event
) -> None:
    """R134: a real beat whose broker does not answer."""
    began = threading.Event()

    class Stuck(LivingScheduler):
        def apply_async(self, *_: Any, **__: Any) -> None:
            began.set()
            gate.wait(WAIT_S)

    app.conf.beat_schedule = {"tick": {"task": "hang", "schedule": 0.05}}
    scheduler: Any = partial(Stuck, each_tick=life.show)
    service = beat.Service(app, max_interval=1, scheduler_cls=scheduler)
    thread = threading.Thread(target=service.start)
    thread.start()
    assert began.wait(WAIT_S)
    before = file.stat().st_mtime_ns
    assert not gate.wait(0.3)
    assert file.stat().st_mtime_ns == before
    gate.set()
    until(lambda: file.stat().st_mtime_ns > before)
    service.stop()
    thread.join(WAIT_S)
    assert not thread.is_alive()


class Hanging:
    """An interface whose second step does not come to its end."""

    spec = InterfaceSpec("hdlc", "/dev/ttyX", 9600, ())

    def __init__(self, gate: threading.Event) -> None:
        self._gate = gate
        self._steps = 0
        self.hangs = threading.Event()

    def step(self) -> float:
        self._steps += 1
        if self._steps == 2:
            self.hangs.set()
            self._gate.wait(WAIT_S)
        return 0.0

    def close(self) -> None:
        """Nothing is open."""


def test_a_meters_thread_that_hangs_is_not_hidden_by_the_collector(
    life: SignOfLife, file: Path, gate: threading.Event
) -> None:
    """R134: the collector's own loop goes on and on."""
    hanging = Hanging(gate)
    thread = InterfaceThread(hanging, "lmn /dev/ttyX")
    thread.life = life
    thread.start()
    assert hanging.hangs.wait(WAIT_S)
    life.show("collector")
    before = file.stat().st_mtime_ns
    for _ in range(50):
        life.show("collector")
    assert file.stat().st_mtime_ns == before
    gate.set()

    def goes_on() -> bool:
        life.show("collector")
        return file.stat().st_mtime_ns > before

    until(goes_on)
    thread.tell_to_end()
    thread.join(WAIT_S)
    assert not thread.is_alive()
