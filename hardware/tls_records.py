"""TLS records on their way through HDLC frames (lmn-wired.md 5.2)."""

from collections.abc import Iterator

from hardware.hdlc import MAX_INFO

_HEAD_BYTES = 5


def frame_pieces(records: bytes, largest: int = MAX_INFO) -> Iterator[bytes]:
    """Cut a row of records into what fits a frame, whole records where possible.

    A record that is too large for a frame goes on in the next one; so does what
    follows a head that is none.
    """
    begin = end = 0
    while end < len(records):
        after = _record_end(records, end)
        if after - begin > largest and end > begin:
            yield records[begin:end]
            begin = end
        while after - begin > largest:
            yield records[begin : begin + largest]
            begin += largest
        end = after
    if end > begin:
        yield records[begin:end]


def _record_end(records: bytes, begin: int) -> int:
    """Where the record that begins here ends; the end of all where it is cut off."""
    head = records[begin : begin + _HEAD_BYTES]
    length = int.from_bytes(head[3:], "big") if len(head) == _HEAD_BYTES else 0
    return min(begin + _HEAD_BYTES + length, len(records))
