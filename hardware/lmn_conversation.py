"""The gateway's conversation with one wired meter, from its address to its registers.

    UNKNOWN -> ADDRESSED -> (no certificates: PAIRING) -> LINKED -> TLS -> POLLING

A plain one goes from ADDRESSED to LINKED and POLLING (lmn-wired.md 6).
"""

from enum import Enum
from typing import Protocol

from hardware.data_link import DataLink, Report
from hardware.lmn_addresses import SAP_PLAIN
from hardware.lmn_line import LmnLine
from hardware.meter_channel import Channel


class MeterState(Enum):
    """How far a meter has come."""

    UNKNOWN = "unknown"
    ADDRESSED = "addressed"
    PAIRING = "pairing"
    LINKED = "linked"
    TLS = "tls"
    POLLING = "polling"


class Conversation(Protocol):
    """With one meter, whatever address it has at the moment."""

    has_answered: bool
    """Whether registers were read since the channel was opened."""

    @property
    def channel(self) -> Channel | None:
        """What it can be asked over; None while it cannot."""
        ...

    @property
    def state(self) -> MeterState:
        """How far a meter that has an address has come."""
        ...

    def is_due(self) -> bool:
        """Whether to try and open the channel now."""
        ...

    def open(self, station: int, until: float | None) -> None:
        """Try to open the channel; `until` (monotonic) is when to give up.

        Raises MeterSilent, FrameUndecodable or FrameUnexpected when the meter has to
        be looked for anew. Other troubles are reported and tried again later.
        """

    def close(self) -> None:
        """Take leave of the meter."""

    def drop(self) -> None:
        """The channel broke; there is nobody to say it to."""


class PlainConversation:
    """Plain SML on SAP 2, without any security."""

    def __init__(self, line: LmnLine, report: Report) -> None:
        self._line = line
        self._report = report
        self._link: DataLink | None = None
        self.has_answered = False

    @property
    def channel(self) -> Channel | None:
        """The data link itself."""
        return self._link

    @property
    def state(self) -> MeterState:
        """ADDRESSED, LINKED or POLLING."""
        if self._link is None:
            return MeterState.ADDRESSED
        return MeterState.POLLING if self.has_answered else MeterState.LINKED

    def is_due(self) -> bool:
        """Whether there is no link."""
        return self._link is None

    def open(self, station: int, until: float | None) -> None:
        """SNRM; raises what the link raises."""
        link = DataLink(self._line, station, SAP_PLAIN, self._report)
        link.connect()
        self._link = link

    def close(self) -> None:
        """DISC."""
        link = self._link
        self.drop()
        if link is not None:
            link.disconnect()

    def drop(self) -> None:
        """Forget the link."""
        self._link = None
        self.has_answered = False
