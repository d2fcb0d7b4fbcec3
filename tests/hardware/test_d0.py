"""The D0 codec: text of IEC 62056-21 to exact registers, and what is refused."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.d0 import (
    MAX_READOUT,
    D0DataSet,
    D0Fault,
    D0Reader,
    D0Readout,
    bcc,
    data_sets,
)
from hardware.d0_registers import meter_reading, register_of, server_ids
from hardware.errors import FrameUndecodable
from hardware.seven_bit import is_intact, with_even_parity, without_parity
from tests.hardware.d0_texts import PULLED, PUSHED, WITHOUT_UNITS

NOW = datetime(2026, 3, 1, 11, tzinfo=UTC)
ALL = (PUSHED, WITHOUT_UNITS, PULLED)


def read(data: bytes, *, needs_check: bool = False) -> list[D0Readout | D0Fault]:
    return list(D0Reader(needs_check=needs_check).feed(data))


def amounts(data: bytes) -> dict[str, tuple[Decimal, int]]:
    (readout,) = read(data)
    assert isinstance(readout, D0Readout)
    reading = meter_reading(readout, b"", NOW)
    return {str(r.obis): (r.amount, r.unit) for r in reading.registers}


def test_parity_is_even_over_eight_bits() -> None:
    assert with_even_parity(b"/?!\r\n").hex() == "af3f218d0a"
    assert without_parity(with_even_parity(PUSHED)) == PUSHED
    assert is_intact(PUSHED) and is_intact(with_even_parity(PUSHED))


@pytest.mark.parametrize("bit", range(8))
def test_one_bit_of_a_character_with_parity_is_noticed(bit: int) -> None:
    spoiled = bytearray(with_even_parity(PUSHED))
    spoiled[60] ^= 1 << bit
    assert not is_intact(bytes(spoiled))


def test_the_check_character_is_the_exclusive_or() -> None:
    assert bcc(b"!\r\n\x03") == 0x21 ^ 0x0D ^ 0x0A ^ 0x03 == 0x25


def test_a_pushed_readout_in_exact_base_units() -> None:
    assert amounts(PUSHED) == {
        "1-0:1.8.0*255": (Decimal("1504902.3619"), 30),
        "1-0:2.8.0*255": (Decimal("376012.8508"), 30),
        "1-0:21.7.0*255": (Decimal("-115.94"), 27),
        "1-0:1.7.255*255": (Decimal("247.37"), 27),
    }


def test_energy_without_unit_is_kilowatt_hours() -> None:
    assert amounts(WITHOUT_UNITS) == {
        "1-0:1.8.1*255": (Decimal("1720481.6"), 30),
        "1-0:31.7.0*255": (Decimal("0.67"), 33),
        "1-0:32.7.0*255": (Decimal("238.39"), 35),
        "1-0:61.7.0*255": (Decimal("2568"), 27),
    }


def test_a_pulled_readout_leaves_past_periods_and_texts_out() -> None:
    assert amounts(PULLED) == {
        "1-0:1.6.0*255": (Decimal("4210"), 27),
        "1-0:1.8.0*255": (Decimal("10192570"), 30),
        "1-0:2.8.0*255": (Decimal("0"), 30),
        "1-0:3.8.0*255": (Decimal("12300"), 32),
    }
    (readout,) = read(PULLED)
    assert isinstance(readout, D0Readout) and readout.is_checked


REGISTERS = [
    ("1-0:1.8.0*255", "010192.57", "kWh", "10192570"),
    ("1.8.0", "000001", "kWh", "1000"),
    ("1.8", "1.5", "MWh", "1500000"),
    ("1-1:1.8.0", "12", "Wh", "12"),
    ("1-0:32.7.0*255", "230.1", "V", "230.1"),
    ("1-0:31.7.0*255", "250", "mA", "0.250"),
    ("7-0:3.1.0*255", "12785.123", "m3", "12785.123"),
    ("1-0:1.8.0*255", "1", "Mwh", None),
    ("1-0:1.8.0*255", "1", "mWh", None),
    ("1-0:1.8.0*255", "1e3", "kWh", None),
    ("1-0:1.8.0*255", "1,5", "kWh", None),
    ("1-0:1.8.0*255", "", "kWh", None),
    ("1-0:1.8.0*255", "--1", "kWh", None),
    ("1-0:1.8.0*255", "7", "", None),
    ("1-0:32.7.0*255", "230.1", "", None),
    ("1-0:1.8.0*1", "1", "kWh", None),
    ("1-0:1.8.0*300", "1", "kWh", None),
    ("1-0:F.F*255", "1", "kWh", None),
    ("0100010800ff", "1", "kWh", None),
    ("1-0:1.8.0*255", "1234567890123456.789012345", "kWh", None),
]


@pytest.mark.parametrize(("address", "value", "unit", "amount"), REGISTERS)
def test_a_value_is_exact_or_no_register(
    address: str, value: str, unit: str, amount: str | None
) -> None:
    register = register_of(D0DataSet(address, value, unit))
    found = None if register is None else register.amount
    assert found == (None if amount is None else Decimal(amount))


@given(whole=st.integers(0, 10**10), decimals=st.text("0123456789", max_size=6))
def test_no_digit_is_ever_lost(whole: int, decimals: str) -> None:
    printed = f"{whole}.{decimals}" if decimals else f"{whole}"
    register = register_of(D0DataSet("1.8.0", printed, "kWh"))
    assert register is not None and register.amount == Decimal(printed) * 1000


@pytest.mark.parametrize("text", ALL)
@pytest.mark.parametrize("size", [1, 3, 50, 5000])
@pytest.mark.parametrize("form", [bytes, with_even_parity])
def test_readouts_come_whole_whatever_the_pieces(text, size, form) -> None:
    stream = form(text) * 3
    reader = D0Reader()
    found = [
        one
        for at in range(0, len(stream), size)
        for one in reader.feed(stream[at : at + size])
    ]
    assert [type(one) for one in found] == [D0Readout] * 3
    assert [one.offset for one in found] == [0, len(text), 2 * len(text)]
    assert sum(one.length for one in found) == len(stream)


def test_noise_before_a_readout_is_a_fault_and_harms_nothing() -> None:
    noise, readout = read(b"\xff\x00?junk/kWh)\r\n" + PULLED)
    assert isinstance(noise, D0Fault) and noise.code == 103106
    assert isinstance(readout, D0Readout) and readout.offset == noise.length


def test_a_readout_that_is_cut_off_does_not_swallow_the_next() -> None:
    for cut in range(30, len(PULLED)):
        *_, last = read(PULLED[:cut] + PULLED)
        assert isinstance(last, D0Readout) and last.offset == cut


@pytest.mark.parametrize("form", [bytes, with_even_parity])
def test_no_changed_byte_of_a_checked_readout_changes_a_value(form) -> None:
    """Every byte position, every value: refused, or the values are the same."""
    good = amounts(PULLED)
    text = form(PULLED)
    body = text.index(form(b"\x02"))
    for position in range(body, len(text)):
        for change in range(1, 256):
            spoiled = bytearray(text)
            spoiled[position] ^= change
            for one in read(bytes(spoiled)):
                if isinstance(one, D0Readout):
                    registers = meter_reading(one, b"", NOW).registers
                    assert {str(r.obis): (r.amount, r.unit) for r in registers} == good


def test_no_single_bit_changes_a_readout_with_parity_but_without_check() -> None:
    text = with_even_parity(PUSHED)
    for position in range(len(text)):
        for bit in range(8):
            spoiled = bytearray(text)
            spoiled[position] ^= 1 << bit
            found = read(bytes(spoiled))
            assert not any(isinstance(one, D0Readout) for one in found)


def test_after_one_checked_readout_none_without_check_is_taken() -> None:
    reader = D0Reader()
    (first,) = reader.feed(PULLED)
    (second,) = reader.feed(PUSHED)
    assert isinstance(first, D0Readout) and isinstance(second, D0Fault)


REFUSED = [
    (PULLED.replace(b"\x02", b"1"), "a readout without its checksum"),
    (PULLED[:-1] + bytes([PULLED[-1] ^ 1]), "checksum of the readout wrong"),
    (PULLED.replace(b"\x03", b"\x04"), "no end of the text"),
    (PUSHED.replace(b"*W)", b"*W"), "a line that holds no value"),
    (PUSHED.replace(b"1-0:0.0.0*255(", b"("), "a line that holds no value"),
    (PUSHED.replace(b"(82)", b"(8\x01)"), "a line that holds no value"),
    (PUSHED.replace(b"!\r\n", b"!522B\r\n"), "a checksum of another kind"),
    (PUSHED[:9] + b"\xc4" + PUSHED[10:], "parity of a character wrong"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_what_is_no_readout_is_refused_with_the_reason(
    text: bytes, reason: str
) -> None:
    (fault,) = read(text)
    assert isinstance(fault, D0Fault)
    assert fault.reason == reason
    assert fault.header.startswith(b"/")


def test_a_readout_without_end_does_not_grow() -> None:
    head = PUSHED[: PUSHED.index(b"1-0:1.8.0")]
    reader = D0Reader()
    found = list(reader.feed(head))
    for _ in range(20):
        found += reader.feed(b"1-0:1.8.0*255(1*kWh)\r\n" * 200)
    assert {one.reason for one in found} >= {"the readout does not end"}
    assert len(reader._raw) <= MAX_READOUT + 5000


@given(st.lists(st.binary(max_size=80), max_size=20))
def test_no_bytes_make_the_reader_stumble(pieces: list[bytes]) -> None:
    reader = D0Reader()
    for piece in pieces:
        list(reader.feed(piece))
    *_, last = reader.feed(b"\r\n" + PULLED)
    assert isinstance(last, D0Readout)


def test_several_values_in_one_line_are_told_apart() -> None:
    sets = data_sets("1.8.1(000123.4*kWh)1.8.2(000234.5*kWh)(x)")
    assert [(one.address, one.value) for one in sets] == [
        ("1.8.1", "000123.4"),
        ("1.8.2", "000234.5"),
        ("", "x"),
    ]
    for line in ("", "1.8.0", "1.8.0(1", "1.8.0(1)x", "(1)", "1.8.0(1)" * 100):
        with pytest.raises(FrameUndecodable):
            data_sets(line)


def test_a_meter_is_known_by_what_it_says_of_itself() -> None:
    pushed, without, pulled = (read(text)[0] for text in ALL)
    assert isinstance(pushed, D0Readout)
    assert isinstance(without, D0Readout)
    assert isinstance(pulled, D0Readout)
    assert bytes.fromhex("0a0145535911") + (60_012_345).to_bytes(4, "big") in (
        server_ids(pushed)
    )
    assert server_ids(without) == (b"331200-5003001", b"0000140001")
    assert b"03870001" in server_ids(pulled)
    (bare,) = read(b"/ABC4typ\r\n1.8.0(1*kWh)\r\n!\r\n")
    assert isinstance(bare, D0Readout) and server_ids(bare) == (b"ABC4typ",)
