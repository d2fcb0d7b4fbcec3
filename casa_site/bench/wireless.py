"""P5: wireless telegrams from their bytes to registers, with decryption.

The reader is the one that the worker of queue `lmn` uses. Telegrams of gas and
electricity meters in mode 7 (derived keys, MAC, replay check) and water and heat meters
in mode 5 go through it, full, compact and with load profiles; every register that comes
out is compared with what the meter counted. Two readers take turns on the same
telegrams: one knows few meters, the other many.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median

from casa_site.bench.bench import Bench
from casa_site.bench.figure import Figure, Goal, Quantity, ResultWrong
from casa_site.bench.rounds import Prepare, Work, cpu_rounds, median_ratio
from hardware.lmn_wireless import MODE_5, MODE_7
from hardware.simulator.wireless_meter import SimulatedWirelessMeter
from hardware.wireless_reader import Ours, WirelessProfile, WirelessReader
from hardware.wmbus_address import MeterAddress
from hardware.wmbus_compact import FormatCache
from hardware.wmbus_replay import ReplayGuard

FEW, MANY = 20, 1000
PER_SECOND_GOAL = 2000
FLAT_GOAL = 1.05

_KEY = bytes(range(16))
_KINDS = ((0x03, 7), (0x07, 5), (0x02, 7), (0x04, 5))
"""Device type and security mode of the meters, in turn."""
_BEGIN = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
_INSTALLED = datetime(2026, 3, 1, tzinfo=UTC)
_ROUNDS_OF_SENDING = 8
"""So often each of the few meters sends in one pass: the whole cycle of kinds."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """A telegram, and what its meter counted then."""

    meter: SimulatedWirelessMeter
    at: datetime
    telegram: bytes


def figures(bench: Bench) -> Iterator[Figure]:
    """P5, and how little it depends on the number of meters."""
    sent = _sent(bench.scale.passes)
    for one in (FEW, MANY):
        _check(one, sent)
    names = {_name(count): count for count in (FEW, MANY)}
    works: dict[str, Prepare] = {
        name: partial(_prepared, count, sent) for name, count in names.items()
    }
    seconds = cpu_rounds(works, bench.scale.rounds)
    costs = {name: [s / len(sent) for s in taken] for name, taken in seconds.items()}
    many, few = _name(MANY), _name(FEW)
    conditions = (
        f"{len(sent)} telegrams of {FEW} meters of four media, half in mode 7 and half "
        f"in mode 5, {sum(len(one.telegram) for one in sent) // len(sent)} bytes on "
        "average; every register compared before"
    )
    yield Figure(
        id="P5",
        title="wireless telegrams to registers per CPU second, with decryption",
        value=1 / median(costs[many]),
        unit="telegrams/s",
        goal=Goal("at least", PER_SECOND_GOAL),
        references=tuple(
            Quantity(f"CPU per telegram, {name}", 1e6 * median(taken), "µs")
            for name, taken in costs.items()
        ),
        conditions=conditions,
    )
    yield Figure(
        id="P5",
        title=f"cost of a telegram, {MANY:,} configured meters against {FEW}",
        value=median_ratio(seconds[many], seconds[few]),
        unit="x",
        goal=Goal("at most", FLAT_GOAL),
        conditions=conditions,
    )


def _name(count: int) -> str:
    return f"{count:,} meters configured"


def _meter(number: int) -> SimulatedWirelessMeter:
    device_type, mode = _KINDS[number % len(_KINDS)]
    address = MeterAddress.of("BEN", f"{number:08d}", 1, device_type)
    return SimulatedWirelessMeter(address, _KEY, mode=mode, installed_at=_INSTALLED)


def _sent(passes: int) -> list[_Sent]:
    """What the few meters send, in the order of time."""
    sent = []
    for meter in map(_meter, range(FEW)):
        at = _BEGIN
        for _ in range(passes * _ROUNDS_OF_SENDING):
            at = meter.next_after(at)
            sent.append(_Sent(meter, at, meter.telegram_at(at)))
    return sorted(sent, key=lambda one: one.at)


def _reader(count: int, sent: list[_Sent]) -> WirelessReader:
    """A reader that knows so many meters and the formats of the few."""
    reader = WirelessReader(FormatCache(), ReplayGuard())
    profiles = {}
    for meter in map(_meter, range(count)):
        security = MODE_7 if meter.mode == 7 else MODE_5
        profiles[meter.address.server_id] = WirelessProfile(security)
    reader.configure(profiles, dict.fromkeys(profiles, _KEY))
    earlier = _BEGIN - timedelta(days=1)
    for meter in {one.meter.address.device_type: one.meter for one in sent}.values():
        at = earlier
        for _ in range(_ROUNDS_OF_SENDING):
            at = meter.next_after(at)
            reader.read(meter.telegram_at(at), at, now_s=0.0)
    return reader


def _prepared(count: int, sent: list[_Sent]) -> Work:
    reader = _reader(count, sent)

    def read_all() -> None:
        for one in sent:
            reader.read(one.telegram, one.at, now_s=0.0)

    return read_all


def _check(count: int, sent: list[_Sent]) -> None:
    """Every telegram must be taken, with the registers that the meter had."""
    reader = _reader(count, sent)
    for one in sent:
        found = reader.read(one.telegram, one.at, now_s=0.0)
        if not isinstance(found, Ours):
            raise ResultWrong(f"a telegram of {one.at} was not taken: {found}")
        if found.reading.current.counters != one.meter.registers_at(one.at):
            raise ResultWrong(f"a telegram of {one.at} gives wrong registers")
