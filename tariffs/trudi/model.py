"""What the files hold, as plain data.

Everything may be missing (None): what must be there is the business of the rules.
Times are moments, durations seconds, values the raw integers of the file.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import lru_cache
from typing import NamedTuple

from hardware.obis import Obis
from hardware.status_word import ptb_status
from tariffs.trudi.moments import Moment

UNUSABLE = 3
"""The PTB status from which a value does not count (critical temporary, fatal)."""

_HEX = frozenset("0123456789abcdefABCDEF")


class Reading(NamedTuple):
    """One IntervalReading.

    `status_fnn` is the 64-bit word; `target` is that of the file or, in an original
    list, the one computed from the capture time (rule P7).
    """

    value: int | None
    capture: Moment | None
    duration: int | None
    target: Moment | None
    status_fnn: int | None
    status_ptb: int | None
    signature: str

    @property
    def shown_status(self) -> int:
        """The PTB status as TRuDI shows it: statusPTB, else the mapped status word."""
        if self.status_ptb is not None:
            return self.status_ptb
        return 0 if self.status_fnn is None else ptb_status(self.status_fnn)

    @property
    def is_usable(self) -> bool:
        """Whether it may stand for a boundary: neither status is 3 or worse."""
        return _is_usable(self.status_ptb, self.status_fnn)

    @property
    def time(self) -> Moment | None:
        """The target time where it is known, else the capture time."""
        return self.target or self.capture


@lru_cache(maxsize=256)
def _is_usable(status_ptb: int | None, status_fnn: int | None) -> bool:
    """Few status words occur in a file, each very often."""
    if status_ptb is not None and status_ptb >= UNUSABLE:
        return False
    return status_fnn is None or ptb_status(status_fnn) < UNUSABLE


@dataclass(slots=True)
class Interval:
    """A start and a duration in seconds; the end is counted in UTC."""

    start: Moment | None = None
    duration: int | None = None

    @property
    def end(self) -> Moment | None:
        """The end; None when something is missing or beyond the calendar."""
        if self.start is None or self.duration is None:
            return None
        try:
            return self.start.plus(self.duration)
        except ValueError:
            return None


@dataclass(slots=True)
class IntervalBlock:
    """A span of a list and its readings, sorted by time after reading (rule P6)."""

    interval: Interval | None = None
    readings: list[Reading] = field(default_factory=list)


@dataclass(slots=True)
class ReadingType:
    """What the values of a list are: value x 10^(scaler + multiplier) in `uom`."""

    multiplier: int | None = None
    uom: int | None = None
    scaler: int = 0
    obis_code: str = ""
    qualified_logical_name: str = ""
    measurement_period: int = 0

    @property
    def obis(self) -> Obis | None:
        """The OBIS code; None when the text is none."""
        return obis_of(self.obis_code)


@dataclass(slots=True)
class ReadingList:
    """One MeterReading: the list of one register of one meter or tariff."""

    meter_ids: list[str] = field(default_factory=list)
    reading_id: str = ""
    reading_type: ReadingType | None = None
    blocks: list[IntervalBlock] = field(default_factory=list)

    @property
    def meter_id(self) -> str:
        """The first meter's id; only that one counts."""
        return self.meter_ids[0] if self.meter_ids else ""

    @property
    def owner(self) -> str:
        """The middle part of the qualified logical name: a meter or a profile."""
        name = self.reading_type.qualified_logical_name if self.reading_type else ""
        parts = name.split(".")
        return parts[1] if len(parts) == 3 else ""

    @property
    def is_original(self) -> bool:
        """Whether this is an original value list: the owner is its own meter."""
        return bool(self.meter_id.strip()) and self.owner == self.meter_id

    @property
    def obis(self) -> Obis | None:
        """The OBIS code of the list."""
        return self.reading_type.obis if self.reading_type else None

    @property
    def readings(self) -> Iterator[Reading]:
        """All readings, block by block."""
        for block in self.blocks:
            yield from block.readings

    @property
    def span(self) -> tuple[Moment, Moment] | None:
        """From the start of the first block to the end of the last one."""
        if not self.blocks:
            return None
        first, last = self.blocks[0].interval, self.blocks[-1].interval
        if first is None or last is None or first.start is None or last.end is None:
            return None
        return first.start, last.end


class TariffStage(NamedTuple):
    """A stage: its number in the calendar and the register it counts into."""

    number: int
    obis_code: str
    description: str = ""

    @property
    def obis(self) -> Obis | None:
        """The OBIS code; None when the text is none."""
        return obis_of(self.obis_code)


class DaySlot(NamedTuple):
    """From a time of day on, this stage."""

    start: time | None
    stage: int


@dataclass(slots=True)
class DayProfile:
    """A kind of day: its slots in the order of the file."""

    day_id: int | None = None
    slots: list[DaySlot] = field(default_factory=list)


class SpecialDay(NamedTuple):
    """The kind of day that a date has; `on` is None when the date is incomplete."""

    on: date | None
    day_id: int | None


@dataclass(slots=True)
class AnalysisProfile:
    """The supplier's tariff."""

    tariff_use_case: int | None = None
    tariff_id: str = ""
    billing_period: Interval | None = None
    stages: list[TariffStage] = field(default_factory=list)
    default_stage: int | None = None
    has_change_trigger: bool = False
    has_time_trigger: bool = False
    day_profiles: list[DayProfile] = field(default_factory=list)
    special_days: list[SpecialDay] = field(default_factory=list)


@dataclass(slots=True)
class Certificate:
    """A certificate of the file; `content` is DER."""

    cert_id: int | None = None
    cert_type: int | None = None
    content: bytes | None = None


@dataclass(slots=True)
class Smgw:
    """The gateway: its id and the ids of its certificates."""

    smgw_id: str = ""
    cert_ids: list[int] = field(default_factory=list)


class LogEntry(NamedTuple):
    """An entry of the consumer's log; `has_event`: there is something in it."""

    record_number: int | None
    has_event: bool
    level: int | None
    text: str
    outcome: int | None
    timestamp: Moment | None


@dataclass(slots=True)
class UsagePoint:
    """The whole content of a file, of the gateway or of the supplier."""

    usage_point_id: str = ""
    tariff_name: str = ""
    has_service_category: bool = False
    kind: int | None = None
    has_customer: bool = False
    customer_id: str = ""
    has_invoicing_party: bool = False
    invoicing_party_id: str = ""
    smgw: Smgw | None = None
    certificates: list[Certificate] = field(default_factory=list)
    log: list[LogEntry] = field(default_factory=list)
    analysis: AnalysisProfile | None = None
    lists: list[ReadingList] = field(default_factory=list)

    @property
    def originals(self) -> list[ReadingList]:
        """The original value lists, in the order of the file."""
        return [each for each in self.lists if each.is_original]

    @property
    def derived(self) -> list[ReadingList]:
        """The other lists: registers that the gateway computed."""
        return [each for each in self.lists if not each.is_original]


def is_hex(text: str) -> bool:
    """Whether a text is hex as TRuDI demands it: digits only, an even number."""
    return bool(text) and len(text) % 2 == 0 and _HEX.issuperset(text)


def obis_of(text: str) -> Obis | None:
    """The OBIS code of a text in any of the notations, or None."""
    try:
        return Obis.parse(text)
    except ValueError:
        return None


def wall_of(day: date, at: time) -> datetime:
    """A time of day on a date, wall clock."""
    return datetime.combine(day, at)
