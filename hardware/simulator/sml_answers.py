"""What a simulated meter says in SML: answers to requests, and lists sent unasked.

The messages are put together from bare elements after lmn-wired.md 7.3 and 7.4, not
with the builders that the gateway uses, so that one mistake does not hide another.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from hardware.obis import SERVER_ID, Obis
from hardware.readings import RegisterValue
from hardware.simulator.meter import FIRMWARE_VERSION, SimulatedMeter
from hardware.sml import (
    SmlElement,
    SmlInteger,
    SmlMessage,
    encode_file,
    i8,
    u8,
    u32,
)
from hardware.sml_transport import SmlFile, SmlFileReader, wrap
from hardware.units import WATT

_OPEN_REQ, _OPEN_RES = 0x0100, 0x0101
_CLOSE_REQ, _CLOSE_RES = 0x0200, 0x0201
_PROC_PARAMETER_REQ, _PROC_PARAMETER_RES = 0x0500, 0x0501
_SET_PARAMETER_REQ = 0x0600
_LIST_REQ, _LIST_RES = 0x0700, 0x0701
_ATTENTION_RES = 0xFF01

_DONE = bytes.fromhex("8181c7c7fd00")
_NOT_WRITTEN = bytes.fromhex("8181c7c7fe05")
_NO_SUCH_METER = bytes.fromhex("8181c7c7fe03")
_UNKNOWN_OBIS = bytes.fromhex("8181c7c7fe0e")
_UNEXPECTED = bytes.fromhex("8181c7c7fe0d")
_CURRENT_LIST = bytes.fromhex("0100620affff")

_ADVANCED_REGISTER = (32770).to_bytes(2, "big")
_REGISTER = (3).to_bytes(2, "big")
_DATA = (1).to_bytes(2, "big")
_FIRMWARE = bytes.fromhex("010000020000")
_SECOND_INDEX = bytes.fromhex("01005e310001")
_WIDTHS = {WATT: 4}
_VALUE, _SCALER_UNIT, _STATUS, _CAPTURE_TIME = b"\x02", b"\x03", b"\x04", b"\x05"


def _write_nothing(_name: bytes, _value: bytes) -> bool:
    return False


class SmlApplication:
    """Answers the requests of a gateway for one meter.

    `value_age_s`: the values that it gives were taken so many seconds before. `write`
    takes (OBIS, octets) that a gateway writes and says whether that was accepted.
    """

    def __init__(
        self,
        meter: SimulatedMeter,
        *,
        value_age_s: int = 0,
        write: Callable[[bytes, bytes], bool] = _write_nothing,
    ) -> None:
        self._meter = meter
        self._write = write
        self._value_age = timedelta(seconds=value_age_s)
        self._reader = SmlFileReader()
        self.files_answered = 0

    def __call__(self, data: bytes, now: datetime) -> bytes:
        """Take request bytes as they come; the answer when a request is complete."""
        answers = b""
        for found in self._reader.feed(data):
            if isinstance(found, SmlFile):
                self.files_answered += 1
                answers += self._answer_file(found, now)
        return answers

    def _answer_file(self, request: SmlFile, now: datetime) -> bytes:
        return wrap(
            encode_file(
                SmlMessage(
                    question.transaction_id,
                    question.group_no,
                    question.abort_on_error,
                    *self._answer(question, now),
                )
                for question in request.messages
            )
        )

    def _answer(self, question: SmlMessage, now: datetime) -> tuple[int, SmlElement]:
        body = question.body
        if not isinstance(body, tuple) or isinstance(body, SmlInteger):
            return self._attention(_UNEXPECTED)
        if question.tag == _OPEN_REQ:
            return self._open(body, now)
        if question.tag == _CLOSE_REQ:
            return _CLOSE_RES, (None,)
        if question.tag == _PROC_PARAMETER_REQ:
            return self._parameter(body, now - self._value_age)
        if question.tag == _SET_PARAMETER_REQ:
            return self._attention(_DONE if self._take(body) else _NOT_WRITTEN)
        if question.tag == _LIST_REQ:
            return _LIST_RES, list_body(self._meter, now, body[0], body[4])
        return self._attention(_UNEXPECTED)

    def _open(
        self, body: tuple[SmlElement, ...], now: datetime
    ) -> tuple[int, SmlElement]:
        _, client_id, file_id, server_id, *_ = body
        if server_id not in (None, self._meter.server_id):
            return self._attention(_NO_SUCH_METER)
        return _OPEN_RES, open_body(self._meter, now, client_id, file_id)

    def _parameter(
        self, body: tuple[SmlElement, ...], now: datetime
    ) -> tuple[int, SmlElement]:
        path = body[3]
        if not isinstance(path, tuple) or isinstance(path, SmlInteger):
            return self._attention(_UNEXPECTED)
        name, class_id = path if len(path) == 2 else (None, None)
        children = self._attributes(name, class_id, now)
        if children is None:
            return self._attention(_UNKNOWN_OBIS)
        tree = (name, None, children)
        return _PROC_PARAMETER_RES, (self._meter.server_id, path, tree)

    def _take(self, body: tuple[SmlElement, ...]) -> bool:
        """Write the value (attribute 02) of an object of class "data"."""
        path, tree = body[3], body[4]
        match tree:
            case (bytes(name), None, ((b"\x02", (_, bytes(value)), None),)):
                return path == (name, _DATA) and self._write(name, value)
        return False

    def _attributes(
        self, name: SmlElement, class_id: SmlElement, now: datetime
    ) -> SmlElement:
        """The attribute trees of an object; None when the meter has no such object."""
        if not isinstance(name, bytes) or len(name) != 6:
            return None
        if class_id == _DATA:
            value = self._data_object(name, now)
            return None if value is None else (_child(_VALUE, value),)
        register = self._meter.register_at(Obis(name), now)
        if register is None:
            return None
        wanted = _ADVANCED_REGISTER if register.is_counter else _REGISTER
        return self._register_attributes(register, now) if class_id == wanted else None

    def _data_object(self, name: bytes, now: datetime) -> SmlElement:
        objects: dict[bytes, SmlElement] = {
            SERVER_ID.groups: self._meter.server_id,
            _FIRMWARE: FIRMWARE_VERSION,
            _SECOND_INDEX: u32(self._meter.second_index_at(now)),
        }
        return objects.get(name)

    def _register_attributes(
        self, register: RegisterValue, now: datetime
    ) -> SmlElement:
        scaler_unit = (
            _child(b"\x01", i8(register.scaler)),
            _child(b"\x02", u8(register.unit)),
        )
        children: tuple[SmlElement, ...] = (
            _child(_VALUE, _number(register)),
            (_SCALER_UNIT, None, scaler_unit),
        )
        if register.is_counter:
            captured = (u8(4), _second_index(self._meter, now))
            children += (
                _child(_STATUS, u32(self._meter.status_at(now))),
                (_CAPTURE_TIME, captured, None),
            )
        return children

    def _attention(self, number: bytes) -> tuple[int, SmlElement]:
        return _ATTENTION_RES, (self._meter.server_id, number, None, None)


def push_telegram(meter: SimulatedMeter, now: datetime, number: int = 0) -> bytes:
    """A file as a meter sends it unasked: Open.Res, GetList.Res, Close.Res.

    `number` makes the transaction ids of one telegram differ from the next.
    """
    file_id = (number & 0xFFFFFFFF).to_bytes(4, "big")
    parts = (
        (_OPEN_RES, open_body(meter, now, None, file_id)),
        (_LIST_RES, list_body(meter, now, None, _CURRENT_LIST)),
        (_CLOSE_RES, (None,)),
    )
    return wrap(
        encode_file(
            SmlMessage((3 * number + at).to_bytes(8, "big")[4:], 0, 0, tag, body)
            for at, (tag, body) in enumerate(parts)
        )
    )


def open_body(
    meter: SimulatedMeter, now: datetime, client_id: SmlElement, file_id: SmlElement
) -> SmlElement:
    """Body of a PublicOpen.Res; refTime is the meter's second index."""
    index = _second_index(meter, now)
    return (None, client_id, file_id, meter.server_id, index, None)


def list_body(
    meter: SimulatedMeter, now: datetime, client_id: SmlElement, name: SmlElement
) -> SmlElement:
    """Body of a GetList.Res with the server id and all registers."""
    identity = (SERVER_ID.groups, None, None, None, None, meter.server_id, None)
    status = u32(meter.status_at(now))
    entries = tuple(
        _entry(register, status if register.is_counter else None)
        for register in meter.registers_at(now)
    )
    index = _second_index(meter, now)
    return (client_id, meter.server_id, name, index, (identity, *entries), None, None)


def _entry(register: RegisterValue, status: SmlElement) -> SmlElement:
    return (
        register.obis.groups,
        status,
        None,
        u8(register.unit),
        i8(register.scaler),
        _number(register),
        None,
    )


def _child(name: bytes, value: SmlElement) -> SmlElement:
    """A tree with one value, `1` being the choice "value"."""
    return (name, (u8(1), value), None)


def _second_index(meter: SimulatedMeter, now: datetime) -> SmlElement:
    return (u8(1), u32(meter.second_index_at(now)))


def _number(register: RegisterValue) -> SmlInteger:
    width = 8 if register.is_counter else _WIDTHS.get(register.unit, 2)
    return SmlInteger(register.value, width, signed=True)
