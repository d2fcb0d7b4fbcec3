"""TAF7, the counter-reading course: a selection of original records.

Only where the profile names fewer registers than the record holds, a record of just
these is made for it, so that nobody receives more than the profile names (D16).
"""

from hardware.record import Record, registers_of
from hardware.status_word import NOT_FOR_BILLING, gateway_word
from tariffs.list_row import ListRow, register_names


def may_list(row: ListRow, *, unsecured_allowed: bool) -> bool:
    """Whether the record may stand in a billing list at all (decisions D38)."""
    return unsecured_allowed or not gateway_word(row.status) & NOT_FOR_BILLING


def is_whole(row: ListRow, named: frozenset[str]) -> bool:
    """Whether the original record itself is the row: it holds nothing unnamed."""
    return named.issuperset(register_names(row.registers))


def narrowed(row: ListRow, profile: str, named: frozenset[str]) -> Record | None:
    """The profile's own record of the named registers; None when it needs none.

    Times and status are those of the original record.
    """
    if is_whole(row, named):
        return None
    registers = tuple(
        r for r in registers_of(row.registers) if r.obis.logical_name in named
    )
    if not registers:
        return None
    return Record(profile, row.target_time, row.capture_time, row.status, registers)
