"""Reading registers with GetProcParameter (lmn-wired.md 7.4).

The tree convention is this project's own, because the text of the norm is missing; it
is written down here and nowhere else. A register is asked for by the path
`[OBIS, class id]`; in the answer's tree `[OBIS]` the attributes are children with a
name of one byte: 02 value, 03 scaler and unit, 04 status, 05 capture time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hardware.errors import FrameUndecodable
from hardware.obis import Obis
from hardware.sml import SmlElement, SmlInteger, SmlMessage, i8, u8
from hardware.sml_lists import SmlTime, status_element
from hardware.sml_messages import (
    Body,
    GetProcParameterRequest,
    GetProcParameterResponse,
    PublicCloseRequest,
    PublicOpenRequest,
    TreePath,
    message_of,
)
from hardware.sml_tree import Tree, tree_number

DATA, REGISTER, ADVANCED_REGISTER = 1, 3, 32770
"""Class ids of COSEM objects; counters of energy are advanced extended registers."""

_VALUE, _SCALER_UNIT, _STATUS, _CAPTURE_TIME = b"\x02", b"\x03", b"\x04", b"\x05"
_SCALER, _UNIT = b"\x01", b"\x02"


@dataclass(frozen=True, slots=True)
class RegisterAnswer:
    """One register as a meter answered it.

    `value` is a number with `scaler` and `unit`, or an octet string without; `status`
    is None when the meter reports no fault, `capture_time` when it keeps none.
    """

    obis: Obis
    value: SmlElement
    scaler: int | None = None
    unit: int | None = None
    status: int | None = None
    capture_time: SmlTime | None = None


def class_id(obis: Obis) -> int:
    """The class that a meter keeps a register in: energy (D = 8) or any other."""
    return ADVANCED_REGISTER if obis.groups[3] == 8 else REGISTER


def register_path(obis: Obis, class_id: int) -> TreePath:
    """The path that a register is asked for by."""
    return obis.groups, class_id.to_bytes(2, "big")


def request_file(
    registers: Sequence[Obis],
    *,
    client_id: bytes,
    server_id: bytes,
    request_file_id: bytes,
) -> tuple[SmlMessage, ...]:
    """The messages that ask one meter for registers, one request for each.

    Transaction ids count up from `10000000`; group numbers tell the requests apart.
    """
    opening = PublicOpenRequest(
        client_id=client_id, request_file_id=request_file_id, server_id=server_id
    )
    requests = [
        GetProcParameterRequest(path=register_path(obis, class_id(obis)))
        for obis in registers
    ]
    bodies: tuple[Body, ...] = (opening, *requests, PublicCloseRequest())
    last = len(bodies) - 1
    return tuple(
        message_of(body, _transaction_id(n), group_no=0 if n == last else n & 0xFF)
        for n, body in enumerate(bodies)
    )


def _transaction_id(number: int) -> bytes:
    return (0x10000000 + number).to_bytes(4, "big")


def register_tree(answer: RegisterAnswer) -> Tree:
    """The tree that a meter answers a register with."""
    children = [Tree(_VALUE, answer.value)]
    if answer.scaler is not None and answer.unit is not None:
        parts = Tree(_SCALER, i8(answer.scaler)), Tree(_UNIT, u8(answer.unit))
        children.append(Tree(_SCALER_UNIT, children=parts))
    if answer.status is not None:
        children.append(Tree(_STATUS, status_element(answer.status)))
    if answer.capture_time is not None:
        children.append(Tree(_CAPTURE_TIME, answer.capture_time))
    return Tree(answer.obis.groups, children=tuple(children))


def register_answer(response: GetProcParameterResponse) -> RegisterAnswer:
    """Read the register of an answer; raises FrameUndecodable for another tree."""
    tree = response.tree
    value = tree.child(_VALUE)
    if len(tree.name) != 6 or response.path[:1] != (tree.name,) or value is None:
        raise FrameUndecodable("the tree of a register has another form")
    if not isinstance(value.value, SmlInteger | bytes | bool):
        raise FrameUndecodable("a register without a value")
    scaler_unit = tree.child(_SCALER_UNIT) or Tree(_SCALER_UNIT)
    time = tree.child(_CAPTURE_TIME)
    return RegisterAnswer(
        Obis(tree.name),
        value.value,
        _number_in(scaler_unit.child(_SCALER)),
        _number_in(scaler_unit.child(_UNIT)),
        _number_in(tree.child(_STATUS)),
        time.value if time and isinstance(time.value, SmlTime) else None,
    )


def _number_in(tree: Tree | None) -> int | None:
    number = tree_number(tree)
    return None if number is None else number.value
