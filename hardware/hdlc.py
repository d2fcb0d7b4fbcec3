"""HDLC frames of format type 3 (ISO/IEC 13239 Annex H.4), without segmentation.

    7E | format 2 | destination | source | control 1 | HCS 2 | information | FCS 2 | 7E

Nothing is escaped: a 7E may stand inside, the length in the format field counts. On
the LMN an address has two bytes, (SAP, station); other systems use one to four, which
are read as well. A frame without information has no HCS (lmn-wired.md 2).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from hardware.crc16 import x25
from hardware.errors import FrameUndecodable

FLAG = 0x7E
MAX_INFO = 2034
"""Bytes of information in the largest frame of the LMN."""
MAX_LENGTH = 0x7FF
"""What the eleven bits of the length field can say: bytes between the flags."""
MIN_LENGTH = 7
"""Format, two addresses of one byte, control, FCS."""

Address = tuple[int, ...]

SNRM = 0x93
DISC = 0x53
UA = 0x73
DM = 0x1F
FRMR = 0x97
UI = 0x03
"""Control fields as the LMN sends them: all with P/F = 1 but UI, which has 0."""

_POLL = 0x10
_SUPERVISORY = {0x1: "RR", 0x5: "RNR", 0x9: "REJ"}
_UNNUMBERED = {
    0x83: "SNRM",
    0x43: "DISC",
    0x63: "UA",
    0x0F: "DM",
    0x87: "FRMR",
    0x03: "UI",
}
_ADDRESS_MAX = 4


def fcs16(data: bytes) -> int:
    """Frame check sequence, CRC-16/X-25 (ISO/IEC 13239); b'123456789' -> 0x906E."""
    return x25(data)


def _fcs_bytes(data: bytes) -> bytes:
    return fcs16(data).to_bytes(2, "little")


def i_control(n_s: int, n_r: int, poll: bool = True) -> int:
    """Control field of an information frame; the counters are taken modulo 8."""
    return (n_r & 7) << 5 | _poll_bit(poll) | (n_s & 7) << 1


def rr_control(n_r: int, poll: bool = True) -> int:
    """Control field of "receive ready"."""
    return (n_r & 7) << 5 | _poll_bit(poll) | 0x1


def rnr_control(n_r: int, poll: bool = True) -> int:
    """Control field of "receive not ready"."""
    return (n_r & 7) << 5 | _poll_bit(poll) | 0x5


def rej_control(n_r: int, poll: bool = True) -> int:
    """Control field of "reject"."""
    return (n_r & 7) << 5 | _poll_bit(poll) | 0x9


def _poll_bit(poll: bool) -> int:
    return _POLL if poll else 0


@dataclass(frozen=True, slots=True)
class HdlcFrame:
    """One frame whose check sequences are right.

    `length` counts the bytes between the flags; addresses are their 7-bit parts,
    upper part first, so (SAP, station) on the LMN; `hcs` and `fcs` are as sent,
    `hcs` is None when there is no information.
    """

    segmented: bool
    length: int
    destination: Address
    source: Address
    control: int
    info: bytes
    hcs: bytes | None
    fcs: bytes

    @property
    def frame_type(self) -> str:
        """I, RR, RNR, REJ, SNRM, DISC, UA, DM, FRMR, UI; UNKNOWN for any other."""
        if not self.control & 1:
            return "I"
        if not self.control & 2:
            return _SUPERVISORY.get(self.control & 0xF, "UNKNOWN")
        return _UNNUMBERED.get(self.control & ~_POLL, "UNKNOWN")

    @property
    def poll_final(self) -> bool:
        """The P bit of a command, the F bit of an answer."""
        return bool(self.control & _POLL)

    @property
    def n_s(self) -> int | None:
        """Send counter; only information frames have one."""
        return None if self.control & 1 else self.control >> 1 & 7

    @property
    def n_r(self) -> int | None:
        """Receive counter; unnumbered frames have none."""
        return None if self.control & 3 == 3 else self.control >> 5


@dataclass(frozen=True, slots=True)
class FrameFault:
    """Bytes on the line that were no good frame; `code` is the manual's fault code.

    `data` is what was looked at: the whole frame, or its head where that was enough.
    """

    reason: str
    data: bytes
    code: int = FrameUndecodable.code


def encode_frame(
    *, destination: Address, source: Address, control: int, info: bytes = b""
) -> bytes:
    """Return the frame with both flags; addresses are (SAP, station) on the LMN.

    Raises ValueError when a part does not fit its field.
    """
    if not 0 <= control <= 0xFF:
        raise ValueError(f"control field out of range: {control}")
    head = _address_bytes(destination) + _address_bytes(source) + bytes([control])
    length = 2 + len(head) + (2 + len(info) if info else 0) + 2
    if len(info) > MAX_INFO or length > MAX_LENGTH:
        raise ValueError(f"{len(info)} bytes do not fit into one frame")
    content = (0xA000 | length).to_bytes(2, "big") + head
    if info:
        content += _fcs_bytes(content) + info
    flag = bytes([FLAG])
    return flag + content + _fcs_bytes(content) + flag


def _address_bytes(parts: Address) -> bytes:
    """Seven bits in each byte, the lowest bit marks the last one."""
    if not 1 <= len(parts) <= _ADDRESS_MAX or not all(0 <= p < 128 for p in parts):
        raise ValueError(f"not an HDLC address: {parts}")
    return bytes([p << 1 for p in parts[:-1]] + [parts[-1] << 1 | 1])


def decode_frame(data: bytes) -> HdlcFrame:
    """Read one frame with both flags; raises FrameUndecodable."""
    if len(data) < MIN_LENGTH + 2 or data[0] != FLAG:
        raise FrameUndecodable("no opening flag, or too short for a frame")
    if data[1] >> 4 != 0xA:
        raise FrameUndecodable("format type is not 1010")
    length = _announced_length(data)
    if len(data) != length + 2:
        raise FrameUndecodable(f"{length} bytes announced, {len(data) - 2} there")
    head = _read_head(data)
    if head is None:
        raise FrameUndecodable("the header ends early")
    return _checked_frame(data, head)


class _Unframed(FrameUndecodable):
    """A candidate was refused; the first `looked_at` bytes were enough to see it."""

    def __init__(self, reason: str, looked_at: int) -> None:
        super().__init__(reason)
        self.looked_at = looked_at


@dataclass(frozen=True, slots=True)
class _Head:
    """Addresses and control; `end` is the index behind the control field."""

    destination: Address
    source: Address
    control: int
    end: int


def _announced_length(data: bytes | bytearray) -> int:
    """The length field of a candidate; data[0] is the flag."""
    length = (data[1] & 0x07) << 8 | data[2]
    if length < MIN_LENGTH:
        raise _Unframed("shorter than the smallest possible frame", 3)
    return length


def _read_head(data: bytes | bytearray) -> _Head | None:
    """Read addresses and control, check the HCS; None while bytes are missing."""
    destination = _read_address(data, 3)
    if destination is None:
        return None
    source = _read_address(data, 3 + len(destination))
    if source is None:
        return None
    end = 3 + len(destination) + len(source) + 1
    rest = _announced_length(data) + 1 - end
    if rest < 2 or rest == 3:
        raise _Unframed("the length leaves no room for the fields", end)
    if len(data) < end + 2:
        return None
    if rest > 2 and _fcs_bytes(bytes(data[1:end])) != data[end : end + 2]:
        raise _Unframed("header check sequence wrong", end + 2)
    return _Head(destination, source, data[end - 1], end)


def _read_address(data: bytes | bytearray, start: int) -> Address | None:
    for end in range(start, min(start + _ADDRESS_MAX, len(data))):
        if data[end] & 1:
            return tuple(byte >> 1 for byte in data[start : end + 1])
    if len(data) >= start + _ADDRESS_MAX:
        raise _Unframed("address does not end", start + _ADDRESS_MAX)
    return None


def _checked_frame(data: bytes, head: _Head) -> HdlcFrame:
    """Check closing flag and FCS of the whole frame `data`."""
    length = len(data) - 2
    if data[-1] != FLAG:
        raise _Unframed("no flag at the announced end", len(data))
    if _fcs_bytes(data[1:-3]) != data[-3:-1]:
        raise _Unframed("frame check sequence wrong", len(data))
    has_hcs = length + 1 - head.end > 2
    return HdlcFrame(
        segmented=bool(data[1] & 0x08),
        length=length,
        destination=head.destination,
        source=head.source,
        control=head.control,
        info=data[head.end + 2 : -3] if has_hcs else b"",
        hcs=data[head.end : head.end + 2] if has_hcs else None,
        fcs=data[-3:-1],
    )


class FrameReader:
    """Cuts a byte stream into HDLC frames; does no I/O of its own.

    Searches flag and format type, trusts the length field, checks both sequences, and
    after a failure looks again one byte behind the opening flag (lmn-wired.md 2.1).
    Every byte given is part of a frame, a filling flag, or told of in a fault; what
    lies inside a frame already told of is not told of again. The buffer never holds
    more than one largest frame beside what was fed last.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._told = 0  # so many bytes in front belong to a fault already told of
        self._ready: list[HdlcFrame | FrameFault] = []

    def feed(self, data: bytes) -> Iterator[HdlcFrame | FrameFault]:
        """Take the bytes and give each whole frame, and a fault for what was none."""
        self._buffer += data
        return self._found()

    def drop(self) -> FrameFault | None:
        """Give up the frame that does not go on (inter-byte timeout T_byte).

        None when nothing was begun. What stands behind its opening flag is looked
        through again: the next `feed` (of b"", too) gives the frames found there.
        """
        left = list(self.finish())
        fault = next((found for found in left if isinstance(found, FrameFault)), None)
        self._ready = [found for found in left if found is not fault]
        return fault

    def finish(self) -> Iterator[HdlcFrame | FrameFault]:
        """Give what is left when no more bytes come: frames behind broken ones."""
        yield from self._found()
        while self._next_candidate():
            fault = self._give_up(_Unframed("ends early", len(self._buffer)))
            if fault is not None:
                yield fault
            yield from self._found()
        self._buffer.clear()
        self._told = 0

    def _found(self) -> Iterator[HdlcFrame | FrameFault]:
        while self._ready:
            yield self._ready.pop(0)
        while self._next_candidate():
            try:
                frame = self._take_frame()
            except _Unframed as refusal:
                fault = self._give_up(refusal)
                if fault is not None:
                    yield fault
                continue
            if frame is None:
                return
            yield frame

    def _next_candidate(self) -> bool:
        """Cut filling flags; whether there is something to look at."""
        filling = 0
        while self._buffer[filling : filling + 2] == b"\x7e\x7e":
            filling += 1
        self._cut(filling)
        return len(self._buffer) > 1 or (bool(self._buffer) and self._buffer[0] != FLAG)

    def _take_frame(self) -> HdlcFrame | None:
        """The frame in front of the buffer, None while it is not whole."""
        buffer = self._buffer
        if buffer[0] != FLAG or buffer[1] >> 4 != 0xA:
            self._refuse_noise()
            return None
        if len(buffer) < 3:
            return None
        length = _announced_length(buffer)
        head = _read_head(buffer)
        if head is None or len(buffer) < length + 2:
            return None
        frame = _checked_frame(bytes(buffer[: length + 2]), head)
        self._cut(length + 1)  # the closing flag may open the next frame
        self._told = 0
        return frame

    def _refuse_noise(self) -> None:
        """Refuse everything up to the next flag, once that flag is there."""
        end = self._buffer.find(FLAG, 1)
        if end < 0 and len(self._buffer) > MAX_LENGTH:
            end = len(self._buffer)
        if end > 0:
            is_framed = self._buffer[0] == FLAG
            reason = "format type is not 1010" if is_framed else "no opening flag"
            raise _Unframed(reason, end)

    def _give_up(self, refusal: _Unframed) -> FrameFault | None:
        """Cut the refused candidate's flag, or the noise; tell of it once."""
        data = bytes(self._buffer[: refusal.looked_at])
        if data[0] != FLAG or (len(data) > 1 and data[1] >> 4 != 0xA):
            claimed = cut = len(data)
        else:
            announced = (self._buffer[1:3] + b"\0\0")[:2]
            claimed = (announced[0] & 0x07) << 8 | announced[1]
            cut = 1
        was_told = self._told > 0
        if not was_told:
            self._told = max(claimed, len(data))
        self._cut(cut)
        return None if was_told else FrameFault(str(refusal), data)

    def _cut(self, count: int) -> None:
        del self._buffer[:count]
        self._told = max(0, self._told - count)
