"""The quantities of TAF9, TAF10 and TAF14 by their OBIS codes (tafs.md 7, 8)."""

from hardware.obis import Obis

MEASURED, MINIMUM, MEAN, MAXIMUM = 7, 3, 5, 6
"""Value group D: instantaneous; minimum, last average and maximum of a window."""

_TOTAL_POWER = 16
_PHASES = 20
"""Value group C of the next phase is so much higher."""


def _code(c: int, d: int, e: int = 0) -> str:
    return bytes((1, 0, c, d, e, 255)).hex()


def _phases(c: int, d: int = MEASURED) -> tuple[str, ...]:
    return tuple(_code(c + _PHASES * phase, d) for phase in range(3))


POWERS = (_code(_TOTAL_POWER, MEASURED), *_phases(36))
"""Active power, sum and phases: positive is drawn, negative fed in."""
FREQUENCY = _code(14, MEASURED)
VOLTAGES = _phases(32)
CURRENTS = _phases(31)
ANGLES = tuple(_code(81, MEASURED, e) for e in (1, 2, 4, 15, 26))
"""U L2-L1, U L3-L1, then I to U of each phase."""
ENERGIES = (
    *(_code(1, 8), *_phases(21, 8)),
    *(_code(2, 8), *_phases(22, 8)),
    *(_code(c, 8) for c in (5, 6, 7, 8)),
)
"""Active energy drawn and fed in, total and by phase; reactive energy R1 to R4."""


def is_angle(obis: Obis) -> bool:
    """Whether the register is an angle, in degrees."""
    return obis.groups[2] == 81


def aggregated(obis: Obis, kind: int) -> Obis:
    """The code of minimum, mean or maximum of a quantity: another value group D."""
    groups = bytearray(obis.groups)
    groups[3] = kind
    return Obis(bytes(groups))


_FED_IN = {16: 2, 36: 22, 56: 42, 76: 62}


def fed_in(obis: Obis) -> Obis:
    """The code of the power that is fed in where `obis` is that of both directions."""
    groups = bytearray(obis.groups)
    groups[2] = _FED_IN[groups[2]]
    return Obis(bytes(groups))
