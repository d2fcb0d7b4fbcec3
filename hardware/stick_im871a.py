"""IMST iM871A and iM170A: binary frames of the WMBus HCI (lmn-wireless.md 13.1).

    A5 | control, endpoint | message | len | payload | [time 4] | [RSSI] | [CRC 2]

`len` counts the payload only. In an indication of a telegram it doubles as the L field.
The CRC is optional, so a frame without one is believed when endpoint and message exist.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from hardware.crc16 import x25
from hardware.stick import ModuleInfo, Opening, Reception, Request, StickFault
from hardware.stick_errors import (
    StickAnswerWrong,
    StickFirmwareTooOld,
    StickFirmwareUnknown,
    StickMisconfigured,
    StickRestartFailed,
    StickTypeWrong,
)
from hardware.wmbus_frame import HEAD
from hardware.wmbus_link import C_NAMES

BAUDRATE = 57_600

START = 0xA5
DEVICE, RADIO = 1, 2
PING, PING_ANSWER = 0x01, 0x02
SET_CONFIG, SET_CONFIG_ANSWER = 0x03, 0x04
GET_CONFIG, GET_CONFIG_ANSWER = 0x05, 0x06
RESET, RESET_ANSWER = 0x07, 0x08
DEVICE_INFO, DEVICE_INFO_ANSWER = 0x0F, 0x10
TELEGRAM = 0x03

IM871A, IM170A = 0x33, 0x36
_MODULES = {IM871A: "iM871A", IM170A: "iM170A"}
_FIRST_FIRMWARE = 0x14
"""Modes T and C at once."""
MODE_C_T = 0x0A
_CONFIG_T_AND_C = bytes([0x00, 0x02, MODE_C_T, 0x30, 0x01, 0x00])
"""Not stored; the link mode; signal strength on, time stamp off."""

_TIME, _RSSI, _CRC, _RESERVED = 0x2, 0x4, 0x8, 0x1
_TIME_BYTES, _CRC_BYTES = 4, 2
_HEAD = 4
_KNOWN = {
    DEVICE: frozenset(range(0x01, 0x28)),
    RADIO: frozenset(range(0x01, 0x06)),
    3: frozenset({0x01, 0x02, 0x03, 0x04, 0x07}),
    4: frozenset({0x01, 0x02}),
}
"""Endpoint -> its messages."""
_OK = 0


@dataclass(frozen=True, slots=True)
class HciMessage:
    """One frame; `rssi` is the byte as sent, `time` the module's clock."""

    endpoint: int
    message: int
    payload: bytes = b""
    time: int | None = None
    rssi: int | None = None


def encode_message(message: HciMessage, *, with_crc: bool = False) -> bytes:
    """The frame of a message; raises ValueError when the payload is too long."""
    if len(message.payload) > 0xFF:
        raise ValueError(f"{len(message.payload)} bytes do not fit into one frame")
    time = b"" if message.time is None else message.time.to_bytes(4, "little")
    rssi = b"" if message.rssi is None else bytes([message.rssi])
    control = _TIME * bool(time) | _RSSI * bool(rssi) | _CRC * with_crc
    head = bytes([control << 4 | message.endpoint, message.message])
    content = head + bytes([len(message.payload)]) + message.payload + time + rssi
    return (
        bytes([START])
        + content
        + (x25(content).to_bytes(2, "little") if with_crc else b"")
    )


def telegram_indication(
    telegram: bytes, *, rssi: int | None = None, with_crc: bool = False
) -> bytes:
    """What the module sends for a telegram from the air; for emulators."""
    message = HciMessage(RADIO, TELEGRAM, telegram[1:], rssi=rssi)
    return encode_message(message, with_crc=with_crc)


def rssi_dbm(rssi: int) -> int:
    """About the strength in dBm that an RSSI byte means; 0 above 230."""
    return 0 if rssi > 230 else -100 - (45 - rssi) // 2


