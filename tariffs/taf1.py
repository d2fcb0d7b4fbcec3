"""TAF1, the data-saving tariff: one sum per register at the billing boundaries.

Pure rules (tafs.md 3, decisions D19, D58): integers in, integers out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hardware.obis import Obis
from hardware.readings import RegisterValue
from hardware.record import Record, registers_of
from hardware.status_word import (
    METER_BASIC,
    NOT_FOR_BILLING,
    PLACEHOLDER,
    TEMPORARY_ERROR,
    combined,
    gateway_word,
    ptb_status,
)
from tariffs.calendar import GRID
from tariffs.list_row import ListRow

LONGEST_WAIT = timedelta(hours=24)
"""How long the first valid capture after a boundary may stand for it (D19)."""

HOLE_SETTLED = timedelta(hours=24)
"""A hole between two original records may still be filled (catch-up after a stop);
it is believed when the record that ends it is this old."""

_UNUSABLE = 3
_RECORDS_OF_WAIT = LONGEST_WAIT // GRID + 1


class Undecided(Exception):
    """What the boundary's value is cannot be said yet."""


class UnitsDiffer(Exception):
    """Inputs of one sum count in different units: there is no sum."""


@dataclass(frozen=True, slots=True)
class Input:
    """One input: a register of a meter (12 hex digits), counted with a sign.

    `unsecured_allowed`: records marked as not for billing may be used.
    `rolls_over_at` is where its counter begins at 0 again, in whole units of the
    register (`tariffs.roll_over`); None when that is not known.
    """

    meter: str
    obis: str
    sign: int
    unsecured_allowed: bool
    rolls_over_at: int | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """What one input gives to a sum: a register, its row, and the mark it brings.

    `mark` are gateway bits: 0 for the boundary's own value, bit 13 for a later one,
    bits 13 and 14 for the value before when none came in time.
    """

    sign: int
    register: RegisterValue
    row: ListRow
    mark: int = 0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The rows of one meter around a boundary.

    `window` are those from the boundary to 24 h after it, ascending; `before` is the
    last usable one before the boundary, `later` the time of the first one behind the
    window. `opens_list`: there is no row at all before the boundary.
    """

    window: Sequence[ListRow]
    before: ListRow | None = None
    later: datetime | None = None
    opens_list: bool = False


def usable_register(source: Input, row: ListRow) -> RegisterValue | None:
    """The input's register in `row`, or None where it must not be billed."""
    if ptb_status(row.status) >= _UNUSABLE:
        return None
    if gateway_word(row.status) & NOT_FOR_BILLING and not source.unsecured_allowed:
        return None
    wanted = Obis(bytes.fromhex(source.obis))
    return next((r for r in registers_of(row.registers) if r.obis == wanted), None)


def share_of_boundary(
    source: Input, boundary: datetime, known: Surroundings, *, now: datetime
) -> Share | None:
    """What the input gives at the boundary; None when it never had a value.

    The answer depends on the lists only: `now` just says whether a hole in them is
    settled. Raises Undecided.
    """
    for position, row in enumerate(known.window):
        register = usable_register(source, row)
        if register is None:
            continue
        is_own = row.target_time == boundary
        if not is_own and _has_hole(boundary, known.window[: position + 1]):
            _must_be_settled(known, row.target_time, now)
        return Share(source.sign, register, row, 0 if is_own else TEMPORARY_ERROR)
    if len(known.window) < _RECORDS_OF_WAIT:
        _must_be_settled(known, known.later, now)
    register = usable_register(source, known.before) if known.before else None
    if known.before is None or register is None:
        return None
    return Share(source.sign, register, known.before, PLACEHOLDER)


def is_settled(hole_end: datetime, *, opens_list: bool, now: datetime) -> bool:
    """Whether a hole in an original list that ends at this record will stay.

    The time before a meter's first record is never filled.
    """
    return opens_list or hole_end + HOLE_SETTLED <= now


def _has_hole(boundary: datetime, rows: Sequence[ListRow]) -> bool:
    return len(rows) <= (rows[-1].target_time - boundary) // GRID


def _must_be_settled(
    known: Surroundings, hole_end: datetime | None, now: datetime
) -> None:
    if hole_end is None or not is_settled(
        hole_end, opens_list=known.opens_list, now=now
    ):
        raise Undecided


def sums(shares: Iterable[Share]) -> tuple[RegisterValue, ...]:
    """One sum per OBIS code, exact, in the finest scaler; ascending by OBIS.

    Raises UnitsDiffer.
    """
    by_obis: dict[bytes, list[Share]] = {}
    for share in shares:
        by_obis.setdefault(share.register.obis.groups, []).append(share)
    return tuple(_sum(by_obis[obis]) for obis in sorted(by_obis))


def _sum(shares: Sequence[Share]) -> RegisterValue:
    first = shares[0].register
    if any(share.register.unit != first.unit for share in shares):
        raise UnitsDiffer(str(first.obis))
    finest = min(share.register.scaler for share in shares)
    total = sum(
        share.sign * share.register.value * int(10 ** (share.register.scaler - finest))
        for share in shares
    )
    return RegisterValue(first.obis, total, finest, first.unit)


def record_of_boundary(
    profile: str, boundary: datetime, shares: Sequence[Share]
) -> tuple[Record, int]:
    """The derived record, and its bits of the later dialect.

    Its status is the OR of the inputs' gateway words and marks; its capture time the
    latest one used, or the boundary itself when a value is missing (D42).
    """
    marks = gateway_bits = later_bits = 0
    for share in shares:
        marks |= share.mark
        gateway_bits |= gateway_word(share.row.status)
        later_bits |= share.row.later_bits
    is_missing = marks & PLACEHOLDER == PLACEHOLDER
    latest = max(share.row.capture_time for share in shares)
    record = Record(
        subject=profile,
        target_time=boundary,
        capture_time=boundary if is_missing else latest,
        status=combined(gateway_bits | marks, METER_BASIC),
        registers=sums(shares),
    )
    return record, later_bits
