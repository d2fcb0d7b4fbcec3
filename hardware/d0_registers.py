"""From the text of a D0 readout to registers: exact, in base units (lmn-wired.md 8)."""

import re
from datetime import datetime

from hardware.d0 import D0DataSet, D0Readout
from hardware.device_id import server_id_of
from hardware.obis import Obis
from hardware.readings import MeterReading, RegisterValue
from hardware.units import CUBIC_METRE, WATT, WATT_HOUR

_KILO, _MEGA, _MILLI = 3, 6, -3
_VOLT_AMPERE, _VAR, _VOLT_AMPERE_HOUR, _VAR_HOUR = 28, 29, 31, 32
_AMPERE, _VOLT, _HERTZ, _PERCENT = 33, 35, 44, 56
_UNITS: dict[str, tuple[int, int]] = {
    "Wh": (0, WATT_HOUR),
    "kWh": (_KILO, WATT_HOUR),
    "MWh": (_MEGA, WATT_HOUR),
    "W": (0, WATT),
    "kW": (_KILO, WATT),
    "MW": (_MEGA, WATT),
    "VA": (0, _VOLT_AMPERE),
    "kVA": (_KILO, _VOLT_AMPERE),
    "VAh": (0, _VOLT_AMPERE_HOUR),
    "kVAh": (_KILO, _VOLT_AMPERE_HOUR),
    "var": (0, _VAR),
    "kvar": (_KILO, _VAR),
    "kVAr": (_KILO, _VAR),
    "varh": (0, _VAR_HOUR),
    "kvarh": (_KILO, _VAR_HOUR),
    "kVArh": (_KILO, _VAR_HOUR),
    "V": (0, _VOLT),
    "kV": (_KILO, _VOLT),
    "A": (0, _AMPERE),
    "mA": (_MILLI, _AMPERE),
    "Hz": (0, _HERTZ),
    "%": (0, _PERCENT),
    "m3": (0, CUBIC_METRE),
}
"""Unit as printed -> power of ten and DLMS code of the base unit."""

_NUMBER = re.compile(r"([+-]?)([0-9]{1,16})(?:\.([0-9]{1,9}))?")
_ADDRESS = re.compile(
    r"(?:\d{1,3}-\d{1,3}:)?(\d{1,3})\.(\d{1,3})(?:\.\d{1,3})?(?:\*\d{1,3})?", re.ASCII
)
_IDENTITY = re.compile(
    r"(?:\d{1,3}-\d{1,3}:)?(?:96\.1|0\.0|C\.1)\.\d{1,3}(?:\*\d+)?", re.ASCII
)
_DEVICE_ID = re.compile(r"[0-9][A-Z]{3}[0-9A-F]{2}[0-9]{8}")
_ACTIVE_ENERGY = {1, 2, 21, 22, 41, 42, 61, 62}
_ENERGY = 8
_LONGEST_SERVER_ID = 20


def server_ids(readout: D0Readout) -> tuple[bytes, ...]:
    """What the meter may be called by, the surest first.

    The values of 96.1.x, 0.0.x and C.1.x: as the ten bytes of a server id where they
    are a device id, and as the text itself. A meter that tells none of them is known
    by its identification line.
    """
    texts = [
        one.value.strip() for one in readout.data if _IDENTITY.fullmatch(one.address)
    ]
    found: list[bytes] = []
    for text in filter(None, texts):
        if _DEVICE_ID.fullmatch(text):
            found.append(server_id_of(text))
        if text.isascii() and len(text) <= _LONGEST_SERVER_ID:
            found.append(text.encode())
    return tuple(found) or (readout.identification.encode()[:_LONGEST_SERVER_ID],)


def meter_reading(
    readout: D0Readout, server_id: bytes, captured_at: datetime
) -> MeterReading:
    """The registers of a readout: numbers with a unit and an OBIS code, ascending.

    Values of past periods (F below 255) are left out. The status is 0: what D0 meters
    say about themselves (96.5.5, F.F) is each maker's own.
    """
    registers: dict[bytes, RegisterValue] = {}
    for one in readout.data:
        register = register_of(one)
        if register is not None:
            registers.setdefault(register.obis.groups, register)
    ascending = tuple(registers[groups] for groups in sorted(registers))
    return MeterReading(server_id, captured_at, 0, ascending)


def register_of(data: D0DataSet) -> RegisterValue | None:
    """One register in its base unit; None for what is no number, unit or OBIS code.

    `1-0:1.8.0*255(010192.57*kWh)` -> 1019257 x 10^1 Wh. Active energy without a unit
    counts as kWh when it has decimals: so do the meters that leave the unit out.
    """
    number = _NUMBER.fullmatch(data.value)
    obis = _obis(data.address)
    if number is None or obis is None:
        return None
    sign, whole, decimals = number[1], number[2], number[3] or ""
    known = _unit(data.unit, obis, has_decimals=bool(decimals))
    if known is None:
        return None
    power, unit = known
    value = int(f"{sign}{whole}{decimals}")
    if abs(value) >= 1 << 63:
        return None
    return RegisterValue(obis, value, power - len(decimals), unit)


def _obis(address: str) -> Obis | None:
    if _ADDRESS.fullmatch(address) is None:
        return None
    try:
        obis = Obis.parse(address)
    except ValueError:
        return None
    return obis if obis.groups[5] == 255 else None


def _unit(printed: str, obis: Obis, *, has_decimals: bool) -> tuple[int, int] | None:
    if printed:
        return _UNITS.get(printed)
    _, _, quantity, kind, _, _ = obis.groups
    is_energy = kind == _ENERGY and quantity in _ACTIVE_ENERGY
    return _UNITS["kWh"] if is_energy and has_decimals else None
