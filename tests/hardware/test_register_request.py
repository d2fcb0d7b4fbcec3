"""Requests for registers and readings in answers, by the published vectors."""

from datetime import UTC, datetime, timedelta

import pytest

from hardware.device_id import server_id_of
from hardware.errors import FrameUndecodable, FrameUnexpected
from hardware.meter_channel import Answer
from hardware.obis import Obis
from hardware.readings import RegisterValue
from hardware.register_request import RegisterRequest, request_of
from hardware.sml import SmlMessage, encode_file
from hardware.sml_transport import unwrap, wrap
from tests.hardware.vectors import DATA, read_json

NOW = datetime(2026, 3, 1, 11, tzinfo=UTC)
METER = server_id_of("1emh0010599732")
GATEWAY = server_id_of("eemh0012345678")
REGISTERS = [Obis.parse(code) for code in ("1.8.0", "2.8.0", "16.7.0", "32.7.0")]
FILE_ID = 0x01226FCF
VECTORS = {
    vector["name"]: bytes.fromhex(vector["transport"])
    for vector in read_json(DATA / "sml" / "messages.json")["vectors"]
}


def request(meter: bytes = METER, number: int = FILE_ID) -> RegisterRequest:
    return request_of(GATEWAY, meter, REGISTERS, number)


def answer(change: tuple[bytes, bytes] = (b"", b"")) -> Answer:
    """The answer of the vectors, with some bytes replaced and checksums made anew."""
    messages = unwrap(VECTORS["response_meter_data"]).messages
    changed = [_changed(message, change) for message in messages]
    return Answer(unwrap(wrap(encode_file(changed))), NOW)


def _changed(message: SmlMessage, change: tuple[bytes, bytes]) -> SmlMessage:
    def walk(element: object) -> object:
        if isinstance(element, bytes):
            return change[1] if element == change[0] else element
        if type(element) is tuple:
            return tuple(walk(part) for part in element)
        return element

    return message._replace(body=walk(message.body))  # type: ignore[arg-type]


def test_the_request_is_that_of_the_vectors() -> None:
    assert request().file == VECTORS["request_meter_data"]


def test_the_answer_of_the_vectors_is_a_reading() -> None:
    """Statuses ORed; the time is that of the latest register, in the order of OBIS."""
    reading = request().reading(answer())
    assert reading.server_id == METER
    assert reading.status == 0x001C0104
    assert reading.captured_at == NOW
    assert reading.registers == (
        RegisterValue(REGISTERS[0], 123456789, -1, 30),
        RegisterValue(REGISTERS[1], 0, -1, 30),
        RegisterValue(REGISTERS[2], -1520, 0, 27),
        RegisterValue(REGISTERS[3], 2312, -1, 35),
    )


def test_the_age_of_the_counters_is_taken_from_the_time_of_reception() -> None:
    """refTime 19034063, capture time 19034062: one second before the reception."""
    counters = request_of(GATEWAY, METER, REGISTERS[:2], FILE_ID)
    reading = counters.reading(answer())
    assert len(reading.registers) == 2
    assert reading.captured_at == NOW - timedelta(seconds=1)


@pytest.mark.parametrize(
    "asked", [request(server_id_of("1emh0000000001")), request(number=FILE_ID + 1)]
)
def test_an_answer_to_somebody_else_is_refused(asked: RegisterRequest) -> None:
    with pytest.raises(FrameUnexpected):
        asked.reading(answer())


def test_a_file_that_is_no_answer_is_refused() -> None:
    with pytest.raises(FrameUnexpected):
        request().reading(Answer(unwrap(VECTORS["request_meter_data"]), NOW))


def test_an_answer_without_any_register_is_refused() -> None:
    with pytest.raises(FrameUnexpected):
        request().reading(Answer(unwrap(VECTORS["attention"]), NOW))


def test_an_answer_about_another_register_is_refused() -> None:
    other = bytes.fromhex("0100020801ff")
    with pytest.raises(FrameUnexpected):
        request().reading(answer((REGISTERS[1].groups, other)))


def test_a_tree_of_another_form_is_undecodable() -> None:
    with pytest.raises(FrameUndecodable):
        request().reading(answer((b"\x02", b"\x12")))
