"""A row of a value list as plain data, cheap enough for lists of years."""

from datetime import datetime
from typing import NamedTuple

from hardware.record import Record, register_lines

OBIS_DIGITS = 12


class ListRow(NamedTuple):
    """One record as it is listed, exported and evaluated.

    Times are UTC; `status` is the 64-bit word in the FNN dialect; `registers` are the
    register lines of the signed text. `subject` is the meter or the profile that the
    signed text names. A row that was only computed on request is not signed: its
    `signature` is empty.
    """

    target_time: datetime
    capture_time: datetime
    status: int
    later_bits: int
    registers: str
    signature: bytes
    signer_ski: str
    subject: str

    @classmethod
    def computed(cls, record: Record, later_bits: int) -> "ListRow":
        """The unsigned row of a record that is not stored."""
        return cls(
            record.target_time,
            record.capture_time,
            record.status,
            later_bits,
            register_lines(record.registers),
            b"",
            "",
            record.subject,
        )

    @property
    def is_signed(self) -> bool:
        """Whether this row is a stored record with its signature."""
        return bool(self.signature)


def register_names(lines: str) -> list[str]:
    """The OBIS codes (12 hex digits) of register lines, in their order."""
    return [line[:OBIS_DIGITS] for line in lines.split("\n")] if lines else []
