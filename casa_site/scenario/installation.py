"""A gateway with simulated meters and partners, whose time a scenario gives.

The gateway's own collector, tasks and web applications work; only what waits for time
in the product (threads, beat, sockets of listeners) is stepped here.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.test import Client

from casa_site import start_and_end, timekeeping
from casa_site.celery import RHYTHM, app
from casa_site.led_role import facts_of, telegrams_received
from casa_site.scenario.lines import Lines
from casa_site.scenario.listeners import Administrator, Answer, Technician
from casa_site.scenario.partners import Partners
from casa_site.scenario.schema import Scenario
from casa_site.scenario.timeline import GivenClock, GivenTime
from gwa_api import alarm_reports, sender
from gwa_api.apply import apply
from gwa_api.json_object import DocumentInvalid
from hardware.gateway import Gateway
from hardware.leds import Channel, LedFacts, Leds, Phase, leds
from hardware.time_file import TIME_FILE, TimeFile
from logbooks import device_state
from logbooks.certificates import ensure_signature_certificate
from meters.acquisition import EVALUATE
from meters.collector import Collector
from meters.interface import LONGEST_WAIT_S, Interface, InterfaceThread

_SHORTEST_STEP = timedelta(seconds=0.5)
_FINDING_METERS = timedelta(minutes=2)
"""So long a new interface is stepped as often as in the product."""
_SEND, _REPORT = "gwa_api.tasks.send_due", "gwa_api.tasks.report_alarms"
_NOT_TO_RUN = frozenset({"casa_site.tasks.forget_ended_logins"})
"""It goes by the host's real clock."""
_FOLLOWING = (
    "logbooks.tasks.keep_device_state",
    "logbooks.tasks.carry_on_self_test",
    _SEND,
    _REPORT,
)
"""Ticks that come every ten seconds in the product, whatever the pace of a file."""
_OVERLOAD_FILE = "run/supply"
_SCHEME = "wsgi.url_scheme"


class SteppedLine(InterfaceThread):
    """What steps an interface when time is given: no thread of its own."""

    def __init__(self, interface: Interface, name: str, begun_at: datetime) -> None:
        super().__init__(interface, name)
        self.begun_at = begun_at
        self.is_running = False
        self.due: datetime | None = None

    def start(self) -> None:
        """It is stepped from now on."""
        self.is_running = True
        self.has_stepped.set()

    def tell_to_end(self) -> None:
        """It is not stepped any more."""
        if self.is_running:
            self.interface.close()
        self.is_running = False

    def join(self, timeout: float | None = None) -> None:
        """There is nothing to wait for."""


