"""The thread's work on a wired bus: boundaries, retries, live values (D2, D18, D21)."""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from django.db import Error, connection

from hardware.device_id import server_id_of
from hardware.errors import LmnError, PortNotOpen, PortVanished
from hardware.gateway import Gateway
from hardware.link import SerialLink, supply_is_overloaded
from hardware.lmn_wired import COUNTER_REGISTERS, LIVE_REGISTERS, WiredBus
from hardware.obis import Obis
from hardware.readings import MeterReading
from meters import selectors
from meters.assigned_addresses import AddressCount
from meters.boundaries import LATE_WAIT, QUIET_BEFORE_BOUNDARY, BoundarySchedule, Duty
from meters.certificate_check import certificate_faults
from meters.credential_store import StoredCredentials
from meters.fault_log import FaultLog
from meters.interface import ClosableLink, InterfaceSpec, MeterEnd, OpenLink
from meters.live import show_live
from meters.meter_signs import MeterSign, MeterSigns
from meters.read_demand import with_registers
from meters.record_queue import Closing, ReadBoundary, RecordQueue
from meters.sample_queue import SampleQueue
from meters.sampler import Sampler
from meters.unknown_meters import note_unknown

QUIET_BEFORE_SAMPLES = timedelta(seconds=1)
"""Before a quarter hour no meter is read for anything else: that reading gives both."""

REOPEN_AFTER_S = 2.0
"""Between two attempts to open a port that is not there."""

_PORT, _BUS, _CERTIFICATES = "port", "bus", "certificates"

logger = logging.getLogger(__name__)


