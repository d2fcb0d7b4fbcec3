"""SML files in a byte stream: real captures, damage, escapes, limits."""

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.errors import FrameUndecodable
from hardware.sml import SmlMessage, checksum_value, decode_file, encode_file, u8
from hardware.sml_transport import (
    ESCAPE,
    MAX_FILE,
    START,
    SmlFault,
    SmlFile,
    SmlFileReader,
    unwrap,
    wrap,
)
from tests.hardware.vectors import CHUNK_SIZES, DATA, captures, chunks, message_vectors


def a_file(payload: bytes = b"payload") -> bytes:
    """An SML file whose only message holds the payload, without transport."""
    return encode_file([SmlMessage(b"\1", 0, 0, 0x0701, (payload,))])


def payload_of(file: SmlFile) -> object:
    """What `a_file` put in."""
    body = file.messages[0].body
    assert isinstance(body, tuple)
    return body[0]


def read_all(data: bytes, size: int = 1_000_000) -> list[SmlFile | SmlFault]:
    reader = SmlFileReader()
    found = [item for chunk in chunks(data, size) for item in reader.feed(chunk)]
    return found + list(reader.finish())


def good(found: list[SmlFile | SmlFault]) -> list[SmlFile]:
    return [item for item in found if isinstance(item, SmlFile)]


def outline(file: SmlFile) -> tuple[Any, ...]:
    """What expected.json says of a file beside its lists."""
    checksums = [message.checksum for message in file.messages]
    tags = [f"{message.tag:04x}" for message in file.messages]
    place = (file.offset, file.length, file.padding)
    return (*place, file.transport_crc, checksums, tags)


def check_captures(folder: Path) -> None:
    keys = ("offset", "length", "padding", "transport_crc", "message_crc")
    for data, expected in captures(folder):
        frames = [
            tuple(frame[key] for key in (*keys, "message_tags"))
            for frame in expected["frames"]
        ]
        whole = read_all(data)
        assert [outline(file) for file in good(whole)] == frames, expected["file"]
        for size in CHUNK_SIZES:
            assert read_all(data, size) == whole, (expected["file"], size)
        assert_no_byte_is_passed_over(whole, len(data))


def assert_no_byte_is_passed_over(found: list[SmlFile | SmlFault], size: int) -> None:
    """Files and faults lie side by side and fill the stream."""
    position = 0
    for item in found:
        assert item.offset == position
        position += item.length
    assert position == size


def test_the_carried_captures_give_exactly_their_files() -> None:
    check_captures(DATA / "sml")


def test_all_captures_of_the_shared_folder_give_exactly_their_files(
    shared: Path,
) -> None:
    check_captures(shared / "testdata" / "sml")


def check_wrapping(folder: Path) -> None:
    for vector in message_vectors(folder):
        file, transport = (bytes.fromhex(vector[k]) for k in ("sml_file", "transport"))
        assert wrap(file) == transport, vector["name"]
        for size in CHUNK_SIZES:
            (found,) = good(read_all(transport, size))
            assert found.messages == decode_file(file), vector["name"]


def test_the_carried_files_are_wrapped_and_unwrapped() -> None:
    check_wrapping(DATA / "sml")


def test_all_files_of_the_shared_folder_are_wrapped_and_unwrapped(
    shared: Path,
) -> None:
    check_wrapping(shared / "testdata" / "sml")


@pytest.mark.parametrize("checksum", ["x25", "kermit"])
@pytest.mark.parametrize("length", range(8))
def test_padding_fills_up_to_four_and_is_taken_off(length: int, checksum: str) -> None:
    file = a_file(b"\xaa" * length or b"a")
    data = wrap(file, checksum)  # type: ignore[arg-type]
    assert len(data) % 4 == 0
    found = unwrap(data)
    assert (found.padding, found.transport_crc) == (-len(file) % 4, checksum)