class Installation:
    """A gateway and all around it; `run_to` lets time pass."""

    def __init__(self, told: Scenario, gateway: Gateway) -> None:
        self.told = told
        self.time = GivenTime(told.begin, told.begin)
        clock = GivenClock(TimeFile(gateway.state / TIME_FILE), self.time)
        self.gateway = replace(
            gateway,
            clock=clock,
            live_period=told.live_period,
            supply_input=gateway.state / _OVERLOAD_FILE,
        )
        self.lines = Lines(told, self.time)
        self.partners = Partners(self.gateway, told, self.time)
        self.browsers: dict[str, Client] = {}
        self.passwords: dict[str, str] = {}
        self.boots = 1
        self.is_on = True
        self.seen: dict[str, int] = {}
        """By log: the number of the last entry that was looked at."""
        self.answer: Answer | None = None
        """The last answer to somebody's request."""
        facts = {"uptime_s": lambda: 60, "leds": self.lights}
        self.administrator = Administrator(facts)
        self.technician = Technician()
        self._telegrams_seen = 0
        self._collector: Collector | None = None
        self._has_hint = False
        self._supply = ""
        self._ticks: dict[str, datetime] = {}

    @contextmanager
    def set_up(self) -> Iterator[None]:
        """Configure all of it and start; ends everything afterwards."""
        with ExitStack() as stack:
            stack.callback(setattr, app.conf, "task_always_eager", False)
            app.conf.task_always_eager = True
            app.loader.import_default_modules()
            self.use(self.gateway)
            stack.callback(app.gateways.pop, self.gateway.huid, None)
            ensure_signature_certificate(self.gateway, self.time.now)
            stack.enter_context(self.partners)
            self._configure()
            self.start()
            stack.callback(self._stop_collecting)
            self.partners.make_known()
            yield

    def use(self, gateway: Gateway) -> None:
        """From now on tasks and pages have this form of the gateway."""
        self.gateway = gateway
        app.gateways[gateway.huid] = gateway

    def start(self) -> None:
        """What `casa up` does at a start."""
        timekeeping.begin_time(self.gateway)
        start_and_end.begin_run(self.gateway, boot_id=self.boot_id)
        self.is_on = True
        self._ticks = {
            name: self.time.now + max(period, self.told.pace)
            for name, period in RHYTHM.items()
            if name not in _NOT_TO_RUN
        }
        self._collector = Collector(
            self.gateway,
            send_hint=self._hint,
            announce=_nothing,
            open_link=self.lines.open,
            monotonic=self.time.seconds,
            new_thread=lambda one, name: SteppedLine(one, name, self.time.now),
        )
        self._collect()

    def end(self, *, orderly: bool) -> None:
        """The gateway ends: in order, or as if cut off."""
        self._stop_collecting(orderly=orderly)
        if orderly:
            start_and_end.end_of(self.gateway, boot_id=self.boot_id)
        self.is_on = False

    @property
    def boot_id(self) -> str:
        """Of the machine: another one after a loss of power."""
        return f"boot-{self.boots}"

    def run_to(self, instant: datetime) -> None:
        """Let everything happen that is due up to the instant."""
        while self.time.now < instant:
            following = max(self._next(), self.time.now + _SHORTEST_STEP)
            self.time.now = min(following, instant)
            self._happen()
        self._happen()

    def settle(self) -> None:
        """Do now what an action made due: it would be done within some seconds."""
        for name in _FOLLOWING:
            if self.is_on:
                self.run_task(name)
        self._collect()

    def lights(self) -> Leds:
        """What the four lights do now."""
        if not self.is_on:
            return leds(replace(self._facts(), phase=Phase.INITIALISING))
        return leds(replace(self._facts(), phase=Phase.READY))

    def browser(self, user: str) -> Client:
        """Somebody's browser; "" has not logged in."""
        if user not in self.browsers:
            self.browsers[user] = Client(raise_request_exception=False)
        browser = self.browsers[user]
        given: dict[str, Any] = {"casa.gateway": self.gateway, _SCHEME: "https"}
        browser.defaults.update(given)
        return browser

    def look_at(self, log: str, newest: int) -> int:
        """The number that was looked at last; from now on it is `newest`."""
        before = self.seen.get(log, 0)
        self.seen[log] = newest
        return before

    def run_task(self, name: str) -> None:
        """Run a task of the rhythm; what works beside the worker is done at once."""
        now = self.gateway.clock.now()
        if name == _SEND:
            if not device_state.is_locked(self.gateway):
                sender.send_due(self.gateway, now=now)
        elif name == _REPORT:
            alarm_reports.report_alarms(self.gateway, now=now)
        else:
            app.tasks[name](self.gateway.huid)

    def _configure(self) -> None:
        """As `manage apply` does; raises FileInvalid with the place in the file."""
        try:
            document = self.told.configuration
            result = apply(self.gateway, document, now=self.gateway.clock.now())
        except DocumentInvalid as invalid:
            first = invalid.problems[0]
            part = self.told.installation.at(first.pointer)
            raise part.refuse(first.message) from None
        self.passwords = dict(result.passwords)
        for one in self.told.configuration.get("consumers", []):
            if one.get("password"):
                self.passwords[str(one["id"])] = str(one["password"])

    def _next(self) -> datetime:
        """When something is due next."""
        times = [line.due or self.time.now for line in self._stepped()]
        if self.lines.next_at is not None:
            times.append(self.lines.next_at)
        if self.is_on:
            times += self._ticks.values()
        return min(times, default=self.time.now + timedelta(days=1))

    def _happen(self) -> None:
        """All that is due now."""
        now = self.time.now
        self._show_supply()
        has_sent = self.lines.send_due(now)
        if not self.is_on:
            return
        for line in self._stepped():
            if has_sent or line.due is None or line.due <= now:
                self._step(line)
        if self._has_hint:
            self._has_hint = False
            self.run_task(EVALUATE)
        due = [name for name, at in self._ticks.items() if at <= now]
        for name in due:
            self._ticks[name] = now + max(RHYTHM[name], self.told.pace)
            self.run_task(name)
        if due:
            self._collect()

    def _show_supply(self) -> None:
        """At the input that the lights look at."""
        shown = "1" if self.lines.is_overloaded() else "0"
        if shown != self._supply:
            self._supply = shown
            path = self.gateway.state / _OVERLOAD_FILE
            path.parent.mkdir(exist_ok=True)
            path.write_text(shown)

    def _step(self, line: SteppedLine) -> None:
        pause_s = line.interface.step()
        is_new = self.time.now - line.begun_at < _FINDING_METERS
        pace_s = 0.0 if is_new else self.told.pace.total_seconds()
        longest_s = max(LONGEST_WAIT_S, pace_s)
        pause = timedelta(seconds=min(pause_s, longest_s))
        line.due = self.time.now + max(pause, _SHORTEST_STEP)

    def _collect(self) -> None:
        """Let the collector follow configuration and lock-down."""
        if self._collector is not None:
            self._collector.look()

    def _stepped(self) -> list[SteppedLine]:
        threads = self._collector.threads.values() if self._collector else ()
        return [one for one in threads if isinstance(one, SteppedLine)]

    def _stop_collecting(self, *, orderly: bool = True) -> None:
        if self._collector is not None and orderly:
            self._collector.end()
        self._collector = None

    def _hint(self) -> None:
        self._has_hint = True

    def _facts(self) -> LedFacts:
        received = telegrams_received()
        before, self._telegrams_seen = self._telegrams_seen, received
        facts = facts_of(
            self.gateway.state,
            time_is_valid=self.gateway.clock.is_valid,
            supply_input=self.gateway.supply_input,
            telegram_came=received > before,
        )
        return replace(facts, channel=Channel.DOWN)


def _nothing() -> None:
    """Nobody waits for it."""
