"""P1 to P3: meter records taken per CPU second, from bytes to the durable row.

For each boundary the bytes of one GetList file of each meter go through the reader,
the readings through the queue of an interface into the original list in one batch,
and the hint goes to queue `tariff`: the functions are those of the worker of queue
`lmn`. Three gateways take turns on the same lists: one that does not sign, and one for
each curve. Beside them, in the same rounds, the bare signatures.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from django.conf import settings
from django.db import connection

from casa_site import fsbroker
from casa_site.bench import telegrams
from casa_site.bench.bench import Bench
from casa_site.bench.figure import Figure, Goal, Quantity, ResultWrong
from casa_site.bench.rounds import Prepare, Work, cpu_rounds, median_ratio
from casa_site.bench.signing import NotSigning, signing_with, unsigned
from casa_site.celery import TARIFF, app
from hardware.device_id import server_id_of
from hardware.gateway import Gateway
from hardware.readings import MeterReading
from hardware.record import register_lines
from hardware.security_module import CURVES, SIGNATURE_SLOT, verify
from hardware.sml_push import PushReader
from hardware.sym_pairing import KEY_BYTES
from logbooks import chains
from meters import value_list
from meters.acquisition import send_hint
from meters.boundaries import REGISTRATION_PERIOD, boundary_before
from meters.models import ListRecord, Meter, OriginalRecord
from meters.record_queue import ReadBoundary, RecordQueue
from meters.services import create_consumer, create_meter

UNSIGNED = "unsigned"
PER_SECOND_GOAL = 2000
SIGNED_GOAL = 1.10
_CONSUMER = "bench-records"
_CURVE_FIGURES = {"P2": "brainpoolP256r1", "P3": "secp256r1"}
_LIST_DAYS = 365


def figures(bench: Bench) -> Iterator[Figure]:
    """P1, P2 and P3."""
    site = _Site(bench.gateway, _meters(bench))
    count = bench.scale.boundaries
    works: dict[str, Prepare] = {
        name: partial(_boundaries, site, name, count) for name in site.gateways
    }
    for curve in _CURVE_FIGURES.values():
        works[_bare(curve)] = partial(_signatures, curve, count * len(site.meter_ids))
    seconds = cpu_rounds(works, bench.scale.rounds)
    read_back = _read_back(site)
    records = count * len(site.meter_ids)
    costs = {name: [s / records for s in taken] for name, taken in seconds.items()}
    yield _unsigned_figure(site, costs, read_back)
    for figure_id, curve in _CURVE_FIGURES.items():
        yield _signed_figure(figure_id, curve, costs)


@dataclass(slots=True)
class _Site:
    """The lists, who writes them, and what was written: (boundary, file number)."""

    gateway: Gateway
    meter_ids: list[str]
    gateways: dict[str, Gateway] = field(init=False)
    queues: dict[str, RecordQueue] = field(init=False)
    readers: dict[str, PushReader] = field(init=False)
    written: list[tuple[datetime, str]] = field(init=False, default_factory=list)
    begin: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.gateways = {UNSIGNED: unsigned(self.gateway)}
        for curve in _CURVE_FIGURES.values():
            self.gateways[curve] = signing_with(self.gateway, curve)
        hint = partial(send_hint, app.send_task, self.gateway)
        self.queues = {
            name: RecordQueue(each, hint) for name, each in self.gateways.items()
        }
        self.readers = {
            id_: PushReader(server_id_of(id_), self.gateway.clock.now)
            for id_ in self.meter_ids
        }
        now = self.gateway.clock.now()
        self.begin = boundary_before(now - timedelta(days=_LIST_DAYS))

    def next_boundary(self, name: str) -> tuple[datetime, dict[str, bytes]]:
        """The next boundary of the lists, and the bytes that come for it."""
        number = len(self.written)
        target_time = self.begin + number * REGISTRATION_PERIOD
        self.written.append((target_time, name))
        return target_time, {
            id_: telegrams.telegram(id_, number) for id_ in self.meter_ids
        }

    def take(self, name: str, target_time: datetime, files: dict[str, bytes]) -> None:
        """Bytes in, durable records out."""
        readings = {}
        for id_, data in files.items():
            for reading in self.readers[id_].feed(data):
                if isinstance(reading, MeterReading):
                    readings[id_] = reading
        self.queues[name].put(ReadBoundary(target_time, readings))
        self.queues[name].flush()


def _meters(bench: Bench) -> list[str]:
    """New wired meters on one bus."""
    create_consumer(bench.gateway, _CONSUMER)
    ids = [f"1bch{number:010d}" for number in range(1, bench.scale.meters + 1)]
    for id_ in ids:
        create_meter(
            bench.gateway,
            id_,
            consumer=_CONSUMER,
            source=Meter.Source.HDLC,
            port="/dev/ttyBENCH",
            master_key=bytes(KEY_BYTES).hex(),
            now=bench.gateway.clock.now() - timedelta(days=_LIST_DAYS + 1),
        )
    return ids


def _boundaries(site: _Site, name: str, count: int) -> Work:
    """The work of one round: so many boundaries, each with its commit and hint."""
    coming = [site.next_boundary(name) for _ in range(count)]

    def work() -> None:
        for target_time, files in coming:
            site.take(name, target_time, files)

    return work


def _signatures(curve: str, count: int) -> Work:
    """So many bare signatures over texts as long as that of a record."""
    key = ec.generate_private_key(CURVES[curve]())
    algorithm = ec.ECDSA(SHA256())
    texts = [f"{number:0210d}".encode() for number in range(count)]

    def work() -> None:
        for text in texts:
            key.sign(text, algorithm)

    return work


def _bare(curve: str) -> str:
    return f"bare signature, {curve}"


# --- reading back -----------------------------------------------------------------


def _read_back(site: _Site) -> str:
    """Compare what the database holds with what went in; raises ResultWrong."""
    rows = OriginalRecord.objects.filter(meter_id__in=site.meter_ids)
    expected = len(site.written) * len(site.meter_ids)
    if (stored := rows.count()) != expected:
        raise ResultWrong(f"{stored} records are stored, {expected} went in")
    if (hints := _waiting_hints()) < len(site.written):
        raise ResultWrong(f"{hints} hints wait for {len(site.written)} boundaries")
    checked = sum(_check_list(site, meter_id) for meter_id in site.meter_ids[:2])
    return f"{stored} records read back, {checked} of them value by value"


def _waiting_hints() -> int:
    folder = Path(settings.CELERY_BROKER_TRANSPORT_OPTIONS["folder"])
    return fsbroker.depths(folder).get(TARIFF, 0)


def _check_list(site: _Site, meter_id: str) -> int:
    """Every value, signature and link of one list; how many rows."""
    rows = list(value_list.rows_of(OriginalRecord, meter_id))
    for number, (row, (target_time, name)) in enumerate(
        zip(rows, site.written, strict=True)
    ):
        lines = register_lines(telegrams.counters(number))
        if row.target_time != target_time or row.registers != lines:
            raise ResultWrong(f"{meter_id}, {target_time}: not the values of the file")
        _check_signature(site.gateways[name], row)
    faults = chains.verify(
        site.gateway,
        value_list.chain_name(OriginalRecord, meter_id),
        [
            chains.ChainRow(
                row.number,
                value_list.row_chain_payload(site.gateway.huid, row),
                bytes(row.chain_hash),
            )
            for row in rows
        ],
    )
    if faults:
        raise ResultWrong(f"{meter_id}: {faults[0]}")
    return len(rows)


def _check_signature(gateway: Gateway, row: ListRecord) -> None:
    """Raises SignatureInvalid; a row of the unsigned gateway has none."""
    signature = bytes(row.signature)
    if isinstance(gateway.security_module, NotSigning) and not signature:
        return
    key = gateway.security_module.public_key(SIGNATURE_SLOT)
    verify(key, signature, value_list.row_text(gateway.huid, row).encode())


# --- the figures ------------------------------------------------------------------


def _unsigned_figure(
    site: _Site, costs: dict[str, list[float]], read_back: str
) -> Figure:
    size = len(telegrams.telegram(site.meter_ids[0], 0))
    return Figure(
        id="P1",
        title="meter records taken per CPU second, all the way, unsigned",
        value=1 / median(costs[UNSIGNED]),
        unit="/s",
        goal=Goal("at least", PER_SECOND_GOAL),
        references=tuple(
            Quantity(f"signed with {curve}", 1 / median(costs[curve]), "/s")
            for curve in _CURVE_FIGURES.values()
        ),
        conditions=(
            f"{len(site.meter_ids)} meters, GetList files of {size} bytes with "
            f"{len(telegrams.COUNTERS)} registers, one commit and one hint per "
            f"boundary; {_database()}; {read_back}"
        ),
    )


def _signed_figure(figure_id: str, curve: str, costs: dict[str, list[float]]) -> Figure:
    bare = costs[_bare(curve)]
    limits = [u + b for u, b in zip(costs[UNSIGNED], bare, strict=True)]
    names = {
        "CPU per signed record": curve,
        "CPU per unsigned record": UNSIGNED,
        "CPU per bare signature": _bare(curve),
    }
    return Figure(
        id=figure_id,
        title=f"cost of a record signed with {curve} / (unsigned + bare signature)",
        value=median_ratio(costs[curve], limits),
        unit="x",
        goal=Goal("at most", SIGNED_GOAL),
        references=tuple(
            Quantity(text, 1e6 * median(costs[name]), "µs")
            for text, name in names.items()
        ),
    )


def _database() -> str:
    """Which database it is and how durable a commit, as the connection says."""
    if connection.vendor != "sqlite":
        return connection.display_name
    with connection.cursor() as cursor:
        journal, synchronous = (
            cursor.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous")
        )
    return f"{connection.display_name}, journal {journal}, synchronous {synchronous}"
