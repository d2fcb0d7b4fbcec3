"""The demo's wireless meters in the past: stick, codecs and decoder in memory."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from casa_site.demo.plan import DemoWirelessMeter, wireless_meters
from hardware.lmn_wireless import reading_of, require_security
from hardware.simulator.radio_stick import Im871aEmulator
from hardware.simulator.wireless_meter import Kind, SimulatedWirelessMeter
from hardware.stick import Reception
from hardware.stick_im871a import Im871a
from hardware.stick_receiver import StickReceiver
from hardware.wmbus import Decoder
from meters.history import PastReading

_CAPTURE_DELAY = timedelta(seconds=1)
_KEY = bytes(range(16))
"""For this air only: the meters of the running demo have keys of their own."""


class PastRadio:
    """A stick in memory that hears the meters at whatever time is asked for."""

    def __init__(self, begin: datetime) -> None:
        self.sent = 0
        """Telegrams that the meters sent for boundaries."""
        self._meters = {one: one.simulated(_KEY) for one in wireless_meters()}
        self._emulator = Im871aEmulator()
        self._waiting = b""
        self._receiver = StickReceiver(self, Im871a(), monotonic=lambda: 0.0)
        self._receiver.start()
        self._decoder = Decoder(lambda _address: _KEY)
        for simulated in self._meters.values():  # compact frames need a full one first
            for kind in (Kind.FULL, Kind.PROFILE):
                at = begin - timedelta(seconds=len(kind.value))
                self._decoder.decode(simulated.telegram_at(at, kind=kind), now_s=0.0)

    def write(self, data: bytes) -> None:
        """Let the stick hear it."""
        self._waiting += self._emulator.answer(data)

    def read(self, timeout_s: float) -> bytes:
        """What the stick sent."""
        data, self._waiting = self._waiting, b""
        return data

    def past(self, target_time: datetime) -> Iterator[PastReading]:
        """One reading of each meter for a boundary, through all codecs."""
        at = target_time + _CAPTURE_DELAY
        for meter, simulated in self._meters.items():
            yield self._reading(meter, simulated, target_time, at)

    def _reading(
        self,
        meter: DemoWirelessMeter,
        simulated: SimulatedWirelessMeter,
        target_time: datetime,
        at: datetime,
    ) -> PastReading:
        self.sent += 1
        self._waiting += self._emulator.indication(simulated.telegram_at(at))
        (heard,) = self._receiver.listen(0.0)
        assert isinstance(heard, Reception)
        telegram = self._decoder.decode(heard.telegram, now_s=0.0)
        if telegram.refusal is not None:
            raise telegram.refusal
        require_security(telegram, f"mode{meter.mode}")
        reading = reading_of(telegram, simulated.address, at)
        return PastReading(meter.id, target_time, reading.current)
