"""SML elements and messages as bytes: vectors, round trips, and what is refused."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.crc16 import kermit, x25
from hardware.errors import FrameUndecodable
from hardware.sml import (
    MAX_DEPTH,
    SmlElement,
    SmlInteger,
    SmlMessage,
    decode_element,
    decode_file,
    encode_element,
    encode_file,
    i8,
    u8,
)
from tests.hardware.vectors import DATA, message_vectors, messages_of

A_FILE = encode_file(
    [
        SmlMessage(b"\1", 0, 0, 0x0101, (None, b"id", u8(3)), "x25"),
        SmlMessage(b"\2", 0, 0, 0x0201, (None,), "kermit"),
    ]
)


def check_both_directions(folder: Path) -> None:
    for vector in message_vectors(folder):
        messages, data = messages_of(vector), bytes.fromhex(vector["sml_file"])
        assert encode_file(messages) == data, vector["name"]
        assert decode_file(data) == messages, vector["name"]


def test_the_carried_messages_are_written_and_read() -> None:
    check_both_directions(DATA / "sml")


def test_all_messages_of_the_shared_folder_are_written_and_read(shared: Path) -> None:
    check_both_directions(shared / "testdata" / "sml")


def test_the_two_checksums_have_their_published_check_values() -> None:
    assert (x25(b"123456789"), kermit(b"123456789")) == (0x906E, 0x2189)


@pytest.mark.parametrize(
    ("data", "element"),
    [
        ("01", None),
        ("0401aabb".replace("01", "00"), b"\x00\xaa\xbb"),
        ("4200", False),
        ("4201", True),
        ("42ff", True),
        ("5201", i8(1)),
        ("52ff", i8(-1)),
        ("62ff", u8(255)),
        ("560006 34619e", SmlInteger(0x0634619E, 5, True)),
        ("55ff000000", SmlInteger(-(1 << 24), 4, True)),
        ("5980 00000000000000", SmlInteger(-(1 << 63), 8, True)),
        ("69ffffffffffffffff", SmlInteger((1 << 64) - 1, 8)),
        ("70", ()),
        ("727101 6207", ((None,), u8(7))),
        ("8302" + "ab" * 48, b"\xab" * 48),
        ("f104" + "01" * 20, (None,) * 20),
        ("8002", None),
        ("8103" + "cd" * 17, b"\xcd" * 17),
    ],
)
def test_an_element_is_read(data: str, element: SmlElement) -> None:
    assert decode_element(bytes.fromhex(data)) == element


@pytest.mark.parametrize(
    "data",
    [
        "",
        "00",  # end of message
        "02",  # cut off
        "0302",
        "51",  # numbers without or with too many bytes
        "61",
        "6a" + "00" * 9,
        "5a" + "00" * 9,
        "6500",
        "42",
        "41",
        "43 0000",
        "12 00",  # types that do not exist
        "22 00",
        "32 00",
        "a2 00",
        "d2 00",  # a number's length in two bytes
        "8001",  # a length shorter than its own field
        "80",
        "f1",
        "8112 00",  # a type where the length goes on
        "8302" + "ab" * 47,
        "7201",
        "f104" + "01" * 19,
        "8" + "f" * 7 + "0f",  # announces 4 GiB
        "ff" * 40,
        "0101",  # more than one element
        "71" * (MAX_DEPTH + 1) + "01",
    ],
)
def test_what_is_no_element_is_refused(data: str) -> None:
    with pytest.raises(FrameUndecodable):
        decode_element(bytes.fromhex(data))


def test_lists_may_be_nested_as_deep_as_announced() -> None:
    element = decode_element(b"\x71" * MAX_DEPTH + b"\x01")
    for _ in range(MAX_DEPTH):
        assert isinstance(element, tuple)
        (element,) = element
    assert element is None


@pytest.mark.parametrize(
    "number",
    [u8(256), u8(-1), i8(128), SmlInteger(0, 0), SmlInteger(0, 9), i8(-129)],
)
def test_a_number_that_does_not_fit_is_not_written(number: SmlInteger) -> None:
    with pytest.raises(ValueError, match="bytes"):
        encode_element(number)


def test_each_message_tells_which_checksum_it_came_with() -> None:
    assert [message.checksum for message in decode_file(A_FILE)] == ["x25", "kermit"]


def test_zero_bytes_between_messages_are_fill() -> None:
    first, second = decode_file(A_FILE)
    data = encode_file([first]) + bytes(2) + encode_file([second]) + bytes(3)
    assert decode_file(data) == (first, second)


@pytest.mark.parametrize("data", [b"", b"\0\0", A_FILE[1:], A_FILE + b"\x01"])
def test_what_is_no_file_is_refused(data: bytes) -> None:
    with pytest.raises(FrameUndecodable):
        decode_file(data)


def test_every_flipped_bit_of_a_file_is_found() -> None:
    messages = decode_file(A_FILE)
    for bit in range(8 * len(A_FILE)):
        data = bytearray(A_FILE)
        data[bit // 8] ^= 1 << bit % 8
        with pytest.raises(FrameUndecodable):
            print(decode_file(bytes(data)), messages)


def test_every_truncation_of_a_file_is_found() -> None:
    first_length = len(encode_file(decode_file(A_FILE)[:1]))
    for length in set(range(len(A_FILE))) - {first_length}:
        with pytest.raises(FrameUndecodable):
            decode_file(A_FILE[:length])


@pytest.mark.parametrize(
    "head",
    [
        (u8(1), u8(0), u8(0), (u8(1), None)),
        (b"\1", b"\0", u8(0), (u8(1), None)),
        (b"\1", u8(0), None, (u8(1), None)),
        (b"\1", u8(0), u8(0), None),
        (b"\1", u8(0), u8(0), (u8(1), None, None)),
        (b"\1", u8(0), u8(0), (b"\1", None)),
        (b"\1", u8(0), u8(0), u8(1)),
    ],
)
def test_a_message_of_another_form_is_refused_though_its_checksum_is_right(
    head: tuple[SmlElement, ...],
) -> None:
    content = b"\x76" + b"".join(map(encode_element, head))
    crc = x25(content).to_bytes(2, "little")
    with pytest.raises(FrameUndecodable):
        decode_file(content + b"\x63" + crc + b"\x00")


def test_a_checksum_sent_without_its_leading_zero_is_right() -> None:
    """Numbers may be shorter than their type, so this one may as well."""
    for count in range(1000):
        message = SmlMessage(count.to_bytes(2, "big"), 0, 0, 0x0201, (None,))
        data = encode_file([message])
        if data[-3] == 0:
            assert decode_file(data[:-4] + b"\x62" + data[-2:]) == (message,)
            return
    raise AssertionError("no such checksum among a thousand")


def fitting(width: int, signed: bool) -> st.SearchStrategy[SmlInteger]:
    smallest = -(256**width) // 2 if signed else 0
    values = st.integers(smallest, smallest + 256**width - 1)
    return values.map(lambda value: SmlInteger(value, width, signed))


INTEGERS = st.one_of(
    [fitting(w, signed) for w in range(1, 9) for signed in (True, False)]
)
ELEMENTS: st.SearchStrategy[SmlElement] = st.recursive(
    st.none() | st.binary(min_size=1, max_size=40) | st.booleans() | INTEGERS,
    lambda inner: st.lists(inner, max_size=17).map(tuple),
    max_leaves=15,
)


@given(ELEMENTS)
def test_an_element_that_was_written_is_read_back(element: SmlElement) -> None:
    assert decode_element(encode_element(element)) == element


@settings(max_examples=30)
@given(st.lists(ELEMENTS, min_size=1, max_size=3), st.sampled_from(["x25", "kermit"]))
def test_messages_that_were_written_are_read_back(
    bodies: list[SmlElement], checksum: str
) -> None:
    messages = tuple(
        SmlMessage(b"\1\2", n, 255, 0xFF01, body, checksum)  # type: ignore[arg-type]
        for n, body in enumerate(bodies)
    )
    assert decode_file(encode_file(messages)) == messages


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_or_read_but_never_crash(data: bytes) -> None:
    for reader in (decode_element, decode_file):
        try:
            reader(data)
        except FrameUndecodable:
            continue


@pytest.mark.parametrize(
    "data", [b"\x70" * 65536, b"\xff" * 65536, b"\x76" * 65536, b"\xff\xff\x0f" * 21845]
)
def test_a_hostile_file_takes_no_time(data: bytes) -> None:
    begun_at = time.process_time()
    with pytest.raises(FrameUndecodable):
        decode_element(data)
    assert time.process_time() - begun_at < 0.1
