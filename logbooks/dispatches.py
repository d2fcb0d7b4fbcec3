"""Who received data: the entries of a consumer's log that say so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from logbooks.access import Access, AccessRefused, Log, may_read
from logbooks.catalogue import Event, rendered
from logbooks.models import ConsumerLogEntry

PERIOD, FIRST, FINAL, ON_DEMAND = (
    event.value[0]
    for event in (
        Event.VALUES_SENT,
        Event.FIRST_READING_SENT,
        Event.FINAL_READING_SENT,
        Event.ON_DEMAND_VALUES_SENT,
    )
)
_SENT = (PERIOD, FIRST, FINAL, ON_DEMAND)


@dataclass(frozen=True, slots=True)
class DispatchEntry:
    """One entry: that a recipient acknowledged values of a profile.

    `count` and the local times `begin` and `end` are what the entry holds, '' where it
    does not say.
    """

    number: int
    recorded_at: datetime
    event_id: int
    recipient: str
    profile: str
    count: str
    begin: str
    end: str
    text: str


def dispatch_entries(
    reader: Access, *, begin: datetime, end: datetime
) -> Sequence[DispatchEntry]:
    """The reader's own entries of `[begin, end)`, newest first; as the log itself.

    Raises AccessRefused for all but consumers.
    """
    if not may_read(reader, Log.CONSUMER):
        raise AccessRefused(f"the {Log.CONSUMER} log is not for: {reader}")
    entries = ConsumerLogEntry.objects.filter(
        consumer_id=reader.identity,
        recorded_at__gte=begin,
        recorded_at__lt=end,
        event_id__in=_SENT,
        event_sub_id=0,
    )
    return [_entry(row) for row in entries.order_by("-number")]


def _entry(row: ConsumerLogEntry) -> DispatchEntry:
    count, begin, end = _facts(row.event_id, list(row.arguments))
    return DispatchEntry(
        number=row.number,
        recorded_at=row.recorded_at,
        event_id=row.event_id,
        recipient=row.recipient,
        profile=row.profile,
        count=count,
        begin=begin,
        end=end,
        text=rendered(row.event_id, row.event_sub_id, row.arguments),
    )


def _facts(event_id: int, arguments: list[str]) -> tuple[str, str, str]:
    """Number of values, begin and end, from the arguments of the event."""
    if event_id == PERIOD:
        count, begin, end = arguments
        return count, begin, end
    if event_id == ON_DEMAND:
        count, day = arguments
        return count, "", day
    return "", "", arguments[0]
