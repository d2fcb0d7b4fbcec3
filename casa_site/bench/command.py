"""`./casa bench [NAME ...] [--json]`: runs the figures and prints them as they come.

NAME is a figure (P1) or a group (records); without one, all run. The exit status is 0
when everything was measured, whether or not a goal was reached, and 1 when a result
that was read back is wrong.
"""

import argparse
import importlib
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from casa_site.bench.bench import Bench
from casa_site.bench.figure import Figure, ResultWrong
from casa_site.bench.scale import FULL, SMALLEST
from casa_site.bench.state import temporary_gateway


@dataclass(frozen=True, slots=True)
class Group:
    """Figures that are measured together; the module is imported after the set-up."""

    module: str
    figures: tuple[str, ...]


GROUPS = {
    "decoding": Group("casa_site.bench.decoding", ("P4",)),
    "wireless": Group("casa_site.bench.wireless", ("P5",)),
    "verification": Group("casa_site.bench.verification", ("P17",)),
    "start-page": Group("casa_site.bench.start_page", ("P6",)),
    "exports": Group("casa_site.bench.exports", ("P7", "P8")),
    "tariffs": Group("casa_site.bench.tariffs", ("P16",)),
    "records": Group("casa_site.bench.records", ("P1", "P2", "P3")),
    "boundary": Group("casa_site.bench.boundary", ("P12",)),
    "polled-page": Group("casa_site.bench.polled_page", ("POLL",)),
    "running": Group("casa_site.bench.running", ("P10", "P11", "P18")),
}
"""In this order; `records` fills the database that the groups before it read, and
`verification` needs lists whose signatures are all real."""


def main(arguments: list[str]) -> int:
    """Measure and print."""
    options = _parser().parse_args(arguments)
    wanted = _wanted(options.names)
    if unknown := wanted - _known():
        print(f"casa bench: unknown: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    machine = _machine()
    if not options.json:
        words = "; ".join(f"{name} {value}" for name, value in machine.items())
        print(words, flush=True)
    try:
        figures = list(_measure(wanted, options))
    except ResultWrong as error:
        print(f"casa bench: wrong result: {error}", file=sys.stderr)
        return 1
    print(_as_json(machine, figures) if options.json else _summary(figures))
    return 0


def _measure(wanted: set[str], options: argparse.Namespace) -> Iterator[Figure]:
    scale = SMALLEST if options.smallest else FULL
    if options.rounds:
        scale = replace(scale, rounds=options.rounds)
    with temporary_gateway() as gateway:
        bench = Bench(gateway, scale)
        for name, group in GROUPS.items():
            if wanted.isdisjoint(group.figures):
                continue
            print(f"measuring {name} ...", file=sys.stderr, flush=True)
            for figure in importlib.import_module(group.module).figures(bench):
                if figure.id not in wanted:
                    continue
                if not options.json:
                    print(f"\n{figure.as_text()}", flush=True)
                yield figure


def _known() -> set[str]:
    return {figure for group in GROUPS.values() for figure in group.figures}


def _wanted(names: list[str]) -> set[str]:
    """The figures that were asked for; names that are neither stay as they are."""
    wanted = set()
    for name in names:
        group = GROUPS.get(name)
        wanted |= set(group.figures) if group else {name.upper()}
    return wanted or _known()


def _machine() -> dict[str, Any]:
    """What the numbers depend on; the loop is that of feasibility.md."""
    begin = time.process_time()
    total = 0
    for number in range(1_000_000):
        total += number * number
    loop_ms = 1000 * (time.process_time() - begin)
    return {
        "measured": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "loop_of_a_million_ms": round(loop_ms),
    }


def _as_json(machine: dict[str, Any], figures: list[Figure]) -> str:
    report = {
        "machine": machine,
        "figures": [figure.as_json() for figure in figures],
        "missed": [figure.id for figure in figures if not figure.is_met],
    }
    return json.dumps(report, indent=1, ensure_ascii=False)


def _summary(figures: list[Figure]) -> str:
    missed = [figure.id for figure in figures if not figure.is_met]
    met = f"\n{len(figures) - len(missed)} of {len(figures)} goals met"
    return f"{met}, NOT MET: {', '.join(missed)}" if missed else met


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="casa bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    groups = "; ".join(f"{n}: {', '.join(g.figures)}" for n, g in GROUPS.items())
    parser.add_argument("names", nargs="*", metavar="NAME", help=groups)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument(
        "--smallest",
        action="store_true",
        help="each figure once and small: shows that it runs, the numbers mean nothing",
    )
    parser.add_argument(
        "--rounds",
        type=_count,
        metavar="N",
        help="measure so often, e.g. `P12 --rounds 1000`: a thousand boundaries",
    )
    return parser


def _count(text: str) -> int:
    """A number of rounds; raises ValueError, which argparse tells of."""
    count = int(text)
    if count < 1:
        raise ValueError(text)
    return count
