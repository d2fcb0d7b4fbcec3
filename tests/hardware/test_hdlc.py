"""HDLC frames: the published vectors, both directions, and everything that breaks."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casa_site.decode import hdlc_line
from hardware.errors import FrameUndecodable
from hardware.hdlc import (
    DISC,
    DM,
    FRMR,
    MAX_INFO,
    MAX_LENGTH,
    SNRM,
    UA,
    UI,
    FrameFault,
    FrameReader,
    HdlcFrame,
    decode_frame,
    encode_frame,
    fcs16,
    i_control,
    rej_control,
    rnr_control,
    rr_control,
)
from tests.hardware.vectors import CHUNK_SIZES, DATA, chunks, read_json

CARRIED = read_json(DATA / "hdlc" / "vectors.json")
UNDECODABLE = 103106


def frame_bytes(info: bytes = b"hello meter", control: int = 0x10) -> bytes:
    return encode_frame(destination=(3, 3), source=(3, 1), control=control, info=info)


def read_all(data: bytes, size: int = 1_000_000) -> list[HdlcFrame | FrameFault]:
    reader = FrameReader()
    found = [item for chunk in chunks(data, size) for item in reader.feed(chunk)]
    return found + list(reader.finish())


def good(found: list[HdlcFrame | FrameFault]) -> list[HdlcFrame]:
    return [item for item in found if isinstance(item, HdlcFrame)]


def faults(found: list[HdlcFrame | FrameFault]) -> list[FrameFault]:
    return [item for item in found if isinstance(item, FrameFault)]


def check_valid(vectors: list[dict[str, Any]]) -> None:
    for vector in vectors:
        data, fields = bytes.fromhex(vector["hex"]), vector["fields"]
        frame = decode_frame(data)
        assert hdlc_line(frame) == fields, vector["name"]
        for size in CHUNK_SIZES:
            assert read_all(data, size) == [frame], vector["name"]
        written = encode_frame(
            destination=tuple(fields["destination"]),
            source=tuple(fields["source"]),
            control=int(fields["control"], 16),
            info=bytes.fromhex(fields["info"]),
        )
        assert written == data, vector["name"]


def check_invalid(vectors: list[dict[str, Any]]) -> None:
    for vector in vectors:
        data = bytes.fromhex(vector["hex"])
        for size in CHUNK_SIZES:
            found = read_all(data, size)
            if vector["log_code"] == UNDECODABLE:
                codes = [fault.code for fault in found if isinstance(fault, FrameFault)]
                assert codes == [UNDECODABLE] == codes[: len(found)], vector["name"]
            else:  # only the conversation refuses it
                assert [frame.segmented for frame in good(found)] == [True]


def check_streams(vectors: list[dict[str, Any]]) -> None:
    for vector in vectors:
        expected = [decode_frame(bytes.fromhex(text)) for text in vector["frames"]]
        for size in CHUNK_SIZES:
            found = read_all(bytes.fromhex(vector["hex"]), size)
            assert good(found) == expected, (vector["name"], size)


@pytest.mark.req("R28")
def test_the_carried_vectors_are_read_written_and_refused() -> None:
    """Undecodable frames are found and carry the code 103106."""
    check_valid(CARRIED["valid"])
    check_invalid(CARRIED["invalid"])
    check_streams(CARRIED["streams"])


def test_all_vectors_of_the_shared_folder_are_read_written_and_refused(
    shared: Path,
) -> None:
    vectors = read_json(shared / "testdata" / "hdlc" / "vectors.json")
    check_valid(vectors["valid"])
    check_invalid(vectors["invalid"])
    check_streams(vectors["streams"])


def test_the_check_sequence_has_its_published_check_value() -> None:
    assert fcs16(b"123456789") == 0x906E


@pytest.mark.parametrize(
    ("control", "kind", "poll", "n_s", "n_r"),
    [
        (i_control(7, 6), "I", True, 7, 6),
        (i_control(1, 2, poll=False), "I", False, 1, 2),
        (rr_control(3), "RR", True, None, 3),
        (rnr_control(1, poll=False), "RNR", False, None, 1),
        (rej_control(2), "REJ", True, None, 2),
        (SNRM, "SNRM", True, None, None),
        (DISC, "DISC", True, None, None),
        (UA, "UA", True, None, None),
        (DM, "DM", True, None, None),
        (FRMR, "FRMR", True, None, None),
        (UI, "UI", False, None, None),
        (0xE3, "UNKNOWN", False, None, None),
        (0x0D, "UNKNOWN", False, None, 0),
    ],
)
def test_a_control_field_says_kind_poll_bit_and_counters(
    control: int, kind: str, poll: bool, n_s: int | None, n_r: int | None
) -> None:
    frame = decode_frame(frame_bytes(b"", control))
    found = (frame.frame_type, frame.poll_final, frame.n_s, frame.n_r)
    assert found == (kind, poll, n_s, n_r)


def test_the_largest_frame_fits_and_one_byte_more_does_not() -> None:
    frame = decode_frame(frame_bytes(bytes(MAX_INFO)))
    assert (frame.length, len(frame.info)) == (MAX_INFO + 11, MAX_INFO)
    with pytest.raises(ValueError, match="do not fit"):
        frame_bytes(bytes(MAX_INFO + 1))


@pytest.mark.parametrize("address", [(), (128,), (-1, 1), (1, 2, 3, 4, 5)])
def test_an_address_that_does_not_fit_is_not_sent(address: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="address"):
        encode_frame(destination=address, source=(1, 1), control=UI)


def test_every_flipped_bit_is_found_and_the_frames_around_it_arrive() -> None:
    before, after = frame_bytes(b"before"), frame_bytes(b"after")
    broken = frame_bytes(b"\x7e in \x7e the middle")
    for bit in range(8 * len(broken)):
        data = bytearray(broken)
        data[bit // 8] ^= 1 << bit % 8
        infos = [frame.info for frame in good(read_all(before + data + after))]
        assert infos == [b"before", b"after"], bit


def test_every_truncation_is_told_of_and_the_next_frame_arrives() -> None:
    broken, after = frame_bytes(b"broken"), frame_bytes(b"after")
    for length in range(2, len(broken) - 1):
        found = read_all(broken[:length] + after)
        assert [frame.info for frame in good(found)] == [b"after"], length
        assert len(faults(found)) == 1, length


def test_a_length_that_lies_swallows_no_good_frame() -> None:
    honest = frame_bytes(b"honest")
    for length in range(MAX_LENGTH + 1):
        liar = bytearray(frame_bytes(b"liar"))
        liar[1:3] = (0xA000 | length).to_bytes(2, "big")
        infos = [frame.info for frame in good(read_all(bytes(liar) + honest * 2))]
        expected = [b"honest"] * 2
        if length == len(liar) - 2:
            expected.insert(0, b"liar")
        assert infos == expected, length


def test_after_the_timeout_the_frame_behind_a_broken_one_is_delivered() -> None:
    reader = FrameReader()
    cut_off = frame_bytes(b"cut off" * 10)[:30]
    assert list(reader.feed(cut_off + frame_bytes(b"behind"))) == []
    fault = reader.drop()
    assert fault is not None
    assert fault.code == UNDECODABLE
    assert [frame.info for frame in good(list(reader.feed(b"")))] == [b"behind"]


def test_a_timeout_between_frames_is_no_fault() -> None:
    reader = FrameReader()
    assert reader.drop() is None
    assert len(list(reader.feed(frame_bytes()))) == 1
    assert reader.drop() is None
    assert list(reader.feed(b"\x7e\x7e\x7e")) == []
    assert reader.drop() is None


def test_a_timeout_forgets_what_was_begun() -> None:
    reader = FrameReader()
    assert list(reader.feed(frame_bytes()[:9])) == []
    fault = reader.drop()
    assert fault is not None
    assert fault.data == frame_bytes()[:9]
    assert [frame.info for frame in good(list(reader.feed(frame_bytes(b"new"))))] == [
        b"new"
    ]


@pytest.mark.parametrize(
    "data",
    [b"", b"\x7e", b"\x7e\x7e", bytes(20), frame_bytes()[:-1], frame_bytes() + b"\x7e"],
)
def test_what_is_not_one_whole_frame_is_refused(data: bytes) -> None:
    with pytest.raises(FrameUndecodable):
        decode_frame(data)


ADDRESSES = st.lists(st.integers(0, 127), min_size=1, max_size=4).map(tuple)
INFOS = st.binary(max_size=60) | st.lists(
    st.sampled_from([b"\x7e", b"\xa0", b"\x00", b"\x7d"]), max_size=60
).map(b"".join)


@given(ADDRESSES, ADDRESSES, st.integers(0, 255), INFOS, st.integers(1, 50))
def test_what_was_written_is_read_back(
    destination: tuple[int, ...],
    source: tuple[int, ...],
    control: int,
    info: bytes,
    size: int,
) -> None:
    data = encode_frame(
        destination=destination, source=source, control=control, info=info
    )
    (frame,) = read_all(data, size)
    assert isinstance(frame, HdlcFrame)
    assert frame == decode_frame(data)
    assert (frame.destination, frame.source) == (destination, source)
    assert (frame.control, frame.info) == (control, info)


NOISE = st.binary(max_size=400) | st.lists(
    st.sampled_from([b"\x7e", b"\xa0", b"\x7e\xa0", b"\x03", frame_bytes()[:9]]),
    max_size=80,
).map(b"".join)


@given(NOISE, st.integers(1, 100))
def test_noise_gives_faults_at_most_and_hides_no_frame_behind_it(
    noise: bytes, size: int
) -> None:
    whole = read_all(noise + frame_bytes(b"at last"))
    assert good(whole)[-1].info == b"at last"
    assert read_all(noise + frame_bytes(b"at last"), size) == whole


def test_the_reader_keeps_no_more_than_one_largest_frame() -> None:
    reader = FrameReader()
    for _ in range(100):
        list(reader.feed(bytes(1000)))
        assert len(reader._buffer) <= MAX_LENGTH + 2
    assert len(list(reader.feed(b"\x7e" * 10_000))) == 1
    assert len(reader._buffer) <= MAX_LENGTH + 2
