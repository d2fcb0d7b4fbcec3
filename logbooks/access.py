"""Who may read which log: the matrix of R89, below every view.

Whoever comes in is an `Access`: identity, authenticated or not, network, role (R98).
Readers are given by it and by nothing else; what the matrix does not name is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import QuerySet

from hardware.gateway import Gateway
from logbooks import selectors
from logbooks.models import CalibrationLogEntry, SystemLogEntry
from logbooks.selectors import CalibrationLine, LogLine


class Role(StrEnum):
    """The roles of manual ch. 6; market participants only ever receive."""

    CONSUMER = "consumer"
    TECHNICIAN = "technician"
    ADMINISTRATOR = "administrator"
    PARTICIPANT = "participant"
    NOBODY = "nobody"


class Network(StrEnum):
    """Where a request or a connection comes from; the [HAN] CLS port is HAN."""

    HAN = "HAN"
    WAN = "WAN"
    LMN = "LMN"


class Log(StrEnum):
    """The three logbooks."""

    CONSUMER = "consumer"
    SYSTEM = "system"
    CALIBRATION = "calibration"


class AccessRefused(Exception):
    """This reader may not read this log from there."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who asks: `identity` is a consumer id, a user or a certificate's name."""

    identity: str
    is_authenticated: bool
    network: Network
    role: Role

    def __str__(self) -> str:
        """For logs of developers: never the identity."""
        state = "authenticated" if self.is_authenticated else "not authenticated"
        return f"{self.role} from {self.network}, {state}"


READERS = {
    (Log.CONSUMER, Role.CONSUMER, Network.HAN),
    (Log.SYSTEM, Role.TECHNICIAN, Network.HAN),
    (Log.SYSTEM, Role.ADMINISTRATOR, Network.WAN),
    (Log.CALIBRATION, Role.ADMINISTRATOR, Network.WAN),
}
"""Manual ch. 5.1, table 7; everything else is refused."""


def may_read(reader: Access, log: Log) -> bool:
    """Whether this reader may read this log (his own, where consumers have each)."""
    return reader.is_authenticated and (log, reader.role, reader.network) in READERS


def consumer_log(
    reader: Access,
    *,
    begin: datetime | None = None,
    end: datetime | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> Sequence[LogLine]:
    """The reader's own log, newest first; AccessRefused for all but consumers."""
    _demand(reader, Log.CONSUMER)
    return selectors.consumer_log(
        reader.identity, begin=begin, end=end, limit=limit, offset=offset
    )


def system_log(
    reader: Access,
    *,
    begin: datetime | None = None,
    end: datetime | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> Sequence[LogLine]:
    """The system log for technician (HAN) and GWA (WAN); else AccessRefused."""
    _demand(reader, Log.SYSTEM)
    return selectors.system_log(begin=begin, end=end, limit=limit, offset=offset)


def calibration_log(
    gateway: Gateway,
    reader: Access,
    *,
    begin: datetime | None = None,
    end: datetime | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> Sequence[CalibrationLine]:
    """The calibration log for the GWA over the WAN; else AccessRefused."""
    _demand(reader, Log.CALIBRATION)
    return selectors.calibration_log(
        gateway, begin=begin, end=end, limit=limit, offset=offset
    )


def system_entries(reader: Access) -> QuerySet[SystemLogEntry]:
    """The rows of the system log, for those who page by number; as `system_log`."""
    _demand(reader, Log.SYSTEM)
    return SystemLogEntry.objects.all()


def calibration_entries(reader: Access) -> QuerySet[CalibrationLogEntry]:
    """The rows of the calibration log; as `calibration_log`."""
    _demand(reader, Log.CALIBRATION)
    return CalibrationLogEntry.objects.all()


def _demand(reader: Access, log: Log) -> None:
    if not may_read(reader, log):
        raise AccessRefused(f"the {log} log is not for: {reader}")
