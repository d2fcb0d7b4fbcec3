"""CUL and nanoCUL with culfw: lines of text, telegrams with their CRCs.

    b<hex of format A>[LQI RSSI]     bY<hex of format B>[LQI RSSI]

A CUL hears one mode at a time; mode C with format A comes as `b` lines too. Telegrams
above some 148 bytes come cut off, which their CRCs tell.
"""

from collections.abc import Iterator

from hardware.stick import ModuleInfo, Opening, Reception, Request, StickFault
from hardware.stick_errors import StickTypeWrong
from hardware.wmbus_errors import TelegramRefused
from hardware.wmbus_frame import (
    frame_a,
    frame_b,
    length_a,
    normalised_a,
    normalised_b,
)

BAUDRATE = 38_400

VERSION, MODE_C, MODE_T, MODE_S = b"V\r\n", b"brc\r\n", b"brt\r\n", b"brs\r\n"
REPORT_STRENGTH = b"X21\r\n"
_MODES = {MODE_C: b"CMODE", MODE_T: b"TMODE", MODE_S: b"SMODE"}
_LONGEST_LINE = 640
"""Characters; the longest frame of format A with its tail has 581."""
_TAIL_BYTES = 2


def telegram_line(
    telegram: bytes, *, in_format_b: bool = False, lqi: int = 0, rssi: int = 0
) -> bytes:
    """What a CUL sends for a telegram from the air; for emulators."""
    frame, mark = (
        (frame_b(telegram), b"bY") if in_format_b else (frame_a(telegram), b"b")
    )
    return mark + (frame + bytes([lqi, rssi])).hex().upper().encode() + b"\r\n"


def rssi_dbm(rssi: int) -> int:
    """The strength in dBm that an RSSI byte means."""
    return (rssi - 256 if rssi > 127 else rssi) // 2 - 74


class Cul:
    """The codec of one CUL; `mode` is MODE_T or MODE_C."""

    baudrate = BAUDRATE

    def __init__(self, mode: bytes = MODE_T) -> None:
        self._mode = mode
        self._buffer = b""

    def opening(self) -> Opening:
        """Ask for the version, set the mode and that it tells the signal's strength."""
        version = yield Request(VERSION, _is_version)
        if b"CUL" not in version:
            raise StickTypeWrong(f"{version.decode('latin-1')!r} is no CUL")
        mode = _MODES[self._mode]
        yield Request(self._mode, lambda line: line == mode)
        yield Request(REPORT_STRENGTH, None)
        words = version.decode("latin-1").split()
        return ModuleInfo(words[-1], words[1] if len(words) > 2 else "")

    def restart(self) -> Opening:
        """A CUL is started again by its opening."""
        return self.opening()

    def feed(self, data: bytes) -> Iterator[bytes | Reception | StickFault]:
        """Yield telegrams, other lines as bytes, and a fault for a bad line."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            text = line.strip()
            if text:
                yield _found_in(text)
        if len(self._buffer) > _LONGEST_LINE:
            yield StickFault("the line is too long", self._buffer)
            self._buffer = b""

    def drop(self) -> StickFault | None:
        """Give up an unfinished line."""
        if not self._buffer:
            return None
        fault, self._buffer = StickFault("the line was not finished", self._buffer), b""
        return fault


def _is_version(found: object) -> bool:
    """A line; broken ones are told of as faults while the answer is awaited."""
    return isinstance(found, bytes) and found.startswith(b"V")


def _found_in(line: bytes) -> bytes | Reception | StickFault:
    if line in _MODES.values() or line[:1] != b"b":
        return line
    in_format_b = line[1:2] == b"Y"
    try:
        data = bytes.fromhex(line[1 + in_format_b :].decode("ascii"))
        return _reception(data, in_format_b)
    except ValueError:
        return StickFault("the line is no hex text, or was cut off", line)
    except TelegramRefused as refusal:
        return StickFault(str(refusal), line)


def _reception(data: bytes, in_format_b: bool) -> Reception:
    """A telegram without CRCs; LQI and RSSI follow the frame when they are on."""
    said = data[0] + 1 if data else 0
    size = said if in_format_b else length_a(said)
    frame, tail = data, b""
    if len(data) == size + _TAIL_BYTES:
        frame, tail = data[:size], data[size:]
    telegram = normalised_b(frame) if in_format_b else normalised_a(frame)
    return Reception(telegram, rssi_dbm(tail[1]) if tail else None)