def test_every_flipped_bit_costs_one_file_at_most() -> None:
    files = [wrap(a_file(name)) for name in (b"one", b"two" * 9, b"three")]
    middle = files[1]
    for bit in range(8 * len(middle)):
        data = bytearray(middle)
        data[bit // 8] ^= 1 << bit % 8
        found = good(read_all(files[0] + data + files[2]))
        assert [payload_of(file) for file in found] == [b"one", b"three"], bit


def test_lost_bytes_cost_one_file_only() -> None:
    files = [wrap(a_file(name)) for name in (b"one", b"two" * 9, b"three")]
    for lost in (1, 2, 3, 4, 5):
        for start in range(len(files[1]) - lost):
            data = files[1][:start] + files[1][start + lost :]
            found = good(read_all(files[0] + data + files[2]))
            payloads = [payload_of(file) for file in found]
            assert payloads == [b"one", b"three"], (lost, start)


def test_a_file_cut_off_anywhere_costs_that_file_only() -> None:
    first, second = wrap(a_file(b"first")), wrap(a_file(b"second"))
    for length in range(len(first)):
        found = read_all(first[:length] + second)
        assert [payload_of(file) for file in good(found)] == [b"second"], length
        assert_no_byte_is_passed_over(found, length + len(second))


TRICKY = [
    ESCAPE + b"\x01\x01\x01\x01" + ESCAPE + b"\x1a\x00\x00\x00",
    ESCAPE * 2,
    ESCAPE * 3 + b"\x1a\x03\x1b\x1b",
    b"\x1b" * 5 + b"\x01" * 4,
    b"\x1b" * 7,
    b"\x1b" * 9 + b"\x1a",
    START,
    b"\x1b",
]


@pytest.mark.parametrize("payload", TRICKY)
@pytest.mark.parametrize("shift", range(4))
def test_escapes_and_marks_inside_come_through_at_any_offset(
    payload: bytes, shift: int
) -> None:
    content = b"\xee" * (shift + 1) + payload
    data = wrap(a_file(content))
    for size in CHUNK_SIZES:
        found = read_all(data * 2, size)
        assert [payload_of(file) for file in good(found)] == [content] * 2
        assert len(found) == 2


def wrap_on_grid(file: bytes) -> bytes:
    """A transport as some meters write it: escapes are doubled on the grid only."""
    file += bytes(-len(file) % 4)
    groups = (file[start : start + 4] for start in range(0, len(file), 4))
    inner = b"".join(g * 2 if g == ESCAPE else g for g in groups)
    content = START + inner + ESCAPE + b"\x1a\x00"
    return content + checksum_value(content, "x25").to_bytes(2, "big")


@pytest.mark.parametrize("payload", TRICKY)
@pytest.mark.parametrize("shift", range(4))
def test_escapes_doubled_on_the_grid_only_are_understood_too(
    payload: bytes, shift: int
) -> None:
    content = b"\xee" * (shift + 1) + payload
    data = wrap_on_grid(a_file(content))
    for size in CHUNK_SIZES:
        found = good(read_all(data + wrap(a_file(b"next")), size))
        assert [payload_of(file) for file in found] == [content, b"next"]


def test_a_check_sequence_that_looks_like_an_escape_hides_no_start() -> None:
    for count in range(200_000):
        data = wrap(a_file(count.to_bytes(4, "big")))
        if data.endswith(b"\x1b"):
            assert len(good(read_all(data * 3))) == 3
            return
    raise AssertionError("no such checksum")


def test_a_file_longer_than_the_limit_is_given_up() -> None:
    small = wrap(a_file(b"small"))
    fits = wrap(a_file(b"x" * (MAX_FILE - 100)))
    too_long = wrap(a_file(b"x" * MAX_FILE))
    for size in (1000, 1_000_000):
        found = read_all(small + too_long + fits + small, size)
        lengths = [file.length for file in good(found)]
        assert lengths == [len(small), len(fits), len(small)]
        assert_no_byte_is_passed_over(found, 2 * len(small) + len(too_long + fits))


HOSTILE = [
    ESCAPE * 100_000,
    START * 50_000,
    (ESCAPE + b"\x1a000") * 50_000,
    (START + b"x") * 40_000,
    (START + b"xxxxx" + ESCAPE + b"\x1a000") * 20_000,
    START + b"\x1b" * 400_000,
    START + b"\x01" * 400_000,
    bytes(400_000),
]


@pytest.mark.parametrize("data", HOSTILE)
def test_a_hostile_stream_takes_neither_time_nor_memory(data: bytes) -> None:
    begun_at = time.process_time()
    reader = SmlFileReader()
    for chunk in chunks(data, 500):
        assert good(list(reader.feed(chunk))) == []
        assert len(reader._buffer) <= MAX_FILE
    assert time.process_time() - begun_at < 1
    (last,) = good([*reader.feed(wrap(a_file(b"last"))), *reader.finish()])
    assert payload_of(last) == b"last"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        START,
        a_file(),
        wrap(a_file())[:-1],
        wrap(a_file()) + b"\0",
        wrap(b""),
        wrap(encode_file([SmlMessage(b"\1", 0, 0, 0x0201, u8(1))])[:-1]),
    ],
)
def test_what_is_not_one_whole_file_is_refused(data: bytes) -> None:
    with pytest.raises(FrameUndecodable):
        unwrap(data)


PIECES = st.lists(
    st.sampled_from(
        [b"\x1b", ESCAPE, START, ESCAPE + b"\x1a", b"\x1a", b"\x01", b"\x00", b"\x76"]
    )
    | st.binary(max_size=9),
    max_size=40,
).map(b"".join)


@given(PIECES, st.integers(1, 60))
def test_noise_crashes_nothing_and_its_pieces_do_not_matter(
    noise: bytes, size: int
) -> None:
    whole = read_all(noise)
    assert read_all(noise, size) == whole
    assert_no_byte_is_passed_over(whole, len(noise))


@given(PIECES, st.integers(1, 60))
def test_what_was_wrapped_is_unwrapped_whatever_is_inside(
    payload: bytes, size: int
) -> None:
    (found,) = read_all(wrap(a_file(payload or b"x")), size)
    assert isinstance(found, SmlFile)
    assert payload_of(found) == (payload or b"x")
