"""Wuerth (Amber) AMB8465: commands in frames, telegrams framed or bare.

    FF | command | len | data | XOR of all before      (lmn-wireless.md 13.2)
    L C M M A A A A V T ... [RSSI]                      telegrams in transparent mode

The module stores whether telegrams come in frames ("UART command output") and whether
the strength of the signal follows them; the opening reads both.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import xor

from hardware.stick import ModuleInfo, Opening, Reception, Request, StickFault
from hardware.stick_errors import (
    StickAnswerWrong,
    StickFirmwareUnknown,
    StickMisconfigured,
    StickRestartFailed,
    StickTypeWrong,
)
from hardware.wmbus_frame import HEAD

BAUDRATE = 9_600

START = 0xFF
ANSWER = 0x80
TELEGRAM = 0x03
SET_MODE, RESET, GET_PARAMETERS = 0x04, 0x05, 0x0A
SERIAL_NUMBER, FIRMWARE = 0x0B, 0x0C
MODE_C_T = 0x09
_ALL_PARAMETERS = bytes([0x00, 0x80])
_UART_COMMAND_OUTPUT, _RSSI_ENABLE = 0x05, 0x45
_PARAMETERS_HEAD = 2
_COMMANDS = frozenset(
    {0x00, 0x03, 0x04, 0x05, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x10, 0x11}
)
_KNOWN = _COMMANDS | {command | ANSWER for command in _COMMANDS}
_OK = b"\x00"
_UNASKED = frozenset({0x44, 0x46, 0x47, 0x48, 0x08})
"""C fields that begin a bare telegram; more would make noise look like one."""


@dataclass(frozen=True, slots=True)
class AmberMessage:
    """One frame whose checksum is right; answers have bit 7 of the command set."""

    command: int
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class AmberSettings:
    """How the module gives telegrams."""

    framed: bool
    with_rssi: bool


def encode_message(message: AmberMessage) -> bytes:
    """The frame of a message; raises ValueError when the data are too long."""
    if len(message.data) > 0xFF:
        raise ValueError(f"{len(message.data)} bytes do not fit into one frame")
    content = bytes([START, message.command, len(message.data)]) + message.data
    return content + bytes([_checksum(content)])


def telegram_indication(
    telegram: bytes, settings: AmberSettings, *, rssi: int = 0
) -> bytes:
    """What the module sends for a telegram from the air; for emulators."""
    strength = bytes([rssi]) if settings.with_rssi else b""
    if not settings.framed:
        return telegram + strength
    return encode_message(AmberMessage(TELEGRAM, telegram[1:] + strength))


def rssi_dbm(rssi: int) -> int:
    """The strength in dBm that an RSSI byte means."""
    return ((rssi - 256) // 2 if rssi >= 128 else rssi // 2) - 74


class Amb8465:
    """The codec of one module; `settings` are corrected by the opening."""

    baudrate = BAUDRATE

    def __init__(self, settings: AmberSettings | None = None) -> None:
        self.settings = settings or AmberSettings(framed=False, with_rssi=True)
        self._buffer = bytearray()

    def opening(self) -> Opening:
        """Look at the module and its settings, set modes T and C."""
        answer = yield _request(SERIAL_NUMBER)
        serial = answer.data.hex().upper()
        answer = yield _request(FIRMWARE)
        if not answer.data:
            raise StickFirmwareUnknown("the module does not tell its firmware")
        firmware = ".".join(str(part) for part in answer.data)
        answer = yield _request(GET_PARAMETERS, _ALL_PARAMETERS)
        self.settings = settings_in(answer.data)
        answer = yield _request(SET_MODE, bytes([MODE_C_T]))
        if answer.data != _OK:
            raise StickMisconfigured("the module does not take modes T and C")
        return ModuleInfo("AMB8465", firmware, serial)

    def restart(self) -> Opening:
        """Restart the module and start it again."""
        answer = yield _request(RESET)
        if answer.data != _OK:
            raise StickRestartFailed("the module refuses to restart")
        return (yield from self.opening())

    def feed(self, data: bytes) -> Iterator[AmberMessage | Reception | StickFault]:
        """Yield telegrams, other messages, and a fault for what was no good frame."""
        self._buffer += data
        while True:
            skipped = self._skip_to_start()
            if skipped is not None:
                yield skipped
            size = self._size()
            if size is None or len(self._buffer) < size:
                return
            yield self._taken(size)

    def drop(self) -> StickFault | None:
        """Give up an unfinished frame."""
        if not self._buffer:
            return None
        fault = StickFault("the frame was not finished", bytes(self._buffer))
        self._buffer.clear()
        return fault

    def _skip_to_start(self) -> StickFault | None:
        start = 0
        while start < len(self._buffer) and not self._may_begin(start):
            start += 1
        if not start:
            return None
        skipped = bytes(self._buffer[:start])
        del self._buffer[:start]
        return StickFault("no frame begins here", skipped)

    def _may_begin(self, start: int) -> bool:
        head = self._buffer[start : start + 2]
        if head[0] == START:
            # L = FF is no telegram here: such long ones do not come in one piece.
            return len(head) == 1 or head[1] in _KNOWN
        if self.settings.framed or head[0] < HEAD:
            return False
        return len(head) == 1 or head[1] in _UNASKED

    def _size(self) -> int | None:
        """Bytes of what begins the buffer; None while that cannot be told."""
        if not self._buffer:
            return None
        if self._buffer[0] == START:
            return 4 + self._buffer[2] if len(self._buffer) > 2 else None
        return 1 + self._buffer[0] + self.settings.with_rssi

    def _taken(self, size: int) -> AmberMessage | Reception | StickFault:
        frame = bytes(self._buffer[:size])
        if frame[0] != START:
            del self._buffer[:size]
            return self._reception(frame[1:])
        if _checksum(frame[:-1]) != frame[-1]:
            del self._buffer[:1]
            return StickFault("the checksum of the frame is wrong", frame)
        del self._buffer[:size]
        message = AmberMessage(frame[1], frame[3:-1])
        if message.command != TELEGRAM:
            return message
        return self._reception(message.data)

    def _reception(self, content: bytes) -> Reception:
        """A telegram from what stands behind its L field, with the RSSI if it is on."""
        if not self.settings.with_rssi or not content:
            return Reception(bytes([len(content)]) + content)
        telegram, rssi = content[:-1], content[-1]
        return Reception(bytes([len(telegram)]) + telegram, rssi_dbm(rssi))


def _checksum(data: bytes) -> int:
    return reduce(xor, data, 0)


def _request(command: int, data: bytes = b"") -> Request:
    def is_answer(found: object) -> bool:
        return isinstance(found, AmberMessage) and found.command == command | ANSWER

    return Request(encode_message(AmberMessage(command, data)), is_answer)


def settings_in(data: bytes) -> AmberSettings:
    """The settings in the answer to "get parameters", which tells first and number.

    Raises StickAnswerWrong, and StickTypeWrong for a module with other parameters.
    """
    if len(data) < _PARAMETERS_HEAD or data[1] != len(data) - _PARAMETERS_HEAD:
        raise StickAnswerWrong("the parameters are not as many as is said")
    parameters = data[_PARAMETERS_HEAD:]
    if data[0] != 0 or len(parameters) <= _RSSI_ENABLE:
        raise StickTypeWrong("the module has other parameters than an AMB8465")
    return AmberSettings(
        framed=bool(parameters[_UART_COMMAND_OUTPUT]),
        with_rssi=bool(parameters[_RSSI_ENABLE]),
    )


def parameters_of(settings: AmberSettings) -> bytes:
    """What `settings_in` reads; for emulators."""
    parameters = bytearray(120)
    parameters[_UART_COMMAND_OUTPUT] = settings.framed
    parameters[_RSSI_ENABLE] = settings.with_rssi
    return bytes([0, len(parameters)]) + bytes(parameters)
