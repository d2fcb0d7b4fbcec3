"""Simulated meters that speak D0: readouts sent unasked, and readouts on demand.

The text is put together here by IEC 62056-21 and not with the codec that the gateway
uses, so that one mistake does not hide another.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

from hardware.device_id import device_id_of
from hardware.readings import RegisterValue
from hardware.simulator.meter import SimulatedMeter
from hardware.units import UNIT_NAMES, WATT_HOUR

BAUDRATES = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600}
FIRST_BAUDRATE = 300
_STX, _ETX, _ACK = b"\x02", b"\x03", b"\x06"
_LINE_END = b"\r\n"
_MOST_HEARD = 64
_KILO = 3
_SENT = ("1.8.0", "2.8.0", "16.7.0", "32.7.0", "52.7.0", "72.7.0")


def push_text(meter: SimulatedMeter, now: datetime) -> bytes:
    """A readout as mode D sends it: no STX, no checksum; characters with parity."""
    lines = [f"/{_maker(meter)}9SIMULATED V1", "", *data_lines(meter, now), "!", ""]
    return _with_parity("\r\n".join(lines).encode())


def pull_text(meter: SimulatedMeter, now: datetime) -> bytes:
    """STX, data lines, ETX and block check character; characters with parity."""
    lines = "\r\n".join([*data_lines(meter, now), "!", ""]).encode() + _ETX
    check = 0
    for character in lines:
        check ^= character
    return _with_parity(_STX + lines + bytes([check]))


def data_lines(meter: SimulatedMeter, now: datetime) -> list[str]:
    """The lines of a readout: id, counters in kWh, power, voltages."""
    device_id = device_id_of(meter.server_id) or meter.server_id.hex()
    registers = [
        _line(register)
        for register in meter.registers_at(now)
        if _short(register) in _SENT
    ]
    return ["1-0:0.0.0*255(SIMULATED)", *registers, _identity(device_id)]


def readouts(
    meter: SimulatedMeter, clock: Callable[[], datetime], every_s: float
) -> Iterator[tuple[bytes, float]]:
    """A readout every so many seconds, without end; see `push.play`."""
    while True:
        yield push_text(meter, clock()), every_s


class D0PullMeter:
    """A meter that answers a sign-on and then changes its speed (mode C).

    `speed` is the character it proposes. `baudrate` is what it speaks now.
    """

    def __init__(
        self, meter: SimulatedMeter, clock: Callable[[], datetime], speed: str = "5"
    ) -> None:
        self.meter = meter
        self.baudrate = FIRST_BAUDRATE
        self._clock = clock
        self._speed = speed
        self._heard = b""

    def answer(self, data: bytes) -> bytes:
        """What it sends to these bytes, with parity; b"" when it understands none."""
        text = bytes(character & 0x7F for character in data)
        self._heard = (self._heard + text)[-_MOST_HEARD:]
        if not self._heard.endswith(_LINE_END):
            return b""
        heard, self._heard = self._heard, b""
        if heard.endswith(b"/?!\r\n"):
            self.baudrate = FIRST_BAUDRATE
            return _with_parity(
                f"/{_maker(self.meter)}{self._speed}SIMULATED\r\n".encode()
            )
        if heard[-6:-4] == _ACK + b"0" and heard[-3:] == b"0\r\n":
            return self._readout(chr(heard[-4]))
        return b""

    def _readout(self, speed: str) -> bytes:
        if speed not in ("0", self._speed):
            return b""
        self.baudrate = BAUDRATES[speed]
        return pull_text(self.meter, self._clock())


def _maker(meter: SimulatedMeter) -> str:
    return meter.server_id[2:5].decode("ascii", "replace")


def _identity(device_id: str) -> str:
    return f"0-0:96.1.255*255({device_id.upper()})"


def _short(register: RegisterValue) -> str:
    _, _, c, d, e, _ = register.obis.groups
    return f"{c}.{d}.{e}"


def _line(register: RegisterValue) -> str:
    """`1-0:1.8.0*255(001234.5678*kWh)`; energies in kWh, the rest in its unit."""
    shift = _KILO if register.unit == WATT_HOUR else 0
    decimals = shift - register.scaler
    unit = ("k" if shift else "") + UNIT_NAMES[register.unit]
    digits = f"{abs(register.value):0{decimals + 6}d}"
    sign = "-" if register.value < 0 else ""
    return f"{register.obis}({sign}{digits[:-decimals]}.{digits[-decimals:]}*{unit})"


def _with_parity(text: bytes) -> bytes:
    return bytes(c | (c.bit_count() & 1) << 7 for c in text)
