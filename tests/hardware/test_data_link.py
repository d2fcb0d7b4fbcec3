"""The gateway's end of a data link, against a script: lmn-wired.md 2.3."""

import pytest

from hardware.data_link import DataLink
from hardware.errors import FrameUndecodable, FrameUnexpected, LmnError, MeterSilent
from hardware.hdlc import (
    DISC,
    DM,
    FRMR,
    SNRM,
    UA,
    fcs16,
    i_control,
    rej_control,
    rnr_control,
    rr_control,
)
from hardware.lmn_line import LmnLine, LmnTimers
from tests.fakes import Script, ScriptedLink, Ticker
from tests.hardware.frames import STATION, heard, sent

SILENCE: list[Script] = []
CONNECT = (sent(SNRM), heard(UA))
BROKEN = heard(rr_control(1))[:-2] + b"\x00\x7e"


class Conversation:
    """A data link over a script, with what it reported."""

    def __init__(self, *exchanges: tuple[bytes, Script | list[Script]]) -> None:
        self.ticker = Ticker()
        self.link = ScriptedLink(exchanges, self.ticker)
        self.reported: list[LmnError] = []
        line = LmnLine(self.link, self.ticker, LmnTimers())
        self.data_link = DataLink(line, STATION, 2, self.reported.append)

    @property
    def codes(self) -> list[int]:
        return [error.code for error in self.reported]


def test_snrm_and_ua_are_the_frames_of_the_published_vectors() -> None:
    assert heard(UA, sap=3) == bytes.fromhex("7ea009060306077305887e")
    assert sent(SNRM)[1:3] == bytes.fromhex("a009")


def test_a_request_is_answered_and_the_counters_go_on() -> None:
    talk = Conversation(
        CONNECT,
        (sent(i_control(0, 0), b"one"), heard(i_control(0, 1), b"first")),
        (sent(i_control(1, 1), b"two"), heard(i_control(1, 2), b"second")),
    )
    talk.data_link.connect()
    assert talk.data_link.send(b"one") == b"first"
    assert talk.data_link.send(b"two") == b"second"
    assert talk.link.is_finished
    assert talk.codes == []


def test_the_counters_are_taken_modulo_eight() -> None:
    exchanges = [
        (sent(i_control(n, n), b"q"), heard(i_control(n, n + 1), b"a"))
        for n in range(20)
    ]
    talk = Conversation(CONNECT, *exchanges)
    talk.data_link.connect()
    assert [talk.data_link.send(b"q") for _ in range(20)] == [b"a"] * 20
    assert talk.link.is_finished


def test_after_an_acknowledgement_the_answer_is_polled() -> None:
    talk = Conversation(
        CONNECT,
        (sent(i_control(0, 0), b"q"), heard(rr_control(1))),
        (sent(rr_control(0)), heard(rnr_control(1))),
        (sent(rr_control(0)), heard(i_control(0, 1), b"half ")),
        (sent(rr_control(1)), heard(i_control(1, 1), b"done")),
    )
    talk.data_link.connect()
    assert talk.data_link.send(b"q") == b""
    assert talk.data_link.is_ready
    assert talk.data_link.poll() == b""
    assert not talk.data_link.is_ready
    assert talk.data_link.poll() == b"half "
    assert talk.data_link.is_ready
    assert talk.data_link.poll() == b"done"


def test_a_long_request_goes_over_in_several_frames() -> None:
    data = bytes(range(256)) * 10
    talk = Conversation(
        CONNECT,
        (sent(i_control(0, 0), data[:2034]), heard(rr_control(1))),
        (sent(i_control(1, 0), data[2034:]), heard(i_control(0, 2), b"ok")),
    )
    talk.data_link.connect()
    assert talk.data_link.send(data) == b"ok"


def test_a_frame_in_pieces_and_between_flags_is_one_frame() -> None:
    answer = heard(i_control(0, 1), b"answer")
    pieces: list[Script] = [b"\x7e\x7e", 0.03, answer[:5], 0.04, answer[5:9]]
    talk = Conversation(
        CONNECT, (sent(i_control(0, 0), b"q"), [*pieces, 0.04, answer[9:]])
    )
    talk.data_link.connect()
    assert talk.data_link.send(b"q") == b"answer"
    assert talk.codes == []


def test_silence_is_answered_by_the_same_frame_again() -> None:
    request = sent(i_control(0, 0), b"q")
    talk = Conversation(
        CONNECT,
        (request, SILENCE),
        (request, SILENCE),
        (request, SILENCE),
        (request, heard(i_control(0, 1), b"late")),
    )
    talk.data_link.connect()
    begin = talk.ticker.now
    assert talk.data_link.send(b"q") == b"late"
    assert talk.ticker.now - begin == pytest.approx(1.5, abs=0.02)


@pytest.mark.req("R28")
def test_four_frames_without_an_answer_are_103118() -> None:
    """Proves of R28: code 103118, after the three repetitions."""
    request = sent(i_control(0, 0), b"q")
    talk = Conversation(CONNECT, *[(request, SILENCE)] * 4)
    talk.data_link.connect()
    with pytest.raises(MeterSilent) as raised:
        talk.data_link.send(b"q")
    assert raised.value.code == 103118
    assert talk.link.is_finished


@pytest.mark.req("R28")
def test_only_damaged_answers_are_103106() -> None:
    """Proves of R28: code 103106, raised when no repetition helps."""
    talk = Conversation(CONNECT, *[(sent(i_control(0, 0), b"q"), BROKEN)] * 4)
    talk.data_link.connect()
    with pytest.raises(FrameUndecodable) as raised:
        talk.data_link.send(b"q")
    assert raised.value.code == 103106


