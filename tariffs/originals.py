"""The original records of the meters as plain rows."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from django.db.models import F, QuerySet

from hardware.status_word import (
    CRITICAL_ERROR,
    GATEWAY_FATAL,
    METER_FATAL,
    TIME_INVALID,
)
from meters.models import OriginalRecord
from meters.selectors import records_between
from tariffs.list_row import ListRow
from tariffs.taf1 import Input, usable_register

COLUMNS = (
    "target_time",
    "capture_time",
    "status",
    "later_bits",
    "registers",
    "signature",
    "signer_ski",
)
"""The columns of a ListRow in its order, without the subject."""

_UNUSABLE = (GATEWAY_FATAL | TIME_INVALID | CRITICAL_ERROR) << 32 | METER_FATAL
"""The bits that make the verdict 3 or 4 (`hardware.status_word.ptb_status`)."""

_CHUNK = 2000
_BEGIN_OF_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)


def rows(meter: str, begin: datetime, end: datetime) -> Iterator[ListRow]:
    """The rows of `(begin, end]`, ascending; any span, read as they are taken."""
    return _as_rows(records_between(meter, begin, end))


def rows_at(meter: str, instants: Iterable[datetime]) -> Iterator[ListRow]:
    """The rows at these target times, ascending."""
    records = records_between(meter, _BEGIN_OF_TIME, _END_OF_TIME)
    return _as_rows(records.filter(target_time__in=list(instants)))


def first_after(meter: str, instant: datetime) -> datetime | None:
    """The target time of the first row later than `instant`."""
    later = records_between(meter, instant, _END_OF_TIME)
    return later.values_list("target_time", flat=True).first()


def opens_at(meter: str, instant: datetime) -> bool:
    """Whether the meter has no row before `instant`."""
    earlier = records_between(meter, _BEGIN_OF_TIME, instant)
    return not earlier.exclude(target_time=instant).exists()


def last_usable(source: Input, until: datetime) -> ListRow | None:
    """The input's last row up to `until` that may be used in a calculation."""
    records = (
        records_between(source.meter, _BEGIN_OF_TIME, until)
        .alias(faults=F("status").bitand(_UNUSABLE))
        .filter(faults=0)
        .order_by("-target_time")
    )
    usable = (row for row in _as_rows(records, 10) if usable_register(source, row))
    return next(usable, None)


def _as_rows(
    records: QuerySet[OriginalRecord], chunk: int = _CHUNK
) -> Iterator[ListRow]:
    columns = records.values_list(*COLUMNS, "meter_id")
    return map(ListRow._make, columns.iterator(chunk_size=chunk))
