"""P17: the check of stored values beside the bare verification of their signatures.

The check reads the rows as they are stored, builds text and chain, verifies each
signature, in slices of at most 50 ms. The cost per record does not depend on how many
there are (`LIMIT` on an index), so some weeks stand for 24 months.
"""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median

from casa_site.bench.bench import Bench
from casa_site.bench.figure import Figure, Goal, Quantity, ResultWrong
from casa_site.bench.household import METERS as HOUSEHOLD
from casa_site.bench.household import registers_at
from casa_site.bench.rounds import always, cpu_rounds, median_ratio
from hardware.device_id import server_id_of
from hardware.gateway import Gateway
from hardware.record import Record
from hardware.security_module import SIGNATURE_SLOT, verify
from logbooks import list_check
from logbooks.certificates import ensure_signature_certificate
from meters import value_list
from meters.models import Consumer, Meter, OriginalRecord

GOAL = 1.15
METERS = ("1emh0000001701", "1emh0000001702")
"""Meters of its own: what other figures leave behind is signed otherwise."""
_RECORDS_OF_24_MONTHS = 140_160
_STATUS = 0x001C0104
_QUARTER = timedelta(minutes=15)
_AT_ONCE = 500


def figures(bench: Bench) -> Iterator[Figure]:
    """P17, and the longest slice."""
    per_meter = 96 * (20 if bench.scale.days is None else bench.scale.days)
    _fill(bench.gateway, per_meter)
    signed = _signed_texts(bench.gateway)
    slices: list[float] = []
    seconds = cpu_rounds(
        {
            "check": always(lambda: _check(bench.gateway, slices)),
            "verify": always(lambda: _verify(bench.gateway, signed)),
        },
        bench.scale.rounds,
    )
    count = len(signed)
    per_record = median(seconds["check"]) / count
    yield Figure(
        id="P17",
        title="Check of all signatures, times the cost of verifying alone",
        value=median_ratio(seconds["check"], seconds["verify"]),
        unit="x",
        goal=Goal("at most", GOAL),
        references=(
            Quantity("verify alone", median(seconds["verify"]) / count * 1e6, "us"),
            Quantity("check", per_record * 1e6, "us"),
            Quantity("24 months", per_record * _RECORDS_OF_24_MONTHS, "s"),
            Quantity("longest slice", max(slices) * 1000, "ms"),
        ),
        conditions=f"{count} records of two registers, two meters, brainpoolP256r1",
    )


def _fill(gateway: Gateway, per_meter: int) -> None:
    """Both meters, signed with the gateway's own key on its default curve."""
    now = gateway.clock.now().replace(minute=0, second=0, microsecond=0)
    ensure_signature_certificate(gateway, now)
    begin = now - per_meter * _QUARTER
    owner, _made = Consumer.objects.get_or_create(id="bench-p17")
    for meter in METERS:
        Meter.objects.get_or_create(
            id=meter,
            defaults={
                "server_id": server_id_of(meter).hex(),
                "consumer": owner,
                "source": "hdlc",
                "port": "-",
            },
        )
    instants = [begin + n * _QUARTER for n in range(per_meter)]
    for first in range(0, per_meter, _AT_ONCE):
        part = instants[first : first + _AT_ONCE]
        records = [_record(meter, at) for meter in METERS for at in part]
        value_list.append_records(gateway, OriginalRecord, records)


def _record(meter: str, at: datetime) -> Record:
    alike = HOUSEHOLD[METERS.index(meter)]
    return Record(meter, at, at, _STATUS, registers_at(alike, at))


def _signed_texts(gateway: Gateway) -> list[tuple[bytes, bytes]]:
    rows = OriginalRecord.objects.filter(meter_id__in=METERS)
    return [
        (bytes(row.signature), value_list.row_text(gateway.huid, row).encode())
        for row in rows.iterator()
    ]


def _verify(gateway: Gateway, signed: list[tuple[bytes, bytes]]) -> None:
    key = gateway.security_module.public_key(SIGNATURE_SLOT)
    for signature, text in signed:
        verify(key, signature, text)


def _check(gateway: Gateway, slices: list[float]) -> None:
    """Every slice from the first value list on; its time is noted."""
    position = {"chain": "meter:"}
    while True:
        begun = time.monotonic()
        found = list_check.check_slice(gateway, position)
        slices.append(time.monotonic() - begun)
        if found.faults:
            raise ResultWrong(f"a sound list was found changed: {found.faults[0]}")
        if found.is_end:
            return
        position = found.position
