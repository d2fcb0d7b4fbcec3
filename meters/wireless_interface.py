"""The thread's work at a radio stick: it listens all the time (D2, D18).

    bytes -> telegrams -> readings of our meters -> boundaries

What a telegram costs does not depend on how many meters are configured.
"""

import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from hardware.gateway import Gateway
from hardware.lmn_wireless import WirelessReading
from hardware.ports import open_port
from hardware.readings import MeterReading
from hardware.stick import Reception
from hardware.stick_receiver import Heard
from hardware.wireless_reader import (
    Refused,
    Stranger,
    WirelessProfile,
    WirelessReader,
)
from hardware.wmbus_address import MeterAddress
from hardware.wmbus_crypto import is_equal
from hardware.wmbus_errors import TelegramRefused
from meters.credential_store import master_keys
from meters.fault_log import FaultLog
from meters.interface import InterfaceSpec, MeterEnd, OpenLink
from meters.late_boundaries import WIRELESS_WAIT, LateClosing, recorded_since
from meters.live import show_live
from meters.meter_signs import MeterSign, MeterSigns
from meters.neighbours import Neighbours
from meters.radio_port import RadioPort
from meters.record_queue import ReadBoundary, RecordQueue
from meters.refused_telegrams import RefusedTelegrams
from meters.wireless_state import WirelessState
from meters.wireless_window import WirelessWindow

_LISTEN_S = 0.5
_GATHER_S = 0.05
"""Pause after something came, so that not each piece of it wakes the thread."""


