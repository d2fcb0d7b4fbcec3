"""Asking a meter for registers: the request file, and the reading in its answer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hardware.errors import FrameUndecodable, FrameUnexpected
from hardware.meter_channel import Answer
from hardware.obis import Obis
from hardware.readings import MeterReading, RegisterValue
from hardware.sml import SmlInteger, SmlMessage, encode_file
from hardware.sml_lists import SmlTime
from hardware.sml_messages import (
    Attention,
    GetProcParameterResponse,
    PublicOpenResponse,
    body_of,
)
from hardware.sml_registers import RegisterAnswer, register_answer, request_file
from hardware.sml_transport import wrap

_UNKNOWN_OBIS = bytes.fromhex("8181c7c7fe0e")


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
        answers = [a for message in messages for a in self._answers(message)]
        if not answers:
            raise FrameUnexpected("an answer without any register asked for")
        times = [
            _taken_at(answer.received_at, meter_time, a.capture_time) for a in answers
        ]
        status = 0
        for one in answers:
            status |= one.status or 0
        registers = sorted(map(_register_value, answers), key=lambda r: r.obis)
        return MeterReading(self.server_id, max(times), status, tuple(registers))

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

    def _answers(self, message: SmlMessage) -> Iterator[RegisterAnswer]:
        """What a message says of the register asked for under its transaction id."""
        obis = self.registers.get(message.transaction_id)
        if obis is None:
            return
        body = body_of(message)
        if isinstance(body, Attention):
            if body.number != _UNKNOWN_OBIS:
                raise FrameUnexpected(f"the meter refuses: {body.number.hex()}")
        elif isinstance(body, GetProcParameterResponse):
            self._check_meter(body.server_id)
            answer = register_answer(body)
            if answer.obis != obis:
                raise FrameUnexpected("the answer is about another register")
            yield answer

    def _check_meter(self, server_id: bytes) -> None:
        if server_id != self.server_id:
            raise FrameUnexpected(f"an answer of another meter: {server_id.hex()}")


def request_of(
    gateway_server_id: bytes, server_id: bytes, registers: Sequence[Obis], number: int
) -> RegisterRequest:
    """Make the request file; `number` becomes its file id, which the answer repeats."""
    file_id = (number & 0xFFFFFFFF).to_bytes(4, "big")
    messages = request_file(
        registers,
        client_id=gateway_server_id,
        server_id=server_id,
        request_file_id=file_id,
    )
    ids = [message.transaction_id for message in messages[1:-1]]
    asked = dict(zip(ids, registers, strict=True))
    return RegisterRequest(server_id, asked, file_id, wrap(encode_file(messages)))


def _register_value(answer: RegisterAnswer) -> RegisterValue:
    number = answer.value
    if not isinstance(number, SmlInteger) or answer.scaler is None or not answer.unit:
        raise FrameUndecodable(f"register {answer.obis} is no number with a unit")
    return RegisterValue(answer.obis, number.value, answer.scaler, answer.unit)


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
