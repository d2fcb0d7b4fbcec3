"""OBIS codes, the names of registers (IEC 62056-61)."""

import re
from dataclasses import dataclass
from functools import lru_cache

_TEXT = re.compile(
    r"(?:(\d{1,3})-(\d{1,3}):)?(\d{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?(?:\*(\d{1,3}))?",
    re.ASCII,
)


_GAS, _GAS_VOLUME = 7, 3
_OTHER_MEDIA = frozenset({5, 6, _GAS, 8, 9})
"""Group A of cooling, heat, gas, cold and hot water."""


@dataclass(frozen=True, slots=True, order=True)
class Obis:
    """An OBIS code A-B:C.D.E*F, six groups of 0..255."""

    groups: bytes

    def __post_init__(self) -> None:
        if len(self.groups) != 6:
            raise ValueError(f"an OBIS code has six groups, not {len(self.groups)}")

    @classmethod
    @lru_cache(maxsize=4096)
    def parse(cls, text: str) -> "Obis":
        """Read '1-0:1.8.0*255', '1.8.0' or '0100010800ff'.

        Missing groups: A-B is 1-0, E is 0, F is 255. Raises ValueError.
        """
        cleaned = text.strip()
        if re.fullmatch(r"[0-9a-fA-F]{12}", cleaned):
            return cls(bytes.fromhex(cleaned))
        match = _TEXT.fullmatch(cleaned)
        if match is None:
            raise ValueError(f"not an OBIS code: {text!r}")
        defaults = ("1", "0", "", "", "0", "255")
        groups = [int(g or d) for g, d in zip(match.groups(), defaults, strict=True)]
        if max(groups) > 255:
            raise ValueError(f"OBIS group above 255: {text!r}")
        return cls(bytes(groups))

    @property
    def logical_name(self) -> str:
        """Twelve hex digits as the portal shows them, e.g. '0100010800ff'."""
        return self.groups.hex()

    @property
    def may_count(self) -> bool:
        """Whether it names a current total: what its unit shows is another question.

        D = 8 and F = 255; for cooling, heat, gas and water D = 0 too, and for gas all
        states of conversion (OMS Vol. 2, annex A).
        """
        medium, _, quantity, kind, _, history = self.groups
        if history != 255 or medium not in _OTHER_MEDIA:
            return history == 255 and kind == 8
        is_gas = medium == _GAS and quantity == _GAS_VOLUME
        return kind in ((0, 1, 2, 8) if is_gas else (0, 8))

    def __str__(self) -> str:
        a, b, c, d, e, f = self.groups
        return f"{a}-{b}:{c}.{d}.{e}*{f}"


ACTIVE_ENERGY_IMPORT = Obis(bytes.fromhex("0100010800ff"))
ACTIVE_ENERGY_EXPORT = Obis(bytes.fromhex("0100020800ff"))
ACTIVE_POWER = Obis(bytes.fromhex("0100100700ff"))
SERVER_ID = Obis(bytes.fromhex("0100600100ff"))
