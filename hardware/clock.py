"""The gateway's clock; every edge reads it, nothing below an edge does."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hardware.time_file import TimeFile


@dataclass(frozen=True, slots=True)
class GatewayClock:
    """Gateway time = time of the host + offset (decisions D5).

    Without a configured time service the source is "host" and the time is valid.
    `CASA_CLOCK_OFFSET` moves gateway, simulators and peers together (D39).
    """

    offset: timedelta = timedelta()
    source: str = "host"
    is_valid: bool = True

    def now(self) -> datetime:
        """The gateway time, UTC."""
        return datetime.now(UTC) + self.offset


class KeptClock(GatewayClock):
    """The clock that every process of one gateway shares.

    What time synchronisation finds stands in a small file of the state folder; each
    reading looks whether the file is a new one, so that all processes follow at once.
    `moved` is CASA_CLOCK_OFFSET, which comes on top.
    """

    __slots__ = ("_file", "_moved")

    _file: TimeFile
    _moved: timedelta

    def __init__(self, file: TimeFile, moved: timedelta = timedelta()) -> None:
        object.__setattr__(self, "_file", file)
        object.__setattr__(self, "_moved", moved)

    @property
    def offset(self) -> timedelta:
        """What is added to the host's time at this moment."""
        return self._offset_at(datetime.now(UTC))

    @property
    def source(self) -> str:
        """ "host", "rtc" or "ntp_tls"."""
        return self._file.read().source

    @property
    def is_valid(self) -> bool:
        """Whether the gateway may say that this is the time."""
        return self._file.read().is_valid

    def now(self) -> datetime:
        """The gateway time, UTC."""
        host = datetime.now(UTC)
        return host + self._offset_at(host)

    def _offset_at(self, host: datetime) -> timedelta:
        return self._file.read().offset_at(host) + self._moved
