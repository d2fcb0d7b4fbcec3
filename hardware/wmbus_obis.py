"""From records to registers: which value has which OBIS code (OMS Vol. 2, annex A).

The table is data: the rules of a meter's profile go before it and win. A rule may name
the head of a record byte by byte, or say what the record must be about.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from hardware.obis import Obis
from hardware.readings import RegisterValue
from hardware.wmbus_header import RecordHeader
from hardware.wmbus_profile import ProfileValue
from hardware.wmbus_records import Record
from hardware.wmbus_time import MeterTime
from hardware.wmbus_values import Value

UNITS = {
    "Wh": (30, 1),
    "varh": (32, 1),
    "VAh": (31, 1),
    "J": (25, 1),
    "m3": (13, 1),
    "kg": (20, 1),
    "W": (27, 1),
    "var": (29, 1),
    "VA": (28, 1),
    "J/h": (26, 1),
    "m3/h": (15, 1),
    "m3/min": (15, 60),
    "m3/s": (15, 3600),
    "°C": (9, 1),
    "K": (52, 1),
    "°": (8, 1),
    "bar": (24, 1),
    "%": (56, 1),
    "V": (35, 1),
    "A": (33, 1),
    "Hz": (44, 1),
    "s": (7, 1),
    "h": (5, 1),
    "d": (4, 1),
    "": (255, 1),
}
"""Base unit of a record -> (DLMS unit code, factor into that unit)."""

_TOTALS = frozenset({"energy", "volume", "reactive_energy", "apparent_energy", "hca"})
"""Quantities that only grow; a negative total is no value but an unused register."""

_LARGEST = 2**63 - 1
"""What a stored register holds at most."""


@dataclass(frozen=True, slots=True)
class ObisRule:
    """One row of the table.

    `obis` may hold B for the subunit and E for the tariff in their places. With `head`
    (DIB and VIB as transmitted) only that record fits and the other fields are not
    looked at; without, quantity, VIFEs in their order, storage and function must be the
    record's, and its medium among `media`.
    """

    obis: str
    media: frozenset[int] = frozenset()
    quantity: str = ""
    vife: tuple[str, ...] = ()
    storage: int = 0
    function: str = "instantaneous"
    head: bytes = b""

    def code(self, header: RecordHeader) -> Obis:
        """The OBIS code for a record that fits; raises ValueError above 255."""
        text = self.obis.replace("B", str(header.subunit))
        return Obis.parse(text.replace("E", str(header.tariff)))


ELECTRICITY = frozenset({0x02})
GAS = frozenset({0x03})
HEAT = frozenset({0x04, 0x0C, 0x0D})
COOLING = frozenset({0x0A, 0x0B})
COLD_WATER = frozenset({0x07, 0x16})
WARM_WATER = frozenset({0x06, 0x15})
HEAT_COST = frozenset({0x08})

_PHASES = ("phase_l1", "31", "32"), ("phase_l2", "51", "52"), ("phase_l3", "71", "72")

OMS_RULES: tuple[ObisRule, ...] = (
    ObisRule("1-B:1.8.E*255", ELECTRICITY, "energy"),
    ObisRule("1-B:1.8.E*255", ELECTRICITY, "energy", ("forward_flow",)),
    ObisRule("1-B:2.8.E*255", ELECTRICITY, "energy", ("backward_flow",)),
    ObisRule("1-B:1.7.0*255", ELECTRICITY, "power"),
    ObisRule("1-B:1.7.0*255", ELECTRICITY, "power", ("forward_flow",)),
    ObisRule("1-B:2.7.0*255", ELECTRICITY, "power", ("backward_flow",)),
    ObisRule("1-B:16.7.0*255", ELECTRICITY, "power", ("import_minus_export",)),
    ObisRule("1-B:14.7.0*255", ELECTRICITY, "frequency"),
    *(
        ObisRule(f"1-B:{voltage}.7.0*255", ELECTRICITY, "voltage", (phase,))
        for phase, _, voltage in _PHASES
    ),
    *(
        ObisRule(f"1-B:{current}.7.0*255", ELECTRICITY, "current", (phase,))
        for phase, current, _ in _PHASES
    ),
    ObisRule("7-B:3.0.E*255", GAS, "volume"),
    ObisRule("7-B:3.0.E*255", GAS, "volume", ("uncorrected",)),
    ObisRule("7-B:3.2.E*255", GAS, "volume", ("at_base_conditions",)),
    ObisRule("6-B:1.0.E*255", HEAT, "energy"),
    ObisRule("6-B:1.2.E*255", HEAT, "energy", storage=1),
    ObisRule("6-B:2.0.E*255", HEAT, "volume"),
    ObisRule("6-B:8.0.0*255", HEAT, "power"),
    ObisRule("6-B:9.0.0*255", HEAT, "volume_flow"),
    ObisRule("6-B:10.0.0*255", HEAT, "flow_temperature"),
    ObisRule("6-B:11.0.0*255", HEAT, "return_temperature"),
    ObisRule("5-B:1.0.E*255", COOLING, "energy"),
    ObisRule("5-B:1.2.E*255", COOLING, "energy", storage=1),
    ObisRule("5-B:2.0.E*255", COOLING, "volume"),
    ObisRule("8-B:1.0.E*255", COLD_WATER, "volume"),
    ObisRule("8-B:1.2.E*255", COLD_WATER, "volume", storage=1),
    ObisRule("8-B:2.0.0*255", COLD_WATER, "volume_flow"),
    ObisRule("9-B:1.0.E*255", WARM_WATER, "volume"),
    ObisRule("9-B:1.2.E*255", WARM_WATER, "volume", storage=1),
    ObisRule("9-B:2.0.0*255", WARM_WATER, "volume_flow"),
    ObisRule("4-B:1.0.E*255", HEAT_COST, "hca"),
    ObisRule("4-B:1.2.E*255", HEAT_COST, "hca", storage=1),
)
"""What holds for every meter whose profile says nothing else."""


def rule_of(document: Mapping[str, str]) -> ObisRule:
    """A rule of a meter's profile: {"dib": "04", "vib": "13", "obis": "7-0:3.1.0*255"}.

    Raises ValueError when a field is missing or malformed.
    """
    try:
        head = bytes.fromhex(document["dib"] + document["vib"])
        obis = str(Obis.parse(document["obis"]))
    except KeyError as missing:
        raise ValueError(f"an OBIS rule needs {missing}") from None
    return ObisRule(obis, head=head)


@dataclass(frozen=True, slots=True)
class MappedRegisters:
    """Registers in ascending OBIS order, and the codes of totals that were negative."""

    registers: tuple[RegisterValue, ...]
    implausible: tuple[Obis, ...] = ()


def registers_of(
    records: Iterable[Record],
    device_type: int,
    rules: Sequence[ObisRule] = OMS_RULES,
) -> MappedRegisters:
    """The registers among the records of a meter; the first record of a code counts.

    Unused, wrong and erroneous values give none (lmn-wireless.md 9).
    """
    found: dict[Obis, RegisterValue] = {}
    implausible = []
    index = _index(tuple(rules))
    for record in records:
        header = record.header
        code = _code(index, header, device_type, header.storage, header.vife)
        register = code and _register(code, header, record.value)
        if not register or not code:
            continue
        if register.value < 0 and header.quantity in _TOTALS:
            implausible.append(code)
        else:
            found.setdefault(code, register)
    ascending = tuple(found[code] for code in sorted(found))
    return MappedRegisters(ascending, tuple(implausible))


def profile_registers_of(
    values: Iterable[ProfileValue],
    device_type: int,
    rules: Sequence[ObisRule] = OMS_RULES,
) -> dict[MeterTime, tuple[RegisterValue, ...]]:
    """The registers of load profiles by their times, each ascending.

    A value of a profile is the register's own at an earlier time, so the rule for
    storage 0 and without the profile's VIFE gives its code.
    """
    found: dict[MeterTime, dict[Obis, RegisterValue]] = {}
    index = _index(tuple(rules))
    for value in values:
        header = value.source.header
        vife = tuple(name for name in header.vife if name != header.profile)
        code = _code(index, header, device_type, 0, vife)
        register = code and _register(code, header, value.value)
        if register and code and value.at is not None and register.value >= 0:
            found.setdefault(value.at, {}).setdefault(code, register)
    return {at: tuple(r[code] for code in sorted(r)) for at, r in found.items()}


_Place = tuple[int, str, tuple[str, ...], int, str]
_Index = tuple[dict[bytes, ObisRule], dict[_Place, ObisRule]]


@lru_cache(maxsize=1024)
def _index(rules: tuple[ObisRule, ...]) -> _Index:
    """Rules by head and by what they are about; the first of several wins."""
    by_head: dict[bytes, ObisRule] = {}
    by_place: dict[_Place, ObisRule] = {}
    for rule in rules:
        if rule.head:
            by_head.setdefault(rule.head, rule)
        for medium in rule.media:
            place = (medium, rule.quantity, rule.vife, rule.storage, rule.function)
            by_place.setdefault(place, rule)
    return by_head, by_place


def _code(
    index: _Index,
    header: RecordHeader,
    device_type: int,
    storage: int,
    vife: tuple[str, ...],
) -> Obis | None:
    by_head, by_place = index
    rule = by_head.get(header.dib + header.vib)
    if rule is None:
        place = (device_type, header.quantity, vife, storage, header.function)
        rule = by_place.get(place)
    if rule is None:
        return None
    try:
        return rule.code(header)
    except ValueError:  # a tariff or subunit above 255
        return None


def _register(code: Obis, header: RecordHeader, value: Value) -> RegisterValue | None:
    if value.number is None or header.is_error or header.unit not in UNITS:
        return None
    unit, factor = UNITS[header.unit]
    number = value.number * factor
    if abs(number) > _LARGEST:  # digits of a float, no meter counts that far
        return None
    return RegisterValue(code, number, value.scaler, unit)
