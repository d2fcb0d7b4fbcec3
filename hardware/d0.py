"""The readout of a D0 meter, IEC 62056-21: lines of text with OBIS codes.

    / XXX z identification CR LF
    [STX] 1-0:1.8.0*255(010192.57*kWh) CR LF
          ...
    ! CR LF [ETX BCC]

XXX is the maker, z the speed it proposes. BCC is the exclusive or of all bytes after
STX up to and including ETX; meters that send unasked (mode D) leave STX, ETX and BCC
out. Characters have seven bits, parity in the eighth (see `seven_bit`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import xor

from hardware.errors import FrameUndecodable
from hardware.line_fault import LineFault
from hardware.seven_bit import is_intact, without_parity

STX, ETX, ACK = 0x02, 0x03, 0x06

MAX_READOUT = 64 * 1024
"""Bytes of the longest readout; also the limit of the buffer."""
MAX_LINE = 512
"""Characters of the longest data line; the standard says 78, keys are longer."""
IDENTIFICATION_LINE = re.compile(
    rb"/[A-Za-z]{3}(?P<speed>[\"-'*-.0-~])[ \"-'*-.0-~]{0,59}\r\n"
)
"""The first line: maker, speed character, text without slash, ! and parentheses."""

_END_MARK = re.compile(rb"(?<=[\n\x02])!([^\r\n]{0,16})\r\n")
_TEXT_BEGIN = re.compile(rb"(?:\r\n){0,2}\x02")
_DATA_SET = re.compile(r"([!-'*-~]{0,32})\(([^()\x00-\x1f\x7f]*)\)")
_IDLE = b"\r\n\x00"
_TRAILER = 2  # ETX and BCC
_LONGEST_START = 70  # bytes of an identification line; the standard says 23


def bcc(data: bytes) -> int:
    """Block check character: the exclusive or of all bytes; b'!\\r\\n\\x03' -> 0x25."""
    return reduce(xor, data, 0)


@dataclass(frozen=True, slots=True)
class D0DataSet:
    """One value of a readout as text: `address(value*unit)`.

    A set without address belongs to the address before; unit is "" where there is none.
    """

    address: str
    value: str
    unit: str


@dataclass(frozen=True, slots=True)
class D0Readout:
    """A readout that is whole; `is_checked` when a block check character protects it.

    `offset` and `length` tell where it stood in the stream. `identification` is the
    first line without its slash.
    """

    offset: int
    length: int
    identification: str
    is_checked: bool
    data: tuple[D0DataSet, ...]


class D0Fault(LineFault):
    """A stretch of the stream that holds no good readout.

    `header` is the identification line, where one was found.
    """

    __slots__ = ()


def data_sets(line: str) -> list[D0DataSet]:
    """The values of one data line; raises FrameUndecodable.

    '1-0:1.8.0*255(010192.57*kWh)' -> [D0DataSet('1-0:1.8.0*255', '010192.57', 'kWh')]
    """
    found = []
    at = 0
    while match := _DATA_SET.match(line, at):
        value, _, unit = match[2].partition("*")
        found.append(D0DataSet(match[1], value, unit))
        at = match.end()
    if not found or at != len(line) or len(line) > MAX_LINE or not found[0].address:
        raise FrameUndecodable("a line that holds no value")
    return found


class D0Reader:
    """Cuts a byte stream into readouts; does no I/O of its own.

    A new identification line inside an unfinished readout begins a new one. With
    `needs_check`, and as soon as one readout with a block check character was heard,
    none without is taken: a damaged STX must not pass as "no check here".
    """

    def __init__(self, *, needs_check: bool = False, limit: int = MAX_READOUT) -> None:
        self._needs_check = needs_check
        self._limit = limit
        self._raw = bytearray()
        self._text = bytearray()  # the same without parity
        self._base = 0  # stream offset of the first byte in the buffer
        self._searched = 0  # the search for an end goes on here

    def feed(self, data: bytes) -> Iterator[D0Readout | D0Fault]:
        """Take the bytes and give each whole readout, and a fault for what was none."""
        self._raw += data
        self._text += without_parity(data)
        found: list[D0Readout | D0Fault] = []
        while (some := self._next()) is not None:
            found += some
        return iter(found)

    def _next(self) -> list[D0Readout | D0Fault] | None:
        """What the head of the buffer holds; None when more bytes are needed."""
        start = IDENTIFICATION_LINE.search(self._text)
        if start is None:
            return self._without_start()
        if start.start() > 0:
            return self._noise(start.start())
        return self._from_start(start.end())

    def _without_start(self) -> list[D0Readout | D0Fault] | None:
        """Keep what may still become an identification line, and a little noise."""
        slash = self._text.rfind(b"/", -_LONGEST_START)
        length = len(self._text) if slash < 0 else slash
        return self._noise(length) if length >= self._limit // 16 else None

    def _noise(self, length: int) -> list[D0Readout | D0Fault]:
        is_noise = bool(self._text[:length].strip(_IDLE))
        fault = D0Fault(self._base, length, "no identification line")
        self._drop(length)
        return [fault] if is_noise else []

    def _from_start(self, body: int) -> list[D0Readout | D0Fault] | None:
        """The readout that begins the buffer, its lines at `body`."""
        searched = max(body, self._searched)
        following = IDENTIFICATION_LINE.search(self._text, searched)
        limit = following.start() if following else len(self._text)
        mark = _END_MARK.search(self._text, searched, limit)
        if mark is not None:
            return self._ended(body, mark, limit if following else None)
        if following is not None:
            return [self._give_up(limit, "the readout ends early")]
        if limit > self._limit:
            return [self._give_up(limit, "the readout does not end")]
        self._searched = max(body, limit - _LONGEST_START)
        return None

    def _ended(
        self, body: int, mark: re.Match[bytes], limit: int | None
    ) -> list[D0Readout | D0Fault] | None:
        """The readout up to its end mark, None while the checksum is not there."""
        end = mark.end()
        if mark[1]:
            return [self._give_up(end, "a checksum of another kind")]
        has_check = _TEXT_BEGIN.match(self._text, body) is not None
        length = end + (_TRAILER if has_check else 0)
        if limit is not None and length > limit:
            return [self._give_up(limit, "the readout ends early")]
        if len(self._text) < length:
            return None
        try:
            readout = self._readout(body, end, length, has_check)
        except FrameUndecodable as error:
            return [self._give_up(length, str(error))]
        self._needs_check |= has_check
        self._drop(length)
        return [readout]

    def _readout(self, body: int, end: int, length: int, has_check: bool) -> D0Readout:
        text = bytes(self._text[:length])
        if not is_intact(bytes(self._raw[:length])):
            raise FrameUndecodable("parity of a character wrong")
        if has_check:
            body = text.index(STX, body) + 1
            _verify(text[body:length])
        elif self._needs_check or self._text[end : end + 1] == bytes([ETX]):
            raise FrameUndecodable("a readout without its checksum")
        lines = text[body : end - len(b"!\r\n")].decode("ascii").split("\r\n")
        return D0Readout(
            offset=self._base,
            length=length,
            identification=text[1 : text.index(b"\r\n")].decode("ascii"),
            is_checked=has_check,
            data=tuple(one for line in lines if line for one in data_sets(line)),
        )

    def _give_up(self, length: int, reason: str) -> D0Fault:
        header = bytes(self._text[: self._text.index(b"\r\n")])
        fault = D0Fault(self._base, length, reason, header)
        self._drop(length)
        return fault

    def _drop(self, length: int) -> None:
        del self._raw[:length], self._text[:length]
        self._base += length
        self._searched = 0


def _verify(protected: bytes) -> None:
    """Check ETX and the block check character, the last two of these bytes."""
    if protected[-2] != ETX:
        raise FrameUndecodable("no end of the text")
    if bcc(protected[:-1]) != protected[-1]:
        raise FrameUndecodable("checksum of the readout wrong")
