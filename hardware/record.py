"""A record: all registers of one meter or profile at one target time, and its text.

One form for everything that is stored, signed and handed out (decisions D16, D17,
D41, D42).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from hardware.obis import Obis
from hardware.readings import RegisterValue
from hardware.status_word import hex_text

SIGNED_TEXT_VERSION = "casa-record-v1"


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a value list, before or after it was stored.

    `subject` is the meter id (original list) or the profile id (derived list);
    `status` the 64-bit word in the FNN dialect; registers in ascending OBIS order.
    """

    subject: str
    target_time: datetime
    capture_time: datetime
    status: int
    registers: tuple[RegisterValue, ...]


def register_lines(registers: Iterable[RegisterValue]) -> str:
    """One line per register, ascending: `<obis, 12 hex> <value> <scaler> <unit>`."""
    return "\n".join(
        f"{r.obis.groups.hex()} {r.value} {r.scaler} {r.unit}"
        for r in sorted(registers, key=lambda r: r.obis.groups)
    )


def registers_of(lines: str) -> tuple[RegisterValue, ...]:
    """The registers of such lines, in their order; () for an empty text."""
    registers = []
    for line in lines.split("\n") if lines else ():
        obis, value, scaler, unit = line.split(" ")
        registers.append(
            RegisterValue(Obis(bytes.fromhex(obis)), int(value), int(scaler), int(unit))
        )
    return tuple(registers)


def zulu(instant: datetime) -> str:
    """A UTC instant in whole seconds, cut: `2026-01-31T23:00:00Z`."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def signed_text(
    huid: str,
    subject: str,
    target_time: datetime,
    capture_time: datetime,
    status: int,
    lines: str,
) -> str:
    """The text that is signed, the same for all outlets (decisions D17).

    Both times are UTC; `lines` are the stored register lines. No newline at the end.
    """
    written = zulu(target_time), zulu(capture_time)
    return signed_text_of(huid, subject, *written, status, lines)


def signed_text_of(
    huid: str, subject: str, target: str, capture: str, status: int, lines: str
) -> str:
    """The same from times that are written already, `2026-01-31T23:00:00Z`."""
    head = (
        f"{SIGNED_TEXT_VERSION} {huid} {subject} {target} {capture} {hex_text(status)}"
    )
    return f"{head}\n{lines}" if lines else head
