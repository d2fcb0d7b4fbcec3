"""Registers over GetProcParameter, after the convention of lmn-wired.md 7.4."""

import pytest

from hardware.errors import FrameUndecodable
from hardware.obis import Obis
from hardware.sml import SmlInteger, decode_file, encode_file, u8, u32
from hardware.sml_lists import SmlTime
from hardware.sml_messages import GetProcParameterResponse, body_of
from hardware.sml_registers import (
    ADVANCED_REGISTER,
    REGISTER,
    RegisterAnswer,
    class_id,
    register_answer,
    register_path,
    register_tree,
    request_file,
)
from hardware.sml_tree import Tree
from tests.hardware.vectors import DATA, message_vectors

GATEWAY = bytes.fromhex("0a0e454d480000bc614e")
METER = bytes.fromhex("0a01454d480000a1bd34")
ENERGY, POWER = Obis.parse("1.8.0"), Obis.parse("16.7.0")


def vector_file(name: str) -> bytes:
    vectors = {vector["name"]: vector for vector in message_vectors(DATA / "sml")}
    return bytes.fromhex(vectors[name]["sml_file"])


def test_a_request_asks_for_each_register_with_its_class() -> None:
    file = request_file(
        [ENERGY, Obis.parse("2.8.0"), POWER, Obis.parse("32.7.0")],
        client_id=GATEWAY,
        server_id=METER,
        request_file_id=bytes.fromhex("01226fcf"),
    )
    assert encode_file(file) == vector_file("request_meter_data")


def test_energy_is_an_advanced_register_and_power_a_plain_one() -> None:
    assert (class_id(ENERGY), class_id(POWER)) == (ADVANCED_REGISTER, REGISTER)


def test_the_answers_of_the_vector_are_read_and_made_again() -> None:
    bodies = map(body_of, decode_file(vector_file("response_meter_data")))
    responses = [body for body in bodies if isinstance(body, GetProcParameterResponse)]
    answers = [register_answer(response) for response in responses]
    assert answers[0] == RegisterAnswer(
        ENERGY,
        SmlInteger(123456789, 8, True),
        scaler=-1,
        unit=30,
        status=0x1C0104,
        capture_time=SmlTime(1, 19034062),
    )
    assert answers[2] == RegisterAnswer(POWER, SmlInteger(-1520, 4, True), 0, 27)
    assert [register_tree(answer) for answer in answers] == [r.tree for r in responses]


def response_with(tree: Tree, obis: Obis = POWER) -> GetProcParameterResponse:
    return GetProcParameterResponse(
        server_id=METER, path=register_path(obis, REGISTER), tree=tree
    )


def test_text_is_a_value_without_unit() -> None:
    answer = RegisterAnswer(POWER, b"\x0a\x01EMH")
    assert register_answer(response_with(register_tree(answer))) == answer


@pytest.mark.parametrize(
    "tree",
    [
        Tree(POWER.groups),
        Tree(POWER.groups, children=(Tree(b"\x02"),)),
        Tree(POWER.groups, children=(Tree(b"\x02", SmlTime(1, 5)),)),
        Tree(POWER.groups[:5], children=(Tree(b"\x02", u8(1)),)),
        Tree(ENERGY.groups, children=(Tree(b"\x02", u32(1)),)),
    ],
)
def test_a_tree_of_another_form_is_refused(tree: Tree) -> None:
    with pytest.raises(FrameUndecodable):
        register_answer(response_with(tree))
