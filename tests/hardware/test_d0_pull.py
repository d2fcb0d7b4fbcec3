"""A readout on demand: sign-on, change of speed, echo, and what goes wrong."""

from datetime import UTC, datetime, timedelta

import pytest

from hardware.d0_pull import D0Puller
from hardware.device_id import server_id_of
from hardware.errors import AnswerTimeout, FrameUndecodable, LmnError, PortVanished
from hardware.file_link import FileLink
from hardware.ports import open_port
from hardware.seven_bit import with_even_parity
from hardware.simulator.d0 import D0PullMeter, pull_text
from hardware.simulator.d0_line import D0MemoryLink, D0PullThread
from hardware.simulator.meter import SimulatedMeter
from hardware.simulator.terminal import PseudoTerminal
from tests.fakes import ScriptedLink, Ticker
from tests.hardware.d0_texts import PULLED, PUSHED

SERVER_ID = server_id_of("1emh0000000001")
NOW = datetime(2026, 3, 1, 11, tzinfo=UTC)
METER = SimulatedMeter(SERVER_ID, installed_at=datetime(2026, 1, 1, tzinfo=UTC))
SIGN_ON = b"\xaf?!\x8d\n"


class Bench:
    """A meter on demand in memory; only waiting takes time."""

    def __init__(self, speed: str = "5", **line: object) -> None:
        self.ticker = Ticker(0.0)
        self.link = D0MemoryLink(
            D0PullMeter(METER, self.clock, speed),
            monotonic=self.ticker,
            wait=self.wait,
            **line,
        )
        self.puller = D0Puller(
            self.link, SERVER_ID, clock=self.clock, monotonic=self.ticker
        )

    def clock(self) -> datetime:
        return NOW + timedelta(seconds=self.ticker.now)

    def wait(self, seconds: float) -> None:
        self.ticker.now += seconds


@pytest.mark.parametrize("speed", list("012345"))
@pytest.mark.parametrize("echoes", [False, True])
def test_a_readout_comes_at_the_speed_that_the_meter_proposes(
    speed: str, echoes: bool
) -> None:
    bench = Bench(speed, echoes=echoes)
    for _ in range(2):
        reading = bench.puller.read()
        assert reading.counters == METER.counters_at(reading.captured_at)
    proposed = (300, 600, 1200, 2400, 4800, 9600)[int(speed)]
    assert bench.link.speeds[-3:] == [300, 300, proposed]


def test_a_converter_of_fixed_speed_keeps_the_meter_at_it() -> None:
    bench = Bench("5", can_switch=False)
    assert bench.puller.read().counters
    assert bench.link.baudrate == 300


def test_the_time_is_when_the_meter_began_to_answer() -> None:
    bench = Bench()
    reading = bench.puller.read()
    answered_s = 5 * 10 / 300 + 0.2
    assert abs((reading.captured_at - NOW).total_seconds() - answered_s) < 0.01


def scripted(
    exchanges: list[tuple[bytes, object]], server_id: bytes = b"03870001"
) -> tuple[ScriptedLink, D0Puller]:
    class Link(ScriptedLink):
        def set_baudrate(self, baudrate: int) -> bool:
            return True

    link = Link(exchanges)  # type: ignore[arg-type]
    puller = D0Puller(link, server_id, clock=lambda: NOW, monotonic=link.ticker)
    return link, puller


def identification(speed: bytes) -> bytes:
    return with_even_parity(PULLED[:4] + speed + PULLED[5 : PULLED.index(b"\x02")])


BODY = with_even_parity(PULLED[PULLED.index(b"\x02") :])


@pytest.mark.parametrize("speed", [b"B", b"F", b"z", b"9"])
def test_a_meter_of_mode_a_or_b_is_not_confirmed(speed: bytes) -> None:
    """It changes its speed by itself or stays; a confirmation would disturb it."""
    link, puller = scripted([(SIGN_ON, [identification(speed), 0.3, BODY])])
    assert len(puller.read().registers) == 4
    assert link.is_finished


@pytest.mark.parametrize("speed", list(b"0123456"))
def test_the_confirmation_names_the_speed(speed: int) -> None:
    confirmation = with_even_parity(b"\x060" + bytes([speed]) + b"0\r\n")
    link, puller = scripted(
        [
            (SIGN_ON, identification(bytes([speed]))),
            (confirmation, [0.25, BODY[:40], 0.01, BODY[40:]]),
        ]
    )
    assert puller.read().server_id == b"03870001"
    assert link.is_finished