class Im871a:
    """The codec of one module."""

    baudrate = BAUDRATE

    def __init__(self) -> None:
        self._buffer = bytearray()

    def opening(self) -> Opening:
        """Ping, look at the module, set modes T and C."""
        yield _request(PING, PING_ANSWER)
        answer = yield _request(DEVICE_INFO, DEVICE_INFO_ANSWER)
        info = checked_info(answer.payload)
        answer = yield _request(SET_CONFIG, SET_CONFIG_ANSWER, _CONFIG_T_AND_C)
        if answer.payload[:1] != bytes([_OK]):
            raise StickMisconfigured("the module does not take modes T and C")
        answer = yield _request(GET_CONFIG, GET_CONFIG_ANSWER)
        if link_mode(answer.payload) != MODE_C_T:
            raise StickMisconfigured("the module is not in modes T and C")
        return info

    def restart(self) -> Opening:
        """Restart the module and start it again."""
        answer = yield _request(RESET, RESET_ANSWER)
        if answer.payload[:1] != bytes([_OK]):
            raise StickRestartFailed("the module refuses to restart")
        return (yield from self.opening())

    def feed(self, data: bytes) -> Iterator[HciMessage | Reception | StickFault]:
        """Yield telegrams, other messages, and a fault for what was no good frame."""
        self._buffer += data
        while True:
            skipped = self._skip_to_start()
            if skipped is not None:
                yield skipped
            size = self._frame_size()
            if size is None:
                return
            found = self._taken(size)
            yield found

    def drop(self) -> StickFault | None:
        """Give up an unfinished frame."""
        if not self._buffer:
            return None
        fault = StickFault("the frame was not finished", bytes(self._buffer))
        self._buffer.clear()
        return fault

    def _skip_to_start(self) -> StickFault | None:
        """Throw away what stands before something that may be a frame."""
        start = 0
        while start < len(self._buffer) and not _may_begin(self._buffer, start):
            start += 1
        if not start:
            return None
        skipped = bytes(self._buffer[:start])
        del self._buffer[:start]
        return StickFault("no frame begins here", skipped)

    def _frame_size(self) -> int | None:
        """Bytes of the frame at the buffer's start; None while some are missing."""
        if len(self._buffer) < _HEAD:
            return None
        control = self._buffer[1] >> 4
        size = _HEAD + self._buffer[3] + _attached(control)
        return size if len(self._buffer) >= size else None

    def _taken(self, size: int) -> HciMessage | Reception | StickFault:
        frame = bytes(self._buffer[:size])
        if frame[1] >> 4 & _CRC and not _crc_fits(frame):
            del self._buffer[:1]
            return StickFault("the CRC of the frame is wrong", frame)
        del self._buffer[:size]
        message = _message_in(frame)
        if (message.endpoint, message.message) != (RADIO, TELEGRAM):
            return message
        rssi = None if message.rssi is None else rssi_dbm(message.rssi)
        return Reception(frame[3:4] + message.payload, rssi)


def _request(message: int, answer: int, payload: bytes = b"") -> Request:
    def is_answer(found: object) -> bool:
        is_message = isinstance(found, HciMessage) and found.endpoint == DEVICE
        return is_message and found.message == answer  # type: ignore[attr-defined]

    return Request(encode_message(HciMessage(DEVICE, message, payload)), is_answer)


def _may_begin(data: bytearray, start: int) -> bool:
    """Whether a frame may begin here, as far as its bytes have come."""
    head = data[start : start + _HEAD + 1]
    if head[0] != START or (len(head) > 1 and head[1] >> 4 & _RESERVED):
        return False
    if len(head) < 2:
        return True
    endpoint = head[1] & 0x0F
    messages = _KNOWN.get(endpoint)
    if messages is None or (len(head) > 2 and head[2] not in messages):
        return False
    is_telegram = (endpoint, *head[2:3]) == (RADIO, TELEGRAM)
    return not is_telegram or _may_be_telegram(head[3:])


def _may_be_telegram(head: bytes | bytearray) -> bool:
    """Whether a telegram may begin with this L, and with this C when it has come."""
    is_long = not head or head[0] >= HEAD - 1
    return is_long and (len(head) < 2 or head[1] in C_NAMES)


def _attached(control: int) -> int:
    """Bytes behind the payload."""
    return (
        _TIME_BYTES * bool(control & _TIME)
        + bool(control & _RSSI)
        + _CRC_BYTES * bool(control & _CRC)
    )


def _crc_fits(frame: bytes) -> bool:
    return x25(frame[1:-_CRC_BYTES]) == int.from_bytes(frame[-_CRC_BYTES:], "little")


def _message_in(frame: bytes) -> HciMessage:
    control, end = frame[1] >> 4, _HEAD + frame[3]
    time = rssi = None
    at = end
    if control & _TIME:
        time = int.from_bytes(frame[at : at + _TIME_BYTES], "little")
        at += _TIME_BYTES
    if control & _RSSI:
        rssi = frame[at]
    return HciMessage(frame[1] & 0x0F, frame[2], frame[_HEAD:end], time, rssi)


# --- what the module says about itself ----------------------------------------------


def checked_info(payload: bytes) -> ModuleInfo:
    """The module in a device information; raises the kinds of stick_errors."""
    if len(payload) < 8:
        raise StickAnswerWrong("the device information is too short")
    module, firmware = payload[0], payload[2]
    if module not in _MODULES:
        raise StickTypeWrong(f"module type {module:02X} is none that is known")
    if firmware in (0x00, 0xFF):
        raise StickFirmwareUnknown(f"firmware {firmware:02X} is none")
    if firmware < _FIRST_FIRMWARE:
        raise StickFirmwareTooOld(f"firmware {firmware:02X}, needed is 14 or later")
    number = int.from_bytes(payload[4:8], "little")
    return ModuleInfo(_MODULES[module], f"{firmware:02X}", f"{number:08X}")


def device_info(module: int, firmware: int, number: int) -> bytes:
    """The payload that `checked_info` reads; for emulators."""
    return bytes([module, 0, firmware, 1]) + number.to_bytes(4, "little")


_GROUP_1 = (1, 1, 1, 2, 4, 1, 1, 1)
"""Bytes of each field that a flag of the first group announces; bit 0 first."""
_LINK_MODE_BIT = 1


def link_mode(payload: bytes) -> int | None:
    """The link mode in a configuration; None when it is not told.

    The first byte is the flags of the first group; each set one has its field.
    """
    if not payload or not payload[0] >> _LINK_MODE_BIT & 1:
        return None
    before = sum(
        size
        for bit, size in enumerate(_GROUP_1[:_LINK_MODE_BIT])
        if payload[0] >> bit & 1
    )
    field = payload[1 + before : 2 + before]
    return field[0] if field else None
