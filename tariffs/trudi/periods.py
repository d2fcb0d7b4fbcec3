"""The measurement period of a list: stated, or guessed from its readings."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from tariffs.trudi.model import UNUSABLE, Reading, ReadingList

STANDARD_PERIODS = (
    *(900, 60, 120, 180, 240, 300, 600, 1800, 2400, 3600, 5400, 7200),
    *(10800, 14400, 21600, 28800, 43200, 86400, 2592000),
)
"""In the order in which they are tried, seconds."""


def matching_period(span_s: int) -> int:
    """The standard period that a span between two readings stands for, or 0."""
    for period in STANDARD_PERIODS:
        if span_s == period or abs(span_s - period) < 2 * (period // 100):
            return period
    return 0


def measurement_period(values: ReadingList) -> int:
    """The registration period of a list in seconds; 0 when it cannot be told.

    What the file states counts; else the first block that gives an answer.
    """
    if values.reading_type and values.reading_type.measurement_period:
        return values.reading_type.measurement_period
    guesses = (period_of_readings(block.readings) for block in values.blocks)
    return next(filter(None, guesses), 0)


def period_of_readings(readings: Sequence[Reading]) -> int:
    """The most frequent standard period between neighbours; 0 when there is none.

    Pairs with an unusable reading are looked at only if the others say nothing.
    """
    pairs = list(pairwise(readings))
    good = (pair for pair in pairs if not any(map(_is_flagged, pair)))
    return _most_frequent(good) or _most_frequent(pairs)


def _is_flagged(reading: Reading) -> bool:
    return reading.status_ptb is not None and reading.status_ptb >= UNUSABLE


def _most_frequent(pairs: Iterable[tuple[Reading, Reading]]) -> int:
    """Of periods that are equally frequent the one that appeared last."""
    counts: dict[int, int] = {}
    for before, after in pairs:
        if before.capture is None or after.capture is None:
            continue
        span = after.capture.wall - before.capture.wall
        if period := matching_period(int(span.total_seconds())):
            counts[period] = counts.get(period, 0) + 1
    return max(reversed(counts), key=counts.__getitem__, default=0)