class WiredInterface:
    """All wired meters of one port, read by the schedule; see `Interface`."""

    def __init__(
        self,
        gateway: Gateway,
        spec: InterfaceSpec,
        queue: RecordQueue,
        *,
        open_link: OpenLink = SerialLink.open,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.spec = spec
        self._gateway = gateway
        self._queue = queue
        self._open_link = open_link
        self._monotonic = monotonic
        self._faults = FaultLog(gateway, lambda: self.spec)
        self._schedule: BoundarySchedule | None = None
        self._listening_since: datetime | None = None
        self._link: ClosableLink | None = None
        self._bus: WiredBus | None = None
        self._configured = spec
        self._open_at = monotonic()
        self._missing: dict[str, MeterEnd] = {}
        self._checked_on: date | None = None
        self._unknown: list[bytes] = []
        self._addresses = AddressCount(gateway.state, spec.port)
        self._signs = MeterSigns(gateway, spec.port)
        self._sampler = Sampler(SampleQueue(gateway, queue.hint, monotonic))

    def step(self) -> float:
        """Do what is due; returns the seconds until the next deadline."""
        self._open_bus()
        schedule = self._schedule or self._begin()
        try:
            self._take_over_spec()
            self._maintain(schedule)
            duty = schedule.due(self._now())
            if duty is not Duty.READ_BOUNDARY:
                self._sample(schedule)
            self._perform(schedule, duty)
        except PortVanished as error:
            self._lose_port(error)
        self._note_addresses()
        self._report_faults()
        self._keep_books()
        self._queue.flush()
        self._sampler.flush()
        wait_s = self._wait_s(schedule)
        if self._bus is None:
            wait_s = min(wait_s, max(0.0, self._open_at - self._monotonic()))
        return wait_s

    def _note_addresses(self) -> None:
        """Leave them for the light LMC and for the technician."""
        stations = self._bus.addresses if self._bus else {}
        self._addresses.note(len(stations))
        self._signs.keep_only(set(self.spec.meter_ids))
        for meter in self.spec.meters:
            sign = MeterSign(address=stations.get(meter.server_id))
            self._signs.note(meter.id, sign)
        self._signs.write(self._now())

    def _wait_s(self, schedule: BoundarySchedule) -> float:
        now = self._now()
        for_samples = self._sampler.wait_s(self.spec.meters, now)
        return min(schedule.wait(now).total_seconds(), for_samples)

    def close(self) -> None:
        """Take leave of the meters and give the port back."""
        bus, link, self._bus, self._link = self._bus, self._link, None, None
        self._addresses.note(0)
        try:
            if bus is not None:
                bus.close()
        except LmnError:
            logger.info("%s: the port went away before the end", self.spec.port)
        finally:
            if link is not None:
                link.close()

    def _now(self) -> datetime:
        return self._gateway.clock.now()

    def _begin(self) -> BoundarySchedule:
        """Close what was missed while nobody read, then go by the schedule."""
        now = self._now()
        self._queue.put(Closing(now, self.spec.meter_ids))
        self._queue.flush()
        self._listening_since = now
        self._schedule = BoundarySchedule(
            now=self._now(),
            live_period=self._gateway.live_period,
            last=selectors.last_common_boundary(self.spec.meter_ids),
        )
        return self._schedule

    def _open_bus(self) -> None:
        if self._bus is not None or self._monotonic() < self._open_at:
            return
        try:
            self._link = self._open_link(self.spec.port, self.spec.baudrate)
        except PortNotOpen as error:
            self._faults.report(_PORT, error.code, self._now())
            self._open_at = self._monotonic() + REOPEN_AFTER_S
            return
        self._faults.clear(_PORT)
        self._configured = self.spec
        self._bus = WiredBus(
            self._link,
            gateway_server_id=server_id_of(self._gateway.huid),
            meters=self.spec.server_ids,
            clock=self._now,
            monotonic=self._monotonic,
            store=StoredCredentials(self._gateway),
            plain=self.spec.plain,
        )

    def _take_over_spec(self) -> None:
        """Meters came or went: the bus looks for the new ones at once."""
        if self._bus is not None and self._configured != self.spec:
            self._configured = self.spec
            self._bus.configure(self.spec.server_ids, self.spec.plain)

    def _lose_port(self, error: PortVanished) -> None:
        self._faults.report(_PORT, error.code, self._now())
        self._open_at = self._monotonic() + REOPEN_AFTER_S
        link, self._link, self._bus = self._link, None, None
        if link is not None:
            link.close()

    def _perform(self, schedule: BoundarySchedule, duty: Duty) -> None:
        if duty is Duty.CLOSE:
            now = self._now()
            ids = self.spec.meter_ids
            self._queue.put(Closing(now, ids, self._listening_since))
            schedule.closed(now)
        elif duty is Duty.READ_BOUNDARY:
            self._faults.clear(_BUS)
            self._missing = {meter.id: meter for meter in self.spec.meters}
            self._read_missing(schedule, schedule.begin_boundary())
        elif duty is Duty.RETRY and schedule.open_boundary is not None:
            self._read_missing(schedule, schedule.open_boundary)
        elif duty is Duty.READ_LIVE:
            self._read_live(schedule)

    def _sample(self, schedule: BoundarySchedule) -> None:
        """Read what is demanded beside the quarter hours, but never into one."""
        self._sampler.begin(self.spec.meters, self._now())
        is_quiet = schedule.target - self._now() <= QUIET_BEFORE_SAMPLES
        linked = [] if is_quiet else self._linked(self.spec.meters)
        ids = {meter.id for meter in linked}
        self._sampler.step(self.spec.meters, ids, self._now, self._read)

    def _maintain(self, schedule: BoundarySchedule) -> None:
        """Find and link meters, but never into the time of a boundary or sample."""
        now = self._now()
        sampled = self._sampler.next_due(self.spec.meters, now) or schedule.target
        left = min(schedule.target, sampled) - now - QUIET_BEFORE_BOUNDARY
        if self._bus is not None and left.total_seconds() > 0:
            self._bus.maintain(until=self._monotonic() + left.total_seconds())

    def _read_missing(self, schedule: BoundarySchedule, boundary: datetime) -> None:
        """Read for a boundary the meters that are linked and have not answered."""
        readings: dict[str, MeterReading] = {}
        try:
            for meter in self._linked(self._missing.values()):
                own = meter.registers or COUNTER_REGISTERS
                asked = with_registers(own, meter.demands, boundary)
                reading = self._read(meter, asked)
                if reading is None:
                    continue
                self._sampler.offer(meter, boundary, reading)
                if abs(reading.captured_at - boundary) <= LATE_WAIT:
                    readings[meter.id] = _only(reading, own)
        finally:
            for meter_id in readings:
                del self._missing[meter_id]
            if readings:
                self._queue.put(ReadBoundary(boundary, readings))
            if not self._missing:
                schedule.settled()
            schedule.pass_ended(self._now())

    def _read_live(self, schedule: BoundarySchedule) -> None:
        readings: dict[str, MeterReading] = {}
        try:
            for meter in self._linked(self.spec.meters):
                if schedule.target - self._now() <= QUIET_BEFORE_BOUNDARY:
                    break
                reading = self._read(meter, LIVE_REGISTERS)
                if reading:
                    readings[meter.id] = reading
        finally:
            schedule.pass_ended(self._now())
            show_live(self._gateway, readings)

    def _linked(self, meters: Iterable[MeterEnd]) -> list[MeterEnd]:
        """Those that can be asked now: searching for one would hold up the rest."""
        linked = self._bus.linked if self._bus is not None else frozenset()
        return [meter for meter in meters if meter.server_id in linked]

    def _read(self, meter: MeterEnd, registers: Sequence[Obis]) -> MeterReading | None:
        if self._bus is None:
            return None
        try:
            reading = self._bus.read(meter.server_id, registers)
        except PortVanished:
            raise
        except LmnError:
            return None  # the bus keeps the fault for `_report_faults`
        self._faults.clear(meter.server_id.hex())
        return reading

    def _keep_books(self) -> None:
        """What can wait when the database fails."""
        try:
            self._note_unknown()
            self._check_certificates()
        except Error as error:
            logger.error("%s: %s", self.spec.port, error)
            connection.close_if_unusable_or_obsolete()

    def _note_unknown(self) -> None:
        """List meters that were newly heard and are not configured."""
        heard = list(self._bus.unknown) if self._bus is not None else []
        if set(heard) - set(self._unknown):
            note_unknown(self.spec.port, heard, now=self._now())
        self._unknown = heard

    def _check_certificates(self) -> None:
        """Once a day: does one expire within six months?"""
        now = self._now()
        if self._checked_on == now.date():
            return
        codes = certificate_faults(self.spec.meter_ids, now)
        self._checked_on = now.date()
        self._faults.clear(_CERTIFICATES)
        for code in codes:
            self._faults.report(_CERTIFICATES, code, now)

    def _report_faults(self) -> None:
        if self._bus is None:
            return
        self._faults.note_supply(supply_is_overloaded(self._link), self._now())
        for fault in self._bus.take_faults():
            where = fault.server_id.hex() if fault.server_id else _BUS
            self._faults.take(where, fault.error, self._now())


def _only(reading: MeterReading, registers: Collection[Obis]) -> MeterReading:
    """The reading without what was asked for beside."""
    wanted = tuple(r for r in reading.registers if r.obis in registers)
    return replace(reading, registers=wanted)
