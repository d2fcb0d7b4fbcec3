"""What simulated meters send, seen by others: vectors, smllib, pysml (D60).

Simulator and gateway share the codec; these tests make sure that they do not share a
mistake.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sml import SmlBase
from smllib import SmlStreamReader

from hardware.device_id import server_id_of
from hardware.obis import Obis
from hardware.readings import RegisterValue
from hardware.simulator.meter import SimulatedMeter
from hardware.simulator.sml_answers import SmlApplication, push_telegram
from hardware.sml import SmlMessage, encode_file, u8
from hardware.sml_transport import wrap

NOW = datetime(2026, 3, 1, 11, 0, 7, tzinfo=UTC)
VECTORS = {
    vector["name"]: vector
    for vector in json.loads(
        (Path(__file__).parents[1] / "data" / "sml" / "messages.json").read_text()
    )["vectors"]
}


class VectorMeter(SimulatedMeter):
    """A meter with the registers of the vector `response_meter_data`."""

    def __init__(self) -> None:
        super().__init__(server_id_of("1emh0010599732"))

    def register_at(self, obis: Obis, now: datetime) -> RegisterValue | None:
        registers = {
            "1.8.0": (123456789, -1, 30),
            "2.8.0": (0, -1, 30),
            "16.7.0": (-1520, 0, 27),
            "32.7.0": (2312, -1, 35),
        }
        found = {Obis.parse(code): values for code, values in registers.items()}
        return RegisterValue(obis, *found[obis]) if obis in found else None

    def status_at(self, now: datetime) -> int:
        return 0x001C0104

    def second_index_at(self, now: datetime) -> int:
        return 19034063 - int((NOW - now).total_seconds())


def plain(item: Any) -> Any:
    """A list item of pysml as nested lists of numbers and bytes."""
    value = item.value
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return None if value == b"" else value


def raw_messages(telegram: bytes) -> list[tuple[bytes, Any]]:
    """Transaction id and body of each message, as pysml sees them."""
    _, frame = SmlBase.find_frame(telegram)
    assert frame is not None
    return [
        (
            message["transactionId"].value,
            [plain(part) for part in message["messageBody"]]
            if isinstance(message["messageBody"], list)
            else dict(message["messageBody"]),
        )
        for message in frame
    ]


def notation(element: Any) -> Any:
    """An element of the vectors' notation as nested lists of numbers and bytes."""
    if isinstance(element, list):
        return [notation(inner) for inner in element]
    if isinstance(element, dict):
        if "octet" in element:
            return bytes.fromhex(element["octet"])
        return element["u"] if "u" in element else element["i"]
    return element


def test_the_answer_to_the_vectors_request_is_the_vectors_answer() -> None:
    """Byte for byte: one GetProcParameter.Res for each register, status, times."""
    application = SmlApplication(VectorMeter(), value_age_s=1)
    request = bytes.fromhex(VECTORS["request_meter_data"]["transport"])
    answer = application(request, NOW)
    assert answer.hex() == VECTORS["response_meter_data"]["transport"]


def test_parameter_answers_have_the_published_structure_in_pysml() -> None:
    application = SmlApplication(VectorMeter(), value_age_s=1)
    request = bytes.fromhex(VECTORS["request_meter_data"]["transport"])
    seen = raw_messages(application(request, NOW))
    expected = VECTORS["response_meter_data"]["messages"]
    for (transaction_id, body), message in zip(seen, expected, strict=True):
        assert transaction_id.hex() == message["transaction_id"]
        if message["tag"] == "0501":
            assert body == [0x0501, notation(message["body"])]


def test_a_request_in_pieces_is_one_request() -> None:
    application = SmlApplication(VectorMeter(), value_age_s=1)
    request = bytes.fromhex(VECTORS["request_meter_data"]["transport"])
    answers = [application(request[at : at + 100], NOW) for at in range(0, 500, 100)]
    whole = VECTORS["response_meter_data"]["transport"]
    assert b"".join(answers).hex() == whole


