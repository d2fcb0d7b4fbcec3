"""The meter side of one gateway: keeps a thread for each physical interface."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial

from django.db import Error, connection, connections

from hardware.bus_supply import file_input
from hardware.d0_push import D0PushReader
from hardware.gateway import Gateway
from hardware.ports import open_port
from hardware.replay import ReplayReader
from hardware.sign_of_life import SignOfLife
from logbooks import device_state
from logbooks.catalogue import Event
from logbooks.services import ALL_CONSUMERS, log_event
from meters import selectors
from meters.interface import (
    Interface,
    InterfaceSpec,
    InterfaceThread,
    OpenLink,
    interface_specs,
    thread_name,
)
from meters.line_alarms import clear_alarms_of_others
from meters.line_counters import LineCounters
from meters.models import Meter
from meters.pull_interface import PullInterface
from meters.push_interface import PushInterface
from meters.record_queue import RecordQueue
from meters.wired_interface import WiredInterface
from meters.wireless_interface import WirelessInterface

LOOK_EVERY_S = 3.0
"""How soon a meter that was configured is read."""

END_WITHIN_S = 3.0
"""How long the threads have to finish the step at work."""

_INTERFACES: dict[str, Callable[..., Interface]] = {
    Meter.Source.HDLC: WiredInterface,
    Meter.Source.SML_PUSH: PushInterface,
    Meter.Source.D0_PUSH: partial(PushInterface, new_reader=D0PushReader),
    Meter.Source.D0_PULL: PullInterface,
    Meter.Source.REPLAY: partial(PushInterface, new_reader=ReplayReader),
    Meter.Source.WMBUS: WirelessInterface,
}

Line = tuple[str, str, int]

logger = logging.getLogger(__name__)


def new_interface(
    gateway: Gateway,
    spec: InterfaceSpec,
    queue: RecordQueue,
    open_link: OpenLink,
    monotonic: Callable[[], float] = time.monotonic,
) -> Interface:
    """What serves a line of this kind."""
    kind = _INTERFACES[spec.source]
    return kind(gateway, spec, queue, open_link=open_link, monotonic=monotonic)


def _go_on() -> None:
    """Nobody wants to know that the collector has ended."""


class Collector:
    """Starts, changes and ends interface threads as the meters are configured.

    `send_hint` is called after each commit of records, `announce` once, when every
    configured port was opened or is known to be absent, `fail` when the collector
    itself cannot go on: a node without it must not look alive. `life` hears of each
    look and step. `start` and `stop` are what Celery calls. Where time is given in,
    `monotonic` gives it and `new_thread` makes what steps an interface then; nobody
    calls `start`, but `look` now and then.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        send_hint: Callable[[], None],
        announce: Callable[[], None],
        fail: Callable[[], None] = _go_on,
        open_link: OpenLink | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        new_thread: Callable[[Interface, str], InterfaceThread] = InterfaceThread,
        life: SignOfLife | None = None,
    ) -> None:
        self._gateway = gateway
        self._life = life or SignOfLife(None)
        self._monotonic = monotonic
        self._new_thread = new_thread
        self._send_hint = send_hint
        self._announce = announce
        self._fail = fail
        supply = gateway.supply_input
        supply_input = None if supply is None else file_input(supply)
        self._counters = LineCounters(
            gateway,
            open_link or partial(open_port, supply_input=supply_input),
            self._life,
        )
        self.threads: dict[Line, InterfaceThread] = {}
        """One for each interface that has meters."""
        self._queues: dict[Line, RecordQueue] = {}
        self._subjects: set[str] | None = None
        self._is_metering = False
        self._ending = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"collector {gateway.huid}", daemon=True
        )

    def start(self) -> None:
        """Begin to read the meters, in threads."""
        self._thread.start()

    def stop(self) -> None:
        """End all threads; what was read is stored before."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(END_WITHIN_S + 1)

    terminate = stop

    def refresh(self) -> None:
        """Bring the threads in line with the configured meters; one query."""
        specs = {spec.line: spec for spec in interface_specs(selectors.active_meters())}
        self._end_alarms_of_others(specs.values())
        for line in self.threads.keys() - specs.keys():
            self._end(line)
        for line, spec in specs.items():
            if line not in self.threads:
                self._begin(spec)
            elif self.threads[line].interface.spec != spec:
                self.threads[line].interface.spec = spec
        self._flush_orphans()
        if specs and not self._is_metering:
            self._log(Event.METERING_STARTED)
            self._is_metering = True

    def end(self) -> None:
        """End all interface threads and log that metering has stopped."""
        deadline = time.monotonic() + END_WITHIN_S
        for thread in self.threads.values():
            thread.tell_to_end()
        for thread in self.threads.values():
            thread.join(max(0.0, deadline - time.monotonic()))
        self.threads.clear()
        if self._is_metering:
            self._log(Event.METERING_STOPPED)
            self._is_metering = False

    def _run(self) -> None:
        try:
            self.look()
            self._await_first_steps()
            self._announce()
            while not self._ending.wait(LOOK_EVERY_S):
                self.look()
        except Exception:  # the outermost loop of this thread
            logger.exception("the meters cannot be read any more")
            self._fail()
        finally:
            self.end()
            connections.close_all()

    def look(self) -> None:
        """Follow the configuration and the state of the device."""
        self._life.show("collector")
        try:
            if device_state.is_locked(self._gateway):
                self.end()  # nothing is collected (manual ch. 8)
            else:
                self.refresh()
        except Error as error:
            logger.error("the configured meters could not be read: %s", error)
            connection.close_if_unusable_or_obsolete()
        self._counters.write(self._gateway.clock.now())

    def _await_first_steps(self) -> None:
        for thread in self.threads.values():
            while not thread.has_stepped.wait(0.1) and not self._ending.is_set():
                pass

    def _end_alarms_of_others(self, specs: Iterable[InterfaceSpec]) -> None:
        """A meter or port that was taken out of service has no fault any more."""
        subjects = {spec.port for spec in specs}
        subjects.update(id_ for spec in specs for id_ in spec.meter_ids)
        if subjects != self._subjects:
            clear_alarms_of_others(subjects, now=self._gateway.clock.now())
            self._subjects = subjects

    def _begin(self, spec: InterfaceSpec) -> None:
        queue = self._queues.setdefault(
            spec.line, RecordQueue(self._gateway, self._send_hint, self._monotonic)
        )
        interface = new_interface(
            self._gateway, spec, queue, self._counters.open, self._monotonic
        )
        thread = self._new_thread(interface, thread_name(spec.port))
        thread.life = self._life
        self.threads[spec.line] = thread
        thread.start()

    def _end(self, line: Line) -> None:
        thread = self.threads.pop(line)
        thread.tell_to_end()
        thread.join(END_WITHIN_S)

    def _flush_orphans(self) -> None:
        """What an interface that is gone could not store is not lost with it."""
        for line in self._queues.keys() - self.threads.keys():
            self._queues[line].flush()
            if not self._queues[line]:
                del self._queues[line]

    def _log(self, event: Event) -> None:
        try:
            log_event(
                self._gateway,
                event,
                now=self._gateway.clock.now(),
                consumers=ALL_CONSUMERS,
            )
        except Error as error:
            logger.error("%s could not be logged: %s", event.name, error)
            connection.close_if_unusable_or_obsolete()