CONFIRMATION = with_even_parity(b"\x06050\r\n")
FAILURES: list[tuple[str, list[tuple[bytes, object]], type[LmnError], int]] = [
    ("silence", [(SIGN_ON, 9.0)], AnswerTimeout, 103191),
    (
        "silence after the identification",
        [(SIGN_ON, identification(b"5")), (CONFIRMATION, 9.0)],
        AnswerTimeout,
        103191,
    ),
    (
        "stops in the middle",
        [(SIGN_ON, identification(b"5")), (CONFIRMATION, [BODY[:100], 9.0])],
        AnswerTimeout,
        103191,
    ),
    ("noise", [(SIGN_ON, [b"\x55" * 600, 9.0])], FrameUndecodable, 103106),
    (
        "wrong checksum",
        [
            (SIGN_ON, identification(b"5")),
            (CONFIRMATION, BODY[:-1] + bytes([BODY[-1] ^ 0x03])),
        ],
        FrameUndecodable,
        103106,
    ),
    (
        "no checksum",
        [(SIGN_ON, with_even_parity(PUSHED))],
        FrameUndecodable,
        103106,
    ),
]


@pytest.mark.req("R28")
@pytest.mark.parametrize(
    ("exchanges", "kind", "code"),
    [each[1:] for each in FAILURES],
    ids=[each[0] for each in FAILURES],
)
def test_what_goes_wrong_has_its_code(
    exchanges: list[tuple[bytes, object]], kind: type[LmnError], code: int
) -> None:
    """Proves of R28: 103106 and 103191 of a meter that is read on demand."""
    if exchanges[0][1] == with_even_parity(PUSHED):
        exchanges = [*exchanges, (CONFIRMATION, 0.1)]
    _, puller = scripted(exchanges)
    with pytest.raises(kind) as raised:
        puller.read()
    assert raised.value.code == code


def test_another_meter_is_not_taken() -> None:
    _, puller = scripted(
        [(SIGN_ON, identification(b"5")), (CONFIRMATION, BODY)], server_id=b"4711"
    )
    with pytest.raises(AnswerTimeout):
        puller.read()
    assert puller.ignored == 1


def test_a_readout_ends_in_time_however_slow_the_meter_is() -> None:
    trickle: list[object] = [part for byte in BODY for part in (bytes([byte]), 1.0)]
    link, puller = scripted([(SIGN_ON, identification(b"5")), (CONFIRMATION, trickle)])
    with pytest.raises(AnswerTimeout):
        puller.read()
    assert link.ticker.now - 1000.0 <= 51.0


def test_what_was_on_the_line_before_answers_nothing() -> None:
    bench = Bench()
    bench.link.write(SIGN_ON)  # the answer to it is stale when the reading begins
    bench.wait(5.0)
    assert bench.puller.read().counters


def test_a_file_plays_one_side_of_the_conversation() -> None:
    ticker = Ticker(0.0)

    def wait(seconds: float) -> None:
        ticker.now += seconds

    link = FileLink(with_even_parity(PULLED), 9600, monotonic=ticker, wait=wait)
    puller = D0Puller(link, b"03870001", clock=lambda: NOW, monotonic=ticker)
    for _ in range(3):
        assert len(puller.read().registers) == 4


def test_over_a_real_port_the_speed_is_really_changed() -> None:
    """The simulated meter sends garbage where the port's speed is not its own."""
    meter = D0PullMeter(METER, lambda: NOW)
    with D0PullThread(meter, reaction_s=0.03) as simulated:
        link = open_port(simulated.port, 300)
        puller = D0Puller(link, SERVER_ID, clock=lambda: NOW)
        assert puller.read().counters == METER.counters_at(NOW)
        assert meter.baudrate == 9600
        link.close()
        with pytest.raises(PortVanished):
            puller.read()


@pytest.mark.req("R28")
def test_a_head_that_is_pulled_out_is_100703() -> None:
    """Proves of R28: code 100703 while the speed is changed, too."""
    terminal = PseudoTerminal()
    link = open_port(terminal.port, 9600)
    terminal.close()
    puller = D0Puller(link, SERVER_ID, clock=lambda: NOW)
    with pytest.raises(PortVanished) as raised:
        puller.read()
    assert raised.value.code == 100703
    link.close()


def test_a_readout_of_the_simulated_meter_holds_what_it_counts() -> None:
    text = bytes(character & 0x7F for character in pull_text(METER, NOW))
    drawn, _ = METER.counters_at(NOW)
    digits = f"{drawn.value:010d}"
    assert f"1-0:1.8.0*255({digits[:-4]}.{digits[-4:]}*kWh)".encode() in text