def test_an_unknown_register_is_answered_by_an_attention() -> None:
    path = (bytes.fromhex("0100630700ff"), bytes.fromhex("0003"))
    body = (None, None, None, path, None)
    request = wrap(encode_file([SmlMessage(b"\x01", 1, 0, 0x0500, body)]))
    ((_, seen),) = raw_messages(SmlApplication(VectorMeter())(request, NOW))
    server_id = server_id_of("1emh0010599732")
    assert seen == [0xFF01, [server_id, bytes.fromhex("8181c7c7fe0e"), None, None]]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("0100600100ff", server_id_of("1emh0010599732")),
        ("010000020000", b"SIM-1.0"),
        ("01005e310001", 19034063),
    ],
)
def test_a_meter_tells_its_id_firmware_and_second_index(
    code: str, expected: object
) -> None:
    name = bytes.fromhex(code)
    body = (None, None, None, (name, bytes.fromhex("0001")), None)
    request = wrap(encode_file([SmlMessage(b"\x01", 1, 0, 0x0500, body)]))
    ((_, seen),) = raw_messages(SmlApplication(VectorMeter())(request, NOW))
    assert seen[1][2] == [name, None, [[b"\x02", [1, expected], None]]]


def list_answer(meter: SimulatedMeter) -> bytes:
    body = (b"client", None, None, None, None)
    request = [SmlMessage(b"\x01", 0, 0, 0x0700, body)]
    return SmlApplication(meter)(wrap(encode_file(request)), NOW)


@pytest.mark.parametrize("make", [push_telegram, lambda meter, _: list_answer(meter)])
def test_smllib_reads_the_registers_of_a_list(make: Any) -> None:
    meter = SimulatedMeter(server_id_of("1emh0000000001"))
    reader = SmlStreamReader()
    reader.add(make(meter, NOW))
    frame = reader.get_frame()
    assert frame is not None
    (entries,) = [
        message.message_body.val_list
        for message in frame.parse_frame()
        if type(message.message_body).__name__ == "SmlGetListResponse"
    ]
    seen = {str(e.obis): (e.value, e.scaler, e.unit) for e in entries if e.unit}
    assert seen == {
        r.obis.logical_name: (r.value, r.scaler, r.unit)
        for r in meter.registers_at(NOW)
    }
    by_code = {str(e.obis): e for e in entries}
    assert by_code["0100010800ff"].status == meter.status_at(NOW)
    assert by_code["0100600100ff"].value == "0a01454d480000000001"


def test_pysml_reads_the_registers_of_a_list() -> None:
    meter = SimulatedMeter(server_id_of("1emh0000000001"))
    opening, listing, closing = raw_messages(push_telegram(meter, NOW, 7))
    assert opening[1]["serverId"] == listing[1]["serverId"] == "1 EMH00 0000 0001"
    assert opening[1]["refTime"] == meter.second_index_at(NOW)
    assert closing[1] == {}
    entries = {entry["objName"]: entry for entry in listing[1]["valList"]}
    for register in meter.registers_at(NOW):
        seen = entries[str(register.obis)]
        assert seen["value"] == pytest.approx(float(register.amount))
    assert entries["1-0:1.8.0*255"]["unit"] == "Wh"
    assert entries["1-0:1.8.0*255"]["status"] == meter.status_at(NOW)
    assert entries["1-0:32.7.0*255"]["unit"] == "V"


def test_a_message_that_no_meter_expects_is_answered_by_an_attention() -> None:
    request = wrap(encode_file([SmlMessage(b"\x01", 0, 0, 0x0400, (u8(1),))]))
    ((_, seen),) = raw_messages(SmlApplication(VectorMeter())(request, NOW))
    assert seen[1][1] == bytes.fromhex("8181c7c7fe0d")