@pytest.mark.req("R28")
@pytest.mark.parametrize(
    "damage",
    [
        BROKEN,
        heard(rr_control(1))[:6],
        b"\x00\xff\x13",
        b"\x7e\x90" + heard(rr_control(1))[2:],
    ],
    ids=["checksum", "truncated", "noise", "format type"],
)
def test_damage_that_a_repetition_mends_is_reported(damage: bytes) -> None:
    """Proves of R28: 103106 is told of, and the conversation goes on."""
    request = sent(i_control(0, 0), b"q")
    talk = Conversation(
        CONNECT, (request, damage), (request, heard(i_control(0, 1), b"a"))
    )
    talk.data_link.connect()
    assert talk.data_link.send(b"q") == b"a"
    assert talk.codes == [103106]


def test_a_repeated_information_frame_is_delivered_once() -> None:
    first = heard(i_control(0, 1), b"first")
    talk = Conversation(
        CONNECT,
        (sent(i_control(0, 0), b"q"), first),
        (sent(rr_control(1)), first),
        (sent(rr_control(1)), heard(i_control(1, 1), b"second")),
    )
    talk.data_link.connect()
    assert talk.data_link.send(b"q") == b"first"
    assert talk.data_link.poll() == b"second"
    assert talk.codes == []


def test_what_arrives_before_a_question_is_no_answer_to_it() -> None:
    stale = heard(i_control(0, 1), b"stale")
    talk = Conversation(
        CONNECT,
        (sent(i_control(0, 0), b"q"), [heard(rr_control(1)), stale]),
        (sent(rr_control(0)), heard(rr_control(1))),
    )
    talk.data_link.connect()
    assert talk.data_link.send(b"q") == b""
    assert talk.data_link.poll() == b""


@pytest.mark.parametrize("refusal", [rej_control(0), rr_control(0)])
def test_a_frame_that_was_not_taken_is_sent_again(refusal: int) -> None:
    request = sent(i_control(0, 0), b"q")
    talk = Conversation(
        CONNECT, (request, heard(refusal)), (request, heard(i_control(0, 1), b"a"))
    )
    talk.data_link.connect()
    assert talk.data_link.send(b"q") == b"a"


@pytest.mark.req("R28")
def test_a_wrong_send_counter_is_reported_and_polled_once() -> None:
    """Proves of R28: code 103117 for a wrong N(S) that an RR puts right."""
    talk = Conversation(
        CONNECT,
        (sent(i_control(0, 0), b"q"), heard(i_control(3, 1), b"out of order")),
        (sent(rr_control(0)), heard(i_control(0, 1), b"right")),
    )
    talk.data_link.connect()
    assert talk.data_link.send(b"q") == b"right"
    assert talk.codes == [103117]


UNEXPECTED = {
    "FRMR": heard(FRMR, b"\x10\x00\x01"),
    "DM": heard(DM),
    "UA": heard(UA),
    "wrong N(R)": heard(i_control(0, 5), b"a"),
    "RNR without acknowledgement": heard(rnr_control(0)),
}


@pytest.mark.req("R28")
@pytest.mark.parametrize("answer", UNEXPECTED.values(), ids=UNEXPECTED.keys())
def test_a_frame_that_does_not_fit_is_103117(answer: bytes) -> None:
    """Proves of R28: code 103117 for each kind of frame in the wrong place."""
    talk = Conversation(CONNECT, (sent(i_control(0, 0), b"q"), answer))
    talk.data_link.connect()
    with pytest.raises(FrameUnexpected) as raised:
        talk.data_link.send(b"q")
    assert raised.value.code == 103117


def segmented() -> bytes:
    """A good frame with the segmentation bit set."""
    content = bytearray(heard(rr_control(1))[1:-3])
    content[0] |= 0x08
    return b"\x7e" + content + fcs16(bytes(content)).to_bytes(2, "little") + b"\x7e"


STRANGE = {
    "other station": heard(i_control(0, 1), b"a", station=9),
    "other service point": heard(i_control(0, 1), b"a", sap=3),
    "no final bit": heard(i_control(0, 1, poll=False), b"a"),
    "segmentation bit": segmented(),
}


@pytest.mark.req("R28")
@pytest.mark.parametrize("answer", STRANGE.values(), ids=STRANGE.keys())
def test_a_frame_of_another_conversation_is_103117(answer: bytes) -> None:
    """Proves of R28: code 103117 for a wrong address, SAP or segmentation bit."""
    request = sent(i_control(0, 0), b"q")
    mended = Conversation(
        CONNECT, (request, answer), (request, heard(i_control(0, 1), b"a"))
    )
    mended.data_link.connect()
    assert mended.data_link.send(b"q") == b"a"
    assert mended.codes == [103117]
    hopeless = Conversation(CONNECT, *[(request, answer)] * 4)
    hopeless.data_link.connect()
    with pytest.raises(FrameUnexpected):
        hopeless.data_link.send(b"q")


def test_a_meter_that_refuses_the_link_is_not_linked() -> None:
    talk = Conversation((sent(SNRM), heard(DM)))
    with pytest.raises(FrameUnexpected):
        talk.data_link.connect()


def test_three_snrm_without_an_answer_make_a_meter_silent() -> None:
    talk = Conversation(*[(sent(SNRM), SILENCE)] * 3)
    with pytest.raises(MeterSilent):
        talk.data_link.connect()
    assert talk.link.is_finished


def test_taking_leave_needs_no_answer() -> None:
    talk = Conversation((sent(DISC), SILENCE))
    talk.data_link.disconnect()
    assert talk.link.is_finished
