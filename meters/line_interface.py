"""What the threads of a line with one plain meter do alike, pushed or pulled."""

import time
from collections.abc import Callable
from datetime import datetime

from hardware.gateway import Gateway
from hardware.ports import open_port
from meters.fault_log import FaultLog
from meters.interface import InterfaceSpec, OpenLink
from meters.port import Port
from meters.record_queue import Closing, RecordQueue


class LineInterface:
    """The port, its faults, and the closing of boundaries; see `Interface`."""

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
        self._faults = FaultLog(gateway, lambda: self.spec)
        self._port = Port(
            spec,
            self._faults,
            open_link=open_link,
            clock=self._now,
            monotonic=monotonic,
        )
        self._listening_since: datetime | None = None

    def close(self) -> None:
        """Give the port back."""
        self._port.close()

    def _now(self) -> datetime:
        return self._gateway.clock.now()

    @property
    def _line(self) -> str:
        """The place of faults of the line: its only meter."""
        return self.spec.meters[0].server_id.hex()

    def _close_missed(self) -> None:
        """Close what was missed while nobody listened or read."""
        now = self._now()
        self._queue.put(Closing(now, self.spec.meter_ids))
        self._queue.flush()
        self._listening_since = now

    def _put_closing(self) -> datetime:
        """Close what is overdue now; returns now."""
        now = self._now()
        self._queue.put(Closing(now, self.spec.meter_ids, self._listening_since))
        return now
