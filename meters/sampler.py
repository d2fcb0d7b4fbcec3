"""Reads meters at the instants that profiles demand, between the quarter hours."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta

from hardware.obis import Obis
from hardware.readings import MeterReading
from meters import samples
from meters.boundaries import RETRY_PERIOD
from meters.interface import MeterEnd
from meters.read_demand import (
    Demand,
    longest_wait,
    next_instant,
    orders,
    wanted_at,
)
from meters.sample_queue import SampleQueue
from meters.samples import Taken

Read = Callable[[MeterEnd, Sequence[Obis]], MeterReading | None]
"""Asks a meter for registers; None when it does not answer."""

_IDLE_S = 5.0


class Sampler:
    """What is due at the meters of one interface, by absolute instants.

    An instant is settled when the meter has answered, or when its tolerance is over;
    none is settled twice, also after the clock was set back (tafs.md R9).
    """

    def __init__(self, queue: SampleQueue) -> None:
        self._queue = queue
        self._settled: dict[str, datetime] = {}
        self._retry_at: dict[str, datetime] = {}
        self._done_orders: set[str] = set()

    def begin(self, meters: Collection[MeterEnd], now: datetime) -> None:
        """Take over meters that are newly sampled, where the last run stopped.

        What was due while nobody read is missed.
        """
        fresh = [
            one.id for one in meters if one.demands and one.id not in self._settled
        ]
        known = samples.settled_to(fresh) if fresh else {}
        for meter_id in fresh:
            self._settled[meter_id] = known.get(meter_id, now)

    def wait_s(self, meters: Iterable[MeterEnd], now: datetime) -> float:
        """How long nothing is due here; not negative."""
        waits = [self._next(one, now) - now for one in meters if one.demands]
        return max(0.0, min((w.total_seconds() for w in waits), default=_IDLE_S))

    def next_due(self, meters: Iterable[MeterEnd], now: datetime) -> datetime | None:
        """The next demanded instant later than `now`; None when there is none."""
        instants = (next_instant(one.demands, now) for one in meters)
        return min((each for each in instants if each is not None), default=None)

    def step(
        self,
        meters: Iterable[MeterEnd],
        linked: Collection[str],
        now: Callable[[], datetime],
        read: Read,
    ) -> None:
        """Read what is due of those that are `linked`, give up what is overdue."""
        for meter in meters:
            if meter.demands:
                self._step_of(meter, meter.id in linked, now, read)

    def flush(self) -> None:
        """Store what was read, and up to where all is settled."""
        self._queue.flush()

    def offer(self, meter: MeterEnd, instant: datetime, reading: MeterReading) -> None:
        """Take what was read for a quarter hour, where one is demanded then as well."""
        settled = self._settled.get(meter.id)
        if settled is not None and next_instant(meter.demands, settled) == instant:
            self._take(meter, instant, reading)

    def _next(self, meter: MeterEnd, now: datetime) -> datetime:
        """When something is due at a meter; a failure is tried again after a pause."""
        settled = self._settled.get(meter.id, now)
        if any(one.subject not in self._done_orders for one in orders(meter.demands)):
            return max(now, self._retry_at.get(meter.id, now))
        instant = next_instant(meter.demands, settled)
        if instant is None:
            return now + timedelta(seconds=_IDLE_S)
        return max(instant, self._retry_at.get(meter.id, instant))

    def _step_of(
        self, meter: MeterEnd, is_linked: bool, now: Callable[[], datetime], read: Read
    ) -> None:
        self._give_up(meter, now())
        instant = next_instant(meter.demands, self._settled[meter.id])
        is_due = instant is not None and instant <= now()
        if not is_linked:
            self._retry_at[meter.id] = now() + timedelta(seconds=1)
            self._end_orders(meter, now())
        elif self._is_resting(meter, now()):
            return
        elif is_due and instant is not None:
            self._read_grid(meter, instant, now, read)
        else:
            self._read_orders(meter, now, read)

    def _is_resting(self, meter: MeterEnd, now: datetime) -> bool:
        """Whether the pause after a failure goes on."""
        retry_at = self._retry_at.get(meter.id)
        return retry_at is not None and now < retry_at

    def _give_up(self, meter: MeterEnd, now: datetime) -> None:
        """What is further back than any tolerance is missed."""
        over = now - longest_wait(meter.demands)
        instant = next_instant(meter.demands, self._settled[meter.id])
        if instant is not None and instant < over:
            self._settle(meter.id, over)

    def _read_grid(
        self,
        meter: MeterEnd,
        instant: datetime,
        now: Callable[[], datetime],
        read: Read,
    ) -> None:
        reading = read(meter, wanted_at(meter.demands, instant))
        if reading is None:
            self._retry_at[meter.id] = now() + RETRY_PERIOD
        else:
            self._take(meter, instant, reading)

    def _take(self, meter: MeterEnd, instant: datetime, reading: MeterReading) -> None:
        if abs(reading.captured_at - instant) <= longest_wait(meter.demands):
            self._queue.take(Taken(meter.id, instant, reading))
        self._settle(meter.id, instant)

    def _settle(self, meter_id: str, instant: datetime) -> None:
        self._settled[meter_id] = instant
        self._queue.settle(meter_id, instant)
        self._retry_at.pop(meter_id, None)

    def _read_orders(
        self, meter: MeterEnd, now: Callable[[], datetime], read: Read
    ) -> None:
        for order in orders(meter.demands):
            if order.subject in self._done_orders:
                continue
            reading = read(meter, order.registers)
            if reading is not None:
                self._queue.take(Taken(meter.id, order.begin, reading))
                self._end_order(order)
            else:
                self._retry_at[meter.id] = now() + RETRY_PERIOD
        self._end_orders(meter, now())

    def _end_orders(self, meter: MeterEnd, now: datetime) -> None:
        """Those that could not be carried out in time are given up."""
        for order in orders(meter.demands):
            is_over = order.end is not None and now > order.end
            if is_over and order.subject not in self._done_orders:
                self._end_order(order)

    def _end_order(self, order: Demand) -> None:
        self._done_orders.add(order.subject)
        self._queue.end_order(order.subject)
