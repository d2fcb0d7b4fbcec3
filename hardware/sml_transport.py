"""SML transport version 1: what goes around an SML file on a serial line.

    1B1B1B1B 01010101 | messages | 0..3 x 00 | 1B1B1B1B 1A pp cc cc

pp is the number of padding bytes, cc the checksum over everything before it. Four
bytes 1B inside are sent twice (lmn-wired.md 7.2).
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from hardware.errors import FrameUndecodable
from hardware.line_fault import LineFault
from hardware.sml import (
    Checksum,
    SmlMessage,
    checksum_value,
    decode_file,
    matching_checksum,
)

ESCAPE = b"\x1b" * 4
START = ESCAPE + b"\x01" * 4
END_MARK = 0x1A
_END = ESCAPE + bytes([END_MARK])
MAX_FILE = 64 * 1024
"""Bytes of the longest file with its transport; also the limit of the buffer."""

_MARK = re.compile(rb"\x1b{4}(?:\x01{4}|\x1a.{3})", re.DOTALL)
_MARK_LENGTH = 8
_MAX_PADDING = 4  # three by the standard; other readers take a whole group, too


class SmlFile(NamedTuple):
    """A file whose checksums are all right.

    `offset` and `length` tell where it stood in the stream, from the start escape to
    the last checksum byte.
    """

    offset: int
    length: int
    padding: int
    transport_crc: Checksum
    messages: tuple[SmlMessage, ...]


class SmlFault(LineFault):
    """A stretch of the stream that holds no good file; it never has a header."""

    __slots__ = ()


def wrap(file: bytes, checksum: Checksum = "x25") -> bytes:
    """Return the file with its transport around it."""
    padding = -len(file) % 4
    escaped = (file + bytes(padding)).replace(ESCAPE, ESCAPE * 2)
    # a doubled escape keeps the length a multiple of four
    content = START + escaped + ESCAPE + bytes([END_MARK, padding])
    return content + checksum_value(content, checksum).to_bytes(2, "big")


def unwrap(data: bytes, offset: int = 0) -> SmlFile:
    """Read one file with its transport that fills `data`; raises FrameUndecodable.

    Escapes are undone at any offset; where the messages do not fit then, once more
    on the grid of four bytes only, as some meters send them.
    """
    padding, transport_crc = _check_transport(data)
    content = data[len(START) : -_MARK_LENGTH]
    fault: FrameUndecodable | None = None
    for reading in _readings(content):
        try:
            messages = decode_file(reading[: len(reading) - padding])
        except FrameUndecodable as error:
            fault = error
        else:
            return SmlFile(offset, len(data), padding, transport_crc, messages)
    raise fault or FrameUndecodable("an SML file without messages")


def _check_transport(data: bytes) -> tuple[int, Checksum]:
    """Return padding and checksum kind of a whole candidate."""
    if len(data) < 2 * _MARK_LENGTH or not data.startswith(START):
        raise FrameUndecodable("no start of an SML file")
    if data[-_MARK_LENGTH:-3] != _END:
        raise FrameUndecodable("no end of the SML file")
    transport_crc = matching_checksum(data[:-2], int.from_bytes(data[-2:], "big"))
    if transport_crc is None:
        raise FrameUndecodable("checksum of the SML file wrong")
    if data[-3] > _MAX_PADDING:
        raise FrameUndecodable(f"an SML file with {data[-3]} padding bytes")
    return data[-3], transport_crc


def _readings(content: bytes) -> tuple[bytes, ...]:
    """What the content may mean: one reading where nothing is escaped, else two."""
    if ESCAPE not in content:
        return (content,)
    return content.replace(ESCAPE * 2, ESCAPE), _undouble_on_grid(content)


def _undouble_on_grid(content: bytes) -> bytes:
    parts = []
    kept, position = 0, content.find(ESCAPE)
    while position >= 0:
        if position % 4:
            position = content.find(ESCAPE, position + 1)
        elif content.startswith(ESCAPE, position + 4):
            parts.append(content[kept : position + 4])
            kept = position + 8
            position = content.find(ESCAPE, kept)
        else:
            position = content.find(ESCAPE, position + 4)
    return b"".join(parts) + content[kept:]


def _unless_before(oldest: int, start: int | None) -> int | None:
    return None if start is None or start < oldest else start


class SmlFileReader:
    """Cuts a byte stream into SML files; does no I/O of its own.

    Finds its way back after damage: a start mark inside an unfinished file begins a
    new one. Because some meters double escapes only on the grid of four bytes, what
    looks like a mark off the grid of an unfinished file may be its data: so beside
    the newest start the reader keeps the newest start of each of the four grids open
    until a mark on its grid, or a good file, settles it; and a start mark that looks
    doubled, because the file before may have been cut off in its end mark.

    Every byte fed is part of a file or of one fault (of both only where a file read
    on the grid was given up before). Memory is bounded by `limit` and by what was
    fed last.
    """

    def __init__(self, limit: int = MAX_FILE) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._base = 0  # stream offset of the first byte in the buffer
        self._scanned = 0  # where to look for the next mark
        self._told = 0  # everything before is part of a file or of a fault
        self._newest: int | None = None
        self._doubtful: int | None = None
        self._on_grid: dict[int, int] = {}  # offset modulo 4 -> open start
        self._reason = ""
        self._found: list[SmlFile | SmlFault] = []

    def feed(self, data: bytes) -> Iterator[SmlFile | SmlFault]:
        """Take the bytes and give each whole file, and a fault for what was none."""
        self._buffer += data
        self._cut_files()
        return self._take_found()

    def finish(self) -> Iterator[SmlFile | SmlFault]:
        """Give up the file that does not go on, when no more bytes come."""
        self._cut_files()
        if self._is_open:
            self._close_all("the SML file ends early")
        self._tell_before(self._end)
        self._scanned = self._end
        self._trim()
        return self._take_found()

    def _take_found(self) -> Iterator[SmlFile | SmlFault]:
        found, self._found = self._found, []
        return iter(found)

    @property
    def _end(self) -> int:
        return self._base + len(self._buffer)

    @property
    def _is_open(self) -> bool:
        return bool(self._on_grid) or self._doubtful is not None

    def _cut_files(self) -> None:
        while (mark := self._next_mark()) is not None:
            run, behind = mark
            is_escaped = run % 8 < 4  # doubled escapes, the last one too
            self._scanned = behind + 1
            if self._buffer[behind - self._base] == END_MARK:
                if not is_escaped:
                    self._end_at(behind)
            elif is_escaped and self._is_open:
                self._doubtful = behind - len(ESCAPE)
            else:
                self._start_at(behind - len(ESCAPE))
        if self._end - self._told > self._limit:
            self._enforce_limit()
        self._trim()

    def _next_mark(self) -> tuple[int, int] | None:
        """Number of escape bytes in a row and offset behind them; None without mark."""
        begin = self._scanned - self._base
        match = _MARK.search(self._buffer, begin)
        if match is not None:
            behind = match.start() + len(ESCAPE)
            return self._escapes_before(behind, begin), self._base + behind
        if len(self._buffer) - begin >= _MARK_LENGTH:
            safe = len(self._buffer) - _MARK_LENGTH + 1
            run = self._escapes_before(safe, begin)
            # of a long row only the remainder counts, so it need not be kept
            self._scanned = self._base + safe - (run if run < 16 else run % 8 + 8)
        return None

    def _escapes_before(self, behind: int, begin: int) -> int:
        """How many bytes 1B stand in a row before `behind`, back to `begin`."""
        if behind - begin == len(ESCAPE):
            return len(ESCAPE)
        row = self._buffer[begin:behind]
        return len(row) - len(row.rstrip(ESCAPE))

    def _start_at(self, offset: int) -> None:
        if not self._is_open:
            self._tell_before(offset)
        self._newest = self._on_grid[offset % 4] = offset
        self._doubtful = None
        self._reason = "a new SML file begins before the end"

    def _end_at(self, behind: int) -> None:
        """Try the starts that this end may belong to, the newest first."""
        starts = (self._newest, self._on_grid.pop(behind % 4, None), self._doubtful)
        self._newest = self._doubtful = None
        for start in dict.fromkeys(starts):
            if start is not None and self._is_file(start, behind):
                return
        if not self._is_open:
            # the three bytes behind may already be the next start, the rest being lost
            rest = self._buffer[behind + 1 - self._base : behind + 4 - self._base]
            self._tell_before(behind + (1 if ESCAPE[0] in rest else 4))

    def _is_file(self, start: int, behind: int) -> bool:
        """Deliver the file between start and end mark, if it is a good one."""
        end = behind + 4
        if end - start > self._limit:
            return False
        data = bytes(self._buffer[start - self._base : end - self._base])
        try:
            file = unwrap(data, start)
        except FrameUndecodable as error:
            self._reason = str(error)
            return False
        self._tell_before(start)
        self._close_all("")
        self._scanned = self._told = end
        self._found.append(file)
        return True

    def _close_all(self, reason: str) -> None:
        self._newest = self._doubtful = None
        self._on_grid.clear()
        self._reason = reason

    def _tell_before(self, offset: int) -> None:
        """Tell of the bytes before `offset` that no one was told of yet."""
        if offset > self._told:
            reason = self._reason or "bytes outside of an SML file"
            self._found.append(SmlFault(self._told, offset - self._told, reason))
            self._told = offset
        self._reason = ""

    def _enforce_limit(self) -> None:
        """Close files that grew too long; tell of noise before it fills the buffer."""
        oldest = self._end - self._limit
        if self._oldest_start < oldest:
            self._reason = f"an SML file longer than {self._limit} bytes"
            self._on_grid = {g: s for g, s in self._on_grid.items() if s >= oldest}
            self._newest = _unless_before(oldest, self._newest)
            self._doubtful = _unless_before(oldest, self._doubtful)
        self._tell_before(self._oldest_start)

    @property
    def _oldest_start(self) -> int:
        """Where the oldest open file begins; where to look on when none is open."""
        oldest = min(self._on_grid.values(), default=self._scanned)
        return oldest if self._doubtful is None else min(oldest, self._doubtful)

    def _trim(self) -> None:
        """Forget what can no longer be part of a file."""
        keep = min(self._oldest_start, self._scanned)
        del self._buffer[: keep - self._base]
        self._base = keep
