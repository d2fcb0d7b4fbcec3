"""What a fleet has done: its lists and outboxes, its use of the machine.

The truth are the tables and the recipients' folders; what the processes say of
themselves is not counted.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from casa_site import readiness
from casa_site.bench import proc
from casa_site.demo.plan import EMTS, peer_folder
from casa_site.fleet.gateways import entered
from casa_site.fleet.plan import Member
from casa_site.supervisor import SERVICES_FILE
from gwa_api.peers.received import RECEIPTS
from hardware.status_word import is_placeholder
from meters.boundaries import LATE_WAIT, boundary_after
from meters.models import OriginalRecord
from tariffs.models import OutboxRow

OTHERS = "demo-"
"""The partners of the fleet are no part of it."""
QUARTER = timedelta(minutes=15)


@dataclass(slots=True)
class Work:
    """What was done for the quarter hours of a span; `late_s` are capture delays."""

    expected: int = 0
    read: int = 0
    placeholders: int = 0
    owed: int = 0
    acknowledged: int = 0
    late_s: list[float] = field(default_factory=list)

    @property
    def missing(self) -> int:
        """Quarter hours without a row at all."""
        return self.expected - self.read - self.placeholders


@dataclass(frozen=True, slots=True)
class Use:
    """Seconds on the processors and MiB, of the gateways and of their partners."""

    cpu_s: float
    memory_mib: float
    others_cpu_s: float
    others_memory_mib: float


def work_of(members: Sequence[Member], begin: datetime, end: datetime) -> Work:
    """What the lists of all gateways hold of the boundaries in `(begin, end]`.

    The last ones may still be on their way: those whose late wait is not over at
    `end` are left out.
    """
    boundaries = list(_boundaries(begin, end - LATE_WAIT))
    work = Work()
    for member in members if boundaries else ():
        with entered(member):
            _count(work, member, boundaries)
    return work


def received(fleet: Path) -> int:
    """How many deliveries the market participants have, each counted once."""
    return sum(
        sum(1 for _ in (peer_folder(fleet, name) / RECEIPTS).glob("*.json"))
        for name in EMTS
    )


def use_of(fleet: Path) -> Use:
    """What the processes of a running fleet have used so far; the engines excepted."""
    own, others = [0.0, 0.0], [0.0, 0.0]
    for role, pids in _processes(fleet):
        total = others if role.startswith(OTHERS) else own
        for pid in pids:
            total[0] += proc.cpu_s(pid)
            total[1] += proc.pss_mib(pid)
    return Use(*own, *others)


def _count(work: Work, member: Member, boundaries: Sequence[datetime]) -> None:
    span = {"target_time__range": (boundaries[0], boundaries[-1])}
    ids = [meter.id for meter in member.meters]
    rows = OriginalRecord.objects.filter(meter_id__in=ids, **span)
    for target, captured, status in rows.values_list(
        "target_time", "capture_time", "status"
    ):
        if is_placeholder(status):
            work.placeholders += 1
        else:
            work.read += 1
            work.late_s.append((captured - target).total_seconds())
    work.expected += len(ids) * len(boundaries)
    states = list(OutboxRow.objects.values_list("state", flat=True))
    work.owed += len(states)
    work.acknowledged += states.count(OutboxRow.State.ACKNOWLEDGED)


def _boundaries(begin: datetime, end: datetime) -> Iterator[datetime]:
    target = boundary_after(begin)
    while target <= end:
        yield target
        target += QUARTER


def _processes(fleet: Path) -> Iterator[tuple[str, list[int]]]:
    text = (readiness.run_folder(fleet) / SERVICES_FILE).read_text()
    for row in json.loads(text):
        if row["pid"]:
            yield row["name"], list(proc.with_descendants(row["pid"]))
