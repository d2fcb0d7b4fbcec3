"""What a gateway has stored, read beside it, and whether it is whole.

`python -m tests.flows.stored` prints it as JSON; CASA_STATE names the state folder.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from tests.flows.running import PROJECT


class Row(NamedTuple):
    """A row of a value list, with everything that must never change."""

    number: int
    target_time: datetime
    capture_time: datetime
    status: int
    registers: str
    signature: str


@dataclass(frozen=True, slots=True)
class Stored:
    """Lists by meter and by profile, ascending by target time; what is wrong."""

    originals: dict[str, list[Row]]
    derived: dict[str, list[Row]]
    evaluated_to: dict[str, datetime]
    faults: list[str]


def stored(state: Path) -> Stored:
    """Look into a state folder; the gateway may run meanwhile."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CASA_")}
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        cwd=PROJECT,
        env=environment | {"CASA_STATE": str(state)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return Stored(
        originals={k: list(map(_row, rows)) for k, rows in found["originals"].items()},
        derived={k: list(map(_row, rows)) for k, rows in found["derived"].items()},
        evaluated_to={
            k: datetime.fromisoformat(text) for k, text in found["evaluated_to"].items()
        },
        faults=found["faults"],
    )


def _row(cells: list[Any]) -> Row:
    number, target, capture, *rest = cells
    instants = map(datetime.fromisoformat, (target, capture))
    return Row(number, *instants, *rest)


def main() -> None:
    """Print what the database of CASA_STATE holds, in one consistent view."""
    import django

    django.setup()
    from django.db import transaction

    with transaction.atomic():
        json.dump(_content(), sys.stdout, default=str)


def _content() -> dict[str, Any]:
    from meters.models import Meter, OriginalRecord
    from tariffs.models import DerivedRecord, EvaluationProfile

    meters = sorted(Meter.objects.values_list("pk", flat=True))
    profiles = EvaluationProfile.objects.order_by("pk")
    return {
        "originals": {id_: _rows(OriginalRecord, meter=id_) for id_ in meters},
        "derived": {p.pk: _rows(DerivedRecord, profile=p.pk) for p in profiles},
        "evaluated_to": {p.pk: p.evaluated_to for p in profiles if p.evaluated_to},
        "faults": [str(fault) for fault in _faults(meters, [p.pk for p in profiles])],
    }


def _rows(model: Any, **subject: str) -> list[tuple[Any, ...]]:
    rows = model.objects.filter(**subject).order_by("target_time")
    return [
        (
            row.number,
            row.target_time.isoformat(),
            row.capture_time.isoformat(),
            row.status,
            row.registers,
            bytes(row.signature).hex(),
        )
        for row in rows
    ]


def _faults(meters: list[str], profiles: list[str]) -> Iterator[object]:
    """What the product's own checks find: chains, heads, signatures of all lists."""
    from casa_site.gateways import open_configured_gateway
    from logbooks import chains, integrity
    from meters.integrity import verify_list
    from meters.models import OriginalRecord
    from meters.selectors import consumer_ids
    from tariffs.models import DerivedRecord

    gateway = open_configured_gateway()
    yield from chains.verify_heads(gateway)
    yield from integrity.verify_system_log(gateway)
    yield from integrity.verify_calibration_log(gateway)
    for consumer in consumer_ids():
        yield from integrity.verify_consumer_log(gateway, consumer)
    for meter in meters:
        yield from verify_list(gateway, OriginalRecord, meter)
    for profile in profiles:
        yield from verify_list(gateway, DerivedRecord, profile)


if __name__ == "__main__":
    main()
