"""What the page of one value shows: the registers, the signed text, the signature."""

from collections.abc import Sequence
from dataclasses import dataclass

from hardware.record import registers_of, signed_text, zulu
from hardware.status_word import hex_text
from portal import formats
from portal.measurement_table import row_word
from portal.register_rows import RegisterRow, register_rows
from portal.status_words import StatusWord
from tariffs.list_row import ListRow


@dataclass(frozen=True, slots=True)
class RecordPage:
    """One stored record with everything that checking its signature needs (D17)."""

    key: str
    time: str
    captured: str
    subject: str
    word: StatusWord
    status: str
    registers: Sequence[RegisterRow]
    text: str
    signature: str
    ski: str


def record_page(huid: str, row: ListRow) -> RecordPage:
    """The page of a record."""
    time = formats.record_stamp(row.target_time)
    return RecordPage(
        key=zulu(row.target_time),
        time=time,
        captured=formats.record_time(row.capture_time),
        subject=row.subject,
        word=row_word(row),
        status=hex_text(row.status),
        registers=register_rows(registers_of(row.registers), time),
        text=record_text(huid, row),
        signature=bytes(row.signature).hex(),
        ski=row.signer_ski,
    )


def record_text(huid: str, row: ListRow) -> str:
    """The text that was signed, no newline at its end."""
    return signed_text(
        huid, row.subject, row.target_time, row.capture_time, row.status, row.registers
    )
