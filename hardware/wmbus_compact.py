"""Compact frames and the formats that they leave out (EN 13757-3, annex on format).

    CI 79/73/7B | format signature 2 | full frame CRC 2 | data of all records

The signature is a CRC over the heads of the full frame; the full frame CRC is one over
its heads and data. Both are sent low byte first. Formats are learned from full frames
and kept per kind of meter.
"""

from collections import OrderedDict
from collections.abc import Iterable

from hardware.wmbus_address import MeterAddress
from hardware.wmbus_crc import crc16, format_signature
from hardware.wmbus_errors import CrcWrong, FormatUnknown, LengthWrong, Unsupported
from hardware.wmbus_header import VARIABLE, headers_in
from hardware.wmbus_records import FILLER
from hardware.wmbus_values import variable_size

_ANY_TYPE = b""
_LONGEST_FORMAT = 1024
"""Bytes; longer than what any telegram can hold."""
_HEAD = 4


class FormatCache:
    """Formats by kind of meter and signature; when full, the longest unused goes."""

    def __init__(
        self, known: Iterable[tuple[bytes, bytes]] = (), *, limit: int = 1024
    ) -> None:
        """`known` are pairs (kind of meter, format) as `formats` gives them."""
        self._limit = limit
        self._formats: OrderedDict[tuple[bytes, int], bytes] = OrderedDict()
        self.changes = 0
        for type_key, heads in known:
            self._put(type_key, heads)

    def __len__(self) -> int:
        return len(self._formats)

    @property
    def formats(self) -> list[tuple[bytes, bytes]]:
        """The state to keep; `changes` counts how often it moved."""
        return [(type_key, heads) for (type_key, _), heads in self._formats.items()]

    def learn(self, address: MeterAddress, heads: bytes) -> None:
        """Keep the format of a full frame of this meter for all of its kind."""
        if heads:
            self._put(address.type_key, heads)

    def prime(self, heads: bytes) -> None:
        """Keep a format that was given by hand, for meters of every kind."""
        self._put(_ANY_TYPE, heads)

    def find(self, address: MeterAddress, signature: int) -> tuple[bytes, bool]:
        """The format with this signature, and whether it was given by hand.

        Raises FormatUnknown.
        """
        for type_key in (address.type_key, _ANY_TYPE):
            heads = self._formats.get((type_key, signature))
            if heads is not None:
                self._formats.move_to_end((type_key, signature))
                return heads, type_key == _ANY_TYPE
        raise FormatUnknown(signature)

    def _put(self, type_key: bytes, heads: bytes) -> None:
        if len(heads) > _LONGEST_FORMAT:
            return
        key = type_key, format_signature(heads)
        if self._formats.get(key) != heads:
            self._formats[key] = heads
            self.changes += 1
        self._formats.move_to_end(key)
        while len(self._formats) > self._limit:
            self._formats.popitem(last=False)


def signature_of(data: bytes) -> int:
    """The format signature of a compact frame's application layer; LengthWrong."""
    if len(data) < _HEAD:
        raise LengthWrong("the compact frame ends early")
    return int.from_bytes(data[:2], "little")


def full_frame(data: bytes, heads: bytes) -> bytes:
    """The records of a compact frame with their heads put in again.

    Raises LengthWrong when the data do not fit the format.
    """
    parts: list[bytes] = []
    position = _HEAD
    for header in headers_in(heads):
        size = header.size
        if size == VARIABLE:
            size = _variable_part(data, position)
        parts += header.dib, header.vib, data[position : position + size]
        position += size
    if position > len(data) or data[position:].strip(bytes([FILLER])):
        raise LengthWrong("the data of the compact frame do not fit its format")
    return b"".join(parts)


def require_crc(data: bytes, frame: bytes) -> None:
    """Raise CrcWrong when `frame` is not what the compact frame `data` stands for."""
    if crc16(frame) != int.from_bytes(data[2:_HEAD], "little"):
        raise CrcWrong("the CRC of the full frame is wrong")


def _variable_part(data: bytes, position: int) -> int:
    """LVAR and the data behind it."""
    if position >= len(data):
        raise LengthWrong("the data of the compact frame do not fit its format")
    return 1 + variable_size(data[position])


def format_of(data: bytes) -> bytes:
    """The heads that a format frame holds: length, signature 2, heads.

    Raises LengthWrong, CrcWrong when the signature is not theirs, Unsupported.
    """
    if not data or len(data) < 1 + data[0] or data[0] < 3:
        raise LengthWrong("the format frame ends early")
    heads = data[3 : 1 + data[0]]
    if format_signature(heads) != int.from_bytes(data[1:3], "little"):
        raise CrcWrong("the signature of the format frame is wrong")
    if not list(headers_in(heads)):
        raise Unsupported("an empty format")
    return heads
