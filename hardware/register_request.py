"""Asking a meter for registers in SML: the request file and what its answer says.

One GetProcParameter.Req for each register; the tree of the answer has the children
02 value, 03 scaler and unit, 04 status, 05 capture time (lmn-wired.md 7.4). That form
of path and tree is the project's own and stands here alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from hardware.errors import FrameUndecodable, FrameUnexpected
from hardware.meter_channel import Answer
from hardware.obis import Obis
from hardware.readings import MeterReading, RegisterValue
from hardware.sml import SmlMessage, encode_file
from hardware.sml_lists import SmlTime
from hardware.sml_messages import (
    Attention,
    GetProcParameterRequest,
    GetProcParameterResponse,
    PublicCloseRequest,
    PublicOpenRequest,
    PublicOpenResponse,
    body_of,
    message_of,
)
from hardware.sml_transport import wrap
from hardware.sml_tree import Tree, tree_number

_ADVANCED_REGISTER = (32770).to_bytes(2, "big")
_REGISTER = (3).to_bytes(2, "big")
_ENERGY = 8
"""Group D of a counter."""

_VALUE, _SCALER_UNIT, _STATUS, _CAPTURE_TIME = b"\x02", b"\x03", b"\x04", b"\x05"
_SCALER, _UNIT = b"\x01", b"\x02"
_UNKNOWN_OBIS = bytes.fromhex("8181c7c7fe0e")


class _Measured(NamedTuple):
    """One register with its status and the time at which it was taken, if told."""

    register: RegisterValue
    status: int
    taken_at: SmlTime | None


@dataclass(frozen=True, slots=True)
class RegisterRequest:
    """A request for some registers of one meter; `file` is what goes on the wire."""

    server_id: bytes
    registers: dict[bytes, Obis]
    """Transaction id -> register asked for under it."""
    request_file_id: bytes
    file: bytes

    def reading(self, answer: Answer) -> MeterReading:
        """What the answer says.

        Registers that the meter does not know are left out. Statuses are ORed; the
        time is that of the latest register. Raises FrameUnexpected when the answer
        belongs to another meter or request, or holds no register at all, and
        FrameUndecodable when it has another form.
        """
        opened, *messages = answer.file.messages
        meter_time = self._check_opening(opened)
        measured = [m for message in messages for m in self._measured(message)]
        if not measured:
            raise FrameUnexpected("an answer without any register asked for")
        status = 0
        for one in measured:
            status |= one.status
        return MeterReading(
            self.server_id,
            max(
                _taken_at(answer.received_at, meter_time, m.taken_at) for m in measured
            ),
            status,
            tuple(sorted((m.register for m in measured), key=lambda r: r.obis)),
        )

    def _check_opening(self, message: SmlMessage) -> SmlTime | None:
        """The meter's clock at sending; the answer must be this meter's to this."""
        body = body_of(message)
        if isinstance(body, Attention):
            raise FrameUnexpected(f"the meter refuses: {body.number.hex()}")
        if not isinstance(body, PublicOpenResponse):
            raise FrameUnexpected("an answer file without opening")
        self._check_meter(body.server_id)
        if body.request_file_id != self.request_file_id:
            raise FrameUnexpected("an answer to another request")
        return body.ref_time

    def _measured(self, message: SmlMessage) -> Iterator[_Measured]:
        obis = self.registers.get(message.transaction_id)
        if obis is None:
            return
        body = body_of(message)
        if isinstance(body, Attention):
            if body.number != _UNKNOWN_OBIS:
                raise FrameUnexpected(f"the meter refuses: {body.number.hex()}")
        elif isinstance(body, GetProcParameterResponse):
            self._check_meter(body.server_id)
            if body.tree.name != obis.groups:
                raise FrameUnexpected("the answer is about another register")
            yield _measured(obis, body.tree)

    def _check_meter(self, server_id: bytes) -> None:
        if server_id != self.server_id:
            raise FrameUnexpected(f"an answer of another meter: {server_id.hex()}")


def request_of(
    gateway_server_id: bytes, server_id: bytes, registers: Sequence[Obis], number: int
) -> RegisterRequest:
    """Make the request file for up to 254 registers.

    `number` tells this request from the others: it is the upper three bytes of all
    transaction ids and of the request file id.
    """
    prefix = (number & 0xFFFFFF).to_bytes(3, "big")
    ids = {prefix + bytes([at]): obis for at, obis in enumerate(registers, start=1)}
    file_id, close_id = prefix + b"\x00", prefix + b"\xff"
    opening = PublicOpenRequest(
        client_id=gateway_server_id, request_file_id=file_id, server_id=server_id
    )
    questions = [
        message_of(
            GetProcParameterRequest(path=(obis.groups, _class_of(obis))),
            transaction_id,
            group_no=group_no,
        )
        for group_no, (transaction_id, obis) in enumerate(ids.items(), start=1)
    ]
    messages = [
        message_of(opening, file_id),
        *questions,
        message_of(PublicCloseRequest(), close_id),
    ]
    return RegisterRequest(server_id, ids, file_id, wrap(encode_file(messages)))


def _class_of(obis: Obis) -> bytes:
    """The COSEM class: counters of energy are advanced extended registers."""
    return _ADVANCED_REGISTER if obis.groups[3] == _ENERGY else _REGISTER


def _measured(obis: Obis, tree: Tree) -> _Measured:
    scaler_unit = tree.child(_SCALER_UNIT)
    value = tree_number(tree.child(_VALUE))
    scaler = tree_number(scaler_unit and scaler_unit.child(_SCALER))
    unit = tree_number(scaler_unit and scaler_unit.child(_UNIT))
    if value is None or scaler is None or unit is None:
        raise FrameUndecodable(f"register {obis} without value, scaler or unit")
    status = tree_number(tree.child(_STATUS))
    capture = tree.child(_CAPTURE_TIME)
    taken_at = capture.value if capture is not None else None
    return _Measured(
        RegisterValue(obis, value.value, scaler.value, unit.value),
        0 if status is None else status.value,
        taken_at if isinstance(taken_at, SmlTime) else None,
    )


def _taken_at(
    received_at: datetime, meter_time: SmlTime | None, taken_at: SmlTime | None
) -> datetime:
    """Reception time minus the age of the value by the meter's second index.

    The reception time alone where one of the two indices is missing, or where the
    value would be of the future (BSI, REQ.TLSHDLC.SMGW.60).
    """
    if meter_time is None or taken_at is None:
        return received_at
    now, then = meter_time.sec_index, taken_at.sec_index
    if now is None or then is None or then > now:
        return received_at
    return received_at - timedelta(seconds=now - then)
