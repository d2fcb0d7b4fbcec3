"""Data records of the application layer (EN 13757-3): DIB VIB [LVAR] data, repeated."""

from dataclasses import dataclass

from hardware.wmbus_errors import Unsupported
from hardware.wmbus_header import VARIABLE, RecordHeader, header_end, header_of
from hardware.wmbus_values import Value, read_value, variable_size

FILLER = 0x2F
_SPECIAL = 0x0F
_MORE_FOLLOW = 0x1F


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its head, its data as sent, and what they say."""

    header: RecordHeader
    raw: bytes
    lvar: int | None
    value: Value


@dataclass(frozen=True, slots=True)
class RecordList:
    """All records of an application layer.

    `manufacturer_data` stands behind DIF 0F or 1F, which says that more records follow
    in another telegram; `truncated` says why the last record is not among them, and
    `unread` are the bytes from its begin on.
    """

    records: tuple[Record, ...]
    manufacturer_data: bytes | None = None
    more_follow: bool = False
    truncated: str | None = None
    unread: bytes = b""

    @property
    def format(self) -> bytes:
        """All DIBs and VIBs in order, what a compact frame leaves out."""
        heads = (record.header for record in self.records)
        return b"".join(head.dib + head.vib for head in heads) + self._unread_head

    @property
    def _unread_head(self) -> bytes:
        try:
            return self.unread[: header_end(self.unread, 0)]
        except IndexError:
            return b""


class _Ended(Exception):
    """The data end in the middle of a record."""


def read_records(data: bytes) -> RecordList:
    """The records in `data`; what cannot be read ends the list and is told of."""
    records: list[Record] = []
    position, size = 0, len(data)
    try:
        while position < size:
            dif = data[position]
            if dif == FILLER:
                position += 1
            elif dif & _SPECIAL == _SPECIAL:
                rest, follow = data[position + 1 :], dif == _MORE_FOLLOW
                return RecordList(tuple(records), rest, follow)
            else:
                record, position = _record_at(data, position)
                records.append(record)
    except (_Ended, IndexError):
        reason = f"the data end in the middle of record {len(records) + 1}"
        return RecordList(tuple(records), truncated=reason, unread=data[position:])
    except Unsupported as fault:
        reason = f"record {len(records) + 1} cannot be read: {fault}"
        return RecordList(tuple(records), truncated=reason, unread=data[position:])
    return RecordList(tuple(records))


def _record_at(data: bytes, start: int) -> tuple[Record, int]:
    end = header_end(data, start)
    header = header_of(data[start:end])
    size, lvar = header.size, None
    if size == VARIABLE:
        lvar = data[end]
        size, end = variable_size(lvar), end + 1
    raw = data[end : end + size]
    if len(raw) != size:
        raise _Ended
    return Record(header, raw, lvar, read_value(header, raw, lvar)), end + size
