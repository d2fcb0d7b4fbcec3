"""Radio sticks: their byte streams both ways, noise and all, and how they start."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware import stick_amb8465 as amb
from hardware import stick_cul as cul
from hardware import stick_im871a as imst
from hardware.crc16 import x25
from hardware.errors import LmnError, PortVanished
from hardware.stick import ModuleInfo, Reception, Stick, StickFault
from hardware.stick_amb8465 import Amb8465, AmberMessage, AmberSettings
from hardware.stick_cul import Cul
from hardware.stick_errors import (
    StickAnswerWrong,
    StickFirmwareTooOld,
    StickFirmwareUnknown,
    StickMisconfigured,
    StickPortNotOpen,
    StickRestartFailed,
    StickSilent,
    StickTypeWrong,
)
from hardware.stick_im871a import HciMessage, Im871a
from hardware.stick_receiver import StickReceiver
from tests.fakes import ScriptedLink, Ticker
from tests.hardware.vectors import CHUNK_SIZES, chunks
from tests.hardware.wmbus_vectors import wmbus_vectors

WATER = bytes.fromhex("1844AE4C4455223368077A55000000041389E20100023B0000")
TELEGRAMS = [bytes.fromhex(v["telegrams"][-1]) for v in wmbus_vectors()]
BARE = AmberSettings(framed=False, with_rssi=True)
FRAMED = AmberSettings(framed=True, with_rssi=True)

MADE: dict[str, tuple[Callable[[], Stick], Callable[[bytes], bytes]]] = {
    "iM871A": (Im871a, lambda t: imst.telegram_indication(t, rssi=0x8C)),
    "iM871A with CRC": (
        Im871a,
        lambda t: imst.telegram_indication(t, rssi=0x8C, with_crc=True),
    ),
    "AMB8465": (lambda: Amb8465(BARE), lambda t: amb.telegram_indication(t, BARE)),
    "AMB8465 framed": (
        lambda: Amb8465(FRAMED),
        lambda t: amb.telegram_indication(t, FRAMED, rssi=0xB4),
    ),
    "CUL": (Cul, lambda t: cul.telegram_line(t, rssi=0xE4)),
    "CUL in format B": (Cul, lambda t: cul.telegram_line(t, in_format_b=True)),
}
"""Each stick: how to make its codec, and what it sends for a telegram."""

each_stick = pytest.mark.parametrize("name", MADE)


def heard(stick: Stick, data: bytes, size: int = 1_000_000) -> list[object]:
    return [found for part in chunks(data, size) for found in stick.feed(part)]


def receptions(found: list[object]) -> list[bytes]:
    return [item.telegram for item in found if isinstance(item, Reception)]


# --- the published examples ---------------------------------------------------------

INDICATION = (
    "A5420318 44AE4C4455223368077A55000000041389E20100023B0000 8C",
    "A5C20318 44AE4C4455223368077A55000000041389E20100023B0000 8CE6C5",
)


def test_the_example_of_the_im871a_with_and_without_crc() -> None:
    for text, with_crc in zip(INDICATION, (False, True), strict=True):
        data = bytes.fromhex(text)
        assert heard(Im871a(), data) == [Reception(WATER, -52)]
        made = imst.telegram_indication(WATER, rssi=0x8C, with_crc=with_crc)
        assert made == data


def test_the_commands_of_the_im871a() -> None:
    ping = HciMessage(imst.DEVICE, imst.PING)
    assert imst.encode_message(ping).hex() == "a5010100"
    conversation = Im871a().opening()
    next(conversation)
    request = conversation.send(HciMessage(imst.DEVICE, imst.PING_ANSWER))
    assert request.data.hex() == "a5010f00"
    info = HciMessage(1, 0x10, imst.device_info(imst.IM871A, 0x14, 0x12345678))
    assert conversation.send(info).data.hex() == "a50103060002" + "0a300100"


def test_the_example_of_the_amb8465() -> None:
    data = bytes.fromhex("FF0319") + WATER[1:] + bytes.fromhex("B4F3")
    assert heard(Amb8465(FRAMED), data) == [Reception(WATER, -112)]
    assert amb.telegram_indication(WATER, FRAMED, rssi=0xB4) == data
    set_mode = AmberMessage(amb.SET_MODE, bytes([amb.MODE_C_T]))
    assert amb.encode_message(set_mode).hex() == "ff040109f3"
    assert heard(Amb8465(), bytes.fromhex("FF8401007A")) == [
        AmberMessage(0x84, b"\x00")
    ]


def test_the_examples_of_the_cul() -> None:
    in_a = b"b1844AE4C4455223368075F787A55000000041389E20100023B0000D0C61AE4\r\n"
    in_b = b"bY1A44AE4C4455223368077A55000000041389E20100023B0000C6B41AE4\r\n"
    for line, in_format_b in ((in_a, False), (in_b, True)):
        assert heard(Cul(), line) == [Reception(WATER, -88)]
        made = cul.telegram_line(WATER, in_format_b=in_format_b, lqi=0x1A, rssi=0xE4)
        assert made == line


def test_a_cul_may_tell_no_strength() -> None:
    line = b"b1844AE4C4455223368075F787A55000000041389E20100023B0000D0C6\r\n"
    assert heard(Cul(), line) == [Reception(WATER)]


def test_strengths_are_about_what_the_tables_say() -> None:
    assert (imst.rssi_dbm(45), imst.rssi_dbm(231)) == (-100, 0)
    assert (amb.rssi_dbm(0), amb.rssi_dbm(128)) == (-74, -138)
    assert (cul.rssi_dbm(0xE4), cul.rssi_dbm(10)) == (-88, -69)


# --- streams ------------------------------------------------------------------------


@each_stick
@pytest.mark.parametrize("size", CHUNK_SIZES)
def test_telegrams_come_whole_whatever_the_chunks(name: str, size: int) -> None:
    make, sent = MADE[name]
    data = b"".join(map(sent, TELEGRAMS))
    assert receptions(heard(make(), data, size)) == TELEGRAMS


@each_stick
def test_noise_between_telegrams_costs_no_telegram_behind_it(name: str) -> None:
    make, sent = MADE[name]
    noise = bytes.fromhex("00A5013F7F5A00FE01") + b"\r\n"
    stick = make()
    assert receptions(heard(stick, noise + sent(WATER))) == [WATER]
    stick.drop()
    assert receptions(heard(stick, sent(WATER) + noise)) == [WATER]
    stick.drop()
    assert receptions(heard(stick, sent(WATER) * 2)) == [WATER, WATER]


@each_stick
def test_an_unfinished_frame_is_given_up_after_silence(name: str) -> None:
    make, sent = MADE[name]
    stick = make()
    assert stick.drop() is None
    assert receptions(heard(stick, sent(WATER)[:-4])) == []
    assert isinstance(stick.drop(), StickFault)
    assert receptions(heard(stick, sent(WATER))) == [WATER]


@each_stick
@settings(max_examples=60, deadline=None)
@given(noise=st.binary(max_size=400), size=st.integers(1, 60))
def test_any_bytes_are_survived_and_nothing_piles_up(
    name: str, noise: bytes, size: int
) -> None:
    make, sent = MADE[name]
    stick = make()
    for part in chunks(noise, size):
        for found in stick.feed(part):
            assert isinstance(
                found, Reception | StickFault | HciMessage | AmberMessage | bytes
            )
    stick.drop()
    assert receptions(heard(stick, sent(WATER))) == [WATER]


@each_stick
def test_endless_noise_is_thrown_away(name: str) -> None:
    make, _ = MADE[name]
    stick: Any = make()
    for byte in (b"\xa5", b"\xff", b"\x44", b"b", b"\x00"):
        for _ in range(200):
            list(stick.feed(byte * 100))
        assert len(stick._buffer) < 1000
        stick.drop()


@pytest.mark.parametrize("name", ["iM871A with CRC", "CUL", "CUL in format B"])
def test_a_changed_byte_of_a_checked_frame_gives_no_other_telegram(name: str) -> None:
    make, sent = MADE[name]
    good = sent(WATER)
    for position in range(len(good)):
        changed = bytearray(good)
        changed[position] ^= 0x04
        for telegram in receptions(heard(make(), bytes(changed) + sent(WATER))):
            assert telegram == WATER


def test_a_wrong_checksum_of_the_amb8465_is_told_of() -> None:
    data = bytearray(amb.telegram_indication(WATER, FRAMED))
    data[8] ^= 1
    found = heard(Amb8465(FRAMED), bytes(data))
    assert isinstance(found[0], StickFault)
    assert receptions(found) == []


def test_a_line_that_a_cul_cuts_off_is_told_of() -> None:
    line = cul.telegram_line(WATER)
    for cut in (line[:-5] + b"\r\n", line[:-8] + b"\r\n", b"b\r\n", b"bYzz\r\n"):
        found = heard(Cul(), cut)
        assert [type(item) for item in found] == [StickFault]


def test_answers_of_an_amb8465_are_told_from_bare_telegrams() -> None:
    answer = amb.encode_message(AmberMessage(0x84, b"\x00"))
    data = answer + amb.telegram_indication(WATER, BARE) + answer
    assert [type(found) for found in heard(Amb8465(BARE), data)] == [
        AmberMessage,
        Reception,
        AmberMessage,
    ]


def test_a_time_stamp_is_passed_over() -> None:
    message = HciMessage(imst.RADIO, imst.TELEGRAM, WATER[1:], time=7, rssi=45)
    assert heard(Im871a(), imst.encode_message(message)) == [Reception(WATER, -100)]
    other = HciMessage(imst.DEVICE, imst.PING_ANSWER, b"", time=7)
    assert heard(Im871a(), imst.encode_message(other, with_crc=True)) == [other]
    assert x25(b"123456789") == 0x906E


@pytest.mark.parametrize("encode", [imst.encode_message, amb.encode_message])
def test_too_much_for_a_frame_is_refused(encode: Callable[[Any], bytes]) -> None:
    kind = HciMessage if encode is imst.encode_message else AmberMessage
    message = kind(1, 1, bytes(256)) if kind is HciMessage else kind(1, bytes(256))
    with pytest.raises(ValueError, match="256"):
        encode(message)


# --- starting -----------------------------------------------------------------------


def im_answer(message: int, payload: bytes = b"") -> bytes:
    return imst.encode_message(HciMessage(imst.DEVICE, message, payload))


def im_request(message: int, payload: bytes = b"") -> bytes:
    return imst.encode_message(HciMessage(imst.DEVICE, message, payload))


CONFIG = bytes.fromhex("00020a300100")
IM_INFO = imst.device_info(imst.IM871A, 0x14, 0x12345678)


def im_exchanges(
    info: bytes = IM_INFO, set_answer: bytes = b"\x00", mode: bytes = b"\x02\x0a"
) -> Iterator[tuple[bytes, bytes]]:
    yield im_request(imst.PING), im_answer(imst.PING_ANSWER)
    yield im_request(imst.DEVICE_INFO), im_answer(imst.DEVICE_INFO_ANSWER, info)
    yield (
        im_request(imst.SET_CONFIG, CONFIG),
        im_answer(imst.SET_CONFIG_ANSWER, set_answer),
    )
    yield im_request(imst.GET_CONFIG), im_answer(imst.GET_CONFIG_ANSWER, mode)


def receiver(
    stick: Stick, exchanges: Any, ticker: Ticker | None = None
) -> tuple[StickReceiver, ScriptedLink]:
    link = ScriptedLink(exchanges, ticker)
    return StickReceiver(link, stick, monotonic=link.ticker), link


def test_an_im871a_is_started_and_known() -> None:
    started, link = receiver(Im871a(), im_exchanges())
    assert started.start() == ModuleInfo("iM871A", "14", "12345678")
    assert link.is_finished


@pytest.mark.req("R29")
@pytest.mark.parametrize(
    ("exchanges", "fault", "code"),
    [
        (im_exchanges(imst.device_info(0x77, 0x14, 1)), StickTypeWrong, 200505),
        (im_exchanges(imst.device_info(0x33, 0x13, 1)), StickFirmwareTooOld, 200506),
        (im_exchanges(imst.device_info(0x33, 0x00, 1)), StickFirmwareUnknown, 200509),
        (im_exchanges(b"\x33"), StickAnswerWrong, 200507),
        (im_exchanges(set_answer=b"\x01"), StickMisconfigured, 200702),
        (im_exchanges(mode=b"\x02\x03"), StickMisconfigured, 200702),
        (im_exchanges(mode=b"\x00"), StickMisconfigured, 200702),
    ],
)
def test_each_fault_of_a_module_has_its_code(
    exchanges: Any, fault: type[LmnError], code: int
) -> None:
    """R29: wrong configuration, communication, wrong module, wrong firmware."""
    started, _ = receiver(Im871a(), exchanges)
    with pytest.raises(fault):
        started.start()
    assert fault.code == code


@pytest.mark.req("R29")
def test_a_silent_module_and_one_that_does_not_come_back() -> None:
    """R29: 200504 when there is no answer, 200710 when a restart does not help."""
    ping = im_request(imst.PING)
    started, link = receiver(Im871a(), [(ping, b"")] * 3)
    with pytest.raises(StickSilent):
        started.start()
    assert len(link.sent) == 3
    stick = Im871a()
    reset = (im_request(imst.RESET), im_answer(imst.RESET_ANSWER, b"\x00"))
    again, _ = receiver(stick, [reset, *[(ping, b"")] * 3])
    with pytest.raises(StickRestartFailed):
        again.restart(stick.restart())
    refused = (im_request(imst.RESET), im_answer(imst.RESET_ANSWER, b"\x01"))
    for_third, _ = receiver(stick, [refused])
    with pytest.raises(StickRestartFailed):
        for_third.restart(stick.restart())
    assert (StickSilent.code, StickRestartFailed.code) == (200504, 200710)


def test_a_restart_that_helps() -> None:
    stick = Im871a()
    reset = (im_request(imst.RESET), im_answer(imst.RESET_ANSWER, b"\x00"))
    started, _ = receiver(stick, [reset, *im_exchanges()])
    assert started.restart(stick.restart()).module == "iM871A"


class LostLink:
    """A port that was pulled out."""

    def write(self, data: bytes) -> None:
        raise PortVanished("gone")

    def read(self, timeout_s: float) -> bytes:
        raise PortVanished("gone")


@pytest.mark.req("R29")
def test_a_lost_port_has_the_code_of_the_radio() -> None:
    """R29: 200701, not the code of the wired bus."""
    lost = StickReceiver(LostLink(), Im871a(), monotonic=Ticker())
    for attempt in (lost.start, lambda: lost.listen(1.0)):
        with pytest.raises(StickPortNotOpen):
            attempt()
    assert StickPortNotOpen.code == 200701


def test_telegrams_that_come_while_the_stick_is_asked_are_kept() -> None:
    exchanges = list(im_exchanges())
    request, answer = exchanges[1]
    exchanges[1] = (request, imst.telegram_indication(WATER) + answer)
    started, _ = receiver(Im871a(), exchanges)
    started.start()
    assert started.listen(0.5) == [Reception(WATER)]
    assert started.listen(0.5) == []


def test_listening_gives_up_what_stays_unfinished() -> None:
    ticker = Ticker()
    started, link = receiver(Im871a(), im_exchanges(), ticker)
    started.start()
    link._arriving = [imst.telegram_indication(WATER)[:9]]
    assert started.listen(1.0) == []
    found = [item for _ in range(4) for item in started.listen(1.0)]
    assert [type(item) for item in found] == [StickFault]
    assert ticker.now - started.last_heard_s >= 3


def amber_exchanges(
    settings: bytes = amb.parameters_of(FRAMED),
    firmware: bytes = b"\x02\x01",
    set_answer: bytes = b"\x00",
) -> Iterator[tuple[bytes, bytes]]:
    for command, data, answer in (
        (amb.SERIAL_NUMBER, b"", bytes.fromhex("12345678")),
        (amb.FIRMWARE, b"", firmware),
        (amb.GET_PARAMETERS, b"\x00\x80", settings),
        (amb.SET_MODE, b"\x09", set_answer),
    ):
        request = AmberMessage(command, data)
        reply = AmberMessage(command | amb.ANSWER, answer)
        yield amb.encode_message(request), amb.encode_message(reply)


def test_an_amb8465_is_started_and_tells_how_it_gives_telegrams() -> None:
    for settings_there in (BARE, FRAMED):
        stick = Amb8465()
        exchanges = amber_exchanges(amb.parameters_of(settings_there))
        started, link = receiver(stick, exchanges)
        assert started.start() == ModuleInfo("AMB8465", "2.1", "12345678")
        assert stick.settings == settings_there
        assert link.sent[2].hex() == "ff0a02008077"


@pytest.mark.parametrize(
    ("exchanges", "fault"),
    [
        (amber_exchanges(firmware=b""), StickFirmwareUnknown),
        (amber_exchanges(settings=b"\x00\x05\x00"), StickAnswerWrong),
        (amber_exchanges(settings=b"\x00\x02\x00\x00"), StickTypeWrong),
        (amber_exchanges(set_answer=b"\x01"), StickMisconfigured),
    ],
)
def test_each_fault_of_an_amb8465(exchanges: Any, fault: type[LmnError]) -> None:
    started, _ = receiver(Amb8465(), exchanges)
    with pytest.raises(fault):
        started.start()


def test_an_amb8465_is_restarted() -> None:
    stick = Amb8465()
    reset = amb.encode_message(AmberMessage(amb.RESET))
    good = amb.encode_message(AmberMessage(amb.RESET | amb.ANSWER, b"\x00"))
    bad = amb.encode_message(AmberMessage(amb.RESET | amb.ANSWER, b"\x01"))
    started, _ = receiver(stick, [(reset, good), *amber_exchanges()])
    assert started.restart(stick.restart()).serial == "12345678"
    refused, _ = receiver(stick, [(reset, bad)])
    with pytest.raises(StickRestartFailed):
        refused.restart(stick.restart())


def test_a_cul_is_started_in_its_mode() -> None:
    for mode, word in ((cul.MODE_T, b"TMODE\r\n"), (cul.MODE_C, b"CMODE\r\n")):
        exchanges = [
            (cul.VERSION, b"V 1.67 nanoCUL868\r\n"),
            (mode, word),
            (cul.REPORT_STRENGTH, []),
        ]
        stick = Cul(mode)
        started, link = receiver(stick, exchanges)
        assert started.start() == ModuleInfo("nanoCUL868", "1.67")
        assert link.is_finished
    again, _ = receiver(stick, exchanges)
    assert again.restart(stick.restart()).module == "nanoCUL868"


def test_another_device_than_a_cul_is_seen() -> None:
    started, _ = receiver(Cul(), [(cul.VERSION, b"V1.0 modem\r\n")])
    with pytest.raises(StickTypeWrong):
        started.start()


def test_a_broken_line_before_a_culs_answers_does_not_matter() -> None:
    """Found by fuzzing: the fault of a telegram cut off was taken for an answer."""
    cut_off = b"bY100\r\n"
    exchanges = [
        (cul.VERSION, cut_off + b"V 1.67 CUL868\r\n"),
        (cul.MODE_T, cut_off + b"TMODE\r\n"),
        (cul.REPORT_STRENGTH, []),
    ]
    started, _ = receiver(Cul(), exchanges)
    assert started.start().module == "CUL868"
    assert [type(found) for found in started.listen(0.5)] == [StickFault] * 2
