"""The air between simulated wireless meters and an emulated stick.

In memory with the time given in, or behind a pseudo-terminal.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from hardware.errors import PortNotOpen, PortVanished
from hardware.simulator.radio_stick import StickEmulator
from hardware.simulator.scenario import FaultKind, Scenario
from hardware.simulator.terminal import PseudoTerminal, ServedTerminal
from hardware.simulator.wireless_meter import SimulatedWirelessMeter

_LONGEST_WAIT_S = 0.5
_WRONG_KEY = bytes(range(16))
_NOISE_AT = 3
"""From behind: a byte of the encrypted part is changed."""
_NOT_TO_REPLAY = (FaultKind.REPLAY, FaultKind.WRONG_KEY, FaultKind.NOISE)
"""Only good telegrams from before are worth to be sent again."""


@dataclass(frozen=True, slots=True)
class Sending:
    """A telegram on the air."""

    at: datetime
    telegram: bytes


class Air:
    """What the meters send, in order; the faults of a scenario happen here."""

    def __init__(
        self,
        meters: Iterable[SimulatedWirelessMeter],
        begin: datetime,
        scenario: Scenario | None = None,
    ) -> None:
        self._scenario = scenario or Scenario()
        self._next = {meter: meter.next_after(begin) for meter in meters}
        self._old: dict[bytes, bytes] = {}

    @property
    def next_at(self) -> datetime | None:
        """When somebody sends next."""
        return min(self._next.values(), default=None)

    def due(self, now: datetime) -> Iterator[Sending]:
        """What is sent up to `now` and was not fetched before, oldest first."""
        while (at := self.next_at) is not None and at <= now:
            meter = min(self._next, key=self._next.__getitem__)
            self._next[meter] = meter.next_after(at)
            for telegram in self._telegrams(meter, at):
                yield Sending(at, telegram)

    def is_unplugged(self, now: datetime) -> bool:
        """Whether the stick is not there."""
        return self._scenario.has(FaultKind.UNPLUGGED, now)

    def _telegrams(
        self, meter: SimulatedWirelessMeter, at: datetime
    ) -> Iterator[bytes]:
        who = meter.address.server_id
        if not self._has(FaultKind.SILENCE, at, who):
            telegram = self._telegram(meter, at)
            if not any(self._has(kind, at, who) for kind in _NOT_TO_REPLAY):
                self._old[who] = telegram
            yield telegram
        if self._has(FaultKind.REPLAY, at, who) and who in self._old:
            yield self._old[who]

    def _telegram(self, meter: SimulatedWirelessMeter, at: datetime) -> bytes:
        who = meter.address.server_id
        status = self._scenario.active(FaultKind.STATUS, at, who)
        clock = self._scenario.active(FaultKind.CLOCK, at, who)
        telegram = meter.telegram_at(
            at,
            status=status.bits if status else 0,
            key=_WRONG_KEY if self._has(FaultKind.WRONG_KEY, at, who) else None,
            clock_off=timedelta(seconds=clock.seconds if clock else 0),
        )
        if self._has(FaultKind.NOISE, at, who):
            changed = bytearray(telegram)
            changed[-_NOISE_AT] ^= 0x10
            return bytes(changed)
        return telegram

    def _has(self, kind: FaultKind, at: datetime, who: bytes) -> bool:
        return self._scenario.has(kind, at, who)


class MemoryRadio:
    """A stick with its meters in memory, as a link of the gateway.

    `clock` gives the time; a read brings what was sent until then and never waits.
    """

    def __init__(
        self, stick: StickEmulator, air: Air, clock: Callable[[], datetime]
    ) -> None:
        self._stick = stick
        self.air = air
        self._clock = clock
        self._waiting = b""

    def open(self, _port: str, _baudrate: int) -> Self:
        """Be opened like a port; raises PortNotOpen while it is unplugged."""
        if self.air.is_unplugged(self._clock()):
            raise PortNotOpen("the stick is not there")
        return self

    def write(self, data: bytes) -> None:
        """Let the stick hear it."""
        self._require_plugged()
        self._waiting += self._stick.answer(data)

    def read(self, timeout_s: float) -> bytes:
        """What the stick sent."""
        self._require_plugged()
        for sending in self.air.due(self._clock()):
            self._waiting += self._stick.indication(sending.telegram)
        data, self._waiting = self._waiting, b""
        return data

    def close(self) -> None:
        """There is nothing to give back."""

    def _require_plugged(self) -> None:
        if self.air.is_unplugged(self._clock()):
            self._waiting = b""
            raise PortVanished("the stick was pulled")


def serve_radio(
    stick: StickEmulator,
    meters: Iterable[SimulatedWirelessMeter],
    terminal: PseudoTerminal,
    clock: Callable[[], datetime],
    stop: threading.Event,
    scenario: Scenario | None = None,
) -> None:
    """Be a stick that hears the meters, on a pseudo-terminal, until `stop` is set."""
    air = Air(meters, clock(), scenario)
    while not stop.is_set():
        data = terminal.read(_until(air.next_at, clock()))
        if data:
            terminal.write(stick.answer(data))
        for sending in air.due(clock()):
            terminal.write(stick.indication(sending.telegram))


def _until(instant: datetime | None, now: datetime) -> float:
    if instant is None:
        return _LONGEST_WAIT_S
    return min(max((instant - now).total_seconds(), 0.0), _LONGEST_WAIT_S)


class RadioThread(ServedTerminal):
    """A stick with meters behind a pseudo-terminal, served by a thread of its own.

    Use it as a context; the gateway opens `port`.
    """

    def __init__(
        self,
        stick: StickEmulator,
        meters: Iterable[SimulatedWirelessMeter],
        clock: Callable[[], datetime],
        path: Path | None = None,
    ) -> None:
        heard = list(meters)
        super().__init__(
            lambda terminal, stop: serve_radio(stick, heard, terminal, clock, stop),
            path,
        )