class WirelessInterface:
    """All wireless meters that are heard by one stick; see `Interface`."""

    def __init__(
        self,
        gateway: Gateway,
        spec: InterfaceSpec,
        queue: RecordQueue,
        *,
        open_link: OpenLink = open_port,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.spec = spec
        self._gateway = gateway
        self._queue = queue
        self._monotonic = monotonic
        self._radio = RadioPort(
            spec,
            FaultLog(gateway, lambda: self.spec),
            open_link=open_link,
            clock=self._now,
            monotonic=monotonic,
        )
        self._refused = RefusedTelegrams(gateway, lambda: self.spec.port)
        self._neighbours = Neighbours(spec.port)
        self._signs = MeterSigns(gateway, spec.port)
        self._ends: dict[bytes, MeterEnd] = {}
        self._keys: dict[bytes, bytes] = {}
        self._taken_over: InterfaceSpec | None = None
        self._window: WirelessWindow | None = None
        self._state: WirelessState | None = None
        self._made_reader: WirelessReader | None = None
        self._latest: dict[str, MeterReading] = {}
        self._shown_at: datetime | None = None
        self._listening_since: datetime | None = None

    def step(self) -> float:
        """Listen for a moment and do what is due."""
        window, state = self._window or self._begin(), self._kept_state()
        self._take_over_spec(state)
        heard = self._radio.listen(_LISTEN_S)
        now = self._now()
        for one in heard:
            self._take(one, window, state, now)
        self._neighbours.write(now)
        self._signs.write(now)
        self._settle(window, now)
        if state.store(now):
            self._show(now)
            self._queue.flush()
        if not self._radio.is_open:
            return _LISTEN_S
        return _GATHER_S if heard else 0.0

    def close(self) -> None:
        """Give the port back."""
        self._radio.close()

    def _now(self) -> datetime:
        return self._gateway.clock.now()

    def _begin(self) -> WirelessWindow:
        """Close what was missed while nobody listened, then wait for boundaries."""
        now = self._now()
        self._queue.put(LateClosing(now, self.spec.meter_ids))
        self._queue.flush()
        self._listening_since = now
        recorded = recorded_since(self.spec.meter_ids, now - WIRELESS_WAIT)
        self._window = WirelessWindow(now=now, recorded=recorded)
        return self._window

    def _kept_state(self) -> WirelessState:
        if self._state is None:
            self._state = WirelessState(self.spec.port)
        return self._state

    def _take_over_spec(self, state: WirelessState) -> None:
        """Meters came or went, or the registers of one became known."""
        spec = self.spec
        if spec is self._taken_over:
            return
        ends = {meter.server_id: meter for meter in spec.meters}
        if _versions(ends) != _versions(self._ends):
            self._take_over_keys(ends.keys(), state)
        profiles = {
            server_id: WirelessProfile(end.security, end.obis_rules)
            for server_id, end in ends.items()
        }
        self._reader(state).configure(profiles, self._keys)
        self._ends, self._taken_over = ends, spec
        self._signs.keep_only(set(spec.meter_ids))

    def _take_over_keys(
        self, server_ids: Collection[bytes], state: WirelessState
    ) -> None:
        """Fetch the keys; the counter of a meter with a new one begins anew."""
        keys = master_keys(self._gateway, server_ids)
        state.reload_counters()
        for server_id, key in keys.items():
            if not is_equal(key, self._keys.get(server_id, key)):
                state.forget_counters(MeterAddress(server_id[1:]))
        self._keys = keys

    def _reader(self, state: WirelessState) -> WirelessReader:
        if self._made_reader is None:
            self._made_reader = WirelessReader(state.formats, state.counters)
        return self._made_reader

    # --- one telegram ---------------------------------------------------------------

    def _take(
        self, heard: Heard, window: WirelessWindow, state: WirelessState, now: datetime
    ) -> None:
        if not isinstance(heard, Reception):
            self._refused.take_noise(heard.data, heard.reason, now)
            return
        try:
            found = self._reader(state).read(
                heard.telegram, now, now_s=self._monotonic()
            )
        except TelegramRefused as refusal:
            self._refused.take_noise(heard.telegram, str(refusal), now)
            return
        if isinstance(found, Stranger):
            self._neighbours.note(found.address, heard.rssi_dbm, now)
        elif isinstance(found, Refused):
            meter_id = self._ends[found.server_id].id
            self._refused.take(meter_id, heard.telegram, found.refusal, now)
        elif found is not None:
            end = self._ends[found.server_id]
            self._refused.clear(end.id, now)
            state.note_received()
            sign = MeterSign(rssi_dbm=heard.rssi_dbm, heard_at=now)
            self._signs.note(end.id, sign)
            self._offer(end, found.reading, window)

    def _offer(
        self, end: MeterEnd, reading: WirelessReading, window: WirelessWindow
    ) -> None:
        for past in reading.past:
            is_his = end.valid_from is None or past.captured_at >= end.valid_from
            if is_his and _is_whole(end, past):
                window.offer_past(end.id, past)
        if reading.current.registers:
            self._latest[end.id] = reading.current
        if _is_whole(end, reading.current):
            window.offer(end.id, reading.current)

    # --- what comes of them ---------------------------------------------------------

    def _settle(self, window: WirelessWindow, now: datetime) -> None:
        for chosen in window.chosen(now):
            self._queue.put(ReadBoundary(chosen.target_time, chosen.readings))
        if window.close(now):
            meter_ids: Collection[str] = self.spec.meter_ids
            self._queue.put(LateClosing(now, list(meter_ids), self._listening_since))

    def _show(self, now: datetime) -> None:
        """Show the latest readings, all together, not more often than is wanted."""
        shown_at = self._shown_at
        rests = shown_at is not None and (
            abs(now - shown_at) < self._gateway.live_period
        )
        if not self._latest or rests:
            return
        self._shown_at = now
        readings, self._latest = self._latest, {}
        show_live(self._gateway, readings)


def _versions(ends: Mapping[bytes, MeterEnd]) -> dict[bytes, int]:
    return {server_id: end.version for server_id, end in ends.items()}


def _is_whole(end: MeterEnd, reading: MeterReading) -> bool:
    """Whether a reading has all registers of the meter's list (D16)."""
    if not end.registers:
        return bool(reading.counters)
    return {register.obis for register in reading.registers} >= set(end.registers)
