"""Typed messages: every kind of the vectors in both directions, others refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.errors import FrameUndecodable
from hardware.obis import Obis
from hardware.sml import SmlElement, SmlInteger, SmlMessage, u8, u32
from hardware.sml_lists import SmlTime
from hardware.sml_messages import (
    Attention,
    Body,
    GetProfileListRequest,
    GetProfilePackRequest,
    GetProfilePackResponse,
    PublicOpenRequest,
    body_of,
    message_of,
)
from hardware.sml_tree import PeriodEntry, Tree, TupleEntry, read_tree, tree_element
from tests.hardware.vectors import DATA, message_vectors, messages_of

KINDS = [0x0100, 0x0101, 0x0200, 0x0301, 0x0400, 0x0401, 0x0501, 0x0701, 0xFF01]
ELEMENTS = st.recursive(
    st.none() | st.binary(min_size=6, max_size=6) | st.booleans() | st.just(u8(1)),
    lambda inner: st.lists(inner, max_size=7).map(tuple),
    max_leaves=10,
)
OBIS = Obis.parse("1.8.0")


def check_both_directions(folder: Path) -> None:
    for vector in message_vectors(folder):
        for message in messages_of(vector):
            again = message_of(
                body_of(message),
                message.transaction_id,
                group_no=message.group_no,
                abort_on_error=message.abort_on_error,
            )
            assert again == message, vector["name"]


def test_the_carried_messages_are_understood_and_made_again() -> None:
    check_both_directions(DATA / "sml")


def test_all_messages_of_the_shared_folder_are_understood_and_made_again(
    shared: Path,
) -> None:
    check_both_directions(shared / "testdata" / "sml")


@pytest.mark.parametrize(
    "body",
    [
        PublicOpenRequest(client_id=b"c", request_file_id=b"f", sml_version=1),
        GetProfilePackRequest(path=(b"p",), with_rawdata=False, details=Tree(b"t")),
        GetProfileListRequest(path=(), objects=(b"a", b"b"), begin_time=SmlTime(2, 9)),
        GetProfilePackResponse(
            server_id=b"s",
            act_time=SmlTime(3, 9, 60, 60),
            period_s=900,
            path=(b"p",),
            heads=((b"obis", u8(30), u8(0)),),
            periods=(),
            signature=b"sig",
        ),
        Attention(server_id=b"s", number=bytes.fromhex("8181c7c7fd00"), text=b"ok"),
    ],
)
def test_a_body_is_read_back_from_its_message(body: Body) -> None:
    assert body_of(message_of(body, b"\1")) == body


@pytest.mark.parametrize(
    ("tag", "body"),
    [
        (0x0999, (None,)),
        (0x0100, None),
        (0x0100, (None,) * 6),
        (0x0100, (None, None, b"f", None, None, None, None)),
        (0x0100, (None, u8(1), b"f", None, None, None, None)),
        (0x0101, (None, None, b"f", b"s", b"time", None)),
        (0x0400, (None, None, None, u8(1), None, None, (), None, None)),
        (0x0500, (None, None, None, b"path", None)),
        (0x0500, (None, None, None, (u8(1),), None)),
        (0x0501, (b"s", (), None)),
        (0x0501, (b"s", (), (b"name", None))),
        (0x0501, (b"s", (), (None, None, None))),
        (0x0501, (b"s", (), (b"name", (u8(9), None), None))),
        (0x0501, (b"s", (), (b"name", (u8(2), (b"obis",)), None))),
        (0x0501, (b"s", (), (b"name", None, (b"child",)))),
    ],
)
def test_a_body_of_another_form_is_refused(tag: int, body: SmlElement) -> None:
    with pytest.raises(FrameUndecodable):
        body_of(SmlMessage(b"\1", 0, 0, tag, body))


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"octets",
        True,
        SmlInteger(-5, 3, True),
        (u8(1), (u8(1), u32(5))),
        SmlTime(1, 5),
        PeriodEntry(OBIS, 30, -1, u32(7)),
        TupleEntry((None,) * 23),
    ],
)
def test_a_tree_holds_any_kind_of_value(value: SmlElement) -> None:
    tree = Tree(b"root", value, (Tree(b"a", value), Tree(b"b", None, (Tree(b"c"),))))
    assert read_tree(tree_element(tree)) == tree
    assert tree.child(b"b") == Tree(b"b", None, (Tree(b"c"),))
    assert tree.child(b"z") is None


@given(st.sampled_from(KINDS), st.lists(ELEMENTS, max_size=9).map(tuple))
def test_a_body_of_random_elements_is_refused_or_understood(
    tag: int, body: SmlElement
) -> None:
    try:
        body_of(SmlMessage(b"\1", 0, 0, tag, body))
    except FrameUndecodable:
        return
